"""Every interval of the project: shares, differences and other numbers whose responses come in clusters (sources).

Responses to one instruction, whole or cut, first or second sample, resemble each other: what is independent is its
source. Each number is told as one `Estimate` with a 95 % interval, by the kind of number:

- **a share** (`share`): the exact interval of Clopper and Pearson (1934) for as many responses as the sample is worth,
  n / deff (Korn and Graubard 1998, Survey Methodology 24). Here deff, the variance between sources over that of
  independent responses, is estimated with one more source that fails as a whole, for from a handful of failures it
  cannot be told whether they come alone; it weighs one in the root of 1 + the sources in which the rarer answer was
  seen, which simulation chose. Where none differs, this is the rule of three for the number of sources. The
  middle of bootstrap draws will not do: of a true share of 0.967 it covers 0.86 with 60 sources of two responses and
  0.44 with 12, as it has no width at 0 and 1 and next to none beside them; widened by the rule of three at every share,
  it covers 1.00 and is up to three times as wide as it need be.
- **a paired difference of shares, or any other number within bounds** (`paired_difference`, `bootstrap`): sources are
  drawn again (Efron 1979); percentiles are those of Hesterberg's expanded interval (2015, The American Statistician
  69), which makes up for few sources; and no bound is nearer than what so many sources can rule out though none shows
  it (`rule_of_three`), which is what counts where hardly any of them differs.
- **a mean** (`mean`): the same; of values that have bounds, the last holds only where few sources differ.
- **counts of independent things**: `wilson`, `clopper_pearson`, `jeffreys`.
- **a share that a judge tells and a reader corrects**: prediction_powered.py, which stands on this.

By simulation (`tests/test_stats.py`), each covers at least 0.93 at 5 to 250 sources, at shares up to 0.99, and however
much the responses of one source are alike. Draws are of PCG64's bits and whole numbers, and ends are rounded to nine
digits: the same seed gives the same bytes on every machine.

Quantiles are those of scipy.special. Wilson's interval, kappa and the draws stay here, held against scipy and
scikit-learn by tests: `scipy.stats` takes 0.8 s to load and scikit-learn 3 s, for lines that a page of numbers needs;
neither draws clusters, and scikit-learn says NaN, with a warning, of a kappa that does not exist.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, TypeAlias

from selfinstruct.records import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

DRAWS = 2_000
LEVEL = 0.95
_DIGITS = 9
_FEW_DIFFER = 10
_CELLS = 4_000_000  # drawn places held in memory at a time

How: TypeAlias = Literal[
    "exact by cluster", "bootstrap", "wilson", "exact", "jeffreys", "reads", "prediction-powered", "fisher"
]
Bounds: TypeAlias = tuple[float, float]
Statistic: TypeAlias = "Callable[[NDArray[np.float64]], NDArray[np.float64]]"
"""From sums of columns, shape [..., columns], to a number each, shape [...]; NaN where it does not exist."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float | None
    """With `high`: 95 %, unless another level was asked for; None for fewer than two clusters, which show no spread."""
    high: float | None
    n: int
    """Responses it is a number of."""
    clusters: int
    """Sources that they come from."""
    how: How

    @property
    def half_width(self) -> float | None:
        """Half the width of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def as_json(self) -> dict[str, Json]:
        """With `value`, `low` and `high`."""
        return {"value": self.value, "low": self.low, "high": self.high}


def counted_json(estimate: Estimate | None) -> Json:
    """A number with its interval, what it is a number of, and how many sources; null where there is none."""
    return None if estimate is None else {**estimate.as_json(), "n": estimate.n, "sources": estimate.clusters}


def by_cluster(values: Iterable[tuple[str, float, int]]) -> tuple[list[float], list[int]]:
    """Sums and counts of each cluster, from (cluster, sum, count), in order: what `share` and `mean` take.

    >>> by_cluster([("a", 1, 1), ("b", 0, 1), ("a", 0, 1)])
    ([1, 0], [2, 1])
    """
    totals: dict[str, float] = {}
    counts: dict[str, int] = {}
    for cluster, total, count in values:
        totals[cluster] = totals.get(cluster, 0) + total
        counts[cluster] = counts.get(cluster, 0) + count
    return [*totals.values()], [*counts.values()]


def is_number(value: object) -> bool:
    """A number of JSON, which a truth value is not.

    >>> is_number(1.5), is_number(True)
    (True, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool)


def share(yes: "ArrayLike", asked: "ArrayLike", *, level: float = LEVEL) -> Estimate | None:
    """The share of yes among what was asked, both counted for each cluster; None where nothing was asked.

    >>> found = share([2] * 56 + [1] * 4, [2] * 60)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3), found.n, found.clusters
    (0.967, 0.911, 0.992, 120, 60)
    >>> share([2] * 60, [2] * 60).low == clopper_pearson(60, 60).low == round(1 - rule_of_three(60, 0.025), 9)
    True
    """
    import numpy as np

    hits, sizes = np.asarray(yes, np.float64), np.asarray(asked, np.float64)
    hits, sizes = hits[sizes > 0], sizes[sizes > 0]
    n, clusters = float(sizes.sum()), len(sizes)
    if not clusters:
        return None
    value = float(hits.sum() / n)
    if clusters < 2:
        return Estimate(value, None, None, round(n), clusters, "exact by cluster")
    spread = float(((hits - value * sizes) ** 2).sum()) / n**2
    seen = min(int((hits > 0).sum()), int((hits < sizes).sum()))
    worth = effective_size(value, spread, cluster=float((sizes**2).sum()) / n**2, seen=seen)
    return interval_estimate(value, exact_interval(value, worth, level), n, clusters, "exact by cluster")


def mean(
    total: "ArrayLike", count: "ArrayLike", *, within: Bounds | None = None, seed: int = 0, draws: int = DRAWS
) -> Estimate | None:
    """A mean, from sums and counts of each cluster; `within`: what a single value can be, if that is known.

    >>> mean([0, 0, 0], [2, 2, 2], within=(0, 100)).high == round(100 * rule_of_three(3, 0.025), 7)
    True
    """
    import numpy as np

    table = np.stack([np.asarray(total, np.float64), np.asarray(count, np.float64)], axis=1)
    table = table[table[:, 1] > 0]
    if within not in (None, (0, 1), (-1, 1)):  # what so many clusters can rule out is a share
        signed = within[0] < 0 < within[1]
        start, unit = (0.0, max(-within[0], within[1])) if signed else (within[0], within[1] - within[0])
        scaled, ends = (table[:, 0] - start * table[:, 1]) / unit, (-1 if signed else 0, 1)
        scaled_mean = mean(scaled, table[:, 1], within=ends, seed=seed, draws=draws)
        if scaled_mean is None:
            return None
        low, high = (None if end is None else start + unit * end for end in (scaled_mean.low, scaled_mean.high))
        return replace(scaled_mean, value=start + unit * scaled_mean.value, low=low, high=high)
    _, alike = np.unique(table[:, 0] / table[:, 1], return_counts=True)
    few = len(table) - int(alike.max(initial=0)) < _FEW_DIFFER
    return bootstrap(ratio(0, 1), table, n=table[:, 1].sum(), within=within, few=few, seed=seed, draws=draws)


def paired_difference(
    change: "ArrayLike", asked: "ArrayLike", *, level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> Estimate | None:
    """One share minus another, of the same questions: in each cluster how many became yes less how many became no.

    >>> paired_difference([0] * 99, [2] * 99, level=0.9).high < 0.03 <= paired_difference([0] * 98, [2] * 98).high
    True
    """
    import numpy as np

    table = np.stack([np.asarray(change, np.float64), np.asarray(asked, np.float64)], axis=1)
    n = float(table[:, 1].sum())
    return bootstrap(ratio(0, 1), table, n=n, within=(-1, 1), level=level, seed=seed, draws=draws)


def bootstrap(
    statistic: Statistic,
    table: "ArrayLike",
    *,
    n: float,
    within: Bounds | None = None,
    few: bool = True,
    level: float = LEVEL,
    seed: int = 0,
    draws: int = DRAWS,
) -> Estimate | None:
    """Any function of sums over clusters; `table` has a row for each. None where it does not exist.

    Args:
        statistic: of the sums of the columns.
        table: counts or sums, shape [clusters, columns].
        n: responses behind the table.
        within: what a share or a difference can be. Bounds stay inside, no nearer than the rule of three allows.
        few: False lifts the latter, for means of which many sources differ.
        level: of the interval.
        seed: of the draws.
        draws: how many.
    """
    import numpy as np

    rows = np.asarray(table, np.float64)
    value = float(statistic(rows.sum(axis=0)[None, :])[0]) if len(rows) else math.nan
    if math.isnan(value):
        return None
    spread = statistic(resampled(rows, seed=seed, draws=draws)) if len(rows) > 1 else np.zeros(0)
    return of_draws(value, spread, n=n, clusters=len(rows), within=within, few=few, level=level)


def of_draws(
    value: float,
    spread: "NDArray[np.float64]",
    *,
    n: float,
    clusters: int,
    within: Bounds | None = None,
    few: bool = True,
    level: float = LEVEL,
) -> Estimate:
    """As `bootstrap` tells it, from the number in each draw; draws in which it does not exist (NaN) are left out."""
    import numpy as np

    drawn = spread[np.isfinite(spread)]
    if clusters < 2 or not len(drawn):
        return Estimate(value, None, None, round(n), clusters, "bootstrap")
    side = (1 - level) / 2
    wider = math.sqrt(clusters / (clusters - 1)) * student_bound(side, clusters - 1)
    aside = NormalDist().cdf(-wider)
    low, high = (float(end) for end in np.quantile(drawn, (aside, 1 - aside)))
    if within is not None:
        least = rule_of_three(clusters, side) if few else 0.0
        low = max(within[0], min(low, value - least))
        high = min(within[1], max(high, value + least))
    return interval_estimate(value, (low, high), n, clusters, "bootstrap")


def ratio(top: int, bottom: int) -> Statistic:
    """The sum of one column over that of another.

    >>> import numpy as np
    >>> ratio(0, 1)(np.array([[1.0, 4.0], [0.0, 0.0]])).tolist()
    [0.25, nan]
    """

    def divided(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
        import numpy as np

        below = sums[..., bottom]
        return np.asarray(sums[..., top] / np.where(below > 0, below, np.nan))

    return divided


def resampled(table: "NDArray[np.float64]", *, seed: int = 0, draws: int = DRAWS) -> "NDArray[np.float64]":
    """Sums of the columns over as many clusters, drawn with replacement; shape [draws, columns].

    Tables of as many clusters see the same clusters drawn by the same seed: differences between them are paired.
    """
    import numpy as np

    return np.concatenate([times @ table for times in times_drawn(len(table), seed=seed, draws=draws)])


def times_drawn(clusters: int, *, seed: int = 0, draws: int = DRAWS) -> "Iterator[NDArray[np.float64]]":
    """How often each cluster is in each draw, shape [some draws, clusters], until all `draws` are there.

    >>> [times.shape for times in times_drawn(3_000_000, draws=2)], float(next(times_drawn(5, draws=9)).sum())
    ([(1, 3000000), (1, 3000000)], 45.0)
    """
    if clusters * draws <= _CELLS:
        yield _times(clusters, seed, 0, draws)
        return
    at_once = max(1, _CELLS // clusters)
    for first in range(0, draws, at_once):
        yield _times.__wrapped__(clusters, seed, first, min(at_once, draws - first))


@lru_cache(maxsize=4)  # one after another, many numbers are told of the same sources
def _times(clusters: int, seed: int, first: int, draws: int) -> "NDArray[np.float64]":
    import numpy as np

    bits = np.random.PCG64(seed)
    bits.advance(first * clusters)
    raw = np.asarray(bits.random_raw(draws * clusters), np.uint64) >> np.uint64(32)
    places = (raw * np.uint64(clusters) >> np.uint64(32)).astype(np.int64).reshape(draws, clusters)
    places += np.arange(draws, dtype=np.int64)[:, None] * clusters
    counts = np.bincount(places.ravel(), minlength=draws * clusters).reshape(draws, clusters)
    return counts.astype(np.float64)


def rule_of_three(clusters: int, chance: float = 1 - LEVEL) -> float:
    """Upper bound of a share of which so many clusters show nothing; the truth is above it with this chance.

    About three in so many (Hanley and Lippman-Hand 1983).

    >>> round(rule_of_three(30), 3), round(rule_of_three(99), 3)
    (0.095, 0.03)
    """
    return 1.0 - float(chance ** (1 / clusters))


def wilson(yes: int, n: int, *, level: float = LEVEL) -> Estimate | None:
    """A share of independent things (Wilson 1927); at 0 of n and n of n one end is 0 or 1. None for nothing.

    >>> found = wilson(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4902, 0.9433)
    """
    if not n:
        return None
    value, z = yes / n, NormalDist().inv_cdf((1 + level) / 2)
    middle, reach = value + z * z / (2 * n), z * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    low, high = (middle - reach) / (1 + z * z / n), (middle + reach) / (1 + z * z / n)
    return interval_estimate(value, (low if yes else 0.0, high if yes < n else 1.0), n, n, "wilson")


def clopper_pearson(yes: int, n: int, *, level: float = LEVEL) -> Estimate | None:
    """A share of independent things; never covers less than it says (Clopper and Pearson 1934). None for nothing.

    >>> found = clopper_pearson(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4439, 0.9748)
    """
    return interval_estimate(yes / n, exact_interval(yes / n, n, level), n, n, "exact") if n else None


def jeffreys(yes: int, n: int, *, level: float = LEVEL) -> Estimate | None:
    """A share of independent things; on average covers what it says (Brown, Cai and DasGupta 2001). None for nothing.

    >>> found = jeffreys(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4972, 0.9559)
    """
    if not n:
        return None
    side = (1 - level) / 2
    low = beta_quantile(side, yes + 0.5, n - yes + 0.5) if yes else 0.0
    high = beta_quantile(1 - side, yes + 0.5, n - yes + 0.5) if yes < n else 1.0
    return interval_estimate(yes / n, (low, high), n, n, "jeffreys")


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Cohen's kappa (1960) of two judges of the same things; None where chance alone would agree always.

    Counted in whole numbers, so that no rounding decides whether it exists.

    >>> kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"]), kappa(["a", "a"], ["a", "a"])
    (0.5, None)
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} verdicts against {len(second)}")
    if not first:
        return None
    same = sum(one == other for one, other in zip(first, second, strict=True))
    chance = sum(first.count(kind) * second.count(kind) for kind in dict.fromkeys((*first, *second)))
    size = len(first)
    return None if chance == size**2 else (same * size - chance) / (size**2 - chance)


def effective_size(value: float, spread: float, *, cluster: float, seen: int) -> float:
    """Independent responses that tell as much as those of a share with this variance (`spread`) between clusters.

    `cluster`: the sum of squares of what clusters weigh, 1 in all; among equals, one in so many. `seen`: clusters in
    which the rarer answer was seen; the fewer, the more weighs a cluster that was not.
    """
    unseen = cluster / math.sqrt(1 + seen)
    return (value * (1 - value) + unseen) / (spread + unseen * cluster)


def exact_interval(value: float, n: float, level: float) -> Bounds:
    """Clopper and Pearson, of n that need not be whole."""
    side, yes = (1 - level) / 2, value * n
    low = beta_quantile(side, yes, n - yes + 1) if yes > 1e-9 else 0.0
    high = beta_quantile(1 - side, yes + 1, n - yes) if n - yes > 1e-9 else 1.0
    return low, high


def interval_estimate(value: float, ends: Bounds, n: float, clusters: int, how: How) -> Estimate:
    """An estimate, its ends rounded and never beyond its value."""
    low, high = (round(float(end), _DIGITS) for end in ends)
    return Estimate(value, min(low, value), max(high, value), round(n), clusters, how)


def student_bound(side: float, freedom: int) -> float:
    """The bound that Student's t is above with this chance.

    >>> round(student_bound(0.025, 10), 4)
    2.2281
    """
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, side))


def beta_quantile(chance: float, a: float, b: float) -> float:
    """Where the distribution function of Beta(a, b) reaches `chance`.

    >>> round(beta_quantile(0.5, 2, 2), 12), round(beta_quantile(0.025, 60, 1) ** 60, 12)
    (0.5, 0.025)
    """
    from scipy.special import betaincinv

    return float(betaincinv(a, b, chance))


def correlation(first: "ArrayLike", second: "ArrayLike", *, level: float = LEVEL) -> Estimate | None:
    """Pearson's, with Fisher's interval (1921); None for fewer than four pairs, or where one side does not vary.

    >>> found = correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.9, 0.086, 0.993)
    """
    import numpy as np

    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n = len(x)
    if n < 4 or not x.std() or not y.std():
        return None
    value = max(-1.0, min(1.0, float(np.corrcoef(x, y)[0, 1])))
    if abs(value) > 1 - 1e-12:
        return interval_estimate(value, (value, value), n, n, "fisher")
    reach = NormalDist().inv_cdf((1 + level) / 2) / math.sqrt(n - 3)
    middle = math.atanh(value)
    return interval_estimate(value, (math.tanh(middle - reach), math.tanh(middle + reach)), n, n, "fisher")


def quadratic_kappa(first: Sequence[int], second: Sequence[int]) -> float | None:
    """Cohen's kappa (1968) of two raters on ordered levels, by the squares of how far they differ.

    None where chance alone would always agree.

    >>> quadratic_kappa([1, 2, 3, 4], [1, 2, 3, 4]), quadratic_kappa([1, 4], [4, 1]), quadratic_kappa([2, 2], [2, 2])
    (1.0, -1.0, None)
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} ratings against {len(second)}")
    if not first:
        return None
    seen = sum((one - other) ** 2 for one, other in zip(first, second, strict=True))
    chance = sum((one - other) ** 2 for one in first for other in second)
    return None if not chance else 1 - seen * len(first) / chance
