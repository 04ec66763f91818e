"""Keeping the part of a set that a measure prefers."""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.variety.select import Select, spread
from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected
from selfinstruct.static_embeddings import static_model
from tests.curate.records import task

VALUES = st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), max_size=30)
STAGES = st.one_of(
    st.builds(Select, at_least=st.integers(0, 5).map(float)),
    st.builds(
        Select,
        how=st.sampled_from(["top", "diverse"]),
        count=st.integers(1, 30),
        prefer=st.sampled_from(["high", "low"]),
    ),
)


def rated(
    values: Sequence[float | None], texts: Sequence[str] = ("Name a river.", "Write a poem.", "Go.")
) -> list[Task]:
    return [
        replace(task(texts[at % len(texts)], ordinal=at), measures={} if value is None else {"rating": value})
        for at, value in enumerate(values)
    ]


def outcomes(stage: Select, tasks: Sequence[Task]) -> list[Outcome]:
    return list(stage(tasks, Bench()))


def kept(stage: Select, tasks: Sequence[Task]) -> list[int]:
    """Places of what was kept."""
    decisions = [outcome for outcome in outcomes(stage, tasks) if isinstance(outcome, Kept | Rejected)]
    return [at for at, decision in enumerate(decisions) if isinstance(decision, Kept)]


def evidence(stage: Select, tasks: Sequence[Task]) -> list[dict[str, Json]]:
    return [dict(outcome.evidence) for outcome in outcomes(stage, tasks) if isinstance(outcome, Rejected)]


@given(STAGES, VALUES.filter(lambda values: not values or any(value is not None for value in values)))
def test_every_task_has_one_fate_in_order_and_the_sums_close(stage: Select, values: list[float | None]) -> None:
    tasks = rated(values)
    *decisions, selected = outcomes(stage, tasks)
    assert [decision.record for decision in decisions if isinstance(decision, Kept | Rejected)] == tasks
    assert isinstance(selected, Measured)
    assert isinstance(selected.value, dict)
    assert selected.value["kept"] == sum(isinstance(decision, Kept) for decision in decisions)
    unmeasured = [
        decision for decision in decisions if isinstance(decision, Rejected) and decision.reason == "not_measured"
    ]
    assert [decision.record for decision in unmeasured] == [
        task for task, value in zip(tasks, values, strict=True) if value is None
    ]


@given(VALUES.filter(any), st.integers(1, 30), st.sampled_from(["high", "low"]))
def test_nothing_that_was_left_is_preferred_to_what_was_taken(
    values: list[float | None], count: int, prefer: str
) -> None:
    stage = Select(how="top", count=count, prefer="high" if prefer == "high" else "low")
    places = kept(stage, rated(values))
    left = [value for at, value in enumerate(values) if at not in places and value is not None]
    taken = [value for at in places if (value := values[at]) is not None]
    assert len(taken) == min(count, len(left) + len(taken))
    if left and taken:
        assert min(taken) >= max(left) if prefer == "high" else max(taken) <= min(left)


def test_a_threshold_keeps_its_border_and_names_the_bound_that_was_missed() -> None:
    stage = Select(at_least=2.0, at_most=4.0)
    assert kept(stage, rated([1.0, 2.0, 3.0, 4.0, 5.0])) == [1, 2, 3]
    assert evidence(stage, rated([1.0, 5.0])) == [
        {"by": "rating", "value": 1.0, "bound": 2.0},
        {"by": "rating", "value": 5.0, "bound": 4.0},
    ]


def test_the_top_keeps_the_earlier_of_equals_and_tells_the_last_value_kept() -> None:
    tasks = rated([3.0, 5.0, 3.0, 3.0, 1.0])
    assert kept(Select(how="top", count=3), tasks) == [0, 1, 2]
    assert kept(Select(how="top", count=2, prefer="low"), tasks) == [0, 4]
    assert evidence(Select(how="top", count=3), tasks)[0] == {"by": "rating", "value": 3.0, "bound": 3.0}
    *_, selected = outcomes(Select(how="top", count=3), tasks)
    assert selected == Measured(
        "selected", {"by": "rating", "how": "top", "kept": 3, "of": 5, "measured": 5, "bound": 3.0}
    )


def test_a_share_is_of_what_was_measured_and_rounds_up() -> None:
    assert kept(Select(how="top", share=0.5), rated([1.0, None, 2.0, 3.0])) == [2, 3]
    assert kept(Select(how="top", share=0.01), rated([1.0, 2.0, 3.0])) == [2]


def test_a_varied_part_takes_the_best_of_each_cell_before_the_second_of_any() -> None:
    texts = ["Write a poem.", "Write a poem on rain.", "Write poems.", "Name a river.", "Who is it?", "Who was it?"]
    tasks = [task(text, rating=value) for text, value in zip(texts, [5.0, 4.0, 3.0, 2.0, 1.0, 1.0], strict=True)]
    assert kept(Select(how="diverse", count=3), tasks) == [0, 3, 4]
    assert kept(Select(how="diverse", count=4), tasks) == [0, 1, 3, 4]
    assert kept(Select(how="top", count=3), tasks) == [0, 1, 2]


@given(VALUES.filter(any), st.integers(1, 30))
def test_a_varied_part_has_as_many_cells_as_it_can(values: list[float | None], count: int) -> None:
    texts = ["Write a poem.", "Name a river.", "Sort the words.", "Add two numbers."]
    tasks = rated(values, texts)
    there = {task.instruction for task in tasks if task.measures}
    places = kept(Select(how="diverse", count=count), tasks)
    assert len({tasks[at].instruction for at in places}) == min(len(there), len(places))


def test_a_measure_that_nobody_took_is_refused_and_its_stage_named() -> None:
    with pytest.raises(BadInput, match=r"no task has the measure 'ifd'.*put the stage `difficulty` before it"):
        outcomes(Select(by="ifd", at_most=1.0), rated([1.0]))
    with pytest.raises(BadInput, match="put the stage `measure` before it"):
        outcomes(Select(by="words", at_most=1.0), rated([1.0]))
    assert kept(Select(at_least=1.0), []) == []


def test_what_was_not_measured_says_which_stage_would_have() -> None:
    assert evidence(Select(at_least=1.0), rated([1.0, None])) == [{"by": "rating", "stage": "rate"}]


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({}, "no threshold"),
        ({"how": "top"}, "how many top should keep"),
        ({"how": "top", "count": 1, "share": 0.5}, "how many top should keep"),
        ({"how": "top", "count": 0}, "count: 0 keeps nothing"),
        ({"how": "top", "share": 1.5}, "share: 1.5"),
        ({"at_least": 2.0, "at_most": 1.0}, "above at_most"),
        ({"how": "best"}, "none of threshold, top, diverse"),
        ({"how": "diverse", "cells": "embedding", "count": 1}, "without embedding"),
    ],
)
def test_knobs_that_say_nothing_are_refused(knobs: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        outcomes(Select(**knobs), rated([1.0]))  # type: ignore[arg-type]  # rows of the table


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)).filter(any), min_size=1, max_size=15), st.integers(1, 15)
)
def test_each_row_taken_is_the_one_least_like_all_taken_before(points: list[tuple[int, int]], count: int) -> None:
    vectors = np.array(points, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chosen = spread(vectors, count)
    assert chosen.taken[0] == 0
    assert len(set(chosen.taken)) == min(count, len(points))
    cosines = vectors @ vectors.T
    for step in range(1, len(chosen.taken)):
        before, place = chosen.taken[:step], chosen.taken[step]
        free = [at for at in range(len(points)) if at not in before]
        assert cosines[place, before].max() <= min(cosines[at, before].max() for at in free) + 1e-6
    for at in range(len(points)):
        assert chosen.cosine[at] == pytest.approx(cosines[at, chosen.taken].max(), abs=1e-6)
        assert cosines[at, chosen.nearest[at]] == pytest.approx(chosen.cosine[at], abs=1e-6)


def _embedding(place: Path) -> None:
    """Three words in two dimensions: rivers lie across poems."""
    model2vec = pytest.importorskip("model2vec")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0, "river": 1, "lake": 2, "poem": 3}
    cutter = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    cutter.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.array([[0, 0], [1, 0], [0.9, 0.1], [0, 1]], dtype=np.float32)
    model2vec.StaticModel(vectors=vectors, tokenizer=cutter).save_pretrained(place)


def test_embeddings_spread_the_selection_and_name_the_nearest_neighbour(tmp_path: Path) -> None:
    _embedding(tmp_path)
    tasks = [task(text, rating=value) for text, value in (("lake", 1.0), ("river", 5.0), ("poem", 0.0), ("river", 4.0))]
    stage = Select(how="diverse", cells="embedding", embedding=str(tmp_path), count=2)
    assert kept(stage, tasks) == [1, 2]
    first, second = evidence(stage, tasks)
    assert (first["neighbour"], first["neighbour_text"]) == (tasks[1].id, "river")
    assert first["score"] == pytest.approx(0.9 / np.hypot(0.9, 0.1), abs=1e-6)
    assert second["score"] == pytest.approx(1.0)


def test_a_long_text_is_embedded_whole(tmp_path: Path) -> None:
    _embedding(tmp_path)
    [row] = static_model(str(tmp_path), "embedding").encode(["river " * 600 + "poem " * 600])
    assert row[0] == pytest.approx(row[1], rel=1e-5)


def test_embeddings_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    complaint = (
        "'embedding': .*holds no model2vec model"
        if importlib.util.find_spec("model2vec")
        else "pip install 'selfinstruct"
    )
    stage = Select(how="diverse", cells="embedding", embedding=str(tmp_path), count=1)
    with pytest.raises(BadInput, match=complaint):
        outcomes(stage, rated([1.0]))
