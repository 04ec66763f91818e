"""Lists that a table holds as text, as JSON or as Python writes it, or the other way round: taken for what they are."""

import ast
import json
from collections.abc import Mapping
from typing import Any

from selfinstruct.formats.json_text import parse
from selfinstruct.formats.unreadable import BadRecord

_OF_TURNS = ("messages", "conversations", "conversation", "prompt", "completion", "chosen", "rejected")
_OF_OBJECTS = ("instances", "Instances", "Positive Examples", "Negative Examples")
_OF_TEXTS = ("Definition", "unlearned")


def unpacked(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The record with what is a list in its layout, and came as text, as that list; text that does not parse stays.

    >>> unpacked({"messages": '[{"role": "user", "content": "Name a river."}]', "note": "[1]"})
    {'messages': [{'role': 'user', 'content': 'Name a river.'}], 'note': '[1]'}
    """
    if not isinstance(value, dict):
        return value
    cells = [key for key, item in value.items() if key in _KEYS and isinstance(item, str | dict)]
    found = {key: item for key in cells if (item := _listed(value, key)) is not None}
    return {**value, **found} if found else value


_LONGEST = 1 << 20  # characters of a cell that are read as Python
_KEYS = frozenset((*_OF_TURNS, *_OF_OBJECTS, *_OF_TEXTS))


def _listed(value: Mapping[str, Any], key: str) -> list[Any] | None:
    text = value.get(key)
    if isinstance(text, dict):
        return _turned(text) if key in _OF_TURNS else None
    if not isinstance(text, str) or not text.lstrip().startswith("["):
        return None
    try:
        found = parse(text, "")
    except BadRecord:
        found = _as_python(text)
    if not isinstance(found, list):
        return None
    if key in _OF_TEXTS:
        return found
    if not all(isinstance(item, dict) for item in found):
        return None
    turns = all(item.keys() & {"role", "from"} for item in found)
    return found if key in _OF_OBJECTS or (found and turns) else None


def _as_python(text: str) -> Any:  # noqa: ANN401 - what is written is told by whoever asked
    """A list of objects as `str` of Python writes it, which tables that were saved in a hurry hold; else None."""
    if not text.lstrip().startswith("[{'") or len(text) > _LONGEST:
        return None
    try:
        return json.loads(json.dumps(ast.literal_eval(text.strip()), allow_nan=False))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _turned(columns: Mapping[str, Any]) -> list[Any] | None:
    """Turns that a table holds as a list for each of their keys: one object for each turn.

    >>> _turned({"role": ["user", "assistant"], "content": ["Name a river.", "Tay"]})[1]
    {'role': 'assistant', 'content': 'Tay'}
    """
    lists = list(columns.values())
    if not columns.keys() & {"role", "from"} or not all(isinstance(one, list) for one in lists):
        return None
    if len(set(map(len, lists))) != 1:
        return None
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def as_cell(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as one cell of text, as `unpacked` reads it.

    >>> as_cell([1, "a"]), as_cell("a"), as_cell(None), as_cell(2.5), as_cell(False)
    ('[1, "a"]', 'a', '', '2.5', 'false')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
