"""From records to the tasks of an ablation: NatInst tasks as they are, other sets by their instruction."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from selfinstruct.audit.label_space import Studied, studied
from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.superni import Example, NatInstTask, natinst_task, normalized

_EXAMPLES = 2  # taken out of a set that names none
_OF_FILE = ("Categories", "Positive Examples", "Negative Examples", "Labels")


@dataclass(frozen=True, slots=True)
class Found:
    """The tasks, and how many records were left out: free text that is asked once has nothing to be compared by."""

    tasks: tuple[Studied, ...]
    left_out: int

    @property
    def with_labels(self) -> int:
        """Tasks that have a label space."""
        return sum(bool(one.labels) for one in self.tasks)


def tasks_of(records: Iterable[Task], first: int) -> Found:
    """The tasks of a set with their first instances; records of one instance and one instruction are one task.

    Raises:
        BadInput: one task alone, or none with a label space.
    """
    alone, grouped = list[Task](), dict[str, list[Task]]()
    for record in records:
        if len(record.instances) > 1 or "Positive Examples" in record.extra:
            alone.append(record)
        elif record.instances:
            grouped.setdefault(record.instruction, []).append(record)
    names = Counter(map(_name, alone))
    tasks = [_task(record, _name(record) if names[_name(record)] == 1 else _numbered(record)) for record in alone]
    tasks += [_joined(group) for group in grouped.values()]
    found = [studied(_with_examples(task), first) for task in tasks]
    kept = tuple(one for one in found if one.asked and (one.labels or len(one.task.instances) > 1))
    if len(kept) < 2:
        what = (
            f"{len(kept)} task{'' if len(kept) == 1 else 's'} with a label space or several instances; two are needed"
        )
        raise BadInput(what, place="stage ablate", fix="name a set with several tasks, each with several instances")
    if not any(one.labels for one in kept):
        what = f"none of {len(kept)} tasks has a label space: there is nothing to guess from, and nothing to turn round"
        raise BadInput(what, place="stage ablate", fix="add classification tasks, or `Labels` to the task files")
    repeated = [name for name, times in Counter(one.name for one in kept).items() if times > 1]
    if repeated:
        raise BadInput(f"two tasks are called '{repeated[0]}'", place="stage ablate", fix="give each a name of its own")
    return Found(kept, len(found) - len(kept))


def _name(record: Task) -> str:
    named = record.extra.get("Name")
    return named if isinstance(named, str) and named else PurePath(record.provenance.source).stem


def _numbered(record: Task) -> str:
    return f"{_name(record)}-{record.id[:8]}"


def _task(record: Task, name: str) -> NatInstTask:
    """As `formats/shapes.py` keeps a file: what is beside the first definition and answers is extra."""
    beside = _objects(record.extra.get("Instances"))
    beside += [{}] * (len(record.instances) - len(beside))
    instances = [
        {**_identity(more), "input": pair.input, "output": [pair.output, *_texts(more.get("output"))]}
        for pair, more in zip(record.instances, beside, strict=False)
    ]
    told = {key: record.extra[key] for key in _OF_FILE if record.extra.get(key)}
    return natinst_task({**told, "Definition": record.instruction, "Instances": instances}, name, _place(record))


def _joined(group: Sequence[Task]) -> NatInstTask:
    """Records that ask the same of different inputs."""
    first = group[0]
    pairs = [{"input": pair.input, "output": [pair.output]} for one in group for pair in one.instances]
    name = f"{PurePath(first.provenance.source).stem or 'set'}-{first.id[:8]}"
    return natinst_task({"Definition": first.instruction, "Instances": pairs}, name, _place(first))


def _with_examples(task: NatInstTask) -> NatInstTask:
    """A task that shows none gives up its first instances, of different answers where there are such."""
    if task.positive or len(task.instances) < 2 * _EXAMPLES:
        return task
    head, *others = task.instances
    other = next((one for one in others if normalized(one.outputs[0]) != normalized(head.outputs[0])), others[0])
    return replace(
        task,
        positive=tuple(Example(one.input, one.outputs[0]) for one in (head, other)),
        instances=tuple(one for one in others if one is not other),
    )


def _place(record: Task) -> str:
    return record.provenance.source or "the set"


def _identity(more: Mapping[str, Json]) -> dict[str, Any]:
    return {"id": more["id"]} if isinstance(more.get("id"), str) else {}


def _texts(found: Json) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _objects(found: Json) -> list[dict[str, Json]]:
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []
