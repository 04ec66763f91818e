"""How much an Arrow file (IPC) unpacks to, by what stands in it: nothing is unpacked to find out.

Layout: https://arrow.apache.org/docs/format/Columnar.html, Message.fbs, File.fbs. A packed buffer begins with its
unpacked length; the library believes it, and makes room for that much before it unpacks.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.formats.streams import name, unpacked_cap

_MAGIC = b"ARROW1"
_GOES_ON = 0xFFFFFFFF
_EARLY = b"ARROW:experimental_compression"  # how files of 2020 say that they are packed
_DICTIONARY, _BATCH = 2, 3  # of the union MessageHeader


def refuse_swollen(path: Path) -> None:
    """BadInput where a part of the file unpacks to far more than it is; what is torn is left to the library to name."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            for message, size in _messages(content):
                unpacked = _unpacked(content, message)
                if unpacked > unpacked_cap(min(size, len(content))):
                    what = f"a part of it unpacks to {unpacked >> 20} MiB, far more than it is"
                    raise BadInput(what, place=name(path), fix="write the table again, as JSONL")
        except (struct.error, IndexError):
            return


def begins_as_arrow(path: Path) -> bool:
    """Whether it begins as a file of messages does, or as the first of them."""
    with path.open("rb") as file:
        return file.read(6).startswith((_MAGIC, b"\xff" * 4))


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a flatbuffer; struct.error or IndexError where it points outside."""

    content: mmap.mmap
    at: int

    def field(self, number: int) -> int:
        """Where a field stands; 0 if it is left out."""
        fields = self.at - _number(self.content, "<i", self.at)
        place = 4 + 2 * number
        offset = _number(self.content, "<H", fields + place) if place < _number(self.content, "<H", fields) else 0
        return self.at + offset if offset else 0

    def table(self, number: int) -> "_Table | None":
        """The table that a field refers to."""
        place = self.field(number)
        return _Table(self.content, place + _number(self.content, "<I", place)) if place else None

    def structs(self, number: int, size: int) -> Iterator[int]:
        """Where each struct of a list stands."""
        place = self.field(number)
        if place:
            begin = place + _number(self.content, "<I", place)
            for index in range(_number(self.content, "<I", begin)):
                yield begin + 4 + size * index


def _number(content: mmap.mmap, kind: str, at: int) -> int:
    if at < 0:  # counted from the end elsewhere
        raise IndexError(at)
    return int(struct.unpack_from(kind, content, at)[0])


def _root(content: mmap.mmap, at: int) -> _Table:
    return _Table(content, at + _number(content, "<I", at))


def _messages(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where each message that is read begins, and the bytes it has: by the list at the end of a file, or in a row."""
    if content[:6] != _MAGIC:
        yield from _in_a_row(content)
        return
    end = len(content) - 10
    footer = _root(content, end - _number(content, "<i", end))
    for field in (2, 3):  # dictionaries, record batches: offset, metaDataLength, bodyLength
        for block in footer.structs(field, 24):
            body = _number(content, "<q", block + 16)
            yield _number(content, "<q", block), body


def _in_a_row(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(content):
        begin, told = _told(content, at)
        if told <= 0:
            return
        length = _root(content, begin).field(3)
        size = _number(content, "<q", length) if length else 0
        if size < 0:
            return
        yield at, size
        at = begin + told + size


def _told(content: mmap.mmap, at: int) -> tuple[int, int]:
    """Where the description of a message begins, and how long it is; old files have no mark before the length."""
    first = _number(content, "<I", at)
    return (at + 8, _number(content, "<i", at + 4)) if first == _GOES_ON else (at + 4, first)


def _unpacked(content: mmap.mmap, at: int) -> int:
    """Bytes that the buffers of a message claim to unpack to; 0 where they are not packed."""
    begin, told = _told(content, at)
    message = _root(content, begin)
    place = message.field(1)
    kind = content[place] if place else 0
    header = message.table(2)
    if header is not None and kind == _DICTIONARY:
        header = header.table(1)
    if header is None or kind not in {_DICTIONARY, _BATCH}:
        return 0
    if not header.field(3) and _EARLY not in content[begin : begin + told]:
        return 0
    total, body = 0, begin + told
    for buffer in header.structs(2, 16):
        offset, length = _number(content, "<q", buffer), _number(content, "<q", buffer + 8)
        if length >= 8:
            total += max(0, _number(content, "<q", body + offset))
    return total
