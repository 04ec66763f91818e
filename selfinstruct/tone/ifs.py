"""IFS, the Instruction Following Score: of all responses, the share that answers instead of carrying on the prompt.

Becoming self-instruct (arXiv 2307.03692): `ifs` over all prompts, `ifs_partial` over cut ones, `ifs_full` over whole
ones; the gap between the last two tells a base model from a tuned one best. Beyond the paper: `ifs_clean` and intervals
by source. A score and a check during training count here, so that the same verdicts give the same numbers.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.stats import DRAWS, LEVEL, Estimate, bootstrap, paired_difference, ratio, resampled, share
from selfinstruct.tone import tone_metrics
from selfinstruct.tone.response_verdicts import JudgedResponse, ToneVerdict
from selfinstruct.tone.tone_metrics import (
    ALL,
    ANSWERS,
    ShareMinusShare,
    ShareOf,
    response_counts,
    verdict_counts,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def places() -> dict[str, int]:
    """Column of each count in a table, by the name of the count; those of verdicts alone come first."""
    names = [*(count.name for count in verdict_counts()), *(count.name for count in response_counts())]
    return {name: place for place, name in enumerate(names)}


def share_places(counted: ShareOf) -> tuple[int, int]:
    """The column that is counted, and that of the responses it is a share of."""
    place = places()
    return place[counted.of.name], place[counted.among.name]


def minus(counted: ShareMinusShare, sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """One share minus another, from sums of the columns."""
    return ratio(*share_places(counted.of))(sums) - ratio(*share_places(counted.minus))(sums)


def ifs_numbers(
    verdicts: Sequence[ToneVerdict], *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> dict[str, Estimate]:
    """Every metric that verdicts alone tell, by its key, as far as there is something to tell it from.

    Raises:
        BadInput: no verdict at all.

    >>> from selfinstruct.tone.response_verdicts import ToneVerdict
    >>> some = [ToneVerdict(source=str(n), whole=n % 2 == 0, answers=n < 3, clean=None) for n in range(4)]
    >>> {name: number.value for name, number in ifs_numbers(some).items()}
    {'ifs': 0.75, 'ifs_partial': 0.5, 'ifs_full': 1.0, 'gap': 0.5}
    """
    table = _verdict_table(verdicts)
    known = any(verdict.clean is not None for verdict in verdicts)
    numbers = all_numbers(table, known_ends=known, level=level, seed=seed, draws=draws)
    return {name: number for name, number in numbers.items() if number is not None}


def ifs_gain(
    before: Sequence[ToneVerdict],
    now: Sequence[ToneVerdict],
    *,
    level: float = LEVEL,
    seed: int = 0,
    draws: int = DRAWS,
) -> Estimate:
    """How much IFS rose between verdicts on the same prompts in the same order, paired source by source."""
    table = _verdict_table(now)
    answers, asked = share_places(ShareOf(ANSWERS))
    change = table[:, answers] - _verdict_table(before)[:, answers]
    gain = paired_difference(change, table[:, asked], level=level, seed=seed, draws=draws)
    assert gain is not None  # `_verdict_table` refuses verdicts on nothing
    return gain


def ifs_draws(
    each: Sequence[Sequence[ToneVerdict]], *, seed: int = 0, draws: int = DRAWS
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """IFS of each of several verdicts on the same prompts, and of each in every draw of the same sources.

    Shapes [several] and [draws, several].
    """
    import numpy as np

    answers, asked = share_places(ShareOf(ANSWERS))
    tables = [_verdict_table(verdicts) for verdicts in each]
    counts = np.stack([table[:, answers] for table in tables], axis=1)
    prompts = tables[0][:, asked]
    drawn = resampled(np.column_stack([counts, prompts]), seed=seed, draws=draws)
    return counts.sum(axis=0) / prompts.sum(), drawn[:, :-1] / drawn[:, -1:]


def _verdict_table(verdicts: Sequence[ToneVerdict]) -> "NDArray[np.float64]":
    """Counts of what verdicts alone tell, one row for each source in the order of their first prompts."""
    import numpy as np

    if not verdicts:
        raise BadInput("no prompts were asked", fix="name a prompt set that is not empty")
    counts = verdict_counts()
    rows: dict[str, list[int]] = {}
    for verdict in verdicts:
        _count(rows.setdefault(verdict.source, [0] * len(counts)), [count.holds(verdict) for count in counts])
    return np.array(list(rows.values()), np.float64)


def _count(row: list[int], held: Sequence[bool]) -> None:
    for place, yes in enumerate(held):
        row[place] += yes


def all_numbers(
    table: "NDArray[np.float64]", *, known_ends: bool, level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> dict[str, Estimate | None]:
    """Every metric that the table's columns give; `known_ends`: it is known which answers end in time."""
    asked = table[:, places()[ALL.name]].sum()
    with_responses = table.shape[1] == len(places())
    numbers: dict[str, Estimate | None] = {}
    for metric in tone_metrics.METRICS:
        if not (metric.of_verdicts or with_responses):
            continue
        if metric.needs_budget and not known_ends:
            numbers[metric.key] = None
        elif isinstance(metric.counted, ShareMinusShare):
            change = partial(minus, metric.counted)
            numbers[metric.key] = bootstrap(change, table, n=asked, within=(-1, 1), level=level, seed=seed, draws=draws)
        else:
            of, among = share_places(metric.counted)
            numbers[metric.key] = share(table[:, of], table[:, among], level=level)
    return numbers


def counts_by_source(verdicts: Sequence[JudgedResponse]) -> dict[str, list[int]]:
    """For each source, in order of appearance, how often each of the columns holds."""
    of_verdicts, of_responses = verdict_counts(), response_counts()
    rows: dict[str, list[int]] = {}
    for judged in verdicts:
        verdict = judged.verdict
        held = [
            *(count.holds(verdict) for count in of_verdicts),
            *(count.holds(judged) for count in of_responses),
        ]
        _count(rows.setdefault(judged.response.origin, [0] * len(held)), held)
    return rows
