"""Reads back a task record that this package wrote: checked like a stranger's, but it keeps its provenance."""

from collections.abc import Callable, Mapping
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.json_stream import Line
from selfinstruct.records import Task


def is_own(value: Mapping[str, Any]) -> bool:
    """A line of a kept.jsonl; a stranger's record may have one of these keys, but not all of them.

    >>> is_own({"instruction": "Name a river.", "provenance": "my notebook"})
    False
    """
    return value.get("kind") == "task" and isinstance(value.get("provenance"), dict) and "human" in value


def own_task(value: Mapping[str, Any], line: Line) -> Task:
    """The record; BadInput names the first key that is not what this package writes."""
    for key, fits in _FITS.items():
        if not fits(value.get(key, _DEFAULTS.get(key))):
            what = f"key '{key}': not what a task record has there"
            raise BadInput(what, place=line.place, fix="take the line from a kept.jsonl again")
    return Task.from_json(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, dict) and set(pair) == {"input", "output"} and all(map(_is_text, pair.values()))
        for pair in value
    )


def _is_provenance(value: object) -> bool:
    if not isinstance(value, dict) or "stage" not in value:
        return False
    parents = value.get("parents", [])
    words = [item for key, item in value.items() if key != "parents"]
    return (
        set(value) <= _ORIGIN_KEYS and all(map(_is_text, words)) and isinstance(parents, list) and _are_texts(parents)
    )


def _are_texts(values: list[object]) -> bool:
    return all(map(_is_text, values))


_ORIGIN_KEYS = {"stage", "source", "parents", "request", "model", "prompt"}


def _are_turns(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(turn, dict)
        and set(turn) == {"role", "content"}
        and turn["role"] in ("system", "user", "assistant")
        and _is_text(turn["content"])
        for turn in value
    )


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in value)


def _are_measures(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, int | float) for item in value.values())


_DEFAULTS: Mapping[str, object] = {
    "ordinal": 0,
    "extra": {},
    "system": "",
    "later": [],
    "unlearned": [],
    "measures": {},
}
_FITS: Mapping[str, Callable[[object], bool]] = {
    "instruction": lambda value: isinstance(value, str) and bool(value.strip()),
    "instances": _are_pairs,
    "is_classification": lambda value: value is None or isinstance(value, bool),
    "human": _is_flag,
    "provenance": _is_provenance,
    "ordinal": lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "extra": lambda value: isinstance(value, dict),
    "system": _is_text,
    "later": _are_turns,
    "unlearned": _are_numbers,
    "measures": _are_measures,
}
