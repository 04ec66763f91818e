"""NatInst-V2 task files: one definition, examples, and instances that may each have several right answers."""

from collections.abc import Mapping
from typing import Any

from selfinstruct.formats.fields import as_text, asked, beside, kind, objects, rest, text
from selfinstruct.formats.unreadable import BadRecord
from selfinstruct.records import Instance, Json, Provenance, Task


def natinst(value: Mapping[str, Any], origin: Provenance) -> Task:
    """One task with all its instances; what is beside the first definition and the first answers goes into `extra`.

    >>> river = {"Definition": ["Name a river."], "Instances": [{"input": "Scotland", "output": ["Tay", "Dee"]}]}
    >>> task = natinst(river, Provenance(stage="input", source="task1.json"))
    >>> task.instances[0].output, task.extra
    ('Tay', {'Instances': [{'output': ['Dee']}]})
    """
    found = objects(value, "Instances")
    extra = rest(value, "Definition", "Instances")
    first, *others = _texts(value["Definition"], "key 'Definition'")
    if others:
        extra["Definition"] = list(others)
    answers = [
        _texts(part.get("output"), f"'Instances', item {number}, 'output'") for number, part in enumerate(found, 1)
    ]
    said = [{**part, "output": outputs[1:] or None} for part, outputs in zip(found, answers, strict=True)]
    if more := beside(said, "input"):
        extra["Instances"] = [
            {key: item for key, item in part.items() if item is not None} for part in map(_fields, more)
        ]
    return Task(
        instruction=asked(first, "the definition"),
        instances=tuple(
            Instance(text(part, "input", within=f"'Instances', item {number}, "), outputs[0])
            for number, (part, outputs) in enumerate(zip(found, answers, strict=True), 1)
        ),
        provenance=origin,
        extra=extra,
    )


def natinst_object(task: Task) -> dict[str, Json]:
    """The inverse: the record as such a file has it."""
    extra = dict(task.extra)
    definitions = _list(extra.pop("Definition", []))
    more = [_fields(part) for part in _list(extra.pop("Instances", []))]
    more += [{}] * (len(task.instances) - len(more))
    return {
        **{key: item for key, item in extra.items() if key not in ("Positive Examples", "Negative Examples")},
        "Definition": [task.instruction, *definitions],
        "Positive Examples": extra.get("Positive Examples", []),
        "Negative Examples": extra.get("Negative Examples", []),
        "Instances": [
            {**beside_it, "input": pair.input, "output": [pair.output, *_list(beside_it.get("output", []))]}
            for pair, beside_it in zip(task.instances, more, strict=False)
        ],
    }


def _texts(found: object, what: str) -> list[str]:
    """One text, or a list of at least one."""
    if isinstance(found, str):
        return [found]
    if not isinstance(found, list):
        raise BadRecord(f"{what}: {kind(found)}, not a list", reason="wrong_type")
    if not found:
        raise BadRecord(f"{what}: an empty list", reason="no_answer")
    return [as_text(item, what) for item in found]


def _list(found: Json) -> list[Json]:
    return found if isinstance(found, list) else []


def _fields(found: Json) -> dict[str, Json]:
    return found if isinstance(found, dict) else {}
