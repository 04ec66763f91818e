"""JSON as strangers write it: one value at a time, strict about what the format forbids and what no sane file has."""

import json
import math
import re
from functools import cache
from typing import Any

from selfinstruct.formats.unreadable import BadRecord
from selfinstruct.text import shown

DEPTH = 64
DIGITS = 4300  # the interpreter's own limit for turning text into an integer
_FLAT = "flatten it"
_SPACE = re.compile(r"[ \t\r\n]*")
_NEAR = 24
LONGEST_WORD = 16  # more than `-Infinity` or an escaped pair: what ends this near the end may go on behind it


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
    selfinstruct.formats.unreadable.BadRecord: x.jsonl:3: key 'a' stands twice; keep one of them
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
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadRecord(f"key '{shown(key)}' stands twice", reason="duplicate_key", fix="keep one of them")
            seen.add(key)
    return found


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
