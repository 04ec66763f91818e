"""Lists that a table holds as JSON text, such as the turns in a column of a CSV file: taken for what they are."""

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
    texts = [key for key, item in value.items() if key in _KEYS and isinstance(item, str)]
    found = {key: item for key in texts if (item := _listed(value, key)) is not None}
    return {**value, **found} if found else value


_KEYS = frozenset((*_OF_TURNS, *_OF_OBJECTS, *_OF_TEXTS))


def _listed(value: Mapping[str, Any], key: str) -> list[Any] | None:
    text = value.get(key)
    if not isinstance(text, str) or not text.lstrip().startswith("["):
        return None
    try:
        found = parse(text, "")
    except BadRecord:
        return None
    if not isinstance(found, list):
        return None
    if key in _OF_TEXTS:
        return found
    if not all(isinstance(item, dict) for item in found):
        return None
    turns = all(item.keys() & {"role", "from"} for item in found)
    return found if key in _OF_OBJECTS or (found and turns) else None


def as_cell(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as one cell of text, as `unpacked` reads it.

    >>> as_cell([1, "a"]), as_cell("a"), as_cell(None), as_cell(2.5), as_cell(False)
    ('[1, "a"]', 'a', '', '2.5', 'false')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
