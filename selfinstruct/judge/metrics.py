"""How well probabilities agree with labels, with bootstrap intervals by source record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.judge.hashing import drawn
from selfinstruct.records import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 10
"""Of equal width, for the expected calibration error (Guo et al. 2017)."""
_DRAWS = 1_000
_AT_ONCE = 50
_LEVEL = 0.95
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Told:
    """What a judge said of fragments, and what is true."""

    probabilities: "NDArray[np.float64]"
    labels: "NDArray[np.int64]"
    """1 answer-like."""
    sources: "NDArray[np.int64]"
    """Which source record each comes from, numbered from 0."""


def measures(told: Told, *, threshold: float, seed: int) -> dict[str, Json]:
    """Prevalence and, each with a 95 % interval: accuracy, precision, recall, F1, AUROC, expected calibration error.

    The interval draws whole sources with replacement (Efron 1979), for fragments of one record are not independent.
    None where a number does not exist: precision when nothing is called answer-like, AUROC with one label only.
    """
    import numpy as np

    count = int(told.sources.max()) + 1
    draws = _DRAWS if count > 1 else 0
    found = [_of_draws(told, threshold, np.ones((1, count), np.int64))]
    for start in range(0, draws, _AT_ONCE):
        places = drawn(seed + start, _AT_ONCE * count, count).reshape(_AT_ONCE, count)
        times = np.stack([np.bincount(row, minlength=count) for row in places])
        found.append(_of_draws(told, threshold, times))
    report: dict[str, Json] = {
        "n": len(told.labels),
        "sources": count,
        "prevalence": round(float(told.labels.mean()), _DIGITS),
        "threshold": threshold,
    }
    for name, value in found[0].items():
        spread = np.concatenate([some[name] for some in found[1:]]) if draws else np.zeros(0)
        report[name] = _estimate(float(value[0]), spread[np.isfinite(spread)])
    return report


def _estimate(value: float, spread: "NDArray[np.float64]") -> Json:
    import numpy as np

    if not np.isfinite(value):
        return None
    if not len(spread):
        return {"value": round(value, _DIGITS), "low": None, "high": None}
    low, high = np.quantile(spread, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return {"value": round(value, _DIGITS), "low": round(float(low), _DIGITS), "high": round(float(high), _DIGITS)}


def _of_draws(told: Told, threshold: float, times: "NDArray[np.int64]") -> dict[str, "NDArray[np.float64]"]:
    """Each number for every row of `times`, which says how often each source was drawn."""
    import numpy as np

    said, true = told.probabilities >= threshold, told.labels == 1
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is NaN: such a number does not exist
        hit, alarm, miss, calm = (
            _sums(told, times, mask.astype(np.float64))
            for mask in (said & true, said & ~true, ~said & true, ~said & ~true)
        )
        return {
            "accuracy": (hit + calm) / (hit + alarm + miss + calm),
            "precision": hit / (hit + alarm),
            "recall": hit / (hit + miss),
            "f1": 2 * hit / (2 * hit + alarm + miss),
            "auroc": _auroc(told, times),
            "ece": _calibration_error(told, times),
        }


def _sums(told: Told, times: "NDArray[np.int64]", values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    by_source = np.bincount(told.sources, values, minlength=times.shape[1])
    return np.asarray((times * by_source).sum(axis=1))


def _calibration_error(told: Told, times: "NDArray[np.int64]") -> "NDArray[np.float64]":
    import numpy as np

    bins = np.minimum((told.probabilities * BINS).astype(np.int64), BINS - 1)
    off = np.zeros(len(times))
    for place in range(BINS):
        inside = bins == place
        if inside.any():
            off += np.abs(_sums(told, times, np.where(inside, told.labels - told.probabilities, 0.0)))
    return off / _sums(told, times, np.ones(len(bins)))


def _auroc(told: Told, times: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """How often a random answer scores above a random continuation; ties count half (Mann and Whitney 1947)."""
    import numpy as np

    order = np.argsort(told.probabilities, kind="stable")
    ranked = told.probabilities[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    weight = times[:, told.sources[order]]
    ones = np.add.reduceat(weight * told.labels[order], starts, axis=1)
    zeros = np.add.reduceat(weight * (1 - told.labels[order]), starts, axis=1)
    below = np.cumsum(zeros, axis=1) - zeros
    return np.asarray((ones * (2 * below + zeros)).sum(axis=1) / (2 * ones.sum(axis=1) * zeros.sum(axis=1)))
