"""Super-NaturalInstructions: how many instances of a task, and how they are shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels import CAMELS, read_superni
from selfinstruct.formats.fields import Unreadable
from selfinstruct.prompt_templates import CAMELS_WITH_INPUT
from selfinstruct.records import Task


def a_task(instances: int, examples: int = 3) -> dict[str, Any]:
    return {
        "Contributors": ["nobody"],
        "Source": ["made_up"],
        "Categories": ["Arithmetic"],
        "Definition": ["Double the number.", "Multiply it by two."],
        "Positive Examples": [
            {"input": f"{number}00", "output": f"{2 * number}00", "explanation": "Twice that."}
            for number in range(1, examples + 1)
        ],
        "Negative Examples": [],
        "Instances": [
            {"id": f"task007-{number}", "input": f"number {number}", "output": [f"{2 * number}", "another way"]}
            for number in range(instances)
        ],
    }


def a_folder(folder: Path, **tasks: dict[str, Any] | None) -> Path:
    """The repository's layout; None stands for a listed task without a file."""
    (folder / "splits" / "xlingual").mkdir(parents=True)
    (folder / "splits" / "xlingual" / "train_tasks.txt").write_text("".join(f"{name}\n" for name in tasks))
    (folder / "tasks").mkdir()
    for name, value in tasks.items():
        if value is not None:
            (folder / "tasks" / f"{name}.json").write_text(json.dumps(value, indent=4))
    return folder


def converted(folder: Path, seed: int = 42) -> list[Task | Unreadable]:
    return list(CAMELS["superni"].convert(read_superni(folder), source="natural-instructions", seed=seed))


def test_a_large_task_gives_sixty_prompts_without_and_twenty_with_examples(tmp_path: Path) -> None:
    task_or_fault = converted(a_folder(tmp_path, task007_double=a_task(500)))
    tasks = [task for task in task_or_fault if isinstance(task, Task)]
    assert len(tasks) == len(task_or_fault) == 80
    assert [task.extra["shots"] for task in tasks] == [0] * 60 + [2] * 20
    assert len({task.extra["id"] for task in tasks}) == 80, "no instance twice"
    assert {task.extra["drawn_from"] for task in tasks} == {500}
    assert {task.extra["task"] for task in tasks} == {"task007_double"}
    for task in tasks:
        number = int(str(task.extra["id"]).split("-")[1])
        assert task.instances[0].output == str(2 * number), "the first output"
        if task.extra["shots"]:
            assert task.instruction.startswith("Double the number.\n\nInput:\n")
            assert task.instruction.endswith(f"00\n\nInput:\nnumber {number}\nOutput:\n")
            assert task.instruction.count("Output:\n") == 3
        else:
            forms = {
                form.format(instruction="Double the number.", input=f"number {number}") for form in CAMELS_WITH_INPUT
            }
            assert task.instruction in forms
    assert len({task.instruction.split("Input:")[1] for task in tasks[60:]}) > 1, "examples are drawn for each prompt"


@pytest.mark.parametrize(("have", "zero", "few"), [(3, 3, 0), (60, 60, 0), (65, 60, 5), (80, 60, 20)])
def test_a_small_task_gives_all_it_has_in_order(tmp_path: Path, have: int, zero: int, few: int) -> None:
    tasks = [task for task in converted(a_folder(tmp_path, task007_double=a_task(have))) if isinstance(task, Task)]
    assert [task.extra["id"] for task in tasks] == [f"task007-{number}" for number in range(have)]
    assert [task.extra["shots"] for task in tasks] == [0] * zero + [2] * few


def test_with_one_example_one_is_shown(tmp_path: Path) -> None:
    task_or_fault = converted(a_folder(tmp_path, task007_double=a_task(61, examples=1)))
    assert isinstance(task_or_fault[-1], Task)
    assert task_or_fault[-1].extra["shots"] == 1


def test_tasks_of_mmlu_are_held_out(tmp_path: Path) -> None:
    first, second = converted(a_folder(tmp_path, task685_mmmlu_answer_generation=a_task(5), task007_double=a_task(1)))
    assert isinstance(first, Unreadable)
    assert first.reason == "held_out"
    assert isinstance(second, Task)


def test_a_task_that_is_missing_or_torn_is_named_and_the_next_ones_follow(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, task001_gone=None, task002_torn=a_task(1), task007_double=a_task(1))
    torn = folder / "tasks" / "task002_torn.json"
    torn.write_text(torn.read_text()[:200])
    gone, cut, task = converted(folder)
    assert isinstance(gone, Unreadable)
    assert "task001_gone.json" in gone.place
    assert isinstance(cut, Unreadable)
    assert "task002_torn.json" in cut.place
    assert isinstance(task, Task)


def test_a_bad_instance_is_named_and_the_others_are_used(tmp_path: Path) -> None:
    value = a_task(3)
    value["Instances"][1]["output"] = []
    first, bad, third = converted(a_folder(tmp_path, task007_double=value))
    assert isinstance(first, Task)
    assert isinstance(third, Task)
    assert isinstance(bad, Unreadable)
    assert bad.place.endswith("instance 2")


def test_the_draw_of_a_task_does_not_depend_on_other_tasks(tmp_path: Path) -> None:
    alone = converted(a_folder(tmp_path / "a", task007_double=a_task(200)))
    behind = converted(a_folder(tmp_path / "b", task001_double=a_task(90), task007_double=a_task(200)))
    assert behind[80:] == alone
    assert converted(tmp_path / "a", seed=1) != alone


def test_a_folder_without_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"train_tasks.txt: no list of training tasks"):
        converted(tmp_path)


def test_a_name_in_the_list_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "ni", task007_double=a_task(1))
    (tmp_path / "secret.json").write_text(json.dumps(a_task(1)))
    (folder / "splits" / "xlingual" / "train_tasks.txt").write_text("../../secret\n")
    [task] = converted(folder)
    assert isinstance(task, Unreadable)
