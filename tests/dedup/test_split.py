"""The stage: nothing near crosses, ids stay, and neither order nor company decides."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.dedup.minhash import jaccard
from selfinstruct.dedup.split import Split
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured
from selfinstruct.text import words
from selfinstruct.text.rouge_l import rouge_l

INPUT = Provenance(stage="input")
WORDS = ["river", "lake", "hill", "tree", "name", "a", "the", "long", "of"]
SAYINGS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join), max_size=30)


def tasks(*texts: str) -> list[Task]:
    return [Task(instruction=text, provenance=INPUT, ordinal=number) for number, text in enumerate(texts)]


def split(records: Sequence[Task], stage: Split | None = None, seed: int = 42) -> tuple[dict[str, str], dict[str, Any]]:
    """Mark by id, and what was measured."""
    outcomes = list((stage or Split())(records, Bench(seed=seed)))
    kept = [outcome.record for outcome in outcomes if isinstance(outcome, Kept)]
    assert [task.id for task in kept] == [task.id for task in records]
    [measured] = [outcome.value for outcome in outcomes if isinstance(outcome, Measured)]
    assert isinstance(measured, dict)
    return {task.id: str(task.extra["split"]) for task in kept}, measured


def strangers(count: int) -> list[Task]:
    draw = Random(1)
    return tasks(*(" ".join(f"w{draw.randrange(4000)}" for _ in range(8)) for _ in range(count)))


@settings(deadline=None)
@given(SAYINGS, st.integers(0, 3))
def test_no_pair_across_the_split_is_near_or_too_alike(texts: list[str], seed: int) -> None:
    records = tasks(*texts)
    marks, measured = split(records, Split(test=0.4), seed)
    highest = {"jaccard": 0.0, "rouge_l": 0.0}
    for record in records:
        for other in records:
            if marks[record.id] == "test" and marks[other.id] == "train":
                near = jaccard(record.instruction, other.instruction)
                alike = rouge_l(words(record.instruction), words(other.instruction))
                assert near < 0.8
                assert alike <= 0.7
                highest = {"jaccard": max(highest["jaccard"], near), "rouge_l": max(highest["rouge_l"], alike)}
    measures = measured["highest_across"]
    assert {name: pair["score"] if pair else 0.0 for name, pair in measures.items()} == highest


@settings(deadline=None)
@given(SAYINGS, st.randoms(use_true_random=False))
def test_the_order_of_the_records_decides_nothing(texts: list[str], draw: Random) -> None:
    records = tasks(*texts)
    mixed = list(records)
    draw.shuffle(mixed)
    assert split(records)[0] == split(mixed)[0]


def test_a_record_keeps_its_mark_when_others_unlike_it_join() -> None:
    records = strangers(400)
    few, many = split(records[:200])[0], split(records)[0]
    assert {record: many[record] for record in few} == few


def test_the_share_is_about_what_was_asked_for_and_the_seed_draws() -> None:
    records = strangers(600)
    marks, measured = split(records, Split(test=0.2))
    assert 90 <= measured["test"] <= 150
    assert measured["train"] + measured["test"] == 600
    assert list(marks.values()).count("test") == measured["test"] == measured["checked"]
    assert split(records, Split(test=0.2), seed=7)[0] != marks
    assert split(records, Split(test=0.2, seed=42), seed=7)[0] == marks


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("share", [0.01, 0.5])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_few_records_have_at_least_one_on_either_side(count: int, share: float, seed: int) -> None:
    assert set(split(strangers(count), Split(test=share), seed)[0].values()) == {"train", "test"}


def test_what_hangs_together_through_others_stays_together_and_is_not_all_tested_on() -> None:
    twins = tasks(*["Name a long river in the north of Spain and say where it ends."] * 50)
    marks, measured = split([*twins, *strangers(50)])
    assert {marks[task.id] for task in twins} == {"train"}
    assert measured["groups_too_large_to_test"] == 1
    assert measured["largest_group"] == 50


def test_rows_of_one_instruction_stay_together_unless_instructions_are_not_compared() -> None:
    draw = Random(2)
    texts = [" ".join(f"w{draw.randrange(4000)}" for _ in range(12)) for _ in range(60)]
    records = [
        Task(instruction="Sum up the text.", instances=(Instance(text, "x"),), provenance=INPUT) for text in texts
    ]
    assert split(records)[1]["test"] == 0
    assert split(records, Split(rouge_l_below=0))[1]["test"] > 0


def test_one_record_or_none_is_for_training() -> None:
    assert list(split(tasks("Name a river."))[0].values()) == ["train"]
    assert split([])[1]["test"] == 0


def test_the_id_stays_and_what_stood_under_the_name_before_is_kept() -> None:
    records = [replace(task, extra={"split": "validation", "mine": 1}) for task in strangers(2)]
    kept = [outcome.record for outcome in Split()(records, Bench()) if isinstance(outcome, Kept)]
    assert [task.extra["given_split"] for task in kept] == ["validation", "validation"]
    assert [task.extra["mine"] for task in kept] == [1, 1]
    assert [task.held_out for task in kept] == [task.extra["split"] == "test" for task in kept]
    again = [outcome.record for outcome in Split()(kept, Bench()) if isinstance(outcome, Kept)]
    assert again == kept


@pytest.mark.parametrize(
    "knobs", [{"test": 0}, {"test": 0.9}, {"jaccard": 0}, {"shingle_words": 0}, {"rouge_l_below": 1.0}, {"over": "x"}]
)
def test_knobs_that_cannot_be_meant_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Split(**knobs)
