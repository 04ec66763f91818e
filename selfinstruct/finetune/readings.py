"""What a reading of tone says in numbers, each with its uncertainty: whole sources are drawn again (Efron 1979)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.rule_of_three import unseen
from selfinstruct.stage import ToneReading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 2_000
_LEVEL = 0.95
_TWO_SIDED = (1 - _LEVEL) / 2
_ONE_SIDED = 1 - _LEVEL


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share, or a difference of shares, with its uncertainty.

    Where no source differs from another, the bootstrap would claim certainty. No bound is therefore closer to the value
    than what so many sources can rule out at all: with n of them, and none that differs, 1 - 0.05^(1/n) (the "rule of
    three", Hanley and Lippman-Hand 1983).
    """

    value: float
    low: float
    """With `high`: the middle 95 %."""
    high: float
    least: float
    """95 % certain to be no less: the one-sided bound."""
    most: float
    """95 % certain to be no more."""

    @property
    def half_width(self) -> float:
        """Of the 95 % interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The numbers of one reading; None where the prompts or the budget do not give them."""

    ifs: Estimate
    ifs_clean: Estimate | None
    ifs_partial: Estimate | None
    ifs_full: Estimate | None
    gap: Estimate | None
    """`ifs_full` - `ifs_partial`."""


def levels(reading: ToneReading, *, seed: int = 0, draws: int = DRAWS) -> Levels:
    """IFS and its relatives (arXiv 2307.03692), with bootstrap intervals by source.

    >>> from selfinstruct.stage import ToneVerdict
    >>> said = [ToneVerdict(source=str(n), whole=n % 2 == 0, answers=n < 3, clean=None) for n in range(4)]
    >>> found = levels(ToneReading(judge="j", prompts="p", wrapper="none", verdicts=tuple(said)))
    >>> found.ifs.value, found.ifs_full.value, found.ifs_partial.value, found.gap.value, found.ifs_clean
    (0.75, 1.0, 0.5, 0.5, None)
    """
    table = _table(reading)
    drawn = _times(len(table), seed, draws) @ table
    whole = table.sum(axis=0)[None, :]

    def share(of: int, among: int) -> Estimate | None:
        if not whole[0, among]:
            return None
        return _estimate(_ratio(whole, of, among), _ratio(drawn, of, among), len(table), lowest=0.0)

    ifs, full, partial = share(_ANSWERS, _ALL), share(_ANSWERS_FULL, _FULL), share(_ANSWERS_PARTIAL, _PARTIAL)
    assert ifs is not None  # `_table` refuses a reading without prompts
    gap = None
    if full is not None and partial is not None:
        value, spread = (
            _ratio(sums, _ANSWERS_FULL, _FULL) - _ratio(sums, _ANSWERS_PARTIAL, _PARTIAL) for sums in (whole, drawn)
        )
        gap = _estimate(value, spread, len(table), lowest=-1.0)
    return Levels(ifs=ifs, ifs_clean=share(_CLEAN, _BUDGET), ifs_partial=partial, ifs_full=full, gap=gap)


def gain(before: ToneReading, now: ToneReading, *, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """How much IFS rose between two readings of the same prompts, source by source; BadInput for other prompts."""
    check_same_prompts(before, now)
    told = _table(now)
    change = told[:, _ANSWERS] - _table(before)[:, _ANSWERS]
    import numpy as np

    table = np.stack([change, told[:, _ALL]], axis=1)
    drawn = _times(len(table), seed, draws) @ table
    return _estimate(_ratio(table.sum(axis=0)[None, :], 0, 1), _ratio(drawn, 0, 1), len(table), lowest=-1.0)


def ifs_draws(
    readings: Sequence[ToneReading], *, seed: int = 0, draws: int = DRAWS
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """IFS at each reading, shape [readings]; and in each draw, shape [draws, readings], the same sources in a row."""
    import numpy as np

    for reading in readings[1:]:
        check_same_prompts(readings[0], reading)
    tables = [_table(reading) for reading in readings]
    answers = np.stack([table[:, _ANSWERS] for table in tables], axis=1)
    asked = tables[0][:, _ALL]
    times = _times(len(asked), seed, draws)
    return answers.sum(axis=0) / asked.sum(), (times @ answers) / (times @ asked)[:, None]


def objecqa_draws(
    readings: Sequence[ToneReading], *, seed: int = 0, draws: int = DRAWS
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """ObjecQA at each reading, shape [readings]; and in each draw, shape [draws, readings], the same questions a row.

    One answer of either kind is added to what is drawn from, for a share of nothing or of all would show no spread; and
    what that moves on average is taken back.

    Raises:
        BadInput: not all readings have an answer to the same questions.
    """
    import numpy as np

    marks = [[-1 if mark is None else int(mark) for mark in reading.opinions] for reading in readings]
    if len({len(row) for row in marks}) != 1 or any(reading.objecqa is None for reading in readings):
        raise BadInput("not the same questions of taste at each check", place="a curve", fix="ask them at all, or none")
    known = np.array([[*row, 0, 1] for row in marks], np.int64)
    objective, answered = (known == 1).astype(np.int64), (known >= 0).astype(np.int64)
    times = _times(known.shape[1], seed, draws)
    below = (times @ answered.T).astype(np.float64)
    shares = np.array([float(reading.objecqa or 0.0) for reading in readings])
    drawn = np.where(below > 0, times @ objective.T / np.maximum(below, 1.0), shares)
    return shares, drawn - drawn.mean(axis=0) + shares


def sources_of(reading: ToneReading) -> int:
    """How many instructions a reading is about; whole or cut, they count once."""
    return len({said.source for said in reading.verdicts})


def check_same_prompts(one: ToneReading, other: ToneReading) -> None:
    """BadInput unless the same judge read answers to the same prompts, put in the same way."""
    if (one.judge, one.prompts, one.wrapper) != (other.judge, other.prompts, other.wrapper):
        what = f"read as {_setting(one)} and as {_setting(other)}"
    elif [(said.source, said.whole) for said in one.verdicts] != [(said.source, said.whole) for said in other.verdicts]:
        what = f"the prompts of {one.prompts} are not the same in both"
    else:
        return
    raise BadInput(what, place="two checks of one curve", fix="measure each check in the same way, or start anew")


_ALL, _FULL, _PARTIAL, _ANSWERS, _ANSWERS_FULL, _ANSWERS_PARTIAL, _BUDGET, _CLEAN = range(8)
"""Columns of what is counted of each source."""


def _table(reading: ToneReading) -> "NDArray[np.int64]":
    """Counts, one row for each source in the order of their first prompts."""
    import numpy as np

    if not reading.verdicts:
        raise BadInput("no prompts were asked", place=f"prompt set {reading.prompts}", fix="give it prompts")
    rows: dict[str, list[int]] = {}
    for said in reading.verdicts:
        row = rows.setdefault(said.source, [0] * 8)
        row[_ALL] += 1
        row[_FULL if said.whole else _PARTIAL] += 1
        row[_ANSWERS] += said.answers
        row[_ANSWERS_FULL if said.whole else _ANSWERS_PARTIAL] += said.answers
        row[_BUDGET] += said.clean is not None
        row[_CLEAN] += bool(said.clean)
    return np.array(list(rows.values()), np.int64)


@lru_cache(maxsize=4)  # of one training, all checks have the same sources
def _times(sources: int, seed: int, draws: int) -> "NDArray[np.int64]":
    """How often each source is drawn, shape [draws, sources]: whole numbers of PCG64, the same on every machine."""
    import numpy as np

    raw = np.asarray(np.random.PCG64(seed).random_raw(draws * sources), np.uint64) >> np.uint64(32)
    places = (raw * np.uint64(sources) >> np.uint64(32)).astype(np.int64).reshape(draws, sources)
    places += np.arange(draws, dtype=np.int64)[:, None] * sources
    return np.bincount(places.ravel(), minlength=draws * sources).reshape(draws, sources)


def _ratio(sums: "NDArray[np.int64]", of: int, among: int) -> "NDArray[np.float64]":
    """Of each row; NaN where nothing is among the drawn."""
    import numpy as np

    bottom = sums[:, among].astype(np.float64)
    bottom[bottom == 0] = np.nan
    return sums[:, of] / bottom


def _estimate(value: "NDArray[np.float64]", spread: "NDArray[np.float64]", sources: int, *, lowest: float) -> Estimate:
    import numpy as np

    centre = float(value[0])
    places = (_TWO_SIDED, 1 - _TWO_SIDED, _ONE_SIDED, 1 - _ONE_SIDED)
    low, high, least, most = (float(bound) for bound in np.nanquantile(spread, places))
    unseen_twice, unseen_once = unseen(sources, _TWO_SIDED), unseen(sources)
    return Estimate(
        centre,
        low=max(lowest, min(low, centre - unseen_twice)),
        high=min(1.0, max(high, centre + unseen_twice)),
        least=max(lowest, min(least, centre - unseen_once)),
        most=min(1.0, max(most, centre + unseen_once)),
    )


def _setting(reading: ToneReading) -> str:
    return f"{reading.prompts} by {reading.judge}, wrapper {reading.wrapper}"
