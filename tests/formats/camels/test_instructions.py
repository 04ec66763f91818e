"""Sets of instruction, input and output."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels import CAMELS
from selfinstruct.formats.camels.checked_values import SetOrigin
from selfinstruct.formats.camels.instructions import few_shot, zero_shot
from selfinstruct.formats.fields import Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.prompt_templates import CAMELS_WITH_INPUT, CAMELS_WITHOUT_INPUT
from selfinstruct.records import Task

DRAWS = 20_000


def converted(name: str, *values: object, source: str = "file.json") -> list[Task | Unreadable]:
    lines = [Line(f"{source}:{number}", value) for number, value in enumerate(values, 1)]
    return list(CAMELS[name].convert(lines, source=source))


def tasks(name: str, *values: object) -> list[Task]:
    task_or_fault = converted(name, *values)
    assert all(isinstance(item, Task) for item in task_or_fault)
    return [item for item in task_or_fault if isinstance(item, Task)]


def prompts(instruction: str, entered: str = "") -> set[str]:
    """All forms in which they may be asked."""
    forms = CAMELS_WITH_INPUT if entered else CAMELS_WITHOUT_INPUT
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
    [task] = converted("alpaca", {"instruction": " ", "input": "", "output": "x"})
    assert isinstance(task, Unreadable)
    assert task.reason == "empty"


@pytest.mark.parametrize("forms", [CAMELS_WITH_INPUT, CAMELS_WITHOUT_INPUT], ids=["with input", "without"])
def test_there_are_fourteen_forms_with_the_papers_weights(forms: dict[str, int]) -> None:
    assert len(forms) == 14
    assert sorted(forms.values(), reverse=True) == [4, 2, 2, 2, *[1] * 10]
    assert [weight for form, weight in forms.items() if "### Instruction:" in form] == [2]
    for form in forms:
        assert form.count("{instruction}") == 1
        assert form.count("{input}") == (forms is CAMELS_WITH_INPUT)


@pytest.mark.parametrize("forms", [CAMELS_WITH_INPUT, CAMELS_WITHOUT_INPUT], ids=["with input", "without"])
def test_forms_are_drawn_by_weight(forms: dict[str, int]) -> None:
    origin = SetOrigin(dataset="alpaca", source="alpaca_data.json", seed=42)
    entered = "IN" if forms is CAMELS_WITH_INPUT else ""
    seen = Counter(zero_shot("ASK", entered, origin.draw("template", number)) for number in range(DRAWS))
    expected = {form.format(instruction="ASK", input="IN"): DRAWS * weight / 20 for form, weight in forms.items()}
    assert seen.keys() == expected.keys()
    chi_square = sum((seen[prompt] - count) ** 2 / count for prompt, count in expected.items())
    assert chi_square < 34.5, "13 degrees of freedom: one fair draw in a thousand is further off"


def test_a_draw_depends_on_the_seed_the_file_and_the_number_alone() -> None:
    def draws(seed: int, source: str) -> list[int]:
        origin = SetOrigin(dataset="dolly", source=source, seed=seed)
        return [origin.draw("template", number) for number in range(50)]

    assert draws(42, "a.jsonl") == draws(42, "a.jsonl")
    assert not set(draws(42, "a.jsonl")) & set(draws(43, "a.jsonl"))
    assert not set(draws(42, "a.jsonl")) & set(draws(42, "b.jsonl"))


text = st.text(st.characters(exclude_categories=["Cs"]))


@given(text, text, st.integers(0, 2**64 - 1))
def test_whatever_the_texts_hold_they_stand_in_the_prompt_unchanged(asked: str, entered: str, draw: int) -> None:
    prompt = zero_shot(asked, entered, draw)
    assert asked.strip() in prompt
    assert entered.strip() in prompt


def test_braces_of_a_text_are_no_blanks_to_fill() -> None:
    assert "{input} and {0}" in zero_shot("Explain {input} and {0}", "x", 0)
    assert "{instruction}" in zero_shot("Copy it.", "{instruction}", 3)


def test_few_shot_prompts_are_blocks_of_input_and_output() -> None:
    prompt = few_shot("Name the opposite. ", [("hot ", "cold"), ("up", " down\n")], "early")
    assert prompt == (
        "Name the opposite.\n\nInput:\nhot\nOutput:\ncold\n\nInput:\nup\nOutput:\ndown\n\nInput:\nearly\nOutput:\n"
    )
