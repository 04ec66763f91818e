"""A task becomes rows of the published set: one for each instance, in the format that was asked for."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

from selfinstruct.records import Instance, Json, Message, Task

Row = dict[str, Json]
Encode = Callable[[Task, int], tuple[str, str]]
"""A task and the index of its instance -> prompt and completion (Self-Instruct's own encoding)."""


def asked(task: Task, pair: Instance) -> str:
    r"""Instruction and input as one text, a blank line between them.

    >>> from selfinstruct.records import Provenance
    >>> asked(Task(instruction="Add.", provenance=Provenance(stage="seed")), Instance("1 + 1", "2"))
    'Add.\n\n1 + 1'
    """
    return f"{task.instruction}\n\n{pair.input}" if pair.input.strip() else task.instruction


def messages(task: Task, pair: Instance) -> Row:
    """The form most trainers read: a user's turn, the assistant's, and so on."""
    return {"messages": [{"role": turn.role, "content": turn.content} for turn in turns(task, pair)]}


def turns(task: Task, pair: Instance) -> list[Message]:
    """The whole conversation, its system turn first."""
    opening = [Message("system", task.system)] if task.system else []
    return [*opening, Message("user", asked(task, pair)), Message("assistant", pair.output), *task.later]


def alpaca(task: Task, pair: Instance) -> Row:
    """Three columns."""
    return {"instruction": task.instruction, "input": pair.input, "output": pair.output}


def prompt_completion(task: Task, pair: Instance) -> Row:
    """Two columns, plain text."""
    return {"prompt": asked(task, pair), "completion": pair.output}


def sharegpt(task: Task, pair: Instance) -> Row:
    """Turns named after who speaks."""
    return {"conversations": [{"from": _SPEAKERS[turn.role], "value": turn.content} for turn in turns(task, pair)]}


_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}


PLAIN: Mapping[str, Callable[[Task, Instance], Row]] = {
    "messages": messages,
    "alpaca": alpaca,
    "prompt_completion": prompt_completion,
    "sharegpt": sharegpt,
}


COLUMNS = {
    "messages": ("messages",),
    "alpaca": ("instruction", "input", "output"),
    "prompt_completion": ("prompt", "completion"),
    "sharegpt": ("conversations",),
    "self_instruct": ("prompt", "completion"),
}
ABOUT = ("id", "is_classification", "source", "model", "metadata")


def rows(tasks: Iterable[Task], layout: str, encode: Encode | None = None) -> Iterator[Row]:
    """The rows of the set; `layout` is one of PLAIN, or `self_instruct`, which needs `encode`."""
    for task in tasks:
        for index, pair in enumerate(task.instances):
            if layout == "self_instruct":
                assert encode is not None
                prompt, completion = encode(task, index)
                row: Row = {"prompt": prompt, "completion": completion}
            else:
                row = PLAIN[layout](task, pair)
            yield {**row, **_about(task, index)}


def _about(task: Task, index: int) -> Row:
    """What leads from a row back to its record."""
    return {
        "id": f"{task.id}/{index}",
        "is_classification": task.is_classification,
        "source": task.provenance.source or task.provenance.stage,
        "model": task.provenance.model,
        "metadata": json.dumps(dict(task.extra), ensure_ascii=False, sort_keys=True) if task.extra else "",
    }
