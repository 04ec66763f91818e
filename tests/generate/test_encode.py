"""The thirteen templates."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.generate.encode import (
    END,
    encode_all,
    encoded,
    in_template,
    without_field_name,
)
from selfinstruct.prompt_templates import ENCODINGS_WITH_INPUT, ENCODINGS_WITHOUT_INPUT
from selfinstruct.records import Instance
from tests.generate.builders import task


def test_the_forms_are_those_of_the_program() -> None:
    with_input = [in_template(template, " I ", " X ", " Y ") for template in ENCODINGS_WITH_INPUT]
    assert [pair.prompt for pair in with_input] == [
        "I\nInput: X\nOutput:",
        "I\n\nInput: X\n\nOutput:",
        "Task: I\nInput: X\nOutput:",
        "I\n\nX\n\nOutput:",
        "I\n\nX\n\n",
        "I\nX\n\n",
        "Task: I\n\nX\n\n",
    ]
    assert [pair.completion for pair in with_input] == [f" Y{END}"] * 4 + [f"Y{END}"] * 3
    without = [in_template(template, "I", "", "Y") for template in ENCODINGS_WITHOUT_INPUT]
    assert [pair.prompt for pair in without] == [
        "I Output:",
        "I\nOutput:",
        "I\n\nOutput:",
        "I\n",
        "I\n\n",
        "Task: I\n\n",
    ]
    assert [pair.completion for pair in without] == [f" Y{END}"] * 3 + [f"Y{END}"] * 3


@pytest.mark.parametrize(
    ("text", "default", "reference"),
    [
        ("Sentence: it rains", "it rains", "it rains"),
        ("Meet me at 12:30 today", "Meet me at 12:30 today", "30 today"),
        ("see http://x", "see http://x", "//x"),
        ("http://x", "http://x", "//x"),
        ("A: one\nB: two", "A: one\nB: two", "A: one\nB: two"),
        ("one\n\ntwo", "one\ntwo", "one\ntwo"),
        ("He said: go", "He said: go", "go"),
        ("List:\n1\n2", "1\n2", "1\n2"),
    ],
)
def test_only_a_field_name_is_taken_off_by_default(text: str, default: str, reference: str) -> None:
    assert without_field_name(text) == default
    assert without_field_name(text, "reference") == reference


@given(st.text(), st.text(), st.text(), st.integers(), st.sampled_from(["default", "reference"]))
def test_any_text_is_encoded_and_the_output_is_there(
    instruction: str, given_: str, output: str, seed_: int, profile: str
) -> None:
    made = encoded(
        instruction, Instance(given_, output), Random(seed_), "reference" if profile == "reference" else "default"
    )
    assert made.completion.removesuffix(END).strip() == output.strip()
    assert instruction.strip() in made.prompt


def test_a_set_is_shuffled_repeatably_and_holds_no_copy() -> None:
    tasks = [task(f"Task {number}", ("", "out")) for number in range(20)] * 2
    lines = encode_all(tasks, Random(7))
    assert lines == encode_all(tasks, Random(7))
    assert len(set(lines)) == len(lines)
    assert [line.prompt for line in lines] != sorted(line.prompt for line in lines)
