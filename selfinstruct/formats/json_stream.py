"""Reads a JSON document as a stream of items, so that a large array costs the memory of its largest item."""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_text import LONGEST_WORD, Broken, after_space, first_value, not_json
from selfinstruct.formats.streams import Stream, name
from selfinstruct.text import shown

DOCUMENT_BYTES = 256 << 20
_PIECE = 64 << 10
_SHOWN = 200
_MARK = re.compile(r'["\[\]{}]')
_TEXT = re.compile(r'(?:[^"\\\n]++|\\[^\n])*+')  # inside of a text; a backslash takes what follows
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
_WORD_END = re.compile(r"[,\]}\s]")
_WHO, _WHAT = frozenset(("role", "from")), frozenset(("content", "value"))  # the keys of a turn
_NO_UTF8 = re.compile("[\udc80-\udcff]")  # what bytes that are no UTF-8 become on the way in


class Line(NamedTuple):
    """One value and where it stands."""

    place: str
    """`file:line`, for messages; of an array's item, the line where it begins."""
    value: Any


class Cursor:
    """A place in JSON text of which only a part is in memory."""

    def __init__(self, opened: Stream, head: bytes, longest: int) -> None:
        """`head` was read already; no item may be longer than `longest`."""
        self.stream, self._file, self._longest = opened, name(opened.path), longest
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text, self._at = "", 0
        self._line, self._counted = 1, 0  # the line that index `_counted` of the text is on
        self._ended = False
        self._feed(head)
        self._ended = False  # nothing read before says nothing of what follows

    @property
    def place(self) -> str:
        """`file:line` of where it stands."""
        return self._place(self._at)

    def mark(self) -> str:
        """The next character that is not white space; empty at the end."""
        self._at = after_space(self._text, self._at)
        while self._at == len(self._text) and not self._ended:
            self._more(_PIECE)
            self._at = after_space(self._text, self._at)
        return self._text[self._at : self._at + 1]

    def past(self, mark: str, otherwise: str) -> None:
        """Step over the mark that must stand here, or complain."""
        if self.mark() != mark:
            raise self.not_json(otherwise)
        self._at += 1

    def step(self) -> None:
        """Step over one mark."""
        self._at += 1

    def item(self) -> Line | BadRecord:
        """The value that begins here, or what is wrong with it; either way the cursor stands behind it.

        More is read until it is whole, or longer than any may be. Raises BadRecord where its end cannot be found.
        """
        self.mark()
        self._settle()
        place = self.place
        try:
            return Line(place, self._whole(place))
        except BadRecord as fault:
            start, before = self._at, self._text
            begins = shown(before[start : start + 2 * _SHOWN], _SHOWN)
            if not self._skip():
                raise
            if self._text is before and (bad := _NO_UTF8.search(before, start, self._at)):
                return self._no_utf8(bad.start()).at(place, begins)
            return fault.at(place, begins)

    def not_json(self, what: str) -> BadInput:
        """The complaint about what stands here."""
        return self._broken(what, self._at)

    def _whole(self, place: str) -> Any:  # noqa: ANN401 - JSON is untyped until its reader checks it
        wanted = _PIECE
        while True:
            try:
                value, end = first_value(self._text, self._at, place)
            except Broken as fault:
                if self._ended or not fault.cut:
                    raise self._broken(fault.what, fault.at) from None
            else:
                # A number at the very end may go on in the next piece.
                if self._ended or end + LONGEST_WORD <= len(self._text):
                    self._short(end, place)
                    self._at = end
                    return value
            self._short(len(self._text) - LONGEST_WORD, place)
            # Twice as much each time, so that trying again costs no more than reading did.
            self._more(wanted)
            wanted *= 2

    def _short(self, end: int, place: str) -> None:
        if end - self._at > self._longest:
            what = f"an item over {self._longest >> 20} MiB"
            raise BadRecord(what, reason="too_long", place=place, fix="split the record")

    def _skip(self) -> bool:
        """Step over the value that begins here, whatever is in it, by brackets and quotes alone; False without an end.

        A line end inside of a text means that a quote is missing: where the value ends would be a guess.
        """
        if self.mark() not in ('"', "[", "{"):
            return self._find(_WORD_END) != ""
        depth = 0
        while mark := self._find(_MARK):
            self._at += 1
            if mark == '"' and not self._end_of_text():
                return False
            depth += _DEPTH.get(mark, 0)
            if not depth:
                return True
        return False

    def _end_of_text(self) -> bool:
        """Step behind the quote that ends the text which began here; False when there is none on this line."""
        while True:
            match = _TEXT.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._text.startswith('"', self._at):
                self._at += 1
                return True
            if self._ended or len(self._text) - self._at > 1 or self._text.endswith("\n"):
                return False
            self._more(_PIECE)

    def _find(self, marks: re.Pattern[str]) -> str:
        """Go to the next of the marks, and tell which; empty, and at the end, when there is none."""
        while (match := marks.search(self._text, self._at)) is None:
            self._at = len(self._text)
            if self._ended:
                return ""
            self._more(_PIECE)
        self._at = match.start()
        return match.group()

    def _more(self, size: int) -> None:
        """Read on, and let go of what lies behind."""
        self._settle()
        self._text, self._at, self._counted = self._text[self._at :], 0, 0
        self._feed(self.stream.piece(size, self._file))

    def _feed(self, piece: bytes) -> None:
        self._text += self._decode.decode(piece, final=not piece)
        self._ended = not piece

    def _settle(self) -> None:
        """Count the lines behind."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at

    def _place(self, at: int) -> str:
        return f"{self._file}:{self._line + self._text.count(chr(10), self._counted, at)}"

    def _broken(self, what: str, at: int) -> BadRecord:
        if _NO_UTF8.match(self._text, at):
            return self._no_utf8(at)
        return not_json(what, self._text, at, self._place(at))

    def _no_utf8(self, at: int) -> BadRecord:
        undecoded = len(self._text[at:].encode("utf-8", "surrogateescape")) + len(self._decode.getstate()[0])
        return BadRecord(
            f"not UTF-8 at byte {self.stream.total - undecoded + 1} of the file",
            reason="not_utf8",
            place=self._place(at),
            fix="save the file as UTF-8",
        )


def array_items(cursor: Cursor) -> Iterator[Line | BadRecord]:
    """The items of the array that is the whole document; of one conversation, a list of turns, that list."""
    cursor.mark()
    place, items = cursor.place, _items(cursor)
    first = next(items, None)
    if isinstance(first, Line) and _is_turn(first.value):
        yield from _conversation(first, items, cursor, place)
    else:
        yield from chain([] if first is None else [first], items)
    if cursor.mark():
        raise cursor.not_json("more text behind the array")


def _conversation(
    first: Line, items: Iterator[Line | BadRecord], cursor: Cursor, place: str
) -> Iterator[Line | BadRecord]:
    """One list of turns; item by item where not all that can be read are turns, for then it is none."""
    turns: list[Line | BadRecord] = [first]
    for item in items:
        turns.append(item)
        if isinstance(item, Line) and not _is_part(item.value):
            yield from chain(turns, items)
            return
        if cursor.stream.total > DOCUMENT_BYTES:
            what = f"one list of turns of more than {DOCUMENT_BYTES >> 20} MiB"
            raise BadInput(what, place=place, fix="write a list for each conversation, one a line")
    fault = next((turn for turn in turns if isinstance(turn, BadRecord)), None)
    yield fault or Line(place, [turn.value for turn in turns if isinstance(turn, Line)])


def _is_turn(value: object) -> bool:
    """Somebody says something: no record of its own, but a part of a conversation."""
    if not isinstance(value, dict) or _WHAT.isdisjoint(value):
        return False
    return any(isinstance(value.get(key), str) for key in _WHO)


def _is_part(value: object) -> bool:
    """A turn, or what is left of one."""
    return isinstance(value, dict) and not (_WHO | _WHAT).isdisjoint(value)


def objects(cursor: Cursor) -> Iterator[Line | BadRecord]:
    """The objects of a document, however many lines each takes; of one with a list `data`, the items of that list."""
    while cursor.mark():
        place = cursor.place
        fields: dict[str, Any] = {}
        fault: BadRecord | None = None
        unwrapped = False
        for key in _keys(cursor):
            if key == "data" and cursor.mark() == "[":
                unwrapped = True
                yield from _items(cursor)
                continue
            if key in fields:
                what = f"key '{shown(key)}' stands twice"
                fault = fault or BadRecord(what, reason="duplicate_key", place=place, fix="keep one of them")
            value = list(_items(cursor)) if cursor.mark() == "[" else cursor.item()
            listed = value if isinstance(value, list) else [value]
            fault = fault or next((item for item in listed if isinstance(item, BadRecord)), None)
            plain = [item.value for item in listed if isinstance(item, Line)]
            fields[key] = plain if isinstance(value, list) else next(iter(plain), None)
            if cursor.stream.total > DOCUMENT_BYTES:
                what = f"one object of more than {DOCUMENT_BYTES >> 20} MiB"
                raise BadInput(what, place=place, fix="write its records as JSONL")
        if fault is not None:
            yield fault.at(place, shown(f"an object with {', '.join(fields)}", _SHOWN))
        elif not unwrapped:
            yield Line(place, fields)


def _keys(cursor: Cursor) -> Iterator[str]:
    """The keys of the object that begins here; whoever takes one takes its value from the cursor."""
    cursor.past("{", "expecting an object")
    if cursor.mark() != "}":
        while True:
            if cursor.mark() != '"':
                raise cursor.not_json("expecting property name enclosed in double quotes")
            key = _sound(cursor.item())
            cursor.past(":", "expecting ':' delimiter")
            yield str(key)
            if cursor.mark() != ",":
                break
            cursor.step()
    cursor.past("}", "expecting ',' or '}'")


def _items(cursor: Cursor) -> Iterator[Line | BadRecord]:
    """The items of the array that begins here, each with the line where it begins."""
    cursor.past("[", "expecting '['")
    if cursor.mark() != "]":
        yield cursor.item()
        while cursor.mark() == ",":
            cursor.step()
            yield cursor.item()
    cursor.past("]", "expecting ',' or ']'")


def _sound(item: Line | BadRecord) -> Any:  # noqa: ANN401 - JSON is untyped until its reader checks it
    """The value; a fault in a part is a fault of the whole."""
    if isinstance(item, BadRecord):
        raise item
    return item.value
