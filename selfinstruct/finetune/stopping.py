"""When to stop: at the first check after which IFS has stopped rising, and is high.

Becoming self-instruct (arXiv 2307.03692) argues for stopping where IFS settles and gives no rule. This is ours. Let
`readings` be those of all checks so far, of the same prompts by the same judge. Training stops at a check when

1. there are at least `patience` checks before it;
2. IFS no longer rises: the upper 95 % bound of its gain since `patience` checks ago is below `epsilon`. The gain is
   paired, prompt by prompt, and its bound comes from drawing whole sources anew, for the whole and the cut prompts of
   one instruction are not independent;
3. IFS is high: its lower 95 % bound is at least `tau` of what the judge would say of a model that answers everything;
4. the gap between whole and cut prompts is not known to be wide: where it is known to within `gap_half_width` (half of
   its 95 % interval) it must be at most `gap_limit` above the one that the judge alone would make; where it is not, it
   is "undecided" and holds nothing up.

A judge misses answers. Of a kind of model that it never saw, `ifs-v2-linear` finds 0.90 of the answers to whole prompts
and 0.73 of those to cut ones: where both are asked it gives a model that answers everything 0.81, and one that answers
alike whole or cut a gap of 0.17. An IFS of 0.90 as such, or a gap of 0.10, can then not be asked for: no training
would ever stop. Where the judge's errors are known (`errors`) the bars are therefore moved by its sensitivity, and by
that alone: what it takes for answers and is none may not be counted on. Where they are not, the bars stand as written.
A single kind of model can be missed more often still; then training goes on to its end.

Bounds are one-sided: each is wrong in one case of twenty. No bound is tighter than what so many sources can rule out
(`stats`), so that twenty prompts never stop a training. Every check is a new chance to stop by mistake: where IFS
rises by exactly `epsilon` from check to check one in twenty checks stops, where it rises faster, far fewer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.finetune.divergence import Divergence, ProbeName
from selfinstruct.records import Json
from selfinstruct.stats import DRAWS, LEVEL, Estimate, rule_of_three
from selfinstruct.text.quoting import six_digits
from selfinstruct.tone.ask_loaded_model import ToneReading
from selfinstruct.tone.judge_error import JudgeErrors
from selfinstruct.tone.tone_metrics import GAP, IFS, shown_in

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
class Check:
    """A model in training, measured at one point: what it replied, the numbers of that, and what the rule says."""

    examples: int
    """Seen so far; 0 before training."""
    step: int
    """Step of the optimiser."""
    loss: float | None
    """Mean over the steps since the last check; None where none was logged."""
    reading: ToneReading
    numbers: Mapping[str, Estimate]
    """Every metric that verdicts alone tell, by its key, and `gain` once there are enough checks; 95 %."""
    reason: Reason
    """`plateau` stops; each of the others is what, first of all, speaks against it."""
    gap_state: GapState
    divergences: Mapping[ProbeName, Divergence] = field(default_factory=dict)
    """From the base, in both directions, by probe."""

    @property
    def stop(self) -> bool:
        """The rule says that this is enough."""
        return self.reason == "plateau"

    def value(self, name: str) -> float | None:
        """A number without its interval; None where it is not known."""
        return self.numbers[name].value if name in self.numbers else None

    def kl(self, probe: ProbeName) -> float | None:
        """KL(base || tuned) in nats for each position (divergence.py)."""
        return self.divergences[probe].base_tuned if probe in self.divergences else None

    def as_json(self) -> dict[str, Json]:
        """One line of `curve.jsonl`: each number to six digits."""
        intervals: dict[str, Json] = {
            name: [six_digits(number.low), six_digits(number.high)]
            for name, number in self.numbers.items()
            if number.low is not None and number.high is not None  # of one source alone
        }
        return {
            "examples": self.examples,
            "loss": six_digits(self.loss),
            **{metric.key: six_digits(self.value(metric.key)) for metric in shown_in("curve")},
            "objecqa": six_digits(self.reading.objecqa),
            "objecqa_answered": six_digits(self.reading.objecqa_answered),
            "kl_prose": six_digits(self.kl("prose")),
            "kl_reference": six_digits(self.kl("reference")),
            "stop": self.stop,
            "intervals": intervals,
        }


@dataclass(frozen=True, slots=True)
class Headroom:
    """How much IFS can still rise: a model that answers already cannot show what tuning does to its answering."""

    ifs: Estimate
    """IFS of the model before training, with its interval."""
    bar: float
    """IFS from which on the stop rule calls it high, as this judge tells it."""

    @property
    def left(self) -> bool:
        """IFS is below where the stop rule would call it high."""
        return self.ifs.value < self.bar

    def __str__(self) -> str:
        """The headroom as one sentence."""
        number = f"IFS before training is {self.ifs.value:.2f}"
        if self.ifs.low is not None and self.ifs.high is not None:
            number += f" ({self.ifs.low:.2f} to {self.ifs.high:.2f})"
        return f"{number}: {'room' if self.left else 'no headroom'} below {self.bar:.2f}"


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """The rule at the head of this module."""

    epsilon: float = EPSILON
    """Of IFS: what is no gain worth training on for."""
    tau: float = TAU
    """IFS from which on a model answers, of what the judge would say of one that always does."""
    patience: int = PATIENCE
    """Checks back to which the gain is measured."""
    gap_limit: float = GAP_LIMIT
    """Of `ifs_full` - `ifs_partial`, beyond what the judge alone makes of it."""
    gap_half_width: float = GAP_HALF_WIDTH
    """How well the gap must be known to count."""
    errors: JudgeErrors | None = None
    """How the judge errs on models that it never saw (`errors_of`); None: not known, and taken to miss nothing."""
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

    def bar(self, reading: ToneReading) -> float:
        """What IFS must reach by this judge, with whole and cut prompts as they were asked; BadInput for no prompts."""
        if not reading.verdicts:
            raise BadInput("no prompts to tell the tone from", fix="measure the model first")
        return self.tau * sum(self._sensitivity(verdict.whole) for verdict in reading.verdicts) / len(reading.verdicts)

    def _sensitivity(self, whole: bool) -> float:  # noqa: FBT001 - as a verdict has it
        """The share of answers that the judge calls so."""
        if self.errors is None:
            return 1.0
        return (self.errors.whole if whole else self.errors.cut).sensitivity

    def check(
        self,
        readings: Sequence[ToneReading],
        *,
        examples: int = 0,
        step: int = 0,
        loss: float | None = None,
        divergences: Mapping[ProbeName, Divergence] = MappingProxyType({}),
    ) -> Check:
        """The last reading in numbers and, in the light of those before it, whether to stop.

        Raises:
            BadInput: no reading, one without verdicts, or readings of different prompts, judges or wrappers.
        """
        if not readings:
            raise BadInput("no check to decide about", fix="measure the model first")
        now = readings[-1]
        numbers = now.numbers(seed=self.seed, draws=self.draws)
        least = now.numbers(level=_ONE_SIDED, seed=self.seed, draws=self.draws)[IFS.key].low
        most = None
        if len(readings) > self.patience:
            before = readings[-1 - self.patience]
            numbers["gain"] = now.gain_since(before, seed=self.seed, draws=self.draws)
            most = now.gain_since(before, level=_ONE_SIDED, seed=self.seed, draws=self.draws).high
        gap_state = self._gap_state(numbers.get(GAP.key))
        reason: Reason
        if "gain" not in numbers:
            reason = "too_few_checks"
        elif most is None or most >= self.epsilon:
            reason = "still_rising"
        elif least is None or least < self.bar(now):
            reason = "too_low"
        elif gap_state == "wide":
            reason = "gap_wide"
        else:
            reason = "plateau"
        return Check(
            examples=examples,
            step=step,
            loss=loss,
            reading=now,
            numbers=numbers,
            reason=reason,
            gap_state=gap_state,
            divergences=dict(divergences),
        )

    def as_json(self) -> dict[str, Json]:
        """Its numbers, for card, ledger and report."""
        return {
            "epsilon": self.epsilon,
            "tau": self.tau,
            "patience": self.patience,
            "gap_limit": self.gap_limit,
            "gap_half_width": self.gap_half_width,
            "judge_finds": None
            if self.errors is None
            else {"whole": self._sensitivity(True), "cut": self._sensitivity(False)},
        }

    def _gap_state(self, gap: Estimate | None) -> GapState:
        if gap is None:
            return "absent"
        if gap.half_width is None or gap.half_width > self.gap_half_width:
            return "undecided"
        made = self._sensitivity(True) - self._sensitivity(False)  # by the judge, of a model that answers both alike
        return "narrow" if gap.value <= self.gap_limit + made else "wide"


def headroom(reading: ToneReading, rule: StopRule | None = None) -> Headroom:
    """Whether a reading before training leaves IFS room to rise to where the rule calls it high."""
    rule = rule or StopRule()
    return Headroom(reading.numbers(seed=rule.seed)[IFS.key], rule.bar(reading))
