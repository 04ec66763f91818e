"""Which text fields of a record duplicate stages compare, as one text.

It is a key, shown to no model: as `exact` may compare code points, nothing is stripped from it. Cut into words it is
what a model is asked (`selfinstruct.templates.joined`).
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.text import shown

Over: TypeAlias = Literal["instruction", "record", "response"]
OVERS: tuple[Over, ...] = ("instruction", "record", "response")

_SHOWN = 500  # characters looked at for the 200 that are shown: white space may shrink


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


def neighbour_evidence(task: Task, over: Over) -> dict[str, Json]:
    """How a removed record names the one it duplicates."""
    return {"neighbour": task.id, "neighbour_text": shown(compared_text(task, over)[:_SHOWN], 200)}


def characters(task: Task) -> int:
    """How much a record says: code points of everything asked and answered, the system turn too."""
    pairs = sum(len(pair.input) + len(pair.output) for pair in task.instances)
    return len(task.system) + len(task.instruction) + pairs + sum(len(turn.content) for turn in task.later)


def refuse_unknown_over(over: str) -> None:
    """BadInput for a word that names no part."""
    if over not in OVERS:
        raise BadInput(f"over {over!r} is none of {', '.join(OVERS)}", fix="write over: instruction")
