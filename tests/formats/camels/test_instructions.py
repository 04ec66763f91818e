"""Sets of instruction, input and output."""

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels import CAMELS
from selfinstruct.formats.camels.templates import WITH_INPUT, WITHOUT_INPUT
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Task


def converted(name: str, *values: object, source: str = "file.json") -> list[Task | Unreadable]:
    lines = [Line(f"{source}:{number}", value) for number, value in enumerate(values, 1)]
    return list(CAMELS[name].convert(lines, source=source))


def tasks(name: str, *values: object) -> list[Task]:
    found = converted(name, *values)
    assert all(isinstance(item, Task) for item in found)
    return [item for item in found if isinstance(item, Task)]


def prompts(instruction: str, entered: str = "") -> set[str]:
    """All forms in which they may be asked."""
    forms = WITH_INPUT if entered else WITHOUT_INPUT
    return {form.format(instruction=instruction, input=entered) for form in forms}


@pytest.mark.parametrize("name", ["self_instruct", "alpaca", "code_alpaca", "gpt4_alpaca"])
def test_rows_of_three_texts_go_through_a_template(name: str) -> None:
    row = {"instruction": " Sort the words.\n", "input": "pear apple ", "output": " apple pear\n"}
    bare = {"instruction": "Name a pear.", "input": "  ", "output": "Conference."}
    first, second = tasks(name, row, bare)
    assert first.instruction in prompts("Sort the words.", "pear apple")
    assert first.instances[0].output == "apple pear"
    assert second.instruction in prompts("Name a pear.")


def test_dolly_asks_with_its_context_and_keeps_the_category() -> None:
    row = {
        "instruction": "Who wrote the note?",
        "context": "The note was signed by Ada.",
        "response": "Ada.",
        "category": "closed_qa",
    }
    [task] = tasks("dolly", row)
    assert task.instruction in prompts("Who wrote the note?", "The note was signed by Ada.")
    assert task.extra == {"category": "closed_qa", "dataset": "dolly"}


def test_rows_get_different_templates() -> None:
    row = {"instruction": "Name a pear.", "input": "", "output": "Conference."}
    assert len({task.instruction for task in tasks("alpaca", *[row] * 60)}) > 7


def test_mending_a_row_changes_no_other_rows_template() -> None:
    row = {"instruction": "Name a pear.", "input": "", "output": "Conference."}
    whole, torn = tasks("alpaca", row, row, row), converted("alpaca", row, {"instruction": 1}, row)
    assert [torn[0], torn[2]] == [whole[0], whole[2]]


def unnatural(constraints: object) -> dict[str, object]:
    pair = {"instruction_with_input": "-", "input": "the sea", "constraints": constraints, "output": "Blue."}
    return {"instruction": "Name the colour.", "instances": [pair]}


@pytest.mark.parametrize("constraints", ["None", "none.", "NONE.", "", None])
def test_no_constraint_adds_no_line(constraints: object) -> None:
    [task] = tasks("unnatural", unnatural(constraints))
    assert task.instruction in prompts("Name the colour.", "the sea")


def test_a_constraint_stands_on_a_line_behind_the_instruction() -> None:
    [task] = tasks("unnatural", unnatural("Answer with one word."))
    assert task.instruction in prompts("Name the colour.\nAnswer with one word.", "the sea")


def test_each_instance_of_unnatural_instructions_is_a_task_and_a_bad_one_is_named() -> None:
    value = unnatural("None.")
    pair = {"input": "grass", "constraints": "None.", "output": "Green."}
    value["instances"] = [pair, {"input": "grass"}, {**pair, "input": "coal"}]
    first, bad, third = converted("unnatural", value)
    assert isinstance(first, Task)
    assert isinstance(third, Task)
    assert isinstance(bad, Unreadable)
    assert bad.place == "file.json:1, instance 2"
    assert bad.problem == "key 'output' is missing"


def test_of_gpt4_alpaca_the_english_file_alone_is_read() -> None:
    with pytest.raises(BadInput, match="English"):
        converted("gpt4_alpaca", source="alpaca_gpt4_data_zh.json")


def test_an_empty_instruction_is_named() -> None:
    [found] = converted("alpaca", {"instruction": " ", "input": "", "output": "x"})
    assert isinstance(found, Unreadable)
    assert found.reason == "empty"
