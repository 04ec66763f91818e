r"""Texts and values as JSON: `msgspec` where it writes and reads just what the standard library does, that elsewhere.

`msgspec` refuses half a character (a lone surrogate), NaN and infinities, numbers beyond a double and a byte order
mark, and writes floats below 1e-4 and from 1e16 on in another way. So it writes what has no such number in it, all else
the standard library's own encoder; what it refuses to read is left to the standard library, which decides.
"""

import json
from collections.abc import Callable, Collection
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, cast

import msgspec

_ENCODE: Callable[[str], bytes] = msgspec.json.Encoder().encode
parsed_by_msgspec: Callable[[bytes], Any] = msgspec.json.Decoder().decode
"""What JSON holds by that library alone, of keys that stand twice the last; ValueError where it refuses."""

_SCALARS = {str, int, bool, type(None)}

quoted: Callable[[str], bytes] = _ENCODE
"""The text as a JSON string in UTF-8, with as few escapes as can be; UnicodeEncodeError for half a character."""


def quoted_ascii(text: str) -> bytes:
    r"""The text as a JSON string in ASCII: all else is escaped, half a character too. What ids are made of.

    >>> quoted_ascii("på \ud800")
    b'"p\\u00e5 \\ud800"'
    """
    if text.isascii() and "\x7f" not in text:  # of these alone both write the same
        return _ENCODE(text)
    return encode_basestring_ascii(text).encode("ascii")


def six_digits(value: float | None) -> float | None:
    """A measured number as files hold it, so that the last bits of a machine's arithmetic are in none; None stays None.

    >>> six_digits(1 / 3), six_digits(None)
    (0.333333, None)
    """
    return None if value is None else round(value, 6)


def _no_json(value: object) -> None:
    raise TypeError(f"{type(value).__name__} is not JSON")


def _encoder(*, allow_nan: bool) -> Callable[[Any], str]:
    """The standard library's encoder, made once: `JSONEncoder.encode` makes a new one for every value."""
    made = getattr(json.encoder, "c_make_encoder", None)
    if made is None:  # an interpreter without it
        return json.JSONEncoder(ensure_ascii=False, allow_nan=allow_nan).encode
    encode = made(None, _no_json, encode_basestring, None, ": ", ", ", False, False, allow_nan)
    return lambda value: "".join(cast("tuple[str, ...]", encode(value, 0)))


json_text: Callable[[Any], str] = _encoder(allow_nan=True)
"""As `json.dumps(value, ensure_ascii=False)`, in less than half the time."""
finite_json_text: Callable[[Any], str] = _encoder(allow_nan=False)
"""The same; ValueError for NaN and infinities, which JSON has no numbers for."""


def json_bytes(value: Any, *, by_library: Callable[[Any], str] = json_text) -> bytes:  # noqa: ANN401 - JSON
    r"""As `by_library(value)` in UTF-8; `msgspec` writes it where it writes just that, in half the time.

    UnicodeEncodeError for half a character.

    >>> json_bytes({"a": ["p\u00e5", 1, 0.5, None]}).decode(), json_bytes(1e16).decode()
    ('{"a": ["på", 1, 0.5, null]}', '1e+16')
    """
    if _is_written_alike((value,)):
        try:
            return msgspec.json.format(_ENCODE(value), indent=0)
        except (ValueError, TypeError, OverflowError):
            pass
    return by_library(value).encode("utf-8")


def _is_written_alike(values: Collection[Any]) -> bool:
    """Whether they hold texts, whole numbers, flags, null and floats of the usual size, in objects and lists."""
    if _SCALARS.issuperset(map(type, values)):  # as nearly all: in a tenth of the time of the loop
        return True
    for value in values:
        kind = type(value)
        if kind is dict:
            if not _is_written_alike(value.values()):
                return False
        elif kind is list:
            if not _is_written_alike(value):
                return False
        elif kind is float:
            if not 1e-4 <= value < 1e16:
                return False
        elif kind not in _SCALARS:
            return False
    return True


def parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON
    r"""What JSON text holds, as `json.loads` would say; ValueError or RecursionError where it is none.

    >>> parsed(b'{"a": [1, 123456789012345678901, "\\ud800"]}')
    {'a': [1, 123456789012345678901, '\ud800']}
    """
    try:
        return parsed_by_msgspec(content)
    except (msgspec.MsgspecError, ValueError):
        return json.loads(content)
