"""When to stop: at the first check after which IFS has stopped rising, and is high.

Becoming self-instruct (arXiv 2307.03692) argues for stopping where IFS settles and gives no rule. This is ours. Let
`readings` be those of all checks so far, of the same prompts by the same judge. Training stops at a check when

1. there are at least `patience` checks before it;
2. IFS no longer rises: the upper 95 % bound of its gain since `patience` checks ago is below `epsilon`. The gain is
   paired, prompt by prompt, and its bound comes from drawing whole sources anew, for the whole and the cut prompts of
   one instruction are not independent;
3. IFS is high: its lower 95 % bound is at least `tau`;
4. the gap between whole and cut prompts is not known to be wide: where it is known to within `gap_half_width` (half of
   its 95 % interval) it must be at most `gap_limit`; where it is not, it is "undecided" and holds nothing up.

Bounds are one-sided: each is wrong in one case of twenty. No bound is tighter than what so many sources can rule out
(`stats`), so that twenty prompts never stop a training. Every check is a new chance to stop by mistake: where IFS
rises by exactly `epsilon` from check to check one in twenty checks stops, where it rises faster, far fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.finetune.readings import gain, levels
from selfinstruct.stage import ToneReading
from selfinstruct.stats import DRAWS, LEVEL, Estimate, rule_of_three

EPSILON = 0.03
TAU = 0.90
PATIENCE = 2
GAP_LIMIT = 0.10
GAP_HALF_WIDTH = 0.05
_FEWEST_DRAWS = 1_000
_ONE_SIDED = 2 * LEVEL - 1  # either end of such an interval is a bound that holds in 95 % of cases

Reason: TypeAlias = Literal["plateau", "too_few_checks", "still_rising", "too_low", "gap_wide"]
GapState: TypeAlias = Literal["narrow", "wide", "undecided", "absent"]
"""`absent`: the prompts are all whole, or all cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rule says of a check, with the numbers that it looked at."""

    stop: bool
    reason: Reason
    """`plateau` stops; each of the others is what, first of all, speaks against it."""
    ifs: Estimate
    gain: Estimate | None
    """None before there are enough checks."""
    gap: Estimate | None
    gap_state: GapState


@dataclass(frozen=True, slots=True)
class Headroom:
    """How much IFS can still rise: a model that answers already cannot show what tuning does to its answering."""

    ifs: Estimate
    """Before training."""
    tau: float

    @property
    def left(self) -> bool:
        """IFS is below where the stop rule would call it high."""
        return self.ifs.value < self.tau

    def __str__(self) -> str:
        """One sentence."""
        number = f"IFS before training is {self.ifs.value:.2f}"
        if self.ifs.low is not None and self.ifs.high is not None:
            number += f" ({self.ifs.low:.2f} to {self.ifs.high:.2f})"
        return f"{number}: {'room' if self.left else 'no headroom'} below {self.tau:.2f}"


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """The rule at the head of this module."""

    epsilon: float = EPSILON
    """Of IFS: what is no gain worth training on for."""
    tau: float = TAU
    """IFS from which on a model answers."""
    patience: int = PATIENCE
    """Checks back to which the gain is measured."""
    gap_limit: float = GAP_LIMIT
    """Of `ifs_full` - `ifs_partial`."""
    gap_half_width: float = GAP_HALF_WIDTH
    """How well the gap must be known to count."""
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse knobs that decide nothing."""
        if not (0 < self.epsilon <= 1 and 0 < self.tau <= 1):
            what = f"epsilon {self.epsilon:g} or tau {self.tau:g} is not above 0 and at most 1"
            raise BadInput(what, place="the stop rule", fix="leave them out for 0.03 and 0.9")
        if self.patience < 1 or self.draws < _FEWEST_DRAWS:
            what = f"patience {self.patience} is below 1, or draws {self.draws} below {_FEWEST_DRAWS}"
            raise BadInput(what, place="the stop rule", fix="leave them out")
        if not (0 <= self.gap_limit <= 1 and 0 < self.gap_half_width <= 1):
            what = f"gap_limit {self.gap_limit:g} or gap_half_width {self.gap_half_width:g} is no share"
            raise BadInput(what, place="the stop rule", fix="leave them out for 0.1 and 0.05")

    def can_stop(self, sources: int) -> bool:
        """Whether so many sources are enough to stop a training that answers everything and rises no more.

        >>> StopRule().can_stop(98), StopRule().can_stop(99)
        (False, True)
        """
        return rule_of_three(sources) < self.epsilon and 1 - rule_of_three(sources) >= self.tau

    def decide(self, readings: Sequence[ToneReading]) -> Decision:
        """Of the last reading, in the light of those before it.

        Raises:
            BadInput: no reading, or readings of different prompts, judges or wrappers.
        """
        if not readings:
            raise BadInput("no check to decide about", fix="measure the model first")
        found = levels(readings[-1], seed=self.seed, draws=self.draws)
        least = levels(readings[-1], level=_ONE_SIDED, seed=self.seed, draws=self.draws).ifs.low
        rise = most = None
        if len(readings) > self.patience:
            pair = readings[-1 - self.patience], readings[-1]
            rise = gain(*pair, seed=self.seed, draws=self.draws)
            most = gain(*pair, level=_ONE_SIDED, seed=self.seed, draws=self.draws).high
        state = self._gap_state(found.gap)
        reason: Reason
        if rise is None:
            reason = "too_few_checks"
        elif most is None or most >= self.epsilon:
            reason = "still_rising"
        elif least is None or least < self.tau:
            reason = "too_low"
        elif state == "wide":
            reason = "gap_wide"
        else:
            reason = "plateau"
        return Decision(
            stop=reason == "plateau", reason=reason, ifs=found.ifs, gain=rise, gap=found.gap, gap_state=state
        )

    def _gap_state(self, gap: Estimate | None) -> GapState:
        if gap is None:
            return "absent"
        if gap.half_width is None or gap.half_width > self.gap_half_width:
            return "undecided"
        return "narrow" if gap.value <= self.gap_limit else "wide"


def headroom(reading: ToneReading, *, tau: float = TAU, seed: int = 0) -> Headroom:
    """Whether a reading before training leaves IFS room to rise."""
    return Headroom(levels(reading, seed=seed).ifs, tau)
