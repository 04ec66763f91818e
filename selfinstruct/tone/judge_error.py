"""What a judge's own errors do to a share that it counts.

Of a judge that was tried on kinds of model it never saw (lineages left out), how far it was off on each is known: a
score of another model is told with an interval that holds a kind of model more (`widened`). Nothing is moved: errors
on one kind say little of those on another, and what was moved by them was further from the reading than before.

Of other judges only counts of errors are known, on models like those it learned from. Rogan and Gladen (1978): with
sensitivity a and specificity b, an observed share p stands for (p + b - 1) / (a + b - 1).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.stage import Tone
from selfinstruct.stats import DRAWS, LEVEL, Estimate, interval_estimate, student_bound

_LEAST = 0.05  # a judge that is hardly better than chance corrects nothing


@dataclass(frozen=True, slots=True)
class Confusion:
    """How a judge did on responses that people labelled: counts by truth and verdict."""

    true_positives: int
    """Answers that it called answer-like."""
    false_negatives: int
    true_negatives: int
    false_positives: int

    @property
    def sensitivity(self) -> float:
        """Share of the answers that it finds."""
        return self.true_positives / (self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> float:
        """Share of the others that it does not take for answers."""
        return self.true_negatives / (self.true_negatives + self.false_positives)

    def as_json(self) -> dict[str, Json]:
        """Confusion counts and rates, as the judge's card has them."""
        return {
            "true_positives": self.true_positives,
            "false_negatives": self.false_negatives,
            "true_negatives": self.true_negatives,
            "false_positives": self.false_positives,
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeErrors:
    """How a judge errs on whole prompts and on cut ones: not alike, so that one correction for both would be wrong."""

    whole: Confusion
    cut: Confusion

    def as_json(self) -> dict[str, Json]:
        """Confusion on whole and on cut prompts."""
        return {"whole": self.whole.as_json(), "cut": self.cut.as_json()}


def errors_of(judge: Tone) -> JudgeErrors | None:
    """What a judge knows of its errors, if anything; BadInput for counts that cannot be."""
    if "all" not in judge.confusion:
        return None
    both = _counts(judge.confusion["all"])
    whole, cut = (_counts(judge.confusion[name]) if name in judge.confusion else both for name in ("whole", "cut"))
    return JudgeErrors(whole=whole, cut=cut)


def _counts(counted: Mapping[str, int]) -> Confusion:
    counts = [counted.get(field.name, -1) for field in fields(Confusion)]
    if min(counts) < 0 or not counts[0] + counts[1] or not counts[2] + counts[3]:
        raise BadInput("the judge's confusion lacks counts", fix="train or validate the judge again")
    return Confusion(*counts)


def corrected(share: float, sensitivity: float, specificity: float) -> float | None:
    """The share that stands behind an observed one, within 0..1; None for a judge hardly better than chance.

    >>> corrected(0.5, 0.75, 0.75), corrected(0.05, 0.9, 0.9), corrected(0.5, 0.6, 0.4)
    (0.5, 0.0, None)
    >>> round(corrected(0.7, 0.95, 0.85), 4)
    0.6875
    """
    better = sensitivity + specificity - 1
    if better < _LEAST:
        return None
    return min(1.0, max(0.0, (share + specificity - 1) / better))


@dataclass(frozen=True, slots=True)
class Correction:
    """A judge's rates, and how they might have come out had other responses been labelled."""

    known: Confusion
    drawn: tuple[tuple[float, float], ...]
    """(sensitivity, specificity) of every draw."""

    @property
    def rates(self) -> tuple[float, float]:
        """Sensitivity and specificity as they came out."""
        return self.known.sensitivity, self.known.specificity


def correction(known: Confusion, seed: int = 0, draws: int = DRAWS) -> Correction:
    """Draw the judge's two rates anew; half a count is added to each cell, so that a faultless trial proves nothing.

    >>> made = correction(Confusion(95, 5, 180, 20), draws=500)
    >>> round(sum(one for one, _ in made.drawn) / 500, 2), round(sum(two for _, two in made.drawn) / 500, 2)
    (0.95, 0.9)
    """
    import numpy as np

    bits = np.random.PCG64(seed + 1)

    def rates(hits: int, misses: int) -> list[float]:
        size, chance = hits + misses, (hits + 0.5) / (hits + misses + 1)
        raw = np.asarray(bits.random_raw(draws * size), dtype=np.uint64) >> np.uint64(11)
        below = (raw < np.uint64(int(chance * 2**53))).reshape(draws, size)
        return [float(count) / size for count in below.sum(axis=1)]

    sensitivities = rates(known.true_positives, known.false_negatives)
    specificities = rates(known.true_negatives, known.false_positives)
    return Correction(known, tuple(zip(sensitivities, specificities, strict=True)))


_LEAST_KINDS = 3


@dataclass(frozen=True, slots=True)
class Bias:
    """How far a judge is off on kinds of model: share called answers less share of answers."""

    mean: float
    spread: float
    """Standard error of what it will be on one kind more: between kinds, and of the mean."""
    kinds: int

    @property
    def reach(self) -> float:
        """Half of the 95 % interval for one kind more."""
        return student_bound((1 - LEVEL) / 2, self.kinds - 1) * self.spread

    def as_json(self) -> dict[str, Json]:
        """Mean, spread and number of kinds."""
        return {"mean": self.mean, "spread": self.spread, "kinds": self.kinds}


def biases_of(judge: Tone) -> dict[str, Bias]:
    """For `whole` and for `cut` prompts, as far as it is known."""
    biases = {name: bias_of(some) for name, some in judge.kinds.items()}
    return {name: bias for name, bias in biases.items() if bias is not None}


def bias_of(kinds: Sequence[Mapping[str, int]]) -> Bias | None:
    """Mean and spread between kinds by random effects (DerSimonian and Laird 1986); None for fewer than three.

    Half an error of either sort is added to each kind, so that a faultless trial of a few proves little.

    >>> found = bias_of([{"n": 100, "false_positives": 10, "false_negatives": 4}] * 5)
    >>> round(found.mean, 3), round(found.spread, 3)
    (0.059, 0.017)
    """
    if len(kinds) < _LEAST_KINDS:
        return None
    sizes = [kind["n"] + 1 for kind in kinds]
    over, under = ([kind[name] + 0.5 for kind in kinds] for name in ("false_positives", "false_negatives"))
    off = [(a - b) / n for a, b, n in zip(over, under, sizes, strict=True)]
    noise = [((a + b) / n - o * o) / n for a, b, n, o in zip(over, under, sizes, off, strict=True)]
    weights = [1 / variance for variance in noise]
    whole = sum(weights)
    fixed = sum(w * o for w, o in zip(weights, off, strict=True)) / whole
    surplus = sum(w * (o - fixed) ** 2 for w, o in zip(weights, off, strict=True)) - (len(kinds) - 1)
    between = max(0.0, surplus / (whole - sum(w * w for w in weights) / whole))
    shares = [1 / (variance + between) for variance in noise]
    mean = sum(w * o for w, o in zip(shares, off, strict=True)) / sum(shares)
    return Bias(mean, math.sqrt(between + 1 / sum(shares)), len(kinds))


def widened(share: Estimate, biases: Sequence[tuple[float, Bias]]) -> Estimate:
    """A share with the interval for a model of a kind that the judge never saw; `biases` each with their part in it.

    Whole and cut prompts of one model are taken to err together, which is the wider of what can be.
    """
    mean = sum(part * bias.mean for part, bias in biases)
    reach = sum(part * bias.reach for part, bias in biases)
    low, high = (share.value if end is None else end for end in (share.low, share.high))
    down, up = (math.hypot(end, reach) for end in (share.value - low, high - share.value))
    ends = max(0.0, share.value - mean - down), min(1.0, share.value - mean + up)
    return interval_estimate(share.value, ends, share.n, share.clusters, share.how)
