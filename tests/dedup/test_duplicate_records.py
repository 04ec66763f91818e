"""What duplicate stages compare of a record, by its shape."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.dedup.duplicate_records import (
    Keep,
    begin_otherwise,
    characters,
    compared_text,
    held_answer,
    neighbour_evidence,
    preference,
    refuse_unknown_keep,
    refuse_unknown_over,
)
from selfinstruct.dedup.exact import NORMAL
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Message, Provenance, Task

INPUT = Provenance(stage="input")
TALK = Task(
    instruction="Hi.",
    instances=(Instance("", "Hello."),),
    system="Be kind.",
    later=(Message("user", "How are you?"), Message("assistant", "Fine.")),
    provenance=INPUT,
)
RECORDS = [
    Task(instruction="Go on.", provenance=INPUT, measures={"judge": 2.0}),
    Task(instruction="Go.", instances=(Instance("", "A long answer."),), provenance=INPUT, measures={"judge": 4.5}),
    Task(instruction="Go!", provenance=INPUT, measures={"judge": math.nan}),
    Task(instruction="Go?", provenance=INPUT),
]


def test_all_that_is_asked_in_a_conversation_counts_as_its_instruction() -> None:
    assert compared_text(TALK, "instruction") == "Hi.\nHow are you?"


def test_a_conversation_is_compared_turn_by_turn_and_without_its_system_turn() -> None:
    assert compared_text(TALK, "record") == "Hi.\nHello.\nHow are you?\nFine."
    assert compared_text(TALK, "response") == "Hello.\nFine."


def test_every_instance_is_compared() -> None:
    task = Task(instruction="Add.", instances=(Instance("1 1", "2"), Instance("2 2", "4")), provenance=INPUT)
    assert compared_text(task, "instruction") == "Add.\n1 1\n2 2"
    assert compared_text(task, "response") == "2\n4"


def test_a_task_without_instances_has_no_response() -> None:
    assert compared_text(Task(instruction="Add.", provenance=INPUT), "response") == ""


def test_the_length_of_a_record_is_everything_in_it() -> None:
    assert characters(TALK) == len("Be kind.Hi.Hello.How are you?Fine.")


def test_a_neighbour_is_shown_short_and_printable() -> None:
    long = Task(instruction="\x1b[31m" + "word " * 1_000_000, provenance=INPUT)
    shown = neighbour_evidence(long, "instruction")["neighbour_text"]
    assert isinstance(shown, str)
    assert len(shown) == 200
    assert shown.isprintable()


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="'prompt' is none of instruction, record, response"):
        refuse_unknown_over("prompt")


@pytest.mark.parametrize(
    ("keep", "measure", "order"),
    [
        ("longest", "", [1, 0, 2, 3]),
        ("newest", "", [3, 2, 1, 0]),
        ("first", "", [0, 1, 2, 3]),
        ("best", "judge", [1, 0, 2, 3]),
    ],
)
def test_each_preference_has_its_order(keep: Keep, measure: str, order: list[int]) -> None:
    prefer = preference(keep, measure)
    numbers = [prefer(position, task) for position, task in enumerate(RECORDS)]
    assert sorted(range(len(RECORDS)), key=lambda position: (numbers[position], position)) == order


@pytest.mark.parametrize(("keep", "measure"), [("oldest", ""), ("best", ""), ("longest", "judge")])
def test_a_preference_that_cannot_be_meant_is_refused(keep: str, measure: str) -> None:
    with pytest.raises(BadInput, match="keep"):
        refuse_unknown_keep(keep, measure)


WORDS = st.sampled_from(["a", "A", "b", "ab", " ", "  ", "\n", "\x1c", "\u00df", "SS", "I", "\u0130", "word " * 12])


@given(st.lists(WORDS, max_size=8).map("".join), st.lists(WORDS, max_size=8).map("".join))
def test_texts_that_begin_otherwise_are_not_the_same(one: str, other: str) -> None:
    if begin_otherwise(one, other):
        assert NORMAL["case"](one) != NORMAL["case"](other)
        assert NORMAL["spaces"](one) != NORMAL["spaces"](other)


def test_long_answers_are_not_held() -> None:
    short, long = (
        Task(instruction="Go.", instances=(Instance("", said),), provenance=INPUT)
        for said in ("Gone.", "Gone. " * 1000)
    )
    assert (held_answer(short), held_answer(long), held_answer(TALK)) == ("Gone.", None, "Hello.\nFine.")
