"""Our tasks in the NatInst layout: what `audit ablate` promises of them."""

import json
from collections import Counter
from typing import Any

import pytest

from benchmarks.make_natinst import lines
from selfinstruct.audit.ablate_conditions import CONDITIONS, prompt
from selfinstruct.audit.ablate_tasks import studied_task
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.superni import CATEGORY_METRICS, exact_match, natinst_task

FILE = builtin_seeds().with_name("natinst.jsonl")
ROWS: list[dict[str, Any]] = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
TASKS = [natinst_task(row, row["Name"]) for row in ROWS]


def test_the_file_is_what_its_maker_writes() -> None:
    assert FILE.read_text(encoding="utf-8") == "".join(lines())


def test_sixty_tasks_half_of_them_with_two_to_five_labels_found_from_their_answers() -> None:
    assert len(TASKS) == len({task.name for task in TASKS}) == len({task.definition for task in TASKS}) == 60
    spaces = [studied_task(task, 0).labels for task in TASKS]
    assert Counter(len(space) for space in spaces) == {0: 30, 2: 17, 3: 6, 4: 5, 5: 2}
    assert not any(task.labels for task in TASKS)  # nothing is told that could be found
    assert len({task.category for task in TASKS}) == 24
    assert len({task.category for task in TASKS} & set(CATEGORY_METRICS)) == 11


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_each_has_its_examples_and_twenty_instances_and_no_example_is_asked(task: Any) -> None:
    studied = studied_task(task, 0)
    assert (len(task.positive), len(task.negative), len(task.instances)) == (2, 2, 20)
    asked = [each.input for each in task.instances]
    shown = {each.input for each in (*task.positive, *task.negative)}
    assert len(set(asked)) == 20
    assert not shown & set(asked)
    right = {each.input: each.output for each in task.positive}
    assert all(each.output != right[each.input] for each in task.negative)
    if studied.labels:
        counts = Counter(each.outputs[0] for each in task.instances)
        assert max(counts.values()) - min(counts.values()) <= 2
        assert all(exact_match(each.output, studied.labels) for each in (*task.positive, *task.negative))
        assert all(label.lower() in task.definition.lower() for label in studied.labels)


def test_every_condition_can_be_made_of_tasks_enough_to_tell_something() -> None:
    tasks = [studied_task(task, 0) for task in TASKS]
    made = {
        name: sum(prompt(name, task, task.asked[0], shots=2, seed=0) is not None for task in tasks)
        for name in CONDITIONS
    }
    assert {name: count for name, count in made.items() if count < 60} == {
        "labels_removed": 30,
        "input_removed": made["input_removed"],
        "inverted": 30,
    }
    assert made["input_removed"] >= 45
