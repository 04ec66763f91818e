"""Reads seed tasks in the layouts people have them: Self-Instruct's, Alpaca's, or a bare list of instructions."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import JSON_KINDS
from selfinstruct.formats.json_lines import read_text_lines, read_values
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.layouts import is_own, own_task
from selfinstruct.formats.streams import ending, name
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.text import shown

_INSIDE_WHEEL = Path(__file__).parent / "seeds" / "self_instruct.jsonl"
_IN_CHECKOUT = Path(__file__).parents[2] / "seeds" / "self_instruct.jsonl"
_LAYOUTS = (
    'a Self-Instruct task {"instruction", "instances": [{"input", "output"}], "is_classification"}, '
    'an Alpaca record {"instruction", "input", "output"}, or an instruction as text'
)
_EXPECTED = f"expected {_LAYOUTS}"


def builtin_seeds() -> Path:
    """Our own seed tasks: the copy inside the wheel, or `seeds/` of a checkout."""
    return _INSIDE_WHEEL if _INSIDE_WHEEL.exists() else _IN_CHECKOUT


def read_seeds(path: Path, *, human: bool = True) -> tuple[Task, ...]:
    """The tasks of a file, in order; a user's id, name and other fields go into `extra`.

    `human=False` reads the same layouts as material to work on instead of seeds.
    Raises BadInput with file and line for the first record that fits no layout, and for a file without tasks.
    """
    lines = read_text_lines(path) if ending(path) == ".txt" else read_values(path)
    tasks = tuple(_distinct(lines, path.name, human=human))
    if not tasks:
        raise BadInput("no tasks", place=name(path), fix=f"write one a line: {_LAYOUTS}")
    return tasks


def _distinct(lines: Iterable[Line], source: str, *, human: bool) -> Iterator[Task]:
    """Tasks whose identical siblings are told apart, and whose ids occur once."""
    places: dict[str, str] = {}
    taken: dict[str, None] = {}
    following: dict[str, int] = {}
    origin = Provenance(stage="seed" if human else "input", source=source)
    for line in lines:
        task = _task(line, origin, human=human)
        _claim_id(task, line, places)
        eldest = replace(task, ordinal=0).id if task.ordinal else task.id
        while task.id in taken:
            following[eldest] = following.get(eldest, 0) + 1
            task = replace(task, ordinal=following[eldest])
        taken[task.id] = None
        yield task


def _claim_id(task: Task, line: Line, places: dict[str, str]) -> None:
    mine = task.extra.get("id")
    if isinstance(mine, bool) or not isinstance(mine, int | str):
        return
    key = json.dumps(mine)
    if key in places:
        what = f"id {shown(json.dumps(mine, ensure_ascii=False))} stands twice, first at {places[key]}"
        raise BadInput(what, place=line.place, fix="give each task an id of its own, or none")
    places[key] = line.place


def _task(line: Line, origin: Provenance, *, human: bool) -> Task:
    value = line.value
    if isinstance(value, str):
        return Task(instruction=_filled(value, line), human=human, provenance=origin)
    if not isinstance(value, dict):
        raise BadInput(f"{_kind(value)}, no task", place=line.place, fix=_EXPECTED)
    if is_own(value):
        return own_task(value, line)
    if "instances" in value and "output" in value:
        raise BadInput("has both 'instances' and 'output'", place=line.place, fix="keep one: which is meant is a guess")
    nested = "instances" in value
    used = ("instruction", "instances", "is_classification") if nested else _FLAT_KEYS
    extra = {key: item for key, item in value.items() if key not in used}
    if nested and (other_fields := _other_fields(value, line)):
        extra["instances"] = other_fields
    return Task(
        instruction=_filled(_text(value, "instruction", line), line),
        instances=_instances(value, line) if nested else _alpaca(value, line),
        is_classification=_flag(value, line),
        human=human,
        provenance=origin,
        extra=extra,
    )


_FLAT_KEYS = ("instruction", "input", "output", "is_classification")


def _pairs(value: Mapping[str, Any], line: Line) -> list[dict[str, Any]]:
    pairs = value["instances"]
    if not isinstance(pairs, list):
        raise BadInput(f"key 'instances': {_kind(pairs)}, not a list", place=line.place, fix=_EXPECTED)
    for number, pair in enumerate(pairs, 1):
        if not isinstance(pair, dict):
            what = f"key 'instances', item {number}: {_kind(pair)}, not an object"
            raise BadInput(what, place=line.place, fix=_EXPECTED)
    return pairs


def _instances(value: Mapping[str, Any], line: Line) -> tuple[Instance, ...]:
    return tuple(
        Instance(
            _text(pair, "input", line, within=f"'instances', item {number}, ", default=""),
            _text(pair, "output", line, within=f"'instances', item {number}, "),
        )
        for number, pair in enumerate(_pairs(value, line), 1)
    )


def _other_fields(value: Mapping[str, Any], line: Line) -> list[Json]:
    """What instances say besides input and output, one object for each; empty when none says more."""
    more: list[Json] = [
        {key: item for key, item in pair.items() if key not in ("input", "output")} for pair in _pairs(value, line)
    ]
    return more if any(more) else []


def _alpaca(value: Mapping[str, Any], line: Line) -> tuple[Instance, ...]:
    if "output" not in value and "input" not in value:
        return ()
    output = _text(value, "output", line)
    entered = _text(value, "input", line, default="")
    return (Instance("" if entered.strip().lower() == "<noinput>" else entered, output),)


def _text(value: Mapping[str, Any], key: str, line: Line, *, within: str = "key ", default: str | None = None) -> str:
    if key not in value and default is not None:
        return default
    if key not in value:
        raise BadInput(f"{within}'{key}' is missing", place=line.place, fix=_EXPECTED)
    text = value[key]
    if not isinstance(text, str):
        raise BadInput(f"{within}'{key}': {_kind(text)}, not text", place=line.place, fix="write it as text")
    return text


def _filled(text: str, line: Line) -> str:
    if not text.strip():
        raise BadInput("key 'instruction' is empty", place=line.place, fix="write the instruction or remove the line")
    return text


def _flag(value: Mapping[str, Any], line: Line) -> bool | None:
    stated = value.get("is_classification")
    if stated is not None and not isinstance(stated, bool):
        what = f"key 'is_classification': {_kind(stated)}, not true or false"
        raise BadInput(what, place=line.place, fix="write true, false or nothing")
    return stated


def _kind(value: object) -> str:
    return "null" if value is None else JSON_KINDS[type(value)]
