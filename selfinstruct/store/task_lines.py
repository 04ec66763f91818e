"""Reads tasks straight from lines of ours that a checksum vouches for: in half the time of parsing them first."""

from collections.abc import Mapping
from typing import Any

import msgspec

from selfinstruct.records import NO_EXTRA, Instance, Json, Message, Task, provenance_of, setter_of

_NONE = msgspec.Raw()


class _Line(msgspec.Struct, gc=False):
    """What stands on one; all else beside a record is `evidence`."""

    id: str
    instruction: str
    instances: tuple[Instance, ...]
    is_classification: bool | None
    human: bool
    provenance: dict[str, Any]
    system: str = ""
    later: tuple[Message, ...] = ()
    unlearned: tuple[int, ...] = ()
    ordinal: int = 0
    extra: dict[str, Any] | None = None
    measures: dict[str, Any] | None = None
    evidence: msgspec.Raw = _NONE


_read = msgspec.json.Decoder(_Line).decode


def task_of_line(line: bytes) -> Task | None:
    """The task, with the line where nothing stands beside it; None of a line that is to be looked at more closely.

    >>> from selfinstruct.records import Provenance
    >>> from selfinstruct.store.record_lines import record_line
    >>> river = Task(instruction="Name a river.", provenance=Provenance(stage="seed"))
    >>> line, marked = record_line(river), record_line(river, {"evidence": {"score": 1}})
    >>> task_of_line(line) == river == task_of_line(marked), task_of_line(line).line == line, task_of_line(marked).line
    (True, True, None)
    """
    try:
        read = _read(line)
        provenance = provenance_of(read.provenance)
    except (ValueError, TypeError, RecursionError):
        return None
    made: Task = object.__new__(Task)
    _put_instruction(made, read.instruction)
    _put_instances(made, read.instances)
    _put_is_classification(made, read.is_classification)
    _put_human(made, read.human)
    _put_system(made, read.system)
    _put_later(made, read.later)
    _put_unlearned(made, read.unlearned)
    _put_provenance(made, provenance)
    _put_ordinal(made, read.ordinal)
    _put_extra(made, _or_none(read.extra))
    _put_measures(made, _or_none(read.measures))
    _put_id(made, read.id)
    _put_line(made, line if read.evidence is _NONE else None)
    return made


def _or_none(fields: dict[str, Any] | None) -> Mapping[str, Json]:
    return NO_EXTRA if fields is None else fields


_put_instruction, _put_instances, _put_is_classification, _put_human = map(
    setter_of, ("instruction", "instances", "is_classification", "human")
)
_put_system, _put_later, _put_unlearned, _put_provenance = map(
    setter_of, ("system", "later", "unlearned", "provenance")
)
_put_ordinal, _put_extra, _put_measures, _put_id, _put_line = map(
    setter_of, ("ordinal", "extra", "measures", "id", "line")
)
