"""Which of several records that say the same is worth keeping."""

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

from selfinstruct.dedup.text_fields import characters
from selfinstruct.errors import BadInput
from selfinstruct.records import Task

Keep: TypeAlias = Literal["longest", "shortest", "newest", "first", "best"]
KEEPS: tuple[Keep, ...] = ("longest", "shortest", "newest", "first", "best")

Preference: TypeAlias = Callable[[int, Task], float]
"""Position and record -> a number; lower is preferred, the earlier of equals. Infinity: nothing speaks for it."""


def preference(keep: Keep, measure: str = "") -> Preference:
    """The numbers that put records in order of preference.

    >>> preference("newest")(7, None), preference("first")(7, None)
    (-7.0, 0.0)
    """
    match keep:
        case "longest":
            return lambda _, task: -float(characters(task))
        case "shortest":
            return lambda _, task: float(characters(task))
        case "newest":
            return lambda position, _: -float(position)
        case "first":
            return lambda _, __: 0.0
        case "best":
            return lambda _, task: _measured(task, measure)


def _measured(task: Task, measure: str) -> float:
    value = task.measures.get(measure, math.nan)
    return math.inf if math.isnan(value) else -float(value)


def refuse_unknown_keep(keep: str, measure: str) -> None:
    """BadInput for a preference that cannot be meant."""
    if keep not in KEEPS:
        raise BadInput(f"keep {keep!r} is none of {', '.join(KEEPS)}", fix="write keep: first")
    if (keep == "best") != bool(measure):
        what = "keep: best needs a measure" if keep == "best" else f"measure {measure!r} is only for keep: best"
        raise BadInput(what, fix="write both keep: best and measure: NAME, or neither")


def refuse_unmeasured(stage: str, measure: str) -> None:
    """BadInput for a measure that no record has."""
    raise BadInput(
        f"no record has a measure '{measure}'",
        place=f"stage {stage}, knob 'measure'",
        fix="put the stage that measures it before this one",
    )
