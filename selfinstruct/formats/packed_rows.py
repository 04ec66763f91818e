"""Rows put aside in a file of our own and read back: as MessagePack, each with its size, faster than as JSON."""

import json
import math
import struct
from collections.abc import Iterator
from functools import cache
from typing import IO, Any

from selfinstruct.formats.rows import Row
from selfinstruct.records import Json

_HEAD = struct.Struct("<Q?")


@cache
def _coders() -> tuple[Any, Any]:
    from msgspec import msgpack

    return msgpack.Encoder(), msgpack.Decoder()


def put_row(file: IO[bytes], row: Row) -> None:
    """Append a row, null for what is no number; one that MessagePack has no room for goes as JSON."""
    row = {column: value if isinstance(value, str) else _finite(value) for column, value in row.items()}
    try:
        packed, plain = _coders()[0].encode(row), True
    except (OverflowError, RecursionError):
        packed, plain = json.dumps(row).encode("ascii"), False
    file.write(_HEAD.pack(len(packed), plain))
    file.write(packed)


def packed_rows(file: IO[bytes]) -> Iterator[tuple[Row, int]]:
    """The rows from here on, each with about its size in bytes."""
    while head := file.read(_HEAD.size):
        size, plain = _HEAD.unpack(head)
        packed = file.read(size)
        yield (_coders()[1].decode(packed) if plain else json.loads(packed)), size


def _finite(value: Json) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [item if isinstance(item, str) else _finite(item) for item in value]
    if isinstance(value, dict):
        return {key: item if isinstance(item, str) else _finite(item) for key, item in value.items()}
    return value
