"""Reads the values of a JSONL file, a JSON array or one object, or the lines of a text: bounded, each with its line."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_stream import Cursor, Line, array_items, objects
from selfinstruct.formats.json_text import Broken, first_value, object_of_texts, objects_of_texts, parse
from selfinstruct.formats.streams import Stream, ending, name, stream
from selfinstruct.text import shown

__all__ = ["Line", "read_each", "read_each_text_line", "read_text_lines", "read_values"]

LINE_BYTES = 16 << 20
_PIECE = 64 << 10
_BLOCK_LINES, _BLOCK_BYTES = 64, 1 << 18
_SHOWN = 200
_BOM = codecs.BOM_UTF8
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_RECORDS = re.compile(rb"\[\s*[\[{]")


def read_values(path: Path) -> Iterator[Line]:
    """The values of a JSONL file, or of a JSON array or object, plain, .gz or .zst; BadInput at the first bad one.

    A file that ends in .json (or .json.gz ...) and opens with a bracket is an array; one that opens with a brace
    which its line does not close is an object; all else has a value a line.
    """
    for line in read_each(path):
        if isinstance(line, BadRecord):
            raise line
        yield line


def read_each(path: Path) -> Iterator[Line | BadRecord]:
    """As `read_values`, but a record that cannot be used is handed out as a complaint and the next ones follow.

    Raises BadInput where nothing can follow: a torn file, an array that breaks off or loses its commas.
    """
    with stream(path) as opened:
        yield from _of_stream(opened, ending(path))


def read_text_lines(path: Path) -> Iterator[Line]:
    """The lines of a text file that are not blank, without the space around them; BadInput at the first bad one."""
    for line in read_each_text_line(path):
        if isinstance(line, BadRecord):
            raise line
        yield line


def read_each_text_line(path: Path) -> Iterator[Line | BadRecord]:
    """As `read_text_lines`, with complaints in the place of lines that cannot be used."""
    first = True
    with stream(path) as opened:
        for place, raw in _lines(opened, b""):
            text = _decoded(raw, place)
            if isinstance(text, BadRecord):
                yield text
            elif text.strip():
                if first and _is_object(text):
                    what = "records as JSON in a file of plain text"
                    raise BadInput(what, place=name(path), fix="let its name end in .jsonl")
                first = False
                yield Line(place, text.strip())


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(parse(text, ""), dict)
    except BadRecord:
        return False


def _of_stream(opened: Stream, kind: str) -> Iterator[Line | BadRecord]:
    """What it begins with decides: an array, an object over many lines, or a value a line."""
    head = _first_line(opened)
    if head.startswith(UTF16_MARKS):
        raise BadInput("UTF-16, not UTF-8", place=name(opened.path), fix="save the file as UTF-8")
    mark = head.removeprefix(_BOM).strip()
    if _RECORDS.match(mark) and kind != ".json":
        head += opened.line(LINE_BYTES + 1, name(opened.path))
        if b"\n" not in head.strip():  # all on a single line
            kind = ".json"
    if mark == b"[" or (kind == ".json" and mark.startswith(b"[")):
        yield from array_items(Cursor(opened, head.removeprefix(_BOM), LINE_BYTES))
    elif mark == b"{" or (kind == ".json" and mark.startswith(b"{") and _goes_on(mark)):
        yield from objects(Cursor(opened, head.removeprefix(_BOM), LINE_BYTES))
    else:
        yield from _values(opened, head)


def _first_line(opened: Stream) -> bytes:
    """Everything up to the end of the first line that is not blank."""
    lines: list[bytes] = []
    size = 0
    while size < LINE_BYTES:
        line = opened.line(LINE_BYTES + 1, f"{name(opened.path)}:{len(lines) + 1}")
        lines.append(line)
        size += len(line)
        if not line or line.removeprefix(b"" if lines[1:] else _BOM).strip():
            break
    return b"".join(lines)


def _goes_on(line: bytes) -> bool:
    """Whether an object that begins here is not closed on the same line, or holds a list of records."""
    try:
        text = line.decode("utf-8")
        value, _ = first_value(text, 0, "")
    except Broken as fault:
        return fault.cut
    except (BadRecord, UnicodeDecodeError):
        return False
    return isinstance(value, dict) and isinstance(value.get("data"), list)


def _values(opened: Stream, head: bytes) -> Iterator[Line | BadRecord]:
    for block in _blocks(_lines(opened, head)):
        whole = len(block[-1][1]) <= LINE_BYTES
        if whole and (values := objects_of_texts([raw for _, raw in block])) is not None:
            yield from map(Line, (place for place, _ in block), values)
            continue
        for place, raw in block:
            if (item := _value(place, raw)) is not None:
                yield item


def _value(place: str, raw: bytes) -> Line | BadRecord | None:
    """None of a blank line."""
    if len(raw) <= LINE_BYTES and (value := object_of_texts(raw)) is not None:
        return Line(place, value)
    text = _decoded(raw, place)
    if isinstance(text, BadRecord):
        return text
    if not text.strip():
        return None
    try:
        return Line(place, parse(text, place))
    except BadRecord as fault:
        return fault.at(place, shown(text[: 2 * _SHOWN], _SHOWN))


def _blocks(lines: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Some lines at a time; those before a fault come before it."""
    block: list[tuple[str, bytes]] = []
    size, fault = 0, None
    try:
        for place, raw in lines:
            block.append((place, raw))
            size += len(raw)
            if len(block) == _BLOCK_LINES or size > _BLOCK_BYTES:
                yield block
                block, size = [], 0
    except BadInput as torn:
        fault = torn
    if block:
        yield block
    if fault is not None:
        raise fault


def _lines(opened: Stream, head: bytes) -> Iterator[tuple[str, bytes]]:
    """Place and bytes of each line; `head` was read already."""
    file = name(opened.path)
    for number, raw in enumerate(_raw_lines(opened, head), 1):
        yield f"{file}:{number}", raw.removeprefix(_BOM) if number == 1 else raw


def _raw_lines(opened: Stream, head: bytes) -> Iterator[bytes]:
    """Lines with their ends; of one that is too long only the beginning, just over the limit."""
    *whole, rest = head.split(b"\n")
    for line in whole:
        yield line + b"\n"
    number, file = len(whole) + 1, name(opened.path)
    while line := rest + opened.line(LINE_BYTES + 1 - min(len(rest), LINE_BYTES), f"{file}:{number}"):
        yield line
        more = line
        while len(line) > LINE_BYTES and more and not more.endswith(b"\n"):
            more = opened.line(_PIECE, f"{file}:{number}")
        rest, number = b"", number + 1


def _decoded(raw: bytes, place: str) -> str | BadRecord:
    if len(raw) > LINE_BYTES:
        what = f"a line over {LINE_BYTES >> 20} MiB"
        return BadRecord(what, reason="too_long", place=place, fix="split the record", text=_begins(raw))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        what = f"not UTF-8 at byte {fault.start + 1}"
        return BadRecord(what, reason="not_utf8", place=place, fix="save the file as UTF-8", text=_begins(raw))


def _begins(raw: bytes) -> str:
    return shown(raw[: 2 * _SHOWN].decode("utf-8", "replace"), _SHOWN)
