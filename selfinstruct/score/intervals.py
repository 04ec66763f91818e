"""Bootstrap intervals by source: whole sources are drawn again, for responses of one source are not independent.

Efron (1979), with the percentiles of the draws as bounds. Every statistic here is a function of sums over sources.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.records import Json

DRAWS = 2000
LEVEL = 0.95
_CELLS = 4_000_000  # drawn places held in memory at a time

Statistic: TypeAlias = Callable[[Sequence[int]], float | None]
"""From column sums to a number; None where it does not exist."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float | None = None
    """None where nothing can be said about the spread: fewer than two sources."""
    high: float | None = None

    def as_json(self) -> dict[str, Json]:
        """With `value`, `low` and `high`."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts of each source, and of all of them in every draw."""

    total: tuple[int, ...]
    draws: tuple[tuple[int, ...], ...]
    """Empty where there are fewer than two sources."""

    def estimate(self, statistic: Statistic) -> Estimate | None:
        """The statistic of all sources, and the middle 95 % of it over the draws in which it exists."""
        value = statistic(self.total)
        if value is None:
            return None
        spread = [found for found in map(statistic, self.draws) if found is not None]
        return Estimate(value, *bounds(spread))


def bounds(found: Sequence[float], level: float = LEVEL) -> tuple[float | None, float | None]:
    """The middle `level` of the numbers; (None, None) for none.

    >>> bounds([float(number) for number in range(1, 101)])
    (3.0, 98.0)
    """
    if not found:
        return None, None
    ranked = sorted(found)
    aside = int(len(ranked) * (1 - level) / 2 + 1e-9)
    return ranked[aside], ranked[-1 - aside]


def sums_by_source(rows: Sequence[Sequence[int]], seed: int = 0, draws: int = DRAWS) -> Sums:
    """Column sums of the rows (one for each source), and of as many rows drawn with replacement, `draws` times.

    The draws are made of the bits of PCG64 and of whole numbers alone: the same on every machine.

    >>> sums_by_source([[1, 2], [0, 2]]).total
    (1, 4)
    """
    import numpy as np

    table = np.asarray(rows, dtype=np.int64)
    total = tuple(int(value) for value in table.sum(axis=0)) if len(rows) else ()
    if len(rows) < 2:
        return Sums(total, ())
    bits = np.random.PCG64(seed)
    drawn: list[tuple[int, ...]] = []
    at_once = max(1, _CELLS // len(rows))
    for first in range(0, draws, at_once):
        many = min(at_once, draws - first)
        raw = np.asarray(bits.random_raw(many * len(rows)), dtype=np.uint64) >> np.uint64(32)
        places = (raw * np.uint64(len(rows)) >> np.uint64(32)).astype(np.int64).reshape(many, len(rows))
        shifted = places + (np.arange(many, dtype=np.int64) * len(rows))[:, None]
        times = np.bincount(shifted.ravel(), minlength=many * len(rows)).reshape(many, len(rows))
        drawn.extend(tuple(int(value) for value in row) for row in times @ table)
    return Sums(total, tuple(drawn))
