"""Oracles: scikit-learn, for what is learned here."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score

from selfinstruct.evaluate.feedback_prompt_kinds import _centres
from selfinstruct.formats.read_sets import read_set
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.generate import offline_classifier
from selfinstruct.judge.calibration import calibrated
from selfinstruct.judge.linear_judge import JudgeExamples, fitted
from selfinstruct.judge.probe_judge import fitted_line
from selfinstruct.records import Task

EXACTLY = {"tol": 1e-10, "max_iter": 5_000}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_calibration_is_logistic_regression_on_the_targets_of_platt(seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=500) * 3
    labels = (draw.random(500) < 1 / (1 + np.exp(1 - 0.7 * scores))).astype(np.float64)
    weights = draw.random(500) + 0.2
    ones, zeros = (weights * labels).sum(), (weights * (1 - labels)).sum()
    target = np.where(labels > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    theirs = LogisticRegression(C=np.inf, **EXACTLY).fit(
        np.concatenate([scores, scores])[:, None],
        np.repeat([1, 0], 500),
        np.concatenate([weights * target, weights * (1 - target)]),
    )
    ours = calibrated(scores, labels, weights)
    assert (ours.slope, ours.intercept) == pytest.approx((theirs.coef_[0, 0], theirs.intercept_[0]), abs=1e-4)


def test_the_line_of_a_probe_is_ridge_logistic_regression_on_standardised_columns() -> None:
    draw = np.random.default_rng(4)
    rows = draw.normal(size=(120, 300)) * draw.gamma(2, size=300)
    labels = (rows[:, :4].sum(axis=1) + draw.normal(size=120) > 0).astype(np.float64)
    ours = fitted_line(rows, labels, np.ones(120), penalty=300.0)
    spread = rows.std(axis=0) + 1e-6
    seen = np.concatenate([(rows - rows.mean(axis=0)) / spread, np.full((120, 1), 10.0)], axis=1)
    theirs = LogisticRegression(C=1 / 300, fit_intercept=False, **EXACTLY).fit(seen, labels)
    assert ours.weights * spread == pytest.approx(theirs.coef_[0, :-1], abs=1e-6)
    assert ours.scores(rows) == pytest.approx(seen @ theirs.coef_[0], abs=1e-5)


@pytest.mark.parametrize("seed", [1, 2])
def test_weights_of_a_linear_judge_are_ridge_logistic_regression_on_counts(seed: int) -> None:
    draw = np.random.default_rng(seed)
    places = draw.integers(0, 40, (600, 6)).astype(np.int32)
    labels = (draw.random(600) < 1 / (1 + np.exp(1 - (places < 8).sum(axis=1)))).astype(np.float64)
    counts = np.stack([np.bincount(row, minlength=40) for row in places]).astype(np.float64)
    counts[:, 0] = 0
    weights = draw.integers(1, 4, 600).astype(np.float64)
    theirs = LogisticRegression(C=1 / 3, fit_intercept=False, **EXACTLY).fit(counts, labels, weights)
    ours = fitted(JudgeExamples(places, labels, weights), size=40, penalty=3.0)
    assert ours == pytest.approx(theirs.coef_[0], abs=0.02)


def test_without_a_prior_the_offline_classifier_is_ridge_logistic_regression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline_classifier, "PRIOR", dict.fromkeys(offline_classifier.PRIOR, 0.0))
    read = read_set(str(builtin_seeds()))
    seeds = offline_classifier.labelled([task for task in read if isinstance(task, Task)])
    rows = offline_classifier._rows([task.instruction for task in seeds])
    table = np.zeros((rows.count, int(rows.columns.max()) + 1))
    table[rows.row_of, rows.columns] = rows.values
    answers = np.array([bool(task.is_classification) for task in seeds])
    share = np.where(answers, 0.5 / answers.sum(), 0.5 / (~answers).sum())
    theirs = LogisticRegression(C=1 / offline_classifier._RIDGE, **EXACTLY).fit(table, answers, share)
    ours = offline_classifier.train(seeds)
    probabilities = [ours.probability(task.instruction) for task in seeds]
    assert probabilities == pytest.approx(theirs.predict_proba(table)[:, 1], abs=1e-4)


def test_clusters_that_lie_apart_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(5)
    rows = np.abs(np.repeat(np.eye(6), 30, axis=0) + 0.15 * draw.random((180, 6)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows[draw.permutation(180)]
    ours = (rows @ _centres(rows, 6).T).argmax(axis=1)
    assert adjusted_rand_score(ours, KMeans(6, n_init=10, random_state=1).fit_predict(rows)) == 1
