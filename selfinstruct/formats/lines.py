"""Reads the values of a JSONL file or a JSON array, or the lines of a text: bounded, each with its file and line."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.json_text import LONGEST_WORD, Broken, after_space, first_value, not_json, parse
from selfinstruct.formats.streams import Stream, ending, name, stream

LINE_BYTES = 16 << 20
_PIECE = 64 << 10
_BOM = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Line:
    """One value and where it stands."""

    place: str
    """`file:line`, for messages; of an array's item, the line where it begins."""
    value: Any


def read_values(path: Path) -> Iterator[Line]:
    """The values of a JSONL file or the items of a JSON array, plain, .gz or .zst; BadInput at the first bad one.

    A file that ends in .json (or .json.gz ...) and opens with a bracket is an array; all else has a value a line.
    """
    with stream(path) as opened:
        if ending(path) == ".json":
            yield from _json_file(opened)
        else:
            yield from _values(opened, b"")


def read_text_lines(path: Path) -> Iterator[Line]:
    """The lines of a text file that are not blank, without the space around them."""
    with stream(path) as opened:
        for place, text in _lines(opened, b""):
            if text.strip():
                yield Line(place, text.strip())


def _json_file(opened: Stream) -> Iterator[Line]:
    """Its first mark decides: an array, or what many call JSON and is JSONL."""
    head = b""
    while not head.removeprefix(_BOM).strip() and len(head) < LINE_BYTES:
        piece = opened.piece(_PIECE, name(opened.path))
        if not piece:
            break
        head += piece
    if head.removeprefix(_BOM).lstrip().startswith(b"["):
        yield from _Array(opened, head).items()
    else:
        yield from _values(opened, head)


def _values(opened: Stream, head: bytes) -> Iterator[Line]:
    for place, text in _lines(opened, head):
        if text.strip():
            yield Line(place, parse(text, place))


def _lines(opened: Stream, head: bytes) -> Iterator[tuple[str, str]]:
    """Place and text of each line; `head` was read already."""
    for number, raw in enumerate(_raw_lines(opened, head), 1):
        place = f"{name(opened.path)}:{number}"
        if len(raw) > LINE_BYTES:
            raise BadInput(f"a line over {LINE_BYTES >> 20} MiB", place=place, fix="split the record")
        yield place, _decoded(raw.removeprefix(_BOM) if number == 1 else raw, place)


def _raw_lines(opened: Stream, head: bytes) -> Iterator[bytes]:
    """Lines with their ends; one that is too long is cut just behind the limit."""
    *whole, rest = head.split(b"\n")
    for line in whole:
        yield line + b"\n"
    number = len(whole) + 1
    while line := rest + opened.line(LINE_BYTES + 1 - min(len(rest), LINE_BYTES), f"{name(opened.path)}:{number}"):
        yield line
        rest, number = b"", number + 1


def _decoded(raw: bytes, place: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise BadInput(f"not UTF-8 at byte {fault.start + 1}", place=place, fix="save the file as UTF-8") from None


class _Array:
    """Items of a JSON array, read one at a time: a large file costs the memory of its largest item."""

    def __init__(self, opened: Stream, head: bytes) -> None:
        self._stream, self._file = opened, name(opened.path)
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at = "", 0
        self._line, self._counted = 1, 0  # the line that index `_counted` of the text is on
        self._ended = False
        self._feed(head.removeprefix(_BOM))

    def items(self) -> Iterator[Line]:
        """Each with the line where it begins."""
        self._mark()
        self._at += 1  # past the bracket
        if self._mark() != "]":
            yield self._item()
            while self._mark() == ",":
                self._at += 1
                self._mark()
                yield self._item()
        if self._mark() != "]":
            raise self._not_json("expecting ',' or ']'", self._at)
        self._at += 1
        if self._mark():
            raise self._not_json("more text behind the array", self._at)

    def _item(self) -> Line:
        """The value that begins here; more is read until it is whole, or longer than any line may be."""
        place = self._place(self._at)
        wanted = _PIECE
        while True:
            try:
                value, end = first_value(self._text, self._at, place)
            except Broken as fault:
                if self._ended or not fault.cut:
                    raise self._not_json(fault.what, fault.at) from None
            else:
                # A number at the very end may go on in the next piece.
                if self._ended or end + LONGEST_WORD <= len(self._text):
                    self._at = end
                    return Line(place, value)
            if len(self._text) - self._at > LINE_BYTES:
                raise BadInput(f"an item over {LINE_BYTES >> 20} MiB", place=place, fix="split the record")
            # Twice as much each time, so that trying again costs no more than reading did.
            self._more(wanted)
            wanted *= 2

    def _mark(self) -> str:
        """The next character that is not white space; empty at the end."""
        self._at = after_space(self._text, self._at)
        while self._at == len(self._text) and not self._ended:
            self._more(_PIECE)
            self._at = after_space(self._text, self._at)
        return self._text[self._at : self._at + 1]

    def _more(self, size: int) -> None:
        """Read on, and let go of what lies behind."""
        self._place(self._at)
        self._text, self._at, self._counted = self._text[self._at :], 0, 0
        self._feed(self._stream.piece(size, self._file))

    def _feed(self, piece: bytes) -> None:
        try:
            self._text += self._decode.decode(piece, final=not piece)
        except UnicodeDecodeError as fault:
            bad = self._stream.total - len(fault.object) + fault.start + 1
            self._text += fault.object[: fault.start].decode("utf-8")
            raise BadInput(
                f"not UTF-8 at byte {bad} of the file",
                place=self._place(len(self._text)),
                fix="save the file as UTF-8",
            ) from None
        self._ended = not piece

    def _place(self, at: int) -> str:
        """`file:line` of an index no smaller than the last one asked for."""
        self._line += self._text.count("\n", self._counted, at)
        self._counted = at
        return f"{self._file}:{self._line}"

    def _not_json(self, what: str, at: int) -> BadInput:
        return not_json(what, self._text, at, self._place(at))
