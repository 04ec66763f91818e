"""The seed tasks in `seeds/self_instruct.jsonl` keep their schema, their labels and their variety."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).resolve().parents[2] / "seeds" / "self_instruct.jsonl"
TEXT = SEEDS.read_bytes().decode("utf-8")
TASKS: list[dict[str, Any]] = [json.loads(line) for line in TEXT.splitlines()]
INSTRUCTIONS: list[str] = [task["instruction"] for task in TASKS]
CLASSIFICATION = [task for task in TASKS if task["is_classification"]]

MOST_SIMILAR_ALLOWED = 0.5


def words(text: str) -> list[str]:
    """Split as the usual ROUGE tokeniser does: lower case, runs of ASCII letters and digits."""
    return re.findall(r"[a-z0-9]+", text.lower())


def rouge_l(left: list[str], right: list[str]) -> float:
    """F1 of the longest common subsequence, computed the plain way, independently of the package."""
    previous = [0] * (len(right) + 1)
    for word in left:
        current = [0]
        for column, other in enumerate(right):
            longer = max(previous[column + 1], current[column])
            current.append(previous[column] + 1 if word == other else longer)
        previous = current
    return 2 * previous[-1] / (len(left) + len(right))


def test_there_are_enough_tasks_of_both_kinds() -> None:
    assert len(TASKS) >= 175
    assert len(CLASSIFICATION) >= 26
    assert len(TASKS) - len(CLASSIFICATION) >= 100


def test_the_file_is_one_unescaped_json_object_a_line_with_a_newline_at_the_end() -> None:
    assert TEXT.endswith("}\n")
    assert "\r" not in TEXT
    lines = TEXT.removesuffix("\n").split("\n")
    assert lines == [json.dumps(task, ensure_ascii=False) for task in TASKS]


def test_every_task_has_the_five_keys_in_order_with_the_right_types() -> None:
    for task in TASKS:
        assert list(task) == ["id", "name", "instruction", "instances", "is_classification"]
        assert isinstance(task["name"], str)
        assert isinstance(task["instruction"], str)
        assert isinstance(task["is_classification"], bool)
        assert len(task["instances"]) == 1
        (instance,) = task["instances"]
        assert list(instance) == ["input", "output"]
        assert isinstance(instance["input"], str)
        assert isinstance(instance["output"], str)


def test_ids_are_numbered_from_zero_without_a_gap() -> None:
    assert [task["id"] for task in TASKS] == [f"seed_task_{number}" for number in range(len(TASKS))]


def test_names_are_distinct_snake_case_slugs() -> None:
    names = [task["name"] for task in TASKS]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name)] == []


def test_instructions_are_distinct_and_finished_sentences() -> None:
    assert len(set(INSTRUCTIONS)) == len(INSTRUCTIONS)
    assert [text for text in INSTRUCTIONS if not re.fullmatch(r"[A-Za-z].*[.?!]", text)] == []


def test_no_output_is_empty_and_no_text_has_outer_white_space() -> None:
    for task in TASKS:
        instance = task["instances"][0]
        assert instance["output"]
        for text in (task["instruction"], instance["input"], instance["output"]):
            assert text == text.strip()


def test_about_a_third_of_the_tasks_have_no_input() -> None:
    without_input = [task for task in TASKS if task["instances"][0]["input"] == ""]
    assert 0.3 <= len(without_input) / len(TASKS) <= 0.4


def test_every_classification_task_has_an_input_and_its_answer_among_the_labels_it_names() -> None:
    for task in CLASSIFICATION:
        instance = task["instances"][0]
        assert instance["input"]
        label = rf"(?<!\w){re.escape(instance['output'])}(?!\w)"
        assert re.search(label, task["instruction"]), task["id"]


def test_no_two_instructions_are_alike() -> None:
    tokens = [words(text) for text in INSTRUCTIONS]
    alike = [
        (INSTRUCTIONS[left], INSTRUCTIONS[right])
        for left, right in combinations(range(len(tokens)), 2)
        if rouge_l(tokens[left], tokens[right]) > MOST_SIMILAR_ALLOWED
    ]
    assert alike == []


def test_the_instructions_open_with_many_different_words() -> None:
    assert len({words(text)[0] for text in INSTRUCTIONS}) >= 60


def test_short_middling_and_long_instructions_are_all_well_represented() -> None:
    lengths = [len(text.split()) for text in INSTRUCTIONS]
    assert sum(length <= 8 for length in lengths) >= 20
    assert sum(9 <= length <= 15 for length in lengths) >= 20
    assert sum(16 <= length <= 25 for length in lengths) >= 20
    assert sum(length > 25 for length in lengths) >= 10
    assert min(lengths) > 3


def test_every_instruction_would_pass_the_filter_for_generated_instructions() -> None:
    refused = r"\b(images?|graphs?|pictures?|files?|maps?|draw|plot|go to)\b|\AWrite a program"
    assert [text for text in INSTRUCTIONS if re.search(refused, text, re.IGNORECASE)] == []
