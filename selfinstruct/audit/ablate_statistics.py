"""What an ablation shows: differences by task, equality by two one-sided tests, and when nothing can be told.

Numbers are points, 0 to 100; each task counts once, by the mean over its instances. A condition is `lower` or `higher`
where the 95 % interval of the paired difference leaves zero out; it is `equal` where the 90 % interval lies within the
margin (two one-sided tests at 5 %, Schuirmann 1987); else, and wherever no arm beats what scores without reading the
task, one `cannot tell`. That an arm beats it is asked of all arms at once (Bonferroni).

What is said of the definition rests on two sorts of evidence that must agree: what is lost without it, and whether
answers turn when it says that labels have changed places (the positive control).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.audit.ablate_conditions import AGAINST, EMPTY, ORIGINAL, SIMPLIFIED
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, bootstrap, ratio
from selfinstruct.superni import in_points

Verdict: TypeAlias = Literal["lower", "higher", "equal", "cannot tell"]
Of: TypeAlias = Mapping[str, float]
"""By task, its mean in points."""

MARGIN = 3.0
"""Points within which two conditions are called equal: what costs nobody a decision."""
CONTROL_MARGIN = 10.0
"""Points of answers that turn, up to which they are said not to."""
_FEW_DIFFER = 10
_LEVEL, _TWO_ONE_SIDED = 0.95, 0.90
_POWER = 1.2816  # of the normal distribution, for 80 % power of both tests where there is no difference


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionComparison:
    """One condition beside another, on the tasks that both were asked."""

    condition: str
    against: str
    difference: Estimate
    """With its 95 % interval."""
    equal_within: float | None
    """The smallest margin at which these answers would be called equal; None for a lone task."""
    could_show: float | None
    """The smallest margin that so many tasks, scattered like these, show in four of five runs if nothing differs."""
    verdict: Verdict

    def as_json(self) -> dict[str, Json]:
        """With the difference and its interval."""
        return {
            "condition": self.condition,
            "against": self.against,
            "tasks": self.difference.clusters,
            "difference": self.difference.as_json(),
            "equal_within": self.equal_within,
            "could_show": self.could_show,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Do answers turn when labels change places?"""

    turned: Estimate
    """Points by which the answers that the changed definition wants come oftener under it than under the original."""
    followed: bool | None
    """None: neither that they do nor that they do not was shown."""

    def as_json(self) -> dict[str, Json]:
        """The points that turn with their interval, and whether answers follow."""
        return {"tasks": self.turned.clusters, "turned": self.turned.as_json(), "followed": self.followed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a model does with definitions, and the evidence, in words."""

    verdict: str
    why: str

    def as_json(self) -> dict[str, Json]:
        """As `ablation.json` has it: verdict and reason."""
        return {"verdict": self.verdict, "why": self.why}


USES = "uses the definition"
LIST_ONLY = "uses the label list alone"
IGNORES = "does not use the definition"
CANNOT_TELL = "cannot tell"


def beating(arms: Mapping[str, Of], without_reading: Mapping[str, Of], seed: int = 0) -> tuple[str, ...]:
    """The arms that beat each of what scores without reading the task, all arms together erring once in twenty runs."""
    chance = 0.05 / max(1, len(arms))
    winners = []
    for name, scores in arms.items():
        lows = [_paired(scores, other, level=1 - 2 * chance, seed=seed) for other in without_reading.values()]
        if lows and all(estimate is not None and estimate.low is not None and estimate.low > 0 for estimate in lows):
            winners.append(name)
    return tuple(winners)


def comparisons(
    arms: Mapping[str, Of], *, beats: bool, margin: float = MARGIN, seed: int = 0, against: Mapping[str, str] = AGAINST
) -> tuple[ConditionComparison, ...]:
    """Each arm beside what it is compared with, where both are there; `beats`: some arm beats guessing."""
    return tuple(
        comparison
        for name, other in against.items()
        if name in arms
        and other in arms
        and (comparison := _compared(name, other, arms, beats=beats, margin=margin, seed=seed)) is not None
    )


def _compared(
    name: str, other: str, arms: Mapping[str, Of], *, beats: bool, margin: float, seed: int
) -> ConditionComparison | None:
    wide = _paired(arms[name], arms[other], level=_LEVEL, seed=seed)
    narrow = _paired(arms[name], arms[other], level=_TWO_ONE_SIDED, seed=seed)
    if wide is None or narrow is None:
        return None
    verdict: Verdict = "cannot tell"
    within = None
    if narrow.low is not None and narrow.high is not None and wide.low is not None and wide.high is not None:
        within = max(-narrow.low, narrow.high)
        if beats:
            if within <= margin:
                verdict = "equal"
            elif wide.high < 0:
                verdict = "lower"
            elif wide.low > 0:
                verdict = "higher"
    return ConditionComparison(
        condition=name,
        against=other,
        difference=wide,
        equal_within=within,
        could_show=_could_show(narrow),
        verdict=verdict,
    )


def control(inverted: Of, original: Of, seed: int = 0) -> Control | None:
    """From the share of answers, in points, that the changed definition wants, under it and under the original."""
    wide = _paired(inverted, original, level=_LEVEL, seed=seed)
    narrow = _paired(inverted, original, level=_TWO_ONE_SIDED, seed=seed)
    if wide is None or narrow is None:
        return None
    followed = None
    if wide.low is not None and wide.low > 0:
        followed = True
    elif narrow.high is not None and narrow.high < CONTROL_MARGIN:
        followed = False
    return Control(turned=wide, followed=followed)


def conclusion(compared: Mapping[str, ConditionComparison], checked: Control | None, *, beats: bool) -> Conclusion:
    """What a model does with definitions; `compared` by condition, of tasks with a label space."""
    verdict = CANNOT_TELL
    if not beats:
        why = "no arm beats what scores without reading the task"
    elif checked is None or checked.followed is None:
        why = "the control shows neither that answers turn with the definition nor that they do not"
    elif SIMPLIFIED not in compared or EMPTY not in compared:
        why = f"{ORIGINAL}, {SIMPLIFIED} and {EMPTY} were not all asked"
    else:
        simplified, empty = compared[SIMPLIFIED].verdict, compared[EMPTY].verdict
        verdict = _CONCLUDED.get((checked.followed, simplified, empty if simplified == "equal" else ""), CANNOT_TELL)
        turn = "turn" if checked.followed else "do not turn"
        why = f"label list alone: {simplified}; no definition: {empty}; answers {turn} when labels change places"
    return Conclusion(verdict=verdict, why=why)


_CONCLUDED: Mapping[tuple[bool, Verdict, Verdict | Literal[""]], str] = {
    (True, "lower", ""): USES,
    (False, "equal", "lower"): LIST_ONLY,
    (False, "equal", "equal"): IGNORES,
}
"""By whether answers turn, the verdict on the label list alone, and, where that is `equal`, on no definition."""


def _paired(first: Of, second: Of, *, level: float, seed: int) -> Estimate | None:
    """Mean of first minus second over the tasks of both, in points; None where there is none."""
    changes = [(first[task] - second[task]) / 100 for task in first if task in second]
    if not changes:
        return None
    few = len(changes) - max(changes.count(change) for change in set(changes)) < _FEW_DIFFER
    estimate = bootstrap(
        ratio(0, 1),
        [[change, 1.0] for change in changes],
        n=len(changes),
        within=(-1, 1),
        few=few,
        level=level,
        seed=seed,
    )
    return None if estimate is None else in_points(estimate)


def _could_show(narrow: Estimate) -> float | None:
    """From the reach of the 90 % interval: that of the test itself, and as much again as power needs."""
    if narrow.half_width is None:
        return None
    normal = 1.6449
    return round(narrow.half_width * (1 + _POWER / normal), 2) if math.isfinite(narrow.half_width) else None
