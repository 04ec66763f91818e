"""Reads seed tasks in the shapes people have them: Self-Instruct's, Alpaca's, or a bare list of instructions."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.lines import Line, read_text_lines, read_values
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.text import shown

_INSIDE_WHEEL = Path(__file__).parent / "seeds" / "self_instruct.jsonl"
_IN_CHECKOUT = Path(__file__).parents[2] / "seeds" / "self_instruct.jsonl"
_SHAPES = (
    'a Self-Instruct task {"instruction", "instances": [{"input", "output"}], "is_classification"}, '
    'an Alpaca record {"instruction", "input", "output"}, or an instruction as text'
)


def builtin_seeds() -> Path:
    """Our own seed tasks: `seeds/` of a checkout, or its copy inside the wheel."""
    return _IN_CHECKOUT if _IN_CHECKOUT.exists() else _INSIDE_WHEEL


def read_seeds(path: Path, *, human: bool = True) -> tuple[Task, ...]:
    """The tasks of a file, in order; a user's id, name and other fields go into `extra`.

    `human=False` reads the same shapes as material to work on instead of seeds.
    Raises BadInput with file and line for the first record that fits no shape, and for a file without tasks.
    """
    lines = read_text_lines(path) if path.suffix == ".txt" else read_values(path)
    tasks = tuple(_distinct(lines, path.name, human=human))
    if not tasks:
        raise BadInput("no tasks", place=str(path), fix=f"one a line: {_SHAPES}")
    return tasks


def _distinct(lines: Iterable[Line], source: str, *, human: bool) -> Iterator[Task]:
    """Tasks whose identical siblings are told apart, and whose ids occur once."""
    ids: dict[str, str] = {}
    twins: dict[str, int] = {}
    origin = Provenance(stage="seed" if human else "input", source=source)
    for line in lines:
        task = _task(line, origin, human=human)
        mine = task.extra.get("id")
        if isinstance(mine, str):
            if mine in ids:
                raise BadInput(f"id '{shown(mine)}' again", place=line.place, fix=f"it is that of {ids[mine]}")
            ids[mine] = line.place
        ordinal = twins.get(task.id, 0)
        twins[task.id] = ordinal + 1
        yield _sibling(task, ordinal) if ordinal else task


def _sibling(task: Task, ordinal: int) -> Task:
    from dataclasses import replace

    return replace(task, ordinal=ordinal)


def _task(line: Line, origin: Provenance, *, human: bool) -> Task:
    value = line.value
    if isinstance(value, str):
        return Task(instruction=_filled(value, "instruction", line), human=human, provenance=origin)
    if not isinstance(value, dict):
        raise BadInput(f"a {type(value).__name__}", place=line.place, fix=f"expected {_SHAPES}")
    if value.get("kind") == "task" and "provenance" in value:
        return _own(value, line)
    if "instances" in value and "output" in value:
        raise BadInput("has both 'instances' and 'output'", place=line.place, fix="keep one: which is meant is a guess")
    instances = _instances(value, line) if "instances" in value else _alpaca(value, line)
    known = {"instruction", "instances", "is_classification"} | (set() if "instances" in value else {"input", "output"})
    return Task(
        instruction=_filled(_text(value, "instruction", line), "instruction", line),
        instances=instances,
        is_classification=_flag(value, line),
        human=human,
        provenance=origin,
        extra={key: item for key, item in value.items() if key not in known},
    )


def _own(value: Mapping[str, Any], line: Line) -> Task:
    """A record this package wrote: it keeps its provenance."""
    try:
        return Task.from_json(value)
    except (KeyError, TypeError, AttributeError) as fault:
        raise BadInput(f"not a task record ({fault})", place=line.place, fix="take it from a kept.jsonl") from fault


def _instances(value: Mapping[str, Any], line: Line) -> tuple[Instance, ...]:
    pairs = value["instances"]
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        raise BadInput("key 'instances': not a list of objects", place=line.place, fix=f"expected {_SHAPES}")
    return tuple(Instance(_text(pair, "input", line, ""), _text(pair, "output", line)) for pair in pairs)


def _alpaca(value: Mapping[str, Any], line: Line) -> tuple[Instance, ...]:
    if "output" not in value:
        if "input" in value:
            raise BadInput("key 'output' is missing", place=line.place, fix=f"expected {_SHAPES}")
        return ()
    entered = _text(value, "input", line, "")
    return (Instance("" if entered.strip().lower() == "<noinput>" else entered, _text(value, "output", line)),)


def _text(value: Mapping[str, Any], key: str, line: Line, default: str | None = None) -> str:
    if key not in value and default is not None:
        return default
    if key not in value:
        raise BadInput(f"key '{key}' is missing", place=line.place, fix=f"expected {_SHAPES}")
    found = value[key]
    if not isinstance(found, str):
        raise BadInput(f"key '{key}': a {type(found).__name__}, not text", place=line.place, fix="write it as text")
    return found


def _filled(text: str, key: str, line: Line) -> str:
    if not text.strip():
        raise BadInput(f"key '{key}' is empty", place=line.place, fix="write the instruction or remove the line")
    return text


def _flag(value: Mapping[str, Any], line: Line) -> bool | None:
    found = value.get("is_classification")
    if found is not None and not isinstance(found, bool):
        raise BadInput(
            f"key 'is_classification': a {type(found).__name__}", place=line.place, fix="write true, false or nothing"
        )
    return found
