"""What duplicate stages compare of a record, by its shape."""

import pytest

from selfinstruct.dedup.text_fields import characters, compared_text, neighbour_evidence, refuse_unknown_over
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
