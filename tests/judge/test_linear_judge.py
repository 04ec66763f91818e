""""""

import math

import numpy as np
import pytest

from selfinstruct.judge.linear_judge import JudgeExamples, fitted, scores


def _examples(seed: int, rows: int = 400) -> JudgeExamples:
    random = np.random.default_rng(seed)
    places = random.integers(0, 40, (rows, 6)).astype(np.int32)
    labels = (random.random(rows) < 1 / (1 + np.exp(-(places < 8).sum(axis=1) + 1))).astype(np.float64)
    return JudgeExamples(places, labels, random.integers(1, 4, rows).astype(np.float64))


def test_one_feature_alone_gets_the_logarithm_of_its_odds() -> None:
    labels = np.array([1.0] * 30 + [0.0] * 10)
    weights = fitted(JudgeExamples(np.ones((40, 1), np.int32), labels, np.ones(40)), size=2, penalty=1e-9)
    assert weights[1] == pytest.approx(math.log(3), abs=1e-2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_step_from_the_result_lowers_the_loss_by_much(seed: int) -> None:
    some = _examples(seed)

    def loss(weights: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        score = weights[some.places].sum(axis=1)
        likely = np.logaddexp(0, score) - some.labels * score
        return float((some.weights * likely).sum() + 1.5 * (weights * weights).sum())

    fit = fitted(some, size=40, penalty=3.0)
    random = np.random.default_rng(0)
    least = min(loss(fit + 0.02 * np.concatenate([[0], random.normal(size=39)])) for _ in range(200))
    assert loss(fit) < loss(np.zeros(40))
    assert least > loss(fit) * (1 - 1e-3)


def test_the_place_of_absent_features_keeps_no_weight() -> None:
    some = _examples(4)
    assert (some.places == 0).any()
    assert fitted(some, size=40, penalty=1.0)[0] == 0


def test_an_example_that_counts_twice_is_an_example_that_stands_twice() -> None:
    some = _examples(5, rows=60)
    doubled = JudgeExamples(
        np.repeat(some.places, some.weights.astype(int), axis=0),
        np.repeat(some.labels, some.weights.astype(int)),
        np.ones(int(some.weights.sum())),
    )
    assert fitted(some, size=40, penalty=3.0) == pytest.approx(fitted(doubled, size=40, penalty=3.0), abs=2e-2)


def test_a_score_is_the_sum_of_a_rows_weights() -> None:
    assert scores(np.array([[0, 2], [1, 1]], np.int32), np.array([0.0, 1.5, 4.0])).tolist() == [4.0, 3.0]
