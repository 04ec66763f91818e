"""How well probabilities agree with labels, with intervals by source record."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.records import Json
from selfinstruct.stats import Estimate, of_draws, share, times_drawn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 10
"""Of equal width, for the expected calibration error (Guo et al. 2017)."""
_DRAWS = 1_000
_AT_ONCE = 50
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

    Intervals are by source, for fragments of one record are not independent. None where a number does not exist:
    precision when nothing is called answer-like, AUROC with one label only.
    """
    import numpy as np

    count, n = int(told.sources.max()) + 1, len(told.labels)
    said, true = told.probabilities >= threshold, told.labels == 1

    def part(of: "NDArray[np.bool_]", among: "NDArray[np.bool_]") -> Estimate | None:
        return share(*(np.bincount(told.sources, column, count) for column in (of & among, among)))

    shares = {
        "accuracy": part(said == true, np.ones(n, np.bool_)),
        "precision": part(true, said),
        "recall": part(said, true),
    }
    value = _of_draws(told, threshold, np.ones((1, count)))
    drawn = [_of_draws(told, threshold, times) for times in _in_steps(count, seed)] if count > 1 else []
    report: dict[str, Json] = {
        "n": n,
        "sources": count,
        "prevalence": round(float(told.labels.mean()), _DIGITS),
        "threshold": threshold,
        **{name: rounded(found) for name, found in shares.items()},
    }
    for name, found in value.items():
        spread = np.concatenate([some[name] for some in drawn]) if drawn else np.zeros(0)
        known = bool(np.isfinite(found[0]))
        report[name] = rounded(of_draws(float(found[0]), spread, n=n, clusters=count, within=(0, 1))) if known else None
    return report


def _in_steps(count: int, seed: int) -> "Iterator[NDArray[np.float64]]":
    """A few draws at a time, as each takes a number for every fragment."""
    for times in times_drawn(count, seed=seed, draws=_DRAWS):
        for first in range(0, len(times), _AT_ONCE):
            yield times[first : first + _AT_ONCE]


def rounded(found: Estimate | None) -> Json:
    """Value and ends, six decimals; None for what does not exist."""
    if found is None:
        return None
    ends = {"value": found.value, "low": found.low, "high": found.high}
    return {name: None if end is None else round(end, _DIGITS) for name, end in ends.items()}


def _of_draws(told: Told, threshold: float, times: "NDArray[np.float64]") -> dict[str, "NDArray[np.float64]"]:
    """Each number for every row of `times`, which says how often each source was drawn."""
    import numpy as np

    said, true = told.probabilities >= threshold, told.labels == 1
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is NaN: such a number does not exist
        hit, alarm, miss = (
            _sums(told, times, mask.astype(np.float64)) for mask in (said & true, said & ~true, ~said & true)
        )
        return {
            "f1": 2 * hit / (2 * hit + alarm + miss),
            "auroc": _auroc(told, times),
            "ece": _calibration_error(told, times),
        }


def _sums(told: Told, times: "NDArray[np.float64]", values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    by_source = np.bincount(told.sources, values, minlength=times.shape[1])
    return np.asarray((times * by_source).sum(axis=1))


def _calibration_error(told: Told, times: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    bins = np.minimum((told.probabilities * BINS).astype(np.int64), BINS - 1)
    off = np.zeros(len(times))
    for place in range(BINS):
        inside = bins == place
        if inside.any():
            off += np.abs(_sums(told, times, np.where(inside, told.labels - told.probabilities, 0.0)))
    return off / _sums(told, times, np.ones(len(bins)))


def _auroc(told: Told, times: "NDArray[np.float64]") -> "NDArray[np.float64]":
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
