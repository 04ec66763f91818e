"""Reads JSON and JSONL from strangers: bounded, strict, and every complaint with its file and line."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from selfinstruct.errors import BadInput

LINE_BYTES = 16 << 20
TOTAL_BYTES = 64 << 30
_RATIO = 200  # a stream that unpacks to more than this many times its size is a bomb
_RATIO_FREE = 64 << 20  # small files may compress well
_DEPTH = 64
_DIGITS = 4300


@dataclass(frozen=True, slots=True)
class Line:
    """One value and where it stands."""

    place: str
    """`file:line`, for messages."""
    value: Any


def read_values(path: Path) -> Iterator[Line]:
    """The values of a .jsonl (.gz, .zst), or the items of a .json array; BadInput at the first bad one."""
    if path.suffix == ".json":
        yield from _array(path)
        return
    for number, raw in _raw_lines(path):
        place = f"{path}:{number}"
        text = _decoded(raw, place)
        if text.strip():
            yield Line(place, parse(text, place))


def read_text_lines(path: Path) -> Iterator[Line]:
    """The lines of a text file that are not blank."""
    for number, raw in _raw_lines(path):
        place = f"{path}:{number}"
        text = _decoded(raw, place).strip()
        if text:
            yield Line(place, text)


def parse(text: str, place: str) -> Any:  # noqa: ANN401 - JSON is untyped until its reader checks it
    """One JSON value; BadInput for what JSON forbids or a sane file has not.

    >>> parse('{"a": 1, "a": 2}', "x.jsonl:3")
    Traceback (most recent call last):
    ...
    selfinstruct.errors.BadInput: x.jsonl:3: key 'a' stands twice; keep one of them
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise BadInput(f"key '{twice}' stands twice", place=place, fix="keep one of them")
        return found

    def constant(name: str) -> None:
        raise BadInput(f"{name} is no JSON number", place=place, fix="use null or a number")

    def whole(digits: str) -> int:
        if len(digits) > _DIGITS:
            raise BadInput(f"a number of {len(digits)} digits", place=place, fix="write it as text")
        return int(digits)

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=whole)
    except RecursionError:
        raise BadInput(f"nested deeper than {_DEPTH}", place=place, fix="flatten it") from None
    except ValueError as fault:
        raise BadInput(f"not JSON ({fault})", place=place, fix="correct or remove the line") from fault
    _check(value, place)
    return value


def _check(value: object, place: str) -> None:
    """Depth and lone surrogates, without recursion."""
    stack: list[tuple[object, int]] = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if depth > _DEPTH:
            raise BadInput(f"nested deeper than {_DEPTH}", place=place, fix="flatten it")
        if isinstance(item, str) and not item.isascii():
            _check_text(item, place)
        elif isinstance(item, dict):
            stack.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            stack.extend((part, depth + 1) for part in item)


def _check_text(text: str, place: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as fault:
        mark = f"U+{ord(text[fault.start]):04X}"
        raise BadInput(f"half of a character ({mark}, a lone surrogate)", place=place, fix="remove it") from None


def _array(path: Path) -> Iterator[Line]:
    with closing(_open(path)) as file:
        content = _bounded(path, lambda: file.read(LINE_BYTES * 16 + 1))
    if len(content) > LINE_BYTES * 16:
        raise BadInput("a JSON array this large", place=str(path), fix="write it as JSONL, one record a line")
    value = parse(_decoded(content, f"{path}:1"), str(path))
    if not isinstance(value, list):
        raise BadInput(
            "not an array of records", place=str(path), fix="write [..., ...], or JSONL with the ending .jsonl"
        )
    for number, item in enumerate(value, 1):
        yield Line(f"{path}: item {number}", item)


def _raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with closing(_open(path)) as file:
        number = total = 0
        size = max(1, path.stat().st_size)
        while raw := _bounded(path, lambda: file.readline(LINE_BYTES + 1), number + 1):
            number, total = number + 1, total + len(raw)
            if len(raw) > LINE_BYTES:
                raise BadInput(f"a line over {LINE_BYTES >> 20} MiB", place=f"{path}:{number}", fix="split the record")
            if total > TOTAL_BYTES or (total > _RATIO_FREE and total > _RATIO * size):
                raise BadInput(
                    "unpacks to far more than it is", place=f"{path}:{number}", fix="unpack and check it first"
                )
            yield number, raw


def _open(path: Path) -> IO[bytes]:
    try:
        if path.is_dir():
            raise BadInput("a folder, not a file", place=str(path), fix="name the file in it")
        if path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(path, "rb"))
        if path.suffix == ".zst":
            return _zstandard(path)
        return path.open("rb")
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise BadInput(reason, place=str(path), fix="check the path") from fault


def _zstandard(path: Path) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise BadInput(
            ".zst needs one more package", place=str(path), fix="pip install 'selfinstruct[zstd]', or unpack it"
        ) from None
    import io

    opened: IO[bytes] = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(path.open("rb"), closefd=True))
    return opened


def _bounded(path: Path, read: Any, number: int = 1) -> bytes:  # noqa: ANN401 - a zero-argument read
    try:
        content: bytes = read()
    except EOFError:
        raise BadInput("ends in the middle (truncated)", place=f"{path}:{number}", fix="fetch it again") from None
    except Exception as fault:
        if isinstance(fault, BadInput):
            raise
        reason = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        raise BadInput(f"cannot be read ({reason})", place=f"{path}:{number}", fix="check the file") from fault
    return content


def _decoded(raw: bytes, place: str) -> str:
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        raise BadInput(f"not UTF-8 at byte {fault.start + 1}", place=place, fix="save the file as UTF-8") from None
