"""Which text fields of a record duplicate stages compare, and which of several duplicates is worth keeping.

It is a key, shown to no model: as `exact` may compare code points, nothing is stripped from it. Cut into words it is
what a model is asked (`selfinstruct.prompt_templates.joined`).
"""

import math
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.text import shown

Over: TypeAlias = Literal["instruction", "record", "response"]
OVERS: tuple[Over, ...] = ("instruction", "record", "response")
_SHOWN = 500  # characters looked at for the 200 that are shown: white space may shrink
_HELD = 2048  # characters of an answer
_BEGINNING = 48  # characters of two texts that are compared before the whole of them
Keep: TypeAlias = Literal["longest", "shortest", "newest", "first", "best"]
KEEPS: tuple[Keep, ...] = ("longest", "shortest", "newest", "first", "best")
Preference: TypeAlias = Callable[[int, Task], float]
"""Position and record -> a number; lower is preferred, the earlier of equals. Infinity: nothing speaks for it."""


def compared_text(task: Task, over: Over) -> str:
    r"""The parts that are compared, a line break between them; the system turn is none of them.

    `instruction`: all that is asked (instruction, inputs, later turns of the user); `response`: all that is answered;
    `record`: both, in order.

    >>> from selfinstruct.records import Instance, Provenance
    >>> task = Task(instruction="Add.", instances=(Instance("1 2", "3"),), provenance=Provenance(stage="input"))
    >>> compared_text(task, "instruction"), compared_text(task, "record"), compared_text(task, "response")
    ('Add.\n1 2', 'Add.\n1 2\n3', '3')
    """
    if over == "instruction" and not task.later and len(task.instances) <= 1:  # nearly all records
        asked = task.instances[0].input if task.instances else ""
        return f"{task.instruction}\n{asked}" if asked else task.instruction
    if over == "response" and not task.later and len(task.instances) == 1:
        return task.instances[0].output
    return "\n".join(part for part in _parts(task, over) if part)


def _parts(task: Task, over: Over) -> Iterator[str]:
    asked, answered = over != "response", over != "instruction"
    if asked:
        yield task.instruction
    for pair in task.instances:
        if asked:
            yield pair.input
        if answered:
            yield pair.output
    for turn in task.later:
        if answered if turn.role == "assistant" else asked:
            yield turn.content


def held_answer(task: Task) -> str | None:
    """What is answered, for a memory of many; None where that is too long to be held."""
    said = compared_text(task, "response")
    return said if len(said) <= _HELD else None


def begin_otherwise(one: str, other: str) -> bool:
    """Whether the first words of two texts show that they differ in more than spaces and case; False: the rest tells.

    >>> begin_otherwise("The  Po is long.", "the Rhine is"), begin_otherwise("The Po", "the po  is")
    (True, False)
    """
    first, second = one[:1], other[:1]
    both = first + second
    if both.isascii() and first.isalnum() and second.isalnum() and first.lower() != second.lower():
        return True  # as of nearly all that differ
    one, other = one[:_BEGINNING], other[:_BEGINNING]
    if not (one.isascii() and other.isascii()):
        return False
    # the last word may go on
    return any(a != b for a, b in zip(one.lower().split()[:-1], other.lower().split()[:-1], strict=False))


def neighbour_evidence(task: Task, over: Over) -> dict[str, Json]:
    """How a removed record names the one it duplicates."""
    return {"neighbour": task.id, "neighbour_text": shown(compared_text(task, over)[:_SHOWN], 200)}


def neighbour_and_answer(task: Task, over: Over) -> tuple[dict[str, Json], str | None]:
    """How evidence names the record that stays, and its answer."""
    return neighbour_evidence(task, over), held_answer(task)


def characters(task: Task) -> int:
    """How much a record says: code points of everything asked and answered, the system turn too."""
    size = len(task.system) + len(task.instruction)
    for pair in task.instances:
        size += len(pair.input) + len(pair.output)
    for turn in task.later:
        size += len(turn.content)
    return size


def refuse_unknown_over(over: str) -> None:
    """BadInput for a word that names no part."""
    if over not in OVERS:
        raise BadInput(f"over {over!r} is none of {', '.join(OVERS)}", fix="write over: instruction")


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
