"""Calibration of a judge: from a score to a probability, and from there to a decision."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from selfinstruct.records import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDS = 100
_DIGITS = 6
THRESHOLD = 0.5
RULE = "the more likely side: a calibrated probability of at least 0.5 is answer-like"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line through scores, then the logistic curve (Platt 1999)."""

    slope: float
    intercept: float

    def probabilities(self, scores: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Between 0 and 1, six decimals: more would differ between processors.

        >>> import numpy as np
        >>> Calibration(1.0, 0.0).probabilities(np.array([0.0, 2.0, -1000.0])).tolist()
        [0.5, 0.880797, 0.0]
        """
        import numpy as np

        return np.round(1 / (1 + np.exp(-np.clip(self.slope * scores + self.intercept, -500, 500))), _DIGITS)

    def as_json(self) -> dict[str, Json]:
        """As `judge.json` in the judge's folder has it."""
        return {"method": "platt", "slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(data["slope"], data["intercept"])


@dataclass(frozen=True, slots=True)
class WholeAndCutCalibration:
    """A line for whole prompts and one for cut ones: the same score means less after a prompt that breaks off."""

    whole: Calibration
    cut: Calibration

    def probabilities(self, scores: "NDArray[np.float64]", whole: "NDArray[np.bool_]") -> "NDArray[np.float64]":
        """Each score by the line of whole or of cut prompts.

        >>> import numpy as np
        >>> lines = WholeAndCutCalibration(whole=Calibration(1.0, 1.0), cut=Calibration(1.0, -1.0))
        >>> lines.probabilities(np.array([0.0, 0.0]), np.array([True, False])).tolist()
        [0.731059, 0.268941]
        """
        import numpy as np

        return np.where(whole, self.whole.probabilities(scores), self.cut.probabilities(scores))

    def as_json(self) -> dict[str, Json]:
        """As `judge.json` in the judge's folder has it."""
        return {"method": "platt, whole and cut prompts each", "whole": self.whole.as_json(), "cut": self.cut.as_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(Calibration.from_json(data["whole"]), Calibration.from_json(data["cut"]))


def calibration_of(data: Mapping[str, Any]) -> Calibration | WholeAndCutCalibration:
    """The inverse of `as_json` of either.

    >>> calibration_of(Calibration(1.0, 0.5).as_json())
    Calibration(slope=1.0, intercept=0.5)
    """
    return WholeAndCutCalibration.from_json(data) if "whole" in data else Calibration.from_json(data)


def calibrated(
    scores: "NDArray[np.float64]", labels: "NDArray[np.float64]", weights: "NDArray[np.float64]"
) -> Calibration:
    """The line with the least loss, labels moved a little off 0 and 1 as Platt does, so that no score is sure.

    Newton's method with halved steps (Lin, Lin and Weng 2007). Scores that all agree with their labels are fine.
    A judge's name is made of this line, so that it may not move with the version of a library: of 300 lines fitted by
    `scipy.optimize`, at the same length of code, 14 differed in the sixth digit. A test holds it against scikit-learn.
    """
    import numpy as np

    ones, zeros = float((weights * labels).sum()), float((weights * (1 - labels)).sum())
    targets = np.where(labels > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))

    def loss(slope: float, intercept: float) -> float:
        line = slope * scores + intercept
        return float((weights * (np.logaddexp(0, line) - targets * line)).sum())

    slope, intercept = 0.0, math.log((ones + 1) / (zeros + 1))
    here = loss(slope, intercept)
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(slope * scores + intercept, -500, 500)))
        error, bend = weights * (chance - targets), weights * chance * (1 - chance)
        down_slope, down_intercept = float((error * scores).sum()), float(error.sum())
        a, b, c = float((bend * scores * scores).sum()) + 1e-9, float((bend * scores).sum()), float(bend.sum()) + 1e-9
        area = a * c - b * b
        if abs(down_slope) + abs(down_intercept) < 1e-9 * (ones + zeros) or area <= 0:
            break
        step_slope, step_intercept = (
            (b * down_intercept - c * down_slope) / area,
            (b * down_slope - a * down_intercept) / area,
        )
        length = 1.0
        while (
            there := loss(slope + length * step_slope, intercept + length * step_intercept)
        ) > here and length > 1e-9:
            length /= 2
        if there > here:
            break
        slope, intercept, here = slope + length * step_slope, intercept + length * step_intercept, there
    return Calibration(round(slope, _DIGITS), round(intercept, _DIGITS))
