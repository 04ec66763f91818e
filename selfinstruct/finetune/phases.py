"""Does a curve show the two phases of Becoming self-instruct (arXiv 2307.03692, section on ObjecQA)?

There, IFS rises first and settles ("format infusion"), and only then does ObjecQA rise ("knowledge infusion"). Here
each curve is put against log2(1 + examples / first check) and fitted by two straight lines that meet: for IFS the
second must be flatter, for ObjecQA steeper. A change point is told only where no change can be ruled out twice: a
single line with the curve's own noise would not fit two lines better by as much in more than 5 % of draws, and at least
97.5 % of draws of the curve itself bend in that way. Its interval is the middle 95 % of those draws. Noise comes from
drawing sources anew (of ObjecQA: questions), the same for all checks; checks
at which fewer than 30 questions of taste are answered say nothing about ObjecQA. "None found" is a result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.stats import DRAWS
from selfinstruct.tone.ask_loaded_model import ToneReading
from selfinstruct.tone.ifs import ifs_draws
from selfinstruct.tone.objecqa_share import objective_draws

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FEWEST_CHECKS = 5  # two lines that meet somewhere have four numbers
_FEWEST_ANSWERS = 30  # to questions of taste at a check: of 12, one flat curve in six seemed to bend
_PLACES = 41  # that are tried
_CHANCE = 0.05
_SIDE = 0.025
_NOTHING = 1e-9  # a gain of fit that is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePoint:
    """Where a curve changes its slope: the change point of two straight lines."""

    examples: float
    low: float
    """With `high`: 95 %, in examples."""
    high: float
    before: float
    """Slope: the curve's rise while examples double, once they are many."""
    after: float
    chance: float
    """How often a straight line with the same noise seems to bend as much."""

    def __str__(self) -> str:
        """The change point with its interval.

        >>> str(ChangePoint(examples=200.4, low=100, high=400, before=0.2, after=0.0, chance=0.01))
        '200 examples (100 to 400)'
        """
        return f"{self.examples:.0f} examples ({self.low:.0f} to {self.high:.0f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """What was found; None: no such bend."""

    format_ends: ChangePoint | None
    """From here IFS rises less."""
    knowledge_begins: ChangePoint | None
    """From here ObjecQA rises more."""
    checks: int
    answered: int
    """Checks at which enough questions of taste were answered to look for the second phase."""
    asked: bool
    """Questions of taste were put at all."""

    @property
    def apart(self) -> bool:
        """Both are there, and the second begins after the first has ended, intervals included."""
        first, second = self.format_ends, self.knowledge_begins
        return first is not None and second is not None and second.low >= first.high

    def __str__(self) -> str:
        """As a report says it."""
        if self.checks < _FEWEST_CHECKS:
            return f"{self.checks} checks are too few to look for phases ({_FEWEST_CHECKS} are the least)"
        first = "no bend of IFS found" if self.format_ends is None else f"the format settles after {self.format_ends}"
        return f"{first}; {self._second()}"

    def _second(self) -> str:
        if not self.asked:
            return "a second phase was not looked for, as no questions of taste were asked (`objecqa`)"
        if self.answered < _FEWEST_CHECKS:
            return f"questions of taste were answered at {self.answered} checks, too few to look for a second phase"
        if self.knowledge_begins is None:
            return "no second phase found"
        return f"ObjecQA rises from {self.knowledge_begins} on"


def phases(
    examples: Sequence[int],
    readings: Sequence[ToneReading],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Phases:
    """Bends of the two curves of one training; `examples` at each reading, rising.

    Raises:
        BadInput: readings of different prompts, or of different questions of taste.
    """
    format_ends = knowledge_begins = None
    if len(examples) >= _FEWEST_CHECKS:
        for reading in readings[1:]:
            reading.check_same_prompts(readings[0])
        curve, drawn = ifs_draws([reading.verdicts for reading in readings], seed=seed, draws=draws)
        format_ends = change_point(examples, curve, drawn, bend=-1)
    answered = [(seen, reading) for seen, reading in zip(examples, readings, strict=True) if _is_enough(reading)]
    if len(answered) >= _FEWEST_CHECKS:
        opinions = [reading.opinions for _, reading in answered]
        curve, drawn = objective_draws(opinions, phrasings=answered[0][1].phrasings, seed=seed, draws=draws)
        knowledge_begins = change_point([seen for seen, _ in answered], curve, drawn, bend=1)
    return Phases(
        format_ends=format_ends,
        knowledge_begins=knowledge_begins,
        checks=len(examples),
        answered=len(answered),
        asked=any(reading.opinions for reading in readings),
    )


def _is_enough(reading: ToneReading) -> bool:
    return sum(opinion is not None for opinion in reading.opinions) >= _FEWEST_ANSWERS


def change_point(
    examples: Sequence[int], curve: "NDArray[np.float64]", drawn: "NDArray[np.float64]", *, bend: int
) -> ChangePoint | None:
    """Where the curve bends up (`bend` 1) or down (-1); `drawn` is the curve in each draw, shape [draws, checks]."""
    import numpy as np

    unit = next(seen for seen in examples if seen > 0)
    places = np.log2(1 + np.asarray(examples, np.float64) / unit)
    tried = np.linspace(places[1], places[-2], _PLACES)
    fit = _fit(places, tried, curve[None, :], bend)
    line = np.polyval(np.polyfit(places, curve, 1), places)
    by_chance = _fit(places, tried, line + (drawn - curve), bend)
    again = _fit(places, tried, drawn, bend)
    chance = (1 + int((by_chance.better >= fit.better[0]).sum())) / (1 + len(drawn))
    bent = again.better > _NOTHING
    # Where the steeper of the two lines does not rise, this is another phenomenon: a collapse, for instance.
    rises = (fit.before if bend < 0 else fit.after)[0] > 0
    if fit.better[0] <= _NOTHING or not rises or chance > _CHANCE or bent.mean() < 1 - _SIDE:
        return None
    low, high = np.quantile(again.place[bent], (_SIDE, 1 - _SIDE))
    at, low, high = (float((2**place - 1) * unit) for place in (fit.place[0], low, high))
    before, after = float(fit.before[0]), float(fit.after[0])
    return ChangePoint(examples=at, low=min(low, at), high=max(high, at), before=before, after=after, chance=chance)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Two lines that meet, for each of several curves."""

    place: "NDArray[np.float64]"
    before: "NDArray[np.float64]"
    """Slopes of the first line, and in `after` of the second."""
    after: "NDArray[np.float64]"
    better: "NDArray[np.float64]"
    """By how much the sum of squares is below that of one line; 0 where two lines only bend the other way."""


def _fit(places: "NDArray[np.float64]", tried: "NDArray[np.float64]", curves: "NDArray[np.float64]", bend: int) -> _Fit:
    """Least squares at each place tried, of all curves at once; the best that bends the right way."""
    import numpy as np

    line = np.stack([np.ones_like(places), places], axis=1)
    straight = ((curves - curves @ (line @ np.linalg.pinv(line)).T) ** 2).sum(axis=1)
    better, before, turn = (np.zeros((len(tried), len(curves))) for _ in range(3))
    for number, place in enumerate(tried):
        broken_line = np.column_stack([line, np.maximum(places - place, 0)])
        numbers = curves @ np.linalg.pinv(broken_line).T
        gained = straight - ((curves - numbers @ broken_line.T) ** 2).sum(axis=1)
        better[number] = np.where(numbers[:, 2] * bend > 0, gained, 0.0)
        before[number], turn[number] = numbers[:, 1], numbers[:, 2]
    best = better.argmax(axis=0)
    each = np.arange(len(curves))
    return _Fit(tried[best], before[best, each], (before + turn)[best, each], better[best, each])
