import numpy as np
import pytest

from selfinstruct.judge.calibration import Calibration, calibrated


def test_the_line_that_made_the_labels_is_found_again() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(size=40_000) * 3
    labels = (random.random(40_000) < Calibration(0.8, -1.2).probabilities(scores)).astype(np.float64)
    calibrated_scores = calibrated(scores, labels, np.ones(40_000))
    assert calibrated_scores.slope == pytest.approx(0.8, abs=0.03)
    assert calibrated_scores.intercept == pytest.approx(-1.2, abs=0.05)


def test_scores_that_tell_nothing_leave_the_share_of_answers() -> None:
    labels = np.array([1.0] * 30 + [0.0] * 70)
    said = calibrated(np.zeros(100), labels, np.ones(100)).probabilities(np.zeros(1))
    assert said[0] == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("count", [1, 20, 3000])
def test_scores_that_are_always_right_make_nobody_quite_sure(count: int) -> None:
    scores = np.concatenate([np.full(count, 4.0), np.full(count, -4.0)])
    labels = np.concatenate([np.ones(count), np.zeros(count)])
    low, high = calibrated(scores, labels, np.ones(2 * count)).probabilities(np.array([-4.0, 4.0])).tolist()
    assert 0 < low < 0.5 < high < 1
    assert high == pytest.approx((count + 1) / (count + 2), abs=2e-3)


def test_weights_count_as_copies() -> None:
    scores, labels, weights = np.array([1.0, 0.5, -0.2, -2.0]), np.array([1.0, 0, 1, 0]), np.array([3.0, 1, 2, 2])
    copies = weights.astype(int)
    twice = calibrated(np.repeat(scores, copies), np.repeat(labels, copies), np.ones(8))
    assert calibrated(scores, labels, weights) == twice


def test_a_calibration_comes_back_from_json() -> None:
    assert Calibration.from_json(Calibration(0.5, -1.25).as_json()) == Calibration(0.5, -1.25)
