"""Differences of two rows on the questions that both answered: the interval, the test, Holm's correction.

The test is Fisher's randomisation test by source: were the two rows alike, each source's difference might as well have
the other sign. With up to twelve sources that differ all signs are counted, else 9,999 draws of PCG64's bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.compare.measured import Mark
from selfinstruct.stats import Estimate, mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 9_999
_ALL_SIGNS = 12  # sources that differ, up to which every choice of signs is counted
_AT_A_TIME = 500
_NEARLY = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """One row less another."""

    estimate: Estimate
    p: float
    """That chance alone gives as large a difference, in either direction."""


def difference(first: Mapping[str, Mark], second: Mapping[str, Mark], seed: int = 0) -> Difference | None:
    """Of the means, on the common questions; None where there are none.

    >>> one = {str(place): (str(place), 1.0, 1) for place in range(8)}
    >>> other = {name: (source, 0.0, count) for name, (source, _, count) in one.items()}
    >>> found = difference(one, other)
    >>> found.estimate.value, found.estimate.n, found.p == 2 / 2**8
    (1.0, 8, True)
    """
    changes: dict[str, float] = {}
    counts: dict[str, int] = {}
    for question, (source, total, count) in first.items():
        if question in second and second[question][2] == count:
            changes[source] = changes.get(source, 0.0) + total - second[question][1]
            counts[source] = counts.get(source, 0) + count
    found = mean(list(changes.values()), list(counts.values()), within=(-1, 1), seed=seed) if counts else None
    return None if found is None else Difference(found, sign_test(list(changes.values()), seed))


def sign_test(changes: Sequence[float], seed: int = 0) -> float:
    """How likely a sum as far from 0 is, were each sign a coin's.

    >>> sign_test([1, 1, 1, 1]), sign_test([1, -1]), sign_test([0, 0])
    (0.125, 1.0, 1.0)
    """
    import numpy as np

    values = np.array([one for one in changes if one], np.float64)
    if not len(values):
        return 1.0
    seen = abs(float(values.sum())) - _NEARLY
    if len(values) <= _ALL_SIGNS:
        every = np.arange(2 ** len(values), dtype=np.uint64)[:, None] >> np.arange(len(values), dtype=np.uint64)
        return float((np.abs(_signs(every) @ values) >= seen).mean())
    bits = np.random.PCG64(seed)
    as_far = 0
    for start in range(0, DRAWS, _AT_A_TIME):
        draws = min(_AT_A_TIME, DRAWS - start)
        raw = np.asarray(bits.random_raw(draws * len(values)), np.uint64) >> np.uint64(63)
        as_far += int((np.abs(_signs(raw.reshape(draws, -1)) @ values) >= seen).sum())
    return (1 + as_far) / (1 + DRAWS)


def _signs(bits: "NDArray[np.uint64]") -> "NDArray[np.float64]":
    import numpy as np

    return (bits & np.uint64(1)).astype(np.float64) * 2 - 1


def holm(chances: Sequence[float]) -> list[float]:
    """Each chance corrected for all of them (Holm 1979), in the same order.

    >>> holm([0.01, 0.04, 0.03]), holm([])
    ([0.03, 0.06, 0.06], [])
    """
    ranked = sorted(range(len(chances)), key=lambda place: chances[place])
    corrected, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(ranked):
        highest = max(highest, min(1.0, chances[place] * (len(chances) - rank)))
        corrected[place] = highest
    return corrected
