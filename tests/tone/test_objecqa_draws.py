"""Shares of objective answers, and how far another draw of questions would move them."""

import numpy as np
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.tone.ask_loaded_model import ToneProbe
from selfinstruct.tone.objecqa_share import objecqa_tasks, objective_draws
from tests.finetune.tone import Names

EACH = [[number % 3 == 0 for number in range(100)], [number % 2 == 0 for number in range(100)]]


def test_phrasings_that_are_answered_alike_say_no_more_than_one_of_them() -> None:
    values, drawn = objective_draws(EACH, seed=3)
    fourfold = [[mark for mark in marks for _ in range(4)] for marks in EACH]
    same, clustered = objective_draws(fourfold, phrasings=4, seed=3)
    assert same == pytest.approx(values)
    assert clustered.std(axis=0) == pytest.approx(drawn.std(axis=0), rel=0.1)
    _, each_alone = objective_draws(fourfold, seed=3)
    assert (each_alone.std(axis=0) < 0.6 * drawn.std(axis=0)).all()


def test_phrasings_that_are_answered_at_random_say_more() -> None:
    random = np.random.default_rng(1)
    marks = [bool(mark) for mark in random.random(400) < 0.5]
    _, four = objective_draws([marks], phrasings=4, seed=3)
    _, draw = objective_draws([marks[::4]], seed=3)
    assert four.std() < 0.7 * draw.std()


def test_a_check_asks_as_many_phrasings_as_it_is_told_and_no_more_than_there_are() -> None:
    rows = [{"id": f"t{number}", "question": "Tea or coffee?", "phrasings": ["Coffee or tea?"]} for number in range(3)]
    ask = {"judge": Names(), "ask": lambda *_: [], "wrapper": "none"}
    two = ToneProbe.of_tasks((), objecqa_tasks(rows), phrasings=2, **ask)  # type: ignore[arg-type]
    assert [question.phrasing for question in two.questions] == [0, 1] * 3
    with pytest.raises(BadInput, match="3 phrasings of each question of taste"):
        ToneProbe.of_tasks((), objecqa_tasks(rows), phrasings=3, **ask)  # type: ignore[arg-type]
