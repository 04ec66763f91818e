"""How many checks a training gets, and of how many prompts: as many as fit beside it.

A check asks each prompt for some fifty tokens, one after the other, where training reads a record at once. So 300
prompts cost as much as training on two thousand short records, and beside a small set they would take most of the time.
What is counted is tokens, never seconds: the same set gets the same checks on every machine.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.finetune.examples import TrainingExample
from selfinstruct.finetune.preserve_training_state import evaluating
from selfinstruct.text.grammar import plural

GRID = (0, *(64 * 2**doublings for doublings in range(20)))
"""Examples seen: 0, 64, 128, 256 ... as far as training goes."""
INSTRUCTIONS = 150
"""Of the prompts that a training may ask, each whole and cut."""
PROMPT_COST = 200
"""Tokens of training that cost as much as one prompt of a check, answered. SmolLM2-135M, LoRA, two cores with AMX:
90 to 190 in 4 bytes, 40 to 60 in 2; the highest is taken, so that checks take less than they may."""
_PROMPT_COSTS = {"float32": PROMPT_COST, "bfloat16": 60}
"""The same by the data type that is computed in, for estimates of time that are shown; plans keep to the highest."""
QUESTION_COST = 400
"""The same of a question of taste, whose answer may be longer."""
PROBE_COST = 2_000
"""The same of the texts on which a check compares the model with its base."""
TRAINING_COST = 2.5
"""A token that is learned, in tokens that are only read: 2.2 in 4 bytes on that machine."""
_ENOUGH = 100
"""Instructions from which on the stop rule can decide; and the checks that it needs."""
_CHECKS = 3
_LEAST_CHECKS = 2
_FEWEST = 10  # instructions: fewer say nothing
_TIMED = 512  # tokens read once, to tell seconds


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """When is checked, and with how many prompts."""

    grid: tuple[int, ...]
    """Examples seen; a check at the end comes on top."""
    first: int
    """Instructions of each check; 0: all."""
    checks: int
    """With the one at the end."""
    cost: float
    """Of all checks, in tokens of training."""
    questions: int = 0
    """Of taste, beside the prompts of each check."""

    def cost_in(self, numbers: str) -> float:
        """Of all checks, in tokens of training: as likely as not where these numbers are computed in.

        >>> plan = CheckPlan((0,), 10, 2, 12_000.0)
        >>> plan.cost_in("float32"), plan.cost_in("bfloat16")
        (12000.0, 6400.0)
        """
        asked = self.checks * (self.prompts * PROMPT_COST + self.questions * QUESTION_COST)
        return self.cost - asked * (1 - _PROMPT_COSTS.get(numbers, PROMPT_COST) / PROMPT_COST)

    def announced(self, tokens: float, numbers: str, second: float) -> str:
        """What checks will cost beside `tokens` of training, of which each takes `second` here."""
        asked = self.cost_in(numbers)
        checks, training = (in_round_figures(cost * second) for cost in (asked, tokens))
        share = f"{asked / (asked + tokens):.0%} checks"
        least = "; with fewer they would say nothing, --stop=none does without" if self.least else ""
        asking = f"{plural(self.checks, 'check')} of {plural(self.prompts, 'prompt')}, {checks}"
        return f"{asking}, beside training of {training} ({share}{least})"

    @property
    def least(self) -> bool:
        """Fewer checks, or of fewer prompts, there are none."""
        return self.checks <= _LEAST_CHECKS and self.first == _FEWEST

    @property
    def prompts(self) -> int:
        """Prompts that each check asks."""
        return 2 * (self.first or INSTRUCTIONS)


def fitted(grid: Sequence[int], examples: int, tokens: float, share: float, *, questions: int = 0) -> CheckPlan:
    """The most checks and prompts that take at most `share` of the time of training and checks together.

    `examples` and `tokens`: seen in the whole training. First all points of `grid` with all prompts; then fewer checks,
    at least three, with prompts enough for the stop rule; then fewer of both, and never fewer than two checks of ten
    instructions.

    >>> fitted((0, 64, 128, 256), 400, 10_000_000, 1 / 3).prompts, fitted((0, 64, 128, 256), 400, 90_000, 1 / 3)
    (300, CheckPlan(grid=(0, 128), first=32, checks=3, cost=44400.0, questions=0))
    """
    points = [point for point in grid if point < examples]
    room = tokens * share / (1 - share) if share < 1 else float("inf")
    fixed = PROBE_COST + QUESTION_COST * questions

    def cost(checks: int, first: int) -> float:
        return checks * (2 * first * PROMPT_COST + fixed)

    every = len(points) + 1
    for first in (INSTRUCTIONS, _ENOUGH):
        for checks in range(every, min(_CHECKS, every) - 1, -1):
            if cost(checks, first) <= room:
                return _plan(points, checks, first, cost(checks, first), questions)
    for checks in range(min(_CHECKS, every), 1, -1):
        first = int((room / checks - fixed) / (2 * PROMPT_COST))
        if first >= _FEWEST:
            return _plan(points, checks, min(first, _ENOUGH), cost(checks, min(first, _ENOUGH)), questions)
    checks = min(_LEAST_CHECKS, every)
    return _plan(points, checks, _FEWEST, cost(checks, _FEWEST), questions)


def as_asked(grid: Sequence[int], first: int, examples: int, *, questions: int = 0) -> CheckPlan:
    """The checks that a person asked for, whatever they cost."""
    points = tuple(point for point in grid if point < examples)
    per_check = 2 * (first or INSTRUCTIONS) * PROMPT_COST + PROBE_COST + QUESTION_COST * questions
    return CheckPlan(points, first, len(points) + 1, float((len(points) + 1) * per_check), questions)


def seconds_of_token(model: Any, example: TrainingExample) -> float:  # noqa: ANN401 - imported late
    """Seconds that one token of training takes here, about; it is shown alone and decides nothing."""
    import torch

    tokens = torch.tensor([[*example.tokens][:_TIMED]], device=model.device)
    with evaluating(model), torch.no_grad():
        model(tokens[:, :8])  # the first time is slower
        began = time.monotonic()
        model(tokens)
        return TRAINING_COST * (time.monotonic() - began) / tokens.shape[1]


def in_round_figures(seconds: float) -> str:
    """As a person says it.

    >>> in_round_figures(7), in_round_figures(71), in_round_figures(1000)
    ('a few seconds', 'about 70 s', 'about 17 min')
    """
    if seconds < 10:
        return "a few seconds"
    return f"about {round(seconds, -1):.0f} s" if seconds < 120 else f"about {seconds / 60:.0f} min"


def _plan(points: Sequence[int], checks: int, first: int, cost: float, questions: int) -> CheckPlan:
    """`checks` - 1 of the points, the first among them and the others evenly spread; the last check is the end."""
    wanted = checks - 1
    at = sorted({round(number * len(points) / wanted) for number in range(wanted)}) if wanted else []
    grid = tuple(points[place] for place in at)
    return CheckPlan(grid, 0 if first == INSTRUCTIONS else first, len(grid) + 1, float(cost), questions)
