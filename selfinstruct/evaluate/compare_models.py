"""Models within one score compared: a table, and differences over the prompts that both sides answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

from selfinstruct.records import Json
from selfinstruct.stats import Estimate, bootstrap, paired_difference
from selfinstruct.text.tables import markdown_table
from selfinstruct.tone.ifs import counts_by_source, minus, share_places
from selfinstruct.tone.response_verdicts import JudgedResponse
from selfinstruct.tone.tone_metrics import ShareMinusShare, columns_of, shown_in
from selfinstruct.tone.tone_score import ToneScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_Key: TypeAlias = tuple[str, str, bool, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDifference:
    """How far one score lies above another, on the same prompts."""

    of: str
    above: str
    same_wrapper: bool
    """False: what differs may be the wrapper as well as the model."""
    n: int
    """Prompts (times samples) that both answered."""
    numbers: Mapping[str, Estimate]
    """First minus second, by the name of the number; resampled in pairs, by source."""

    def as_json(self) -> dict[str, Json]:
        """One entry of `differences`."""
        numbers: dict[str, Json] = {name: estimate.as_json() for name, estimate in self.numbers.items()}
        return {"of": self.of, "above": self.above, "same_wrapper": self.same_wrapper, "n": self.n, **numbers}


@dataclass(frozen=True, slots=True)
class ComparedScore:
    """A score and the verdicts behind it."""

    scored: ToneScore
    verdicts: Sequence[JudgedResponse]


def differences(sides: Sequence[ComparedScore], seed: int = 0) -> tuple[ScoreDifference, ...]:
    """Every pair once, the later one minus the earlier; pairs without a prompt in common are left out."""
    pairs = (_difference(later, earlier, seed) for earlier, later in combinations(sides, 2))
    return tuple(difference for difference in pairs if difference is not None)


def _difference(first: ComparedScore, second: ComparedScore, seed: int) -> ScoreDifference | None:
    import numpy as np

    ours, theirs = _by_key(first.verdicts), _by_key(second.verdicts)
    shared = [key for key in ours if key in theirs]
    if not shared:
        return None
    left = counts_by_source([ours[key] for key in shared])
    # a source is what the first side calls it: files may name theirs differently
    right = _counts_like([ours[key] for key in shared], [theirs[key] for key in shared])
    first_counts, second_counts = (np.array([side[source] for source in left], np.float64) for side in (left, right))
    width = first_counts.shape[1]

    def change_of(counted: ShareMinusShare, sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        return minus(counted, sums[..., :width]) - minus(counted, sums[..., width:])

    numbers: dict[str, Estimate] = {}
    for metric in shown_in("differences"):
        if first.scored.numbers[metric.key] is None or second.scored.numbers[metric.key] is None:
            continue
        if isinstance(metric.counted, ShareMinusShare):
            change, both = partial(change_of, metric.counted), np.hstack([first_counts, second_counts])
            estimate = bootstrap(change, both, n=len(shared), within=(-2, 2), seed=seed)
        else:  # the same prompts: both sides are shares of as many
            of, among = share_places(metric.counted)
            estimate = paired_difference(first_counts[:, of] - second_counts[:, of], first_counts[:, among], seed=seed)
        if estimate is not None:
            numbers[metric.key] = estimate
    return ScoreDifference(
        of=first.scored.setting.label,
        above=second.scored.setting.label,
        same_wrapper=first.scored.setting.wrapper == second.scored.setting.wrapper,
        n=len(shared),
        numbers=numbers,
    )


def _by_key(verdicts: Iterable[JudgedResponse]) -> dict[_Key, JudgedResponse]:
    """By what was asked; of the same question put twice, each time has a number of its own."""
    by_key: dict[_Key, JudgedResponse] = {}
    times: dict[tuple[str, bool, int], int] = {}
    for verdict in verdicts:
        asked = (verdict.response.prompt, verdict.response.whole, verdict.response.sample)
        times[asked] = times.get(asked, -1) + 1
        by_key[verdict.response.prompt, f"{times[asked]}", verdict.response.whole, verdict.response.sample] = verdict
    return by_key


def _counts_like(named: Sequence[JudgedResponse], counted: Sequence[JudgedResponse]) -> dict[str, list[int]]:
    by_source: dict[str, list[JudgedResponse]] = {}
    for name, verdict in zip(named, counted, strict=True):
        by_source.setdefault(name.response.origin, []).append(verdict)
    return {source: _summed(counts_by_source(verdicts)) for source, verdicts in by_source.items()}


def _summed(rows: Mapping[str, Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows.values(), strict=True)]


def table(scores: Iterable[ToneScore]) -> str:
    """A Markdown table, a line for each score; intervals in brackets, `-` for what was not measured."""
    keys = [metric.key for metric in columns_of("scores")]
    lines: list[tuple[str, ...]] = [("model", "wrapper", *keys, "n")]
    lines += [
        (score.setting.model, score.setting.wrapper, *(_cell(score.numbers[key]) for key in keys), str(score.n))
        for score in scores
    ]
    return "\n".join(markdown_table([[cell.replace("|", "\\|") for cell in line] for line in lines])) + "\n"


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
