"""Oracles: scipy and scikit-learn, for the statistics that are computed here."""

from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from scipy import stats as theirs
from sklearn import metrics

from selfinstruct import stats
from selfinstruct.audit.review_sheet import Kappa
from selfinstruct.generate.offline_classifier import balanced_accuracy
from selfinstruct.judge.judge_metrics import Predictions, measures
from selfinstruct.tone.objecqa_share import mcnemar

NEAR = 1e-9


def counts() -> Iterator[tuple[int, int]]:
    draw = Random(1)
    yield from ((yes, n) for n in (1, 2, 7, 40) for yes in range(n + 1))
    yield from ((draw.randint(0, n), n) for n in draw.choices(range(50, 3_000), k=60))


def ends(estimate: stats.Estimate | None) -> tuple[float, float]:
    assert estimate is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


def test_intervals_of_a_share_are_those_of_scipy() -> None:
    for yes, n in counts():
        test = theirs.binomtest(yes, n)
        for method, ours in (("wilson", stats.wilson), ("exact", stats.clopper_pearson)):
            interval = test.proportion_ci(method=method)
            assert ends(ours(yes, n)) == pytest.approx((interval.low, interval.high), abs=NEAR), (method, yes, n)
        beta = theirs.beta(yes + 0.5, n - yes + 0.5)
        low, high = (0.0 if yes == 0 else beta.ppf(0.025)), (1.0 if yes == n else beta.ppf(0.975))
        assert ends(stats.jeffreys(yes, n)) == pytest.approx((min(low, yes / n), max(high, yes / n)), abs=NEAR)


def test_the_bound_of_student_and_the_exact_test_of_mcnemar_are_those_of_scipy() -> None:
    for freedom in (1, 2, 9, 59, 4_999):
        for side in (0.05, 0.025, 0.005):
            assert stats.student_bound(side, freedom) == pytest.approx(theirs.t.isf(side, freedom), rel=NEAR)
    for gained, n in counts():
        assert mcnemar(gained, n - gained) == pytest.approx(theirs.binomtest(gained, n).pvalue, rel=1e-7)


def test_a_correlation_and_its_interval_are_those_of_scipy() -> None:
    draw = np.random.default_rng(2)
    for n in (4, 9, 200):
        first = draw.normal(size=n)
        second = first + draw.normal(size=n)
        ours, expected = stats.correlation(first, second), theirs.pearsonr(first, second)
        interval = expected.confidence_interval(0.95)
        assert ours is not None
        assert (ours.value, *ends(ours)) == pytest.approx((expected.statistic, interval.low, interval.high), abs=NEAR)


def test_kappa_is_that_of_scikit_learn() -> None:
    draw = Random(3)
    for n in (5, 30, 400):
        first, second = ([draw.randrange(4) for _ in range(n)] for _ in range(2))
        expected = metrics.cohen_kappa_score(first, second)
        assert stats.kappa(first, second) == pytest.approx(expected, abs=NEAR)
        squared = metrics.cohen_kappa_score(first, second, weights="quadratic")
        assert stats.quadratic_kappa(first, second) == pytest.approx(squared, abs=NEAR)
        yes = list(zip((grade > 1 for grade in first), (grade > 1 for grade in second), strict=True))
        table = Kappa(*(yes.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))
        assert table.value == pytest.approx(metrics.cohen_kappa_score(*zip(*yes, strict=True)), abs=NEAR)


def predictions(n: int) -> Predictions:
    """Of a judge that is mostly right, with many ties."""
    draw = np.random.default_rng(n)
    labels = draw.integers(0, 2, n)
    probabilities = np.asarray(np.round(np.clip(0.3 * labels + 0.7 * draw.random(n), 0, 1), 2), np.float64)
    return Predictions(probabilities, labels, draw.integers(0, n // 3, n))


@pytest.mark.parametrize("n", [30, 700])
def test_metrics_of_a_judge_are_those_of_scikit_learn(n: int) -> None:
    predicted = predictions(n)
    said = predicted.probabilities >= 0.5
    figures = measures(predicted, threshold=0.5, seed=1)
    expected = {
        "accuracy": metrics.accuracy_score(predicted.labels, said),
        "precision": metrics.precision_score(predicted.labels, said),
        "recall": metrics.recall_score(predicted.labels, said),
        "f1": metrics.f1_score(predicted.labels, said),
        "auroc": metrics.roc_auc_score(predicted.labels, predicted.probabilities),
    }
    for name, value in expected.items():
        figure = figures[name]
        assert isinstance(figure, dict)
        assert figure["value"] == pytest.approx(value, abs=1e-6), name
    guesses = [bool(guess) for guess in said]
    assert balanced_accuracy([bool(label) for label in predicted.labels], guesses) == pytest.approx(
        metrics.balanced_accuracy_score(predicted.labels, said), abs=NEAR
    )


def test_the_calibration_error_is_that_of_the_bins_of_scikit_learn() -> None:
    from sklearn.calibration import calibration_curve

    predicted = predictions(500)
    bins = np.minimum((predicted.probabilities * 10).astype(int), 9)
    # theirs are open on the other side: a nudge puts what lies on an edge where ours is
    nudged = np.clip(predicted.probabilities + 1e-9, 0, 1)
    shares, means = calibration_curve(predicted.labels, nudged, n_bins=10)
    sizes = np.bincount(bins, minlength=10)
    ece = measures(predicted, threshold=0.5, seed=1)["ece"]
    assert isinstance(ece, dict)
    expected = float((np.abs(shares - means) * sizes[sizes > 0]).sum() / sizes.sum())
    assert ece["value"] == pytest.approx(expected, abs=1e-6)
