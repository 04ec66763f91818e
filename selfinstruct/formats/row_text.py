"""A row as one line of JSON that every reader takes for one line, and in which no character is broken."""

import json
import re

from selfinstruct.formats.rows import Row
from selfinstruct.records import Json

_HALF = re.compile("[\ud800-\udfff]")
# Ends of lines to some readers (`str.splitlines`), though not to JSONL: escaped, a row is one line to everybody.
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def row_line(row: Row) -> str:
    r"""The row as JSON, without the end of its line.

    >>> row_line({"text": "a" + chr(0x2028) + "b"})
    '{"text": "a\\u2028b"}'
    """
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    for mark, escaped in _LINE_ENDS.items():
        line = line.replace(mark, escaped)
    return line


def whole_row(row: Row) -> Row:
    """The row with U+FFFD for half characters (lone surrogates), which UTF-8 cannot hold."""
    return {whole_text(column): _whole(value) for column, value in row.items()}


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
