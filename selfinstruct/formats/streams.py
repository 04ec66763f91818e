"""Opens a stranger's file, packed or not, so that reading is bounded and a torn or swollen one is named.

Layout: https://arrow.apache.org/docs/format/Columnar.html, Message.fbs, File.fbs. A packed buffer begins with its
unpacked length; the library believes it, and makes room for that much before it unpacks.
"""

import bz2
import gzip
import io
import lzma
import mmap
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.text import shown

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zstd")
_SIGNS = (
    (b"\x1f\x8b", "packed by gzip", ".gz"),
    (b"(\xb5/\xfd", "packed by zstd", ".zst"),
    (b"\xfd7zXZ\0", "packed by xz", ".xz"),
    (b"PAR1\x15", "a Parquet file", ".parquet"),
    (b"ARROW1\0\0", "an Arrow file", ".arrow"),
)
"""How files begin whose names should say what they are."""
TOTAL_BYTES = 64 << 30
_RATIO = 60  # a packed file that unpacks to more than this many times its size is a bomb ...
_RATIO_FREE = 64 << 20  # ... unless it is small: little files of much the same lines compress well
_SUSPECT = 15  # from this many times what was read of it on, the rest is unpacked ahead of whoever reads records
_SUSPECT_FREE = 1 << 20
_BUFFER = 64 << 10
_PIECE = 1 << 20
_XZ_MEMORY = 256 << 20  # what unpacking may take; the library's own strongest setting takes 65 MiB
_ZST_STEP = 2 << 10  # at most 64 MiB from one step, even of a bomb: a block of 4 bytes unpacks to 128 KiB at most
_MAGIC = b"ARROW1"
_GOES_ON = 0xFFFFFFFF
_EARLY = b"ARROW:experimental_compression"  # how files of 2020 say that they are packed
_DICTIONARY, _BATCH = 2, 3  # of the union MessageHeader


def ending(path: Path) -> str:
    """The ending that says what is inside: that of the unpacked file, in lower case.

    >>> ending(Path("seeds.JSON.gz")), ending(Path("seeds.jsonl")), ending(Path("seeds.zst"))
    ('.json', '.jsonl', '')
    """
    inside = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return inside.suffix.lower()


def name(path: Path) -> str:
    """A path as messages show it: one line, no control characters."""
    return shown(str(path), 400)


def unpacked_cap(size: int) -> int:
    """Bytes that a packed file of that size may unpack to before it is refused as a bomb."""
    return min(TOTAL_BYTES, max(_RATIO_FREE, _RATIO * size))


class Stream:
    """Bytes of one file, read forward; whatever goes wrong is BadInput with the file's name."""

    def __init__(self, path: Path, file: IO[bytes], raw: IO[bytes]) -> None:
        self.path, self._file = path, file
        self.total = 0
        """Bytes handed out so far, unpacked."""
        self._raw = raw
        packed = path.suffix.lower() in PACKED
        self._cap = unpacked_cap(path.stat().st_size) if packed else None
        self._measured = not packed

    def line(self, limit: int, place: str) -> bytes:
        """The next line, or its first `limit` bytes; empty at the end."""
        if self._cap is not None:
            return self._counted(lambda: self._file.readline(limit), place)
        try:
            content = self._file.readline(limit)
        except Exception:  # entering `complaints` for every line of millions costs more than reading it
            with complaints(place):
                raise
        self.total += len(content)
        return content

    def piece(self, size: int, place: str) -> bytes:
        """Up to `size` bytes more; empty at the end."""
        return self._counted(lambda: self._file.read(size), place)

    def _counted(self, read: Callable[[], bytes], place: str) -> bytes:
        with complaints(place):
            content = read()
        self.total += len(content)
        if not self._measured and self.total > max(_SUSPECT_FREE, _SUSPECT * self._raw.tell()):
            self._measured = True
            self._measure(place)
        if self._cap is not None and self.total > self._cap:
            raise self._bomb(place)
        return content

    def _measure(self, place: str) -> None:
        """BadInput for a bomb before its records are read: a gigabyte of them takes minutes, its bytes seconds."""
        with complaints(place), self.path.open("rb") as raw, _unpacked(self.path, raw) as file:
            total = 0
            with suppress(
                EOFError, OSError, zlib.error, lzma.LZMAError
            ):  # torn: whoever reads on comes there, and says where
                while self._cap is not None and (piece := file.read(_PIECE)):
                    total += len(piece)
                    if total > self._cap:
                        raise self._bomb(place)

    def _bomb(self, place: str) -> BadInput:
        what = f"unpacks to more than {(self._cap or 0) >> 20} MiB, far more than it is"
        return BadInput(what, place=place, fix="unpack it first")


@contextmanager
def stream(path: Path) -> Iterator[Stream]:
    """Open for reading: plain, or unpacked on the way by the ending .gz, .bz2, .xz or .zst."""
    regular(path, name(path))
    with complaints(name(path)):
        raw = path.open("rb")
    with raw:
        if path.suffix.lower() not in PACKED:
            _named_right(path, raw)
        with _unpacked(path, raw) as file:
            yield Stream(path, file, raw)


def _named_right(path: Path, raw: io.BufferedReader) -> None:
    with complaints(name(path)):
        begins = raw.peek(8)
    for sign, what, right in _SIGNS:
        if begins.startswith(sign):
            raise BadInput(f"{what}, and its name does not say so", place=name(path), fix=f"let it end in {right}")


def _unpacked(path: Path, raw: IO[bytes]) -> IO[bytes]:
    match path.suffix.lower():
        case ".gz":
            return cast("IO[bytes]", gzip.GzipFile(fileobj=raw, mode="rb"))
        case ".bz2":
            return cast("IO[bytes]", bz2.BZ2File(raw))
        case ".xz":
            return cast("IO[bytes]", io.BufferedReader(_Xz(raw), _BUFFER))
        case ".zst" | ".zstd":
            return cast("IO[bytes]", io.BufferedReader(_Zstandard(path, raw), _BUFFER))
        case _:
            return raw


class _Xz(io.RawIOBase):
    """Unpacks stream after stream within bounded memory, which the library's own reader does not offer."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._stream: lzma.LZMADecompressor | None = None
        self._packed = b""

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer, as in io.RawIOBase
        """Fill the buffer; 0 at the end of the last stream."""
        while True:
            if self._stream is None or self._stream.needs_input:
                self._packed = self._packed or self._raw.read(_BUFFER)
                if not self._packed:
                    if self._stream is not None:
                        raise EOFError
                    return 0
            if self._stream is None:
                self._packed = self._packed.lstrip(b"\0")  # padding between streams
                if not self._packed:
                    continue
                self._stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            part = self._stream.decompress(self._packed, len(buffer))
            self._packed = b""
            if self._stream.eof:
                self._packed, self._stream = self._stream.unused_data, None
            if part:
                buffer[: len(part)] = part
                return len(part)


class _Zstandard(io.RawIOBase):
    """Unpacks frame after frame; unlike the library's own reader it tells a torn file from a finished one."""

    def __init__(self, path: Path, raw: IO[bytes]) -> None:
        try:
            import zstandard  # an extra
        except ImportError:
            raise BadInput(
                ".zst needs one more package", place=name(path), fix="pip install 'selfinstruct[zstd]', or unpack it"
            ) from None
        self._raw, self._fault = raw, zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: Any = None
        """What unpacks the open frame; None between frames. The library publishes no types."""
        self._packed = b""
        self._ready = memoryview(b"")  # cut without copying: a step may unpack to thousands of buffers

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer, as in io.RawIOBase
        """Fill the buffer; 0 at the end of the last frame."""
        while not self._ready:
            self._packed = self._packed or self._raw.read(_ZST_STEP)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError
                return 0
            self._step()
        part, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)

    def _step(self) -> None:
        if self._frame is None:
            self._frame = self._decompressor.decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(self._packed))
        except self._fault as fault:
            raise OSError(str(fault)) from fault
        self._packed = b""
        if self._frame.eof:
            self._packed, self._frame = self._frame.unused_data, None


@contextmanager
def complaints(place: str) -> Iterator[None]:
    """What goes wrong with a file becomes BadInput with its name."""
    try:
        yield
    except EOFError:
        raise BadInput("ends in the middle: the file is torn", place=place, fix="fetch or pack it again") from None
    except (OSError, ValueError, zlib.error, lzma.LZMAError) as fault:  # ValueError: a path with a NUL in it
        reason = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        raise BadInput(f"cannot be read ({shown(reason)})", place=place, fix="check the path and the file") from fault


def refuse_swollen(path: Path) -> None:
    """BadInput where a part of the file unpacks to far more than it is; what is torn is left to the library to name."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            for message, size in _messages(content):
                unpacked = _buffer_bytes(content, message)
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
        begin, metadata_bytes = _metadata_at(content, at)
        if metadata_bytes <= 0:
            return
        length = _root(content, begin).field(3)
        size = _number(content, "<q", length) if length else 0
        if size < 0:
            return
        yield at, size
        at = begin + metadata_bytes + size


def _metadata_at(content: mmap.mmap, at: int) -> tuple[int, int]:
    """Where the description of a message begins, and how long it is; old files have no mark before the length."""
    first = _number(content, "<I", at)
    return (at + 8, _number(content, "<i", at + 4)) if first == _GOES_ON else (at + 4, first)


def _buffer_bytes(content: mmap.mmap, at: int) -> int:
    """Bytes that the buffers of a message claim to unpack to; 0 where they are not packed."""
    begin, metadata_bytes = _metadata_at(content, at)
    message = _root(content, begin)
    place = message.field(1)
    kind = content[place] if place else 0
    header = message.table(2)
    if header is not None and kind == _DICTIONARY:
        header = header.table(1)
    if header is None or kind not in {_DICTIONARY, _BATCH}:
        return 0
    if not header.field(3) and _EARLY not in content[begin : begin + metadata_bytes]:
        return 0
    total, body = 0, begin + metadata_bytes
    for buffer in header.structs(2, 16):
        offset, length = _number(content, "<q", buffer), _number(content, "<q", buffer + 8)
        if length >= 8:
            total += max(0, _number(content, "<q", body + offset))
    return total
