"""Reads and judge together: never wider than the reads alone, and they cover as often as they say."""

from itertools import chain

import numpy as np
import pytest
from numpy.typing import NDArray

from selfinstruct.errors import BadInput
from selfinstruct.prediction_powered import FEW_DISAGREEMENTS, Reads, difference_with_reads, share_with_reads
from selfinstruct.stats import Estimate, rule_of_three, share


def ends(estimate: Estimate | None) -> tuple[float, float, float]:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.value, estimate.low, estimate.high


def covers(estimate: Estimate | None, truth: float) -> bool:
    _, low, high = ends(estimate)
    return low <= truth <= high


def some_read(
    random: np.random.Generator,
    answers: NDArray[np.float64],
    *,
    many: int = 60,
    sensitivity: float = 0.9,
    specificity: float = 0.9,
    doubtful_first: bool = False,
) -> Reads:
    """A model's answers, shape [2, sources] for whole and cut, judged and `many` of them read, half of each kind."""
    luck = random.random(answers.shape)
    judged = np.where(answers == 1, luck < sensitivity, luck >= specificity).astype(np.float64)
    read, chance = np.full(answers.shape, np.nan), np.zeros(answers.shape)
    for kind in (0, 1):
        weight = np.where(judged[kind] == 0, 2.0, 1.0) if doubtful_first else np.ones(answers.shape[1])
        chance[kind] = np.minimum(1.0, many / 2 * weight / weight.sum())
        order = random.permutation(answers.shape[1])
        steps = np.floor(np.cumsum(np.concatenate([[0.0], chance[kind][order]])) + random.random())
        taken = order[np.diff(steps) > 0]
        read[kind, taken] = answers[kind, taken]
    sources = [str(place) for place in range(answers.shape[1])]
    return Reads(
        judged=judged.ravel(),
        read=read.ravel(),
        chance=chance.ravel(),
        stratum=np.repeat([0, 1], answers.shape[1]),
        sources=sources * 2,
    )


def whole_and_cut(
    random: np.random.Generator, sources: int, whole: float, cut: float, likeness: float = 0.4
) -> NDArray[np.float64]:
    common = random.random((sources, 2)) < likeness**0.5
    luck = np.where(common, random.random((sources, 1)), random.random((sources, 2)))
    return (luck < [whole, cut]).astype(np.float64).T


def without_judge(reads: Reads) -> Reads:
    return Reads(
        judged=np.zeros(len(reads.judged)),
        read=reads.read,
        chance=reads.chance,
        stratum=reads.stratum,
        sources=reads.sources,
    )


def test_reads_and_judge_together_are_never_wider_than_the_reads_alone() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    hows, narrower = set(), []
    for trial in range(60):
        made = whole_and_cut(random, 150, 0.8, 0.5)
        reads = some_read(random, made, sensitivity=0.7 + trial % 30 / 100, doubtful_first=trial % 2 == 0)
        estimate, alone = share_with_reads(reads), share_with_reads(without_judge(reads))
        assert alone.how == "reads"
        assert (estimate.half_width or 1) <= (alone.half_width or 0)
        if reads.disagreements < FEW_DISAGREEMENTS:
            assert estimate == alone
        hows.add(estimate.how)
        narrower.append((estimate.half_width or 1) / (alone.half_width or 1))
    assert hows == {"reads", "prediction-powered"}
    assert np.mean(narrower) < 0.92


def test_with_few_disagreements_the_interval_is_the_exact_one_of_the_reads() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    reads = some_read(random, np.ones((2, 400)), sensitivity=1.0)
    alone = np.isfinite(reads.read)
    apart = len({source for source, is_read in zip(reads.sources, alone, strict=True) if is_read})
    _, low, high = ends(share_with_reads(reads))
    assert high == 1
    assert low == pytest.approx(0.025 ** (1 / apart), abs=0.006)
    assert share_with_reads(reads).how == "reads"


def test_everything_read_is_the_share_itself() -> None:
    random = np.random.Generator(np.random.PCG64(3))
    made = whole_and_cut(random, 100, 0.8, 0.5)
    reads = some_read(random, made, many=200)
    estimate = share_with_reads(reads)
    assert estimate.value == pytest.approx(made.mean())
    plain = share(made.sum(axis=0), np.full(100, 2))
    assert estimate.half_width == pytest.approx(ends(plain)[2] - ends(plain)[0], rel=0.25)


def test_a_model_is_no_better_than_itself_and_a_difference_needs_reads_in_each_group() -> None:
    random = np.random.Generator(np.random.PCG64(4))
    reads = some_read(random, whole_and_cut(random, 200, 0.9, 0.6))
    value, low, high = ends(difference_with_reads(reads, reads))
    assert value == 0
    assert low <= -rule_of_three(60, 0.025) <= 0.04 <= high
    unread = Reads(
        judged=reads.judged,
        read=np.where(reads.stratum == 1, np.nan, reads.read),
        chance=reads.chance,
        stratum=reads.stratum,
        sources=reads.sources,
    )
    with pytest.raises(BadInput, match="in group 1 responses of 0 sources are read"):
        difference_with_reads(reads, unread)


@pytest.mark.slow
@pytest.mark.parametrize("doubtful_first", [False, True])
@pytest.mark.parametrize("judge", [(0.97, 0.97), (0.9, 0.9), (0.7, 0.8)])
def test_sixty_reads_cover_as_often_as_they_say(judge: tuple[float, float], *, doubtful_first: bool) -> None:
    random = np.random.Generator(np.random.PCG64(5))
    for sources, (whole, cut) in chain(
        ((500, pair) for pair in ((0.99, 0.99), (0.97, 0.9), (0.9, 0.7), (0.6, 0.3), (0.1, 0.03))),
        ((100, pair) for pair in ((0.97, 0.9), (0.6, 0.3))),
    ):
        covered = []
        for _ in range(400):
            made = whole_and_cut(random, sources, whole, cut)
            reads = some_read(random, made, sensitivity=judge[0], specificity=judge[1], doubtful_first=doubtful_first)
            covered.append(covers(share_with_reads(reads), (whole + cut) / 2))
        assert np.mean(covered) >= 0.93, (sources, whole, cut)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"), [((0.97, 0.9), (0.9, 0.7)), ((0.9, 0.7), (0.9, 0.7)), ((0.99, 0.99),) * 2]
)
def test_two_models_with_sixty_reads_each_cover_their_difference(
    first: tuple[float, float], second: tuple[float, float]
) -> None:
    random = np.random.Generator(np.random.PCG64(6))
    covered = []
    for _ in range(400):
        one, other = (some_read(random, whole_and_cut(random, 300, *shares)) for shares in (first, second))
        covered.append(covers(difference_with_reads(one, other), (sum(first) - sum(second)) / 2))
    assert np.mean(covered) >= 0.93
