"""A task becomes rows of the published set, one for each instance, in the format asked for; a row a line of JSON."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeGuard, cast

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.formats.conversations import TURN_KEYS, tagged
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_text import parse
from selfinstruct.formats.loss_marks import marked_turns, row_mark
from selfinstruct.formats.plugin_formats import Format, writable
from selfinstruct.prompt_templates import user_turn
from selfinstruct.records import Instance, Json, Task
from selfinstruct.task_turns import turns
from selfinstruct.text import shown
from selfinstruct.text.quoting import finite_json_text, json_bytes

Row = dict[str, Json]
Encode = Callable[[Task, int], tuple[str, str]]
"""A task and the index of its instance -> prompt and completion (Self-Instruct's own encoding)."""
_HALF = re.compile("[\ud800-\udfff]")
# Ends of lines to some readers (`str.splitlines`), though not to JSONL: escaped, a row is one line to everybody.
_LINE_ENDS = {mark.encode(): b"\\u%04x" % ord(mark) for mark in "\x85\u2028\u2029"}


def messages(task: Task, pair: Instance) -> Row:
    """The form most trainers read: a user's turn, the assistant's, and so on."""
    if not task.system and not task.later:  # as nearly all
        asked: Json = {"role": "user", "content": user_turn(task.instruction, pair.input)}
        return {"messages": [asked, {"role": "assistant", "content": pair.output}]}
    return {"messages": [{"role": turn.role, "content": turn.content} for turn in turns(task, pair)]}


def alpaca(task: Task, pair: Instance) -> Row:
    """Columns `instruction`, `input`, `output`."""
    return {"instruction": task.instruction, "input": pair.input, "output": pair.output}


def prompt_completion(task: Task, pair: Instance) -> Row:
    """Two columns, plain text."""
    return {"prompt": user_turn(task.instruction, pair.input), "completion": pair.output}


def sharegpt(task: Task, pair: Instance) -> Row:
    """Turns named after who speaks."""
    return {"conversations": [{"from": _SPEAKERS[turn.role], "value": turn.content} for turn in turns(task, pair)]}


def tags(task: Task, pair: Instance) -> Row:
    """One text, each turn under a tag that says who speaks."""
    return {"text": tagged(turns(task, pair))}


_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}
PLAIN: Mapping[str, Callable[[Task, Instance], Row]] = {
    "messages": messages,
    "alpaca": alpaca,
    "prompt_completion": prompt_completion,
    "sharegpt": sharegpt,
    "tags": tags,
}
COLUMNS = {
    "messages": ("messages",),
    "alpaca": ("instruction", "input", "output"),
    "prompt_completion": ("prompt", "completion"),
    "sharegpt": ("conversations",),
    "tags": ("text",),
    "self_instruct": ("prompt", "completion"),
}
ONE_TURN = ("alpaca", "prompt_completion", "self_instruct", "seeds", "natinst")
"""Layouts without room for a conversation, or for what its system turn says."""
WITH_TURNS = ("messages", "sharegpt")
"""Layouts whose turns can say of themselves that they are not to be learned."""
ABOUT = ("id", "is_classification", "source", "model", "metadata")


def columns_of(layout: str) -> tuple[str, ...]:
    """What a layout is made of; BadInput for one that nobody wrote."""
    return COLUMNS[layout] if layout in COLUMNS else _others(layout).columns


def one_turn(layout: str) -> bool:
    """Whether it has no room for a conversation."""
    return layout in ONE_TURN or (layout not in COLUMNS and _others(layout).one_turn)


def written(task: Task, pair: Instance, layout: str) -> Row:
    """The columns of one instance, in a layout that needs no encoding."""
    if layout in PLAIN:
        return PLAIN[layout](task, pair)
    made = _others(layout)
    row = {} if made.write is None else dict(made.write(task, pair))
    if set(row) != set(made.columns):
        what = f"format '{shown(layout)}' wrote {shown(', '.join(row), 200)} for {', '.join(made.columns)}"
        raise BadInput(what, place=f"record {task.id[:16]}", fix="let it write each of its columns, and no other")
    return {name: row[name] for name in made.columns}


@cache
def _others(layout: str) -> Format:
    plugin = writable(layout, f"format '{shown(layout)}'")
    if plugin is None:
        known = ", ".join((*COLUMNS, *plugins.names("formats")))
        raise BadInput(f"no format '{shown(layout)}'", fix=f"take one of {known}")
    return plugin


def rows(
    tasks: Iterable[Task], layout: str, encode: Encode | None = None, *, first_turn: bool = False
) -> Iterator[Row]:
    """The rows of the set; `layout` is one of PLAIN, or `self_instruct`, which needs `encode`.

    Raises BadInput for a conversation that the layout has no room for, unless `first_turn` says to cut it.
    """
    write = PLAIN.get(layout)
    for task in tasks:
        if write and not (task.extra or task.system or task.later or task.unlearned or task.measures):
            for index, pair in enumerate(task.instances):
                yield write(task, pair) | _origin(task, index, {})
            continue
        fit = fitted(task, layout, first_turn=first_turn)
        for index in range(len(task.instances)):
            yield {**content(fit, index, layout, encode), **_own_columns(fit, index, layout)}


def fitted(task: Task, layout: str, *, first_turn: bool) -> Task:
    """The task, or with `first_turn` as much of it as the layout has room for; BadInput names one that is too long."""
    if not task.later or (not one_turn(layout) and not first_turn):
        return task
    if not first_turn:
        what = f"a conversation of {len(task.later) // 2 + 1} answers, and '{layout}' has room for one"
        place = f"record {task.id[:16]} ('{shown(task.instruction, 40)}')"
        raise BadInput(what, place=place, fix="say --first-turn to cut it, or take the layout messages")
    unlearned = task.unlearned if len(task.instances) > 1 else tuple(number for number in task.unlearned if not number)
    return replace(task, later=(), unlearned=unlearned)


def content(task: Task, index: int, layout: str, encode: Encode | None) -> Row:
    """The columns that the layout is made of."""
    if layout != "self_instruct":
        row = written(task, task.instances[index], layout)
        return {key: marked_turns(item, task, index) if isinstance(item, list) else item for key, item in row.items()}
    assert encode is not None
    prompt, completion = encode(task, index)
    return {"prompt": prompt, "completion": completion}


def own_fields(task: Task, index: int) -> Row:
    """The user's own fields as they belong to one instance: what stood beside it, not what stood beside all.

    >>> from selfinstruct.records import Provenance
    >>> extra = {"id": "a", "instances": [{"score": 1}, {"score": 2}]}
    >>> pairs = (Instance("", "x"), Instance("", "y"))
    >>> own_fields(Task(instruction="Add.", instances=pairs, extra=extra, provenance=Provenance(stage="seed")), 1)
    {'id': 'a', 'score': 2}
    """
    fields = dict(task.extra)
    for key in ("instances", "Instances"):
        by_instance = fields.get(key)
        if isinstance(by_instance, list) and len(by_instance) == len(task.instances):
            own = by_instance[index]
            if isinstance(own, dict):
                del fields[key]
                fields |= {name: item for name, item in own.items() if name not in fields}
                # What has the name of a field of the whole stays where it was.
                if taken := {name: item for name, item in own.items() if name in task.extra}:
                    fields[key] = [taken]
    return fields


def _own_columns(task: Task, index: int, layout: str) -> Row:
    """What leads from a row back to its record."""
    metadata = own_fields(task, index)
    if task.system and one_turn(layout):
        metadata["system"] = task.system
    if task.measures:
        metadata["measures"] = dict(task.measures)
    if layout not in WITH_TURNS:
        metadata |= row_mark(task, index)
    return _origin(task, index, metadata)


def _origin(task: Task, index: int, metadata: Row) -> Row:
    return {
        "id": f"{task.id}/{index}",
        "is_classification": task.is_classification,
        "source": task.provenance.source or task.provenance.stage,
        "model": task.provenance.model,
        "metadata": json.dumps(metadata, ensure_ascii=False, sort_keys=True) if metadata else "",
    }


def with_beside(said: Json, own: Row) -> Json:
    """Turns with what stood beside them, which is taken from `own` if there is as much of it.

    >>> own = {"messages": [{}, {"score": 1}]}
    >>> with_beside([{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}], own)[1], own
    ({'score': 1, 'from': 'gpt', 'value': 'Hello'}, {})
    """
    assert isinstance(said, list)
    for key in TURN_KEYS:
        turn_fields = own.get(key)
        if not _are_turn_fields(turn_fields):
            continue
        opening: list[Json] = [{}] if len(turn_fields) == len(said) - 1 else []  # a system turn from a field of its own
        more = [*opening, *turn_fields]
        if len(more) == len(said):
            del own[key]
            return [{**cast("Row", extra), **cast("Row", turn)} for extra, turn in zip(more, said, strict=True)]
    return said


def _are_turn_fields(value: Json) -> TypeGuard[list[Json]]:
    """A list of what stood beside turns, and not of turns."""
    return isinstance(value, list) and all(isinstance(item, dict) and item.keys().isdisjoint(_SAID) for item in value)


_SAID = frozenset(("role", "content", "from", "value"))
_ROW_ID = re.compile(r"[0-9a-f]{64}/\d+")


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A row of a published set, taken apart."""

    value: Row
    """The columns of its layout and the user's own fields, as before it was published."""
    parent: str
    """Id of the record it was a row of."""
    model: str
    measures: Mapping[str, float]


def unpublished(row: Row) -> Unpublished | None:
    """The inverse of `rows` for one row; None for anybody else's.

    So that a set which is published, cleaned and published again does not carry metadata in metadata.
    """
    mine, model, metadata = row.get("id"), row.get("model"), row.get("metadata")
    if not (isinstance(mine, str) and isinstance(model, str) and isinstance(metadata, str) and _ROW_ID.fullmatch(mine)):
        return None
    try:
        fields = parse(metadata, "") if metadata else {}
    except BadRecord:
        return None
    if not isinstance(fields, dict):
        return None
    measures = fields.pop("measures", {})
    if not _are_numbers(measures):
        return None
    value = {key: item for key, item in row.items() if key not in ("id", "source", "model", "metadata")}
    turns_under = next((key for key in TURN_KEYS if isinstance(value.get(key), list)), "")
    if turns_under:
        value[turns_under] = with_beside(value[turns_under], fields)
    taken = {key: item for key, item in fields.items() if key in value or (key in TURN_KEYS and _are_turn_fields(item))}
    fields = {key: item for key, item in fields.items() if key not in taken}
    if taken:
        value["metadata"] = {"extra": taken}
    return Unpublished({"source": row.get("source"), **fields, **value}, mine.split("/")[0], model, measures)


def _are_numbers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(item, int | float) and not isinstance(item, bool) for item in value.values()
    )


def row_line(row: Row) -> bytes:
    r"""The row as JSON in UTF-8, without the end of its line; UnicodeEncodeError for half a character.

    >>> row_line({"text": "a" + chr(0x2028) + "b"})
    b'{"text": "a\\u2028b"}'
    """
    line = json_bytes(row, by_library=finite_json_text)
    if not line.isascii():
        for mark, escaped in _LINE_ENDS.items():
            line = line.replace(mark, escaped)
    return line


def whole_row(row: Row) -> Row:
    """The row with U+FFFD for half characters (lone surrogates), which UTF-8 cannot hold."""
    # Keys and texts in ASCII, as most are, are looked at without a call for each.
    return {
        column if column.isascii() else whole_text(column): value
        if value is None or (type(value) is str and value.isascii())
        else _whole(value)
        for column, value in row.items()
    }


def whole_text(text: str) -> str:
    """The text with U+FFFD for half characters."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {whole_text(key): _whole(item) for key, item in value.items()}
    return value
