"""Which of several records is preferred."""

import math

import pytest

from selfinstruct.dedup.preference import Keep, preference, refuse_unknown_keep
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Provenance, Task

INPUT = Provenance(stage="input")
RECORDS = [
    Task(instruction="Go on.", provenance=INPUT, measures={"judge": 2.0}),
    Task(instruction="Go.", instances=(Instance("", "A long answer."),), provenance=INPUT, measures={"judge": 4.5}),
    Task(instruction="Go!", provenance=INPUT, measures={"judge": math.nan}),
    Task(instruction="Go?", provenance=INPUT),
]


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
