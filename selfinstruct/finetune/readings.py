"""What a reading of tone says in numbers, each with its interval between sources (`stats`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.stage import ToneReading
from selfinstruct.stats import DRAWS, LEVEL, Estimate, bootstrap, paired_difference, ratio, resampled, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The numbers of one reading; None where the prompts or the budget do not give them."""

    ifs: Estimate
    ifs_clean: Estimate | None
    ifs_partial: Estimate | None
    ifs_full: Estimate | None
    gap: Estimate | None
    """`ifs_full` - `ifs_partial`."""


def levels(reading: ToneReading, *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS) -> Levels:
    """IFS and its relatives (arXiv 2307.03692), with intervals by source.

    >>> from selfinstruct.stage import ToneVerdict
    >>> said = [ToneVerdict(source=str(n), whole=n % 2 == 0, answers=n < 3, clean=None) for n in range(4)]
    >>> found = levels(ToneReading(judge="j", prompts="p", wrapper="none", verdicts=tuple(said)))
    >>> found.ifs.value, found.ifs_full.value, found.ifs_partial.value, found.gap.value, found.ifs_clean
    (0.75, 1.0, 0.5, 0.5, None)
    """
    table = _table(reading)

    def part(of: int, among: int) -> Estimate | None:
        return share(table[:, of], table[:, among], level=level)

    ifs = part(_ANSWERS, _ALL)
    assert ifs is not None  # `_table` refuses a reading without prompts
    return Levels(
        ifs=ifs,
        ifs_clean=part(_CLEAN, _BUDGET),
        ifs_partial=part(_ANSWERS_PARTIAL, _PARTIAL),
        ifs_full=part(_ANSWERS_FULL, _FULL),
        gap=bootstrap(_gap, table, n=ifs.n, within=(-1, 1), level=level, seed=seed, draws=draws),
    )


def gain(before: ToneReading, now: ToneReading, *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS) -> Estimate:
    """How much IFS rose between two readings of the same prompts, source by source; BadInput for other prompts."""
    check_same_prompts(before, now)
    table = _table(now)
    change = table[:, _ANSWERS] - _table(before)[:, _ANSWERS]
    found = paired_difference(change, table[:, _ALL], level=level, seed=seed, draws=draws)
    assert found is not None  # `_table` refuses a reading without prompts
    return found


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
    drawn = resampled(np.column_stack([answers, asked]).astype(np.float64), seed=seed, draws=draws)
    return answers.sum(axis=0) / asked.sum(), drawn[:, :-1] / drawn[:, -1:]


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
    sums = resampled(np.vstack([objective, answered]).T.astype(np.float64), seed=seed, draws=draws)
    above, below = sums[:, : len(marks)], sums[:, len(marks) :]
    shares = np.array([float(reading.objecqa or 0.0) for reading in readings])
    drawn = np.where(below > 0, above / np.maximum(below, 1.0), shares)
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


def _gap(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
    return ratio(_ANSWERS_FULL, _FULL)(sums) - ratio(_ANSWERS_PARTIAL, _PARTIAL)(sums)


def _setting(reading: ToneReading) -> str:
    return f"{reading.prompts} by {reading.judge}, wrapper {reading.wrapper}"
