"""JSON as strangers write it: one value at a time, strict; lists that a table holds as text are parsed."""

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from selfinstruct.formats.fields import BadRecord
from selfinstruct.text import shown
from selfinstruct.text.quoting import parsed_by_msgspec

DEPTH = 64
DIGITS = 4300  # the interpreter's own limit for turning text into an integer
_FLAT = "flatten it"
_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR = 24
_INT64 = 1 << 63
_texts_of_lines = msgspec.json.Decoder(dict[str, str]).decode_lines
_MOST_KEYS = 32  # the whole text is looked through for each
LONGEST_WORD = 16  # more than `-Infinity` or an escaped pair: what ends this near the end may go on behind it
_OF_TURNS = ("messages", "conversations", "conversation", "prompt", "completion", "chosen", "rejected")
_OF_OBJECTS = ("instances", "Instances", "Positive Examples", "Negative Examples")
_OF_TEXTS = ("Definition", "unlearned")


class Broken(Exception):
    """Not JSON, or not all of it yet."""

    def __init__(self, what: str, at: int, *, cut: bool) -> None:
        self.what, self.at, self.cut = what, at, cut
        """`at` is the index where reading stopped; `cut` says that more text could still mend it."""
        super().__init__(what)


def parse(text: str, place: str) -> Any:  # noqa: ANN401 - JSON is untyped until its reader checks it
    """The one value of a text.

    >>> parse('{"a": 1, "a": 2}', "x.jsonl:3")
    Traceback (most recent call last):
    ...
    selfinstruct.formats.fields.BadRecord: x.jsonl:3: key 'a' stands twice; keep one of them
    """
    start = after_space(text, 0)
    try:
        value, end = first_value(text, start, place, checked=_is_harmless(text))
    except Broken as fault:
        raise not_json(fault.what, text, fault.at, place) from None
    end = after_space(text, end)
    if end != len(text):
        raise not_json("more text after the value", text, end, place)
    return value


def object_of_texts(content: bytes) -> dict[str, Any] | None:
    """The object of a line of texts, whole numbers, flags and null, as in most sets; None: `parse` is to tell.

    What the faster reader would let pass is not taken from it: keys that stand twice, half characters, depth, numbers
    that are long or no whole ones.

    >>> object_of_texts(b'{"a": [{"b": 1}]}'), object_of_texts(b'{"a": 1.5}'), object_of_texts(b'{"a": "", "a": ""}')
    ({'a': [{'b': 1}]}, None, None)
    """
    if b"\\u" in content:
        return None
    try:
        value = parsed_by_msgspec(content)
    except (ValueError, RecursionError):
        return None
    if type(value) is not dict or content.count(b"[") + content.count(b"{") > DEPTH:
        return None
    keys = _keys_beside_texts(value)
    if keys is None:
        return None
    for key, times in keys.items():
        # Written with no escape, a key stands there once as it is; a text that is such a word as well is for `parse`.
        if content.count(b'"%s"' % key.encode()) != times:
            return None
    return value


def objects_of_texts(lines: Sequence[bytes]) -> list[dict[str, str]] | None:
    r"""The objects of some lines that have the same keys and texts alone, as in most sets: in a third of the time.

    None: each line is to be looked at by itself, by `object_of_texts`, which is as strict.

    >>> objects_of_texts([b'{"a": "x"}\n', b'{"a": "y"}\n']), objects_of_texts([b'{"a": 1}\n'])
    ([{'a': 'x'}, {'a': 'y'}], None)
    """
    content = b"".join(lines)
    # No text goes on over the end of a line: where each begins with a bracket, as many objects are one on each.
    if b"\\u" in content or not content.startswith(b"{") or content.count(b"\n{") != len(lines) - 1:
        return None
    try:
        values = _texts_of_lines(content)
    except (ValueError, RecursionError):
        return None
    if len(values) != len(lines) or len({tuple(value) for value in values}) != 1 or len(values[0]) > _MOST_KEYS:
        return None
    alike = all(content.count(b'"%s"' % key.encode()) == len(values) for key in values[0])
    return values if alike else None


def _keys_beside_texts(value: dict[str, Any]) -> dict[str, int] | None:
    """How often each key stands in an object and all within; None where something else is in it."""
    keys: dict[str, int] = {}
    inside: list[Any] = [value]
    while inside:
        item = inside.pop()
        if type(item) is dict:
            for key in item:
                keys[key] = keys.get(key, 0) + 1
            if len(keys) > _MOST_KEYS:
                return None
            item = item.values()
        for part in item:
            kind = type(part)
            if kind is dict or kind is list:
                inside.append(part)
            elif kind is int:
                if not -_INT64 <= part < _INT64:
                    return None
            elif kind is not str and kind is not bool and part is not None:
                return None
    return keys


def not_json(what: str, text: str, at: int, place: str) -> BadRecord:
    """The complaint, with what stands there.

    >>> print(not_json("expecting value", '{"a": nope}', 6, "x.jsonl:3"))
    x.jsonl:3: not JSON (expecting value at 'nope}'); correct or remove it
    """
    near = f"at '{shown(text[at : at + _NEAR], _NEAR)}'" if text[at : at + _NEAR].strip() else "at the end"
    return BadRecord(f"not JSON ({what} {near})", reason="broken_json", place=place, fix="correct or remove it")


def first_value(text: str, start: int, place: str, *, checked: bool = False) -> tuple[Any, int]:
    """The value that begins at `start` and the index behind it; Broken where it is not (all) there.

    `checked` says that the text can hold no half characters and nothing too deep.
    """
    try:
        value, end = _reader().raw_decode(text, start)
        if not checked:
            _check(value)
    except BadRecord as fault:
        raise fault.at(place, "") from None
    except json.JSONDecodeError as fault:
        what = fault.msg[:1].lower() + fault.msg[1:].removesuffix(" at").removesuffix(" starting")
        open_string = what.startswith("unterminated")
        raise Broken(what, fault.pos, cut=open_string or fault.pos + LONGEST_WORD > len(text)) from None
    except RecursionError:
        raise BadRecord(f"nested deeper than {DEPTH}", reason="too_deep", place=place, fix=_FLAT) from None
    return value, end


@cache
def _reader() -> json.JSONDecoder:
    """Its hooks complain without a place; who reads knows it."""
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_constant=_constant, parse_int=_whole, parse_float=_fraction
    )


def after_space(text: str, at: int) -> int:
    r"""Index of the next character that is not JSON white space.

    >>> after_space(" \n\t x", 0)
    4
    """
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _constant(word: str) -> None:
    raise BadRecord(f"{word} is no JSON number", reason="broken_json", fix="use null or a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadRecord(f"key '{shown(key)}' stands twice", reason="duplicate_key", fix="keep one of them")
            seen.add(key)
    return fields


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise BadRecord(f"a number of {len(digits)} digits", reason="huge_number", fix="write it as text")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadRecord(f"the number {shown(digits)} is too large", reason="huge_number", fix="write it as text")
    return number


def _is_harmless(text: str) -> bool:
    """Text that came as UTF-8 has half characters only in escapes; what has few brackets is not deep."""
    return "\\u" not in text and text.count("[") + text.count("{") <= DEPTH


def _check(value: object) -> None:
    """Depth and lone surrogates, without recursion."""
    stack: list[tuple[object, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if isinstance(item, str):
            if not item.isascii():
                _check_text(item)
        elif isinstance(item, dict | list):
            if depth > DEPTH:
                raise BadRecord(f"nested deeper than {DEPTH}", reason="too_deep", fix=_FLAT)
            parts = (part for pair in item.items() for part in pair) if isinstance(item, dict) else iter(item)
            stack.extend((part, depth + 1) for part in parts)


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as fault:
        mark = f"U+{ord(text[fault.start]):04X}"
        raise BadRecord(
            f"half of a character ({mark}, a lone surrogate)", reason="surrogate", fix="remove it"
        ) from None


def unpacked(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The record with what is a list in its layout, and came as text, as that list; text that does not parse stays.

    >>> unpacked({"messages": '[{"role": "user", "content": "Name a river."}]', "note": "[1]"})
    {'messages': [{'role': 'user', 'content': 'Name a river.'}], 'note': '[1]'}
    """
    if not isinstance(value, dict) or _KEYS.isdisjoint(value):
        return value
    cells = [key for key, item in value.items() if key in _KEYS and isinstance(item, str | dict)]
    lists = {key: item for key in cells if (item := _listed(value, key)) is not None}
    return {**value, **lists} if lists else value


_LONGEST = 1 << 20  # characters of a cell that are read as Python
_KEYS = frozenset((*_OF_TURNS, *_OF_OBJECTS, *_OF_TEXTS))


def _listed(value: Mapping[str, Any], key: str) -> list[Any] | None:
    text = value.get(key)
    if isinstance(text, dict):
        return _turned(text) if key in _OF_TURNS else None
    if not isinstance(text, str) or not text.lstrip().startswith("["):
        return None
    try:
        items = parse(text, "")
    except BadRecord:
        items = _as_python(text)
    if not isinstance(items, list):
        return None
    if key in _OF_TEXTS:
        return items
    if not all(isinstance(item, dict) for item in items):
        return None
    turns = all(item.keys() & {"role", "from"} for item in items)
    return items if key in _OF_OBJECTS or (items and turns) else None


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
    if not columns.keys() & {"role", "from"} or not all(isinstance(column, list) for column in lists):
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
