"""IFS, the Instruction Following Score: of all responses, the share that answers instead of carrying on the prompt.

Becoming self-instruct (arXiv 2307.03692): `ifs` over all prompts, `ifs_partial` over cut ones, `ifs_full` over whole
ones; the gap between the last two tells a base model from a tuned one best. Beyond the paper: `ifs_clean` and intervals
by source. A score and a check during training count here, so that the same verdicts give the same numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.stats import DRAWS, LEVEL, Estimate, bootstrap, paired_difference, ratio, resampled, share
from selfinstruct.tone.response_verdicts import JudgedResponse, ToneVerdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_OF_VERDICTS: Mapping[str, Callable[[ToneVerdict], bool]] = {
    "all": lambda verdict: True,  # noqa: ARG005 - every column is asked the same
    "partial": lambda verdict: not verdict.whole,
    "full": lambda verdict: verdict.whole,
    "answers": lambda verdict: verdict.answers,
    "answers_partial": lambda verdict: verdict.answers and not verdict.whole,
    "answers_full": lambda verdict: verdict.answers and verdict.whole,
    "clean": lambda verdict: bool(verdict.clean),
}
"""What is counted of each source, of verdicts alone."""
_OF_RESPONSES: Mapping[str, Callable[[JudgedResponse], bool]] = {
    "partial_judged": lambda judged: not judged.response.whole and not judged.empty,
    "full_judged": lambda judged: judged.response.whole and not judged.empty,
    "cut": lambda judged: not judged.response.whole and not judged.response.complete,
    "answers_cut": lambda judged: judged.answer_like and not judged.response.whole and not judged.response.complete,
    "run_on": lambda judged: bool(judged.run_on),
    "empty": lambda judged: judged.empty,
    "echo": lambda judged: judged.echo,
    "loop": lambda judged: judged.loop,
    "truncated": lambda judged: judged.truncated,
}
"""What is counted besides, where the responses are at hand."""
PLACE = {name: place for place, name in enumerate((*_OF_VERDICTS, *_OF_RESPONSES))}
"""Column of each count in a table."""


SHARES: Mapping[str, tuple[int, int]] = {
    name: (PLACE[of], PLACE[among])
    for name, of, among in (
        ("ifs", "answers", "all"),
        ("ifs_clean", "clean", "all"),
        ("ifs_partial", "answers_partial", "partial"),
        ("ifs_full", "answers_full", "full"),
        ("ifs_cut", "answers_cut", "cut"),
        ("run_on", "run_on", "all"),
        ("empty", "empty", "all"),
        ("echo", "echo", "all"),
        ("loop", "loop", "all"),
        ("truncated", "truncated", "all"),
    )
}
"""The shares of a score: the column counted, and the column of responses it is a share of."""


def gap(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """`ifs_full` - `ifs_partial`, from sums of the columns."""
    return ratio(*SHARES["ifs_full"])(sums) - ratio(*SHARES["ifs_partial"])(sums)


def ifs_numbers(
    verdicts: Sequence[ToneVerdict], *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> dict[str, Estimate]:
    """`ifs`, `ifs_clean`, `ifs_partial`, `ifs_full` and `gap`, as far as there is something to tell them from.

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
    answers, asked = SHARES["ifs"]
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

    answers, asked = SHARES["ifs"]
    tables = [_verdict_table(verdicts) for verdicts in each]
    counts = np.stack([table[:, answers] for table in tables], axis=1)
    prompts = tables[0][:, asked]
    drawn = resampled(np.column_stack([counts, prompts]), seed=seed, draws=draws)
    return counts.sum(axis=0) / prompts.sum(), drawn[:, :-1] / drawn[:, -1:]


def _verdict_table(verdicts: Sequence[ToneVerdict]) -> "NDArray[np.float64]":
    """Counts of `_OF_VERDICTS`, one row for each source in the order of their first prompts."""
    import numpy as np

    if not verdicts:
        raise BadInput("no prompts were asked", fix="name a prompt set that is not empty")
    rows: dict[str, list[int]] = {}
    for verdict in verdicts:
        _count(rows.setdefault(verdict.source, [0] * len(_OF_VERDICTS)), _of_verdict(verdict))
    return np.array(list(rows.values()), np.float64)


def _of_verdict(verdict: ToneVerdict) -> list[bool]:
    return [holds(verdict) for holds in _OF_VERDICTS.values()]


def _count(row: list[int], held: Sequence[bool]) -> None:
    for place, yes in enumerate(held):
        row[place] += yes


def all_numbers(
    table: "NDArray[np.float64]", *, known_ends: bool, level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> dict[str, Estimate | None]:
    """Every share that the table's columns give, and the gap; `known_ends`: it is known which answers end in time."""
    numbers = {
        name: share(table[:, of], table[:, among], level=level)
        for name, (of, among) in SHARES.items()
        if max(of, among) < table.shape[1]
    }
    asked = table[:, PLACE["all"]].sum()
    numbers["gap"] = bootstrap(gap, table, n=asked, within=(-1, 1), level=level, seed=seed, draws=draws)
    if not known_ends:
        numbers["ifs_clean"] = None
    return numbers


def counts_by_source(verdicts: Sequence[JudgedResponse]) -> dict[str, list[int]]:
    """For each source, in order of appearance, how often each of the columns holds."""
    rows: dict[str, list[int]] = {}
    for verdict in verdicts:
        held = [*_of_verdict(verdict.verdict), *(holds(verdict) for holds in _OF_RESPONSES.values())]
        _count(rows.setdefault(verdict.response.origin, [0] * len(PLACE)), held)
    return rows
