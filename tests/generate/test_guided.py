"""Demonstrations drawn by weight."""

from random import Random

import pytest

from selfinstruct.generate.guided import draw
from selfinstruct.records import Provenance, Task


def tasks(count: int, stage: str) -> list[Task]:
    return [Task(instruction=f"{stage} {number}", provenance=Provenance(stage=stage)) for number in range(count)]


@pytest.mark.parametrize(("seeds", "shown"), [(20, (4, 4)), (4, (4, 4)), (3, (3, 3)), (1, (1, 1))])
def test_however_few_seeds_there_are_machine_tasks_are_no_more_than_they(seeds: int, shown: tuple[int, int]) -> None:
    drawn = draw(Random(1), tasks(30, "propose"), tasks(seeds, "seed"), 8, 4, {})
    assert (
        sum(task.provenance.stage == "propose" for task in drawn),
        sum(task.provenance.stage == "seed" for task in drawn),
    ) == shown


def test_what_weighs_more_is_shown_more() -> None:
    seeds = tasks(10, "seed")
    heavy = seeds[0].id
    drawn = [draw(Random(number), (), seeds, 2, 0, {heavy: 3.0}) for number in range(1000)]
    times = sum(task.id == heavy for shown in drawn for task in shown)
    assert 350 < times < 550  # 3 of 12, then 3 of 11, against 2 of 10 without
