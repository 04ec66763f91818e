"""Answers shuffled among instructions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.finetune.examples import shuffled_answers
from selfinstruct.records import Instance, Provenance, Task


def task(number: int, *, answered: bool = True) -> Task:
    instances = (Instance(f"input {number}", f"output {number}"),) if answered else ()
    return Task(instruction=f"Do {number}.", instances=instances, provenance=Provenance(stage="a"))


@given(st.lists(st.booleans(), max_size=30).filter(lambda yes: sum(yes) != 1), st.integers(0, 9))
def test_answers_are_passed_round_and_nobody_keeps_his_own(answered: list[bool], seed: int) -> None:
    tasks = [task(number, answered=yes) for number, yes in enumerate(answered)]
    made = shuffled_answers(tasks, seed)
    assert [task.instruction for task in made] == [task.instruction for task in tasks]
    before = [task.instances[0].output for task in tasks if task.instances]
    after = [task.instances[0].output for task in made if task.instances]
    assert sorted(after) == sorted(before)
    assert all(output != other for output, other in zip(before, after, strict=True))
    assert [task.instances[0].input for task in made if task.instances] == [
        task.instances[0].input for task in tasks if task.instances
    ]
    assert shuffled_answers(tasks, seed) == made


def test_one_record_alone_has_no_other_to_learn_from() -> None:
    with pytest.raises(BadInput, match="one record alone"):
        shuffled_answers([task(1), task(2, answered=False)], 0)
