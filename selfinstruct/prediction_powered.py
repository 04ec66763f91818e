"""A share that a judge tells of every response, and readers of some: prediction-powered inference.

Angelopoulos et al. 2023 (Science 382, arXiv 2301.09633), with the power tuning of "PPI++" (arXiv 2311.01453), here with
recorded chances of being read, groups such as whole and cut prompts, and sources of several responses. Simulated with
60 reads of 100 to 500 sources (`tests/test_prediction_powered.py`), intervals cover at least 0.93 for judges that are
right in 0.7 to 0.97 of cases and shares from 0.065 to 0.99, whether or not doubtful responses are read more often.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.stats import LEVEL, Estimate, How, effective_size, exact_interval, interval_estimate, rule_of_three

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEW_DISAGREEMENTS = 5
"""Between judge and reads: with fewer, how much the judge errs is not known, and the reads speak alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """All responses of a model as a judge sees them, some of them read; all fields run over the responses."""

    judged: "NDArray[np.float64]"
    """The judge's verdict, 0 or 1, or its probability."""
    read: "NDArray[np.float64]"
    """1 for an answer, 0 for none, between them for unsure; NaN where unread."""
    chance: "NDArray[np.float64]"
    """With which a response was drawn to be read, as recorded at the draw: above 0, at most 1."""
    stratum: "NDArray[np.int64]"
    """The groups among which reads were drawn apart, such as whole and cut prompts."""
    sources: Sequence[str]

    @property
    def disagreements(self) -> int:
        """Reads that are not what the judge says."""
        import numpy as np

        return int((np.abs(self.read - (self.judged >= 0.5)) >= 0.5).sum())  # NaN is no disagreement


def share_with_reads(reads: Reads, *, level: float = LEVEL) -> Estimate:
    """The share of answers, by a judge whose errors are known from reads.

    In each stratum the mean of the reads, weighted by the inverse of their chances, plus lambda times (the judge's mean
    of all - its mean of what was read). Lambda, in 0..1, makes the variance between sources least ("power tuning"); at
    0 the reads speak alone. They do with fewer than 5 disagreements, and where the judge would make the interval wider:
    it never is wider than theirs. The interval is that of `share`, for as many responses as the variance is worth.

    Raises:
        BadInput: reads of fewer than two sources in a stratum, or a chance that is none.
    """
    return _with_reads(reads, level)[0]


def difference_with_reads(first: Reads, second: Reads, *, level: float = LEVEL) -> Estimate:
    """`share_with_reads` of the first less that of the second; sources of the same name are the same in both.

    From both intervals and the correlation of the two between sources (MOVER; Zou and Donner 2008, Statistics in
    Medicine 27), and no nearer than the rule of three allows.
    """
    (first_share, ours), (second_share, theirs) = _with_reads(first, level), _with_reads(second, level)
    size = math.sqrt(sum(x * x for x in ours.values()) * sum(x * x for x in theirs.values()))
    alike = sum(x * theirs.get(source, 0.0) for source, x in ours.items()) / size if size else 0.0
    assert first_share.low is not None and first_share.high is not None  # noqa: PT018 - reads are of two sources at least
    assert second_share.low is not None and second_share.high is not None  # noqa: PT018

    def reach(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up * up + down * down - 2 * alike * up * down))

    clusters = min(first_share.clusters, second_share.clusters)
    least, value = rule_of_three(clusters, (1 - level) / 2), first_share.value - second_share.value
    low = value - max(least, reach(first_share.value - first_share.low, second_share.high - second_share.value))
    high = value + max(least, reach(first_share.high - first_share.value, second_share.value - second_share.low))
    ends = max(-1.0, low), min(1.0, high)
    how: How = "reads" if first_share.how == second_share.how == "reads" else "prediction-powered"
    return interval_estimate(value, ends, first_share.n + second_share.n, clusters, how)


def _with_reads(reads: Reads, level: float) -> tuple[Estimate, dict[str, float]]:
    """The estimate, and what each source adds to its error."""
    import numpy as np

    is_read = np.isfinite(reads.read)
    if not ((reads.chance[is_read] > 0) & (reads.chance[is_read] <= 1)).all():
        raise BadInput("a chance of being read is not above 0 and at most 1", fix="keep the chances that were recorded")
    names = {name: place for place, name in enumerate(dict.fromkeys(reads.sources))}
    source = np.array([names[name] for name in reads.sources], np.int64)
    truth, judged = np.where(is_read, reads.read, 0.0), reads.judged
    weight = np.where(is_read, 1 / np.where(is_read, reads.chance, 1.0), 0.0)
    read_error, judge_error = np.zeros(len(judged)), np.zeros(len(judged))
    by_reads = by_judge = 0.0
    for stratum in np.unique(reads.stratum):
        here = reads.stratum == stratum
        clusters = len(np.unique(source[here & is_read]))
        if clusters < 2:
            what = f"in group {stratum} responses of {clusters} sources are read, and two are the least"
            raise BadInput(what, fix="read more of that group")
        part, of_few = here.mean(), math.sqrt(clusters / (clusters - 1))
        weight[here] *= part / weight[here].sum()
        true, called = (float((weight * said)[here].sum() / part) for said in (truth, judged))
        called_in_all = float(judged[here].mean())
        by_reads += part * true
        by_judge += part * (called_in_all - called)
        read_error[here] = of_few * weight[here] * (truth[here] - true)
        judge_error[here] = (judged[here] - called_in_all) / len(judged)
        judge_error[here] -= of_few * weight[here] * (judged[here] - called)
    ours, theirs = (np.bincount(source, error, len(names)) for error in (read_error, judge_error))
    each = float((weight**2).sum())
    # the source that was not seen may weigh as much as the heaviest read: those drawn with the least chance are rare
    cluster = float((np.bincount(source, weight) ** 2).sum()) / each * float(weight.max())
    n, clusters = int(is_read.sum()), len(np.unique(source[is_read]))

    unaided = float((ours**2).sum())
    seen = min(len(np.unique(source[is_read & rarer])) for rarer in (truth > 0, truth < 1))
    worth = effective_size(by_reads, unaided, cluster=cluster, seen=seen)
    alone = interval_estimate(by_reads, exact_interval(by_reads, worth, level), n, clusters, "reads")
    power = -float(ours @ theirs) / float(theirs @ theirs) if theirs.any() else 0.0
    power = min(1.0, max(0.0, power))
    value = min(1.0, max(0.0, by_reads + power * by_judge))
    aided = float(((ours + power * theirs) ** 2).sum())
    unseen = cluster**2 / math.sqrt(1 + seen)  # as in the size of the reads alone
    worth *= (unaided + unseen) / (aided + unseen)
    tuned = interval_estimate(value, exact_interval(value, worth, level), n, clusters, "prediction-powered")
    if reads.disagreements < FEW_DISAGREEMENTS or (tuned.half_width or 0) >= (alone.half_width or 0):
        return alone, dict(zip(names, ours.tolist(), strict=True))
    return tuned, dict(zip(names, (ours + power * theirs).tolist(), strict=True))
