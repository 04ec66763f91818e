"""Reads a record of three texts (instruction, input, output) and nothing beside, as nearly all are, the short way."""

import hashlib
from collections.abc import Callable
from typing import Any

from selfinstruct.formats.fields import asked
from selfinstruct.records import NO_EXTRA, Instance, Provenance, Task, setter_of
from selfinstruct.text.quoting import quoted_ascii

NO_INPUT = "<noinput>"
"""Alpaca's mark."""
_THREE = {"instruction", "input", "output"}


def three_texts(value: Any, provenance: Provenance, origin: bytes) -> Task | None:  # noqa: ANN401 - any JSON value
    """What `layouts.alpaca` makes of such a record; None for any other. `origin`: what `origin_of` its provenance says.

    No look is needed for other layouts, marks, labels or fields of the user's own.
    """
    if type(value) is not dict or value.keys() != _THREE:
        return None
    instruction, entered, answer = value["instruction"], value["input"], value["output"]
    if type(instruction) is not str or type(entered) is not str or type(answer) is not str:
        return None
    entered = "" if entered and entered.strip().lower() == NO_INPUT else entered
    return task_of(asked(instruction), Instance(entered, answer), provenance, origin)


def task_of(instruction: str, pair: Instance, provenance: Provenance, origin: bytes) -> Task:
    """The record of one instance.

    >>> from selfinstruct.records import origin_of
    >>> read = Provenance(stage="input", source="a.jsonl")
    >>> pair = Instance("1 2", "3")
    >>> task_of("Add.", pair, read, origin_of(read)) == Task(instruction="Add.", instances=(pair,), provenance=read)
    True
    """
    made: Task = object.__new__(Task)
    for put, value in _EMPTY:
        put(made, value)
    _put_instruction(made, instruction)
    _put_instances(made, (pair,))
    _put_provenance(made, provenance)
    identity = b'["task",[%s,[[%s,%s]],null,false],[%s],0]' % (
        quoted_ascii(instruction),
        quoted_ascii(pair.input),
        quoted_ascii(pair.output),
        origin,
    )
    _put_id(made, hashlib.sha256(identity).hexdigest())
    return made


_put_instruction, _put_instances, _put_provenance, _put_id = map(
    setter_of, ("instruction", "instances", "provenance", "id")
)
_EMPTY: tuple[tuple[Callable[[Task, object], None], object], ...] = (
    (setter_of("is_classification"), None),
    (setter_of("human"), False),
    (setter_of("system"), ""),
    (setter_of("later"), ()),
    (setter_of("unlearned"), ()),
    (setter_of("ordinal"), 0),
    (setter_of("extra"), NO_EXTRA),
    (setter_of("measures"), NO_EXTRA),
    (setter_of("line"), None),
)
