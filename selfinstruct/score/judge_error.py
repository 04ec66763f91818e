"""A share as a judge counts it, corrected for the errors the judge is known to make.

Rogan and Gladen (1978): with sensitivity a and specificity b, an observed share p stands for (p + b - 1) / (a + b - 1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.stats import DRAWS

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
        """Counts and rates."""
        return {
            "true_positives": self.true_positives,
            "false_negatives": self.false_negatives,
            "true_negatives": self.true_negatives,
            "false_positives": self.false_positives,
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How a judge errs on whole prompts and on cut ones: not alike, so that one correction for both would be wrong."""

    whole: Confusion
    cut: Confusion

    def as_json(self) -> dict[str, Json]:
        """Both."""
        return {"whole": self.whole.as_json(), "cut": self.cut.as_json()}


@runtime_checkable
class KnowsItsErrors(Protocol):
    """A judge that was tried on labelled responses."""

    @property
    def confusion(self) -> Mapping[str, Mapping[str, int]]:
        """Of `all`, `whole` and `cut` prompts, counts by the names of `Confusion`'s fields."""


def errors_of(judge: object) -> Errors | None:
    """What a judge knows of its errors, if anything; BadInput for counts that cannot be."""
    if not isinstance(judge, KnowsItsErrors) or "all" not in judge.confusion:
        return None
    both = _counts(judge.confusion["all"])
    whole, cut = (_counts(judge.confusion[name]) if name in judge.confusion else both for name in ("whole", "cut"))
    return Errors(whole=whole, cut=cut)


def _counts(told: Mapping[str, int]) -> Confusion:
    counts = [told.get(field.name, -1) for field in fields(Confusion)]
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
