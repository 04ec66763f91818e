"""Logistic regression over hashed features: one minimum, found the same way each time."""

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS = 8_192
"""Rows summed at a time: fixed, so that sums are made in one order on every run."""
_REMEMBERED = 8
_ROUNDS = 60
_ENOUGH = 1e-4
"""A round that lowers the loss by a smaller share is the last one."""
_CURVATURE = 0.25
"""The logistic loss bends at most so much."""


@dataclass(frozen=True, slots=True)
class Examples:
    """What there is to learn from."""

    places: "NDArray[np.int32]"
    """(examples, features): where each feature lives; place 0 is nowhere."""
    labels: "NDArray[np.float64]"
    """1 or 0."""
    weights: "NDArray[np.float64]"
    """How much each counts."""


@dataclass(frozen=True, slots=True)
class _At:
    """The loss and its slope at some weights."""

    loss: float
    slope: "NDArray[np.float64]"


def fitted(examples: Examples, *, size: int, penalty: float) -> "NDArray[np.float64]":
    """`size` weights with the least logistic loss plus penalty / 2 times the sum of their squares; the first is 0.

    Limited-memory BFGS (Nocedal 1980) with halved steps. The loss has one minimum; sums are made in a fixed order.
    """
    import numpy as np

    used = np.flatnonzero(np.bincount(examples.places.ravel(), minlength=size)[1:]) + 1
    closer = np.zeros(size, np.int32)  # few examples use few of the places: the rest need not be walked
    closer[used] = np.arange(1, len(used) + 1)
    found = np.zeros(size)
    found[used] = _descended(replace(examples, places=closer[examples.places]), len(used) + 1, penalty)[1:]
    return found


def _descended(examples: Examples, size: int, penalty: float) -> "NDArray[np.float64]":
    import numpy as np

    weights = np.zeros(size)
    here = _loss(examples, weights, penalty)
    steps: deque[tuple[NDArray[np.float64], NDArray[np.float64]]] = deque(maxlen=_REMEMBERED)
    for _ in range(_ROUNDS):
        direction = _direction(here.slope, steps, 1 / (_CURVATURE * max(float(examples.weights.sum()), 1.0)))
        downhill = float((here.slope * direction).sum())
        length = 1.0
        there = _loss(examples, weights + direction, penalty)
        while there.loss > here.loss + 1e-4 * length * downhill and length > 1e-6:
            length /= 2
            there = _loss(examples, weights + length * direction, penalty)
        if there.loss >= here.loss:
            break
        step, bend = length * direction, there.slope - here.slope
        if float((step * bend).sum()) > 0:
            steps.append((step, bend))
        gained = here.loss - there.loss
        weights, here = weights + step, there
        if gained < _ENOUGH * here.loss:
            break
    return weights


def scores(places: "NDArray[np.int32]", weights: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The sum of the weights in each row's places."""
    import numpy as np

    return np.asarray(np.take(weights, places).sum(axis=1))


def _loss(examples: Examples, weights: "NDArray[np.float64]", penalty: float) -> _At:
    import numpy as np

    loss, slope = 0.5 * penalty * float((weights * weights).sum()), penalty * weights
    for start in range(0, len(examples.labels), _ROWS):
        rows = slice(start, start + _ROWS)
        places, labels, counts = examples.places[rows], examples.labels[rows], examples.weights[rows]
        score = scores(places, weights)
        loss += float((counts * (np.logaddexp(0, score) - labels * score)).sum())
        error = counts * (1 / (1 + np.exp(-score)) - labels)
        # bincount adds one by one, in order
        slope += np.bincount(places.ravel(), np.repeat(error, places.shape[1]), len(weights))
    slope[0] = 0
    return _At(loss, slope)


def _direction(
    slope: "NDArray[np.float64]", steps: "deque[tuple[NDArray[np.float64], NDArray[np.float64]]]", first: float
) -> "NDArray[np.float64]":
    """Downhill, bent by what the last steps showed of the curvature (the two loops of L-BFGS)."""
    way = -slope
    shares = []
    for step, bend in reversed(steps):
        share = float((step * way).sum() / (step * bend).sum())
        shares.append(share)
        way = way - share * bend
    if steps:
        step, bend = steps[-1]
        way = way * float((step * bend).sum() / (bend * bend).sum())
    else:
        way = way * first
    for (step, bend), share in zip(steps, reversed(shares), strict=True):
        way = way + step * (share - float((bend * way).sum() / (step * bend).sum()))
    return way
