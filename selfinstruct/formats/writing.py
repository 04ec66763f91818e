"""Writes tasks as a file in anybody's layout, with the user's own fields beside it as they came.

Rows that are put aside until all columns are known go as MessagePack, each with its size, faster than as JSON.
"""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import struct
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from selfinstruct import plugins
from selfinstruct.atomic_files import anew
from selfinstruct.errors import BadInput
from selfinstruct.formats.conversations import TURN_KEYS
from selfinstruct.formats.fields import LAYOUT_KEYS
from selfinstruct.formats.json_text import as_cell
from selfinstruct.formats.layouts import fitting, natinst_object
from selfinstruct.formats.loss_marks import MARK, SOME, marked_turns, row_mark
from selfinstruct.formats.parquet_writing import Columns, RowGroups, arrow_file, parquet_file
from selfinstruct.formats.plugin_formats import writable
from selfinstruct.formats.rows import (
    COLUMNS,
    WITH_TURNS,
    Encode,
    Row,
    columns_of,
    content,
    fitted,
    one_turn,
    own_fields,
    row_line,
    unpublished,
    whole_row,
    with_beside,
    written,
)
from selfinstruct.formats.streams import ending, name
from selfinstruct.records import Json, Task
from selfinstruct.text import shown

WRITTEN_LAYOUTS = (*COLUMNS, "seeds", "natinst")
"""`seeds` is Self-Instruct's file of tasks with instances, `self_instruct` its encoding as prompt and completion."""


WITHOUT_ANSWERS = ("seeds", "natinst")
"""Layouts that have room for an instruction alone."""


def write_set(
    path: Path, tasks: Iterable[Task], layout: str, *, encode: Encode | None = None, first_turn: bool = False
) -> int:
    """Write all tasks, and tell how many rows that made; same tasks, same bytes. One pass, constant memory.

    The ending decides: .jsonl, .json, .csv, .tsv (all also .gz, .bz2, .xz or .zst), .parquet or .arrow. To write
    whole or not at all is up to the caller, as is `encode`, which only the layout `self_instruct` needs.
    Raises BadInput for an unknown ending or layout, a task without an answer where the layout needs one, and a
    conversation where it has room for one turn, unless `first_turn` says to cut it.
    """
    kind = ending(path)
    if kind not in (*_TEXTS, *_TABLES) or (kind in _TABLES and path.suffix.lower() != kind):
        fix = "let it end in .jsonl, .json, .csv, .tsv (these also .gz, .bz2, .xz or .zst), .parquet or .arrow"
        raise BadInput(f"ends in '{shown(path.suffix)}'", place=name(path), fix=fix)
    rows = set_rows(tasks, layout, encode=encode, first_turn=first_turn)
    if kind in _TABLES:
        return _write_table(path, rows, _TABLES[kind])
    with _packed(path) as file:
        if kind in (".csv", ".tsv"):
            return _write_delimited(file, rows, "\t" if kind == ".tsv" else ",", path.parent)
        if kind == ".json":
            return _write_array(file, rows, alone=layout == "natinst")
        count = 0
        for row in rows:
            file.write(_line(row))
            count += 1
        return count


def encoded_lines(
    tasks: Iterable[Task], layout: str, *, encode: Encode | None = None, first_turn: bool = False
) -> Iterator[bytes]:
    """The lines of the JSONL file that `write_set` would write, lazily; raises as it does."""
    return map(_line, set_rows(tasks, layout, encode=encode, first_turn=first_turn))


def set_rows(
    tasks: Iterable[Task], layout: str, *, encode: Encode | None = None, first_turn: bool = False
) -> Iterator[Row]:
    """The rows that `write_set` writes, lazily: one for each instance, in `seeds` and `natinst` for each task."""
    if layout not in WRITTEN_LAYOUTS and writable(layout, "--to") is None:
        known = ", ".join((*WRITTEN_LAYOUTS, *plugins.names("formats")))
        raise BadInput(f"no layout '{shown(layout)}'", place="--to", fix=f"take one of {known}")
    for task in tasks:
        fit = fitted(task, layout, first_turn=first_turn)
        if layout in _WHOLE:
            yield _WHOLE[layout](fit)
            continue
        if not fit.instances:
            place = f"record {task.id[:16]} ('{shown(task.instruction, 40)}')"
            raise BadInput("no answer to write", place=place, fix="take the layout seeds, or leave the record out")
        for index in range(len(fit.instances)):
            yield _row(fit, index, layout, encode)


def _row(task: Task, index: int, layout: str, encode: Encode | None) -> Row:
    own = own_fields(task, index)
    if len(task.instances) > 1 and isinstance(own.get("id"), str | int):
        own["id"] = f"{own['id']}/{index}"  # else it would stand twice
    row = content(task, index, layout, encode)
    turns = columns_of(layout)[0]
    if turns in TURN_KEYS:
        row[turns] = marked_turns(with_beside(written(task, task.instances[index], layout)[turns], own), task, index)
    else:
        row |= row_mark(task, index)
    return _joined(row, task, own, layout)


def _seed(task: Task) -> Row:
    own = dict(task.extra)
    own_instances = own.pop("instances", [])
    fits = isinstance(own_instances, list) and len(own_instances) == len(task.instances)
    more = (
        [item if isinstance(item, dict) else {} for item in own_instances]
        if isinstance(own_instances, list) and fits
        else []
    )
    more += [{}] * (len(task.instances) - len(more))
    if not fits and own_instances:
        own["instances"] = own_instances
    pairs: list[Json] = [
        {**other, "input": pair.input, "output": pair.output} for pair, other in zip(task.instances, more, strict=True)
    ]
    row: Row = {"instruction": task.instruction, "instances": pairs}
    return _joined(row | _whole_mark(task), task, own, "seeds")


def _natinst(task: Task) -> Row:
    row = natinst_object(task) | _whole_mark(task)
    if _is_of("natinst", row):
        return _joined(row, task, {}, "natinst")
    own = {key: item for key, item in task.extra.items() if key in LAYOUT_KEYS - {"Definition", "Instances"}}
    others = {key: item for key, item in task.extra.items() if key not in own}
    return _joined(natinst_object(replace(task, extra=others)) | _whole_mark(task), task, own, "natinst")


def _whole_mark(task: Task) -> Row:
    """Which answers of a record with all its instances are not to be learned."""
    if not task.unlearned:
        return {}
    return {MARK: 0} if len(task.unlearned) == len(task.instances) else {SOME: list(task.unlearned)}


_WHOLE: Mapping[str, Callable[[Task], Row]] = {"seeds": _seed, "natinst": _natinst}


def _joined(row: Row, task: Task, own: dict[str, Json], layout: str) -> Row:
    """The row with everything else that is known; what a name is taken for goes under `metadata`, as measures do."""
    if task.is_classification is not None:
        row["is_classification"] = task.is_classification
    if task.system and one_turn(layout):
        row["system"] = task.system
    metadata: Row = {"measures": dict(task.measures)} if task.measures else {}
    taken = {key for key in own if key in row or key in ("system", "is_classification", SOME)}
    if one_turn(layout):
        taken |= own.keys() & {"history"}  # it would be taken for turns before the row's own
    if not _is_of(layout, {**row, **own}):  # the user's own fields make another layout of it, or none
        taken |= {key for key in own if key in LAYOUT_KEYS}
    if clashing := {key: item for key, item in own.items() if key in taken}:
        metadata["extra"] = clashing
    made = {**row, **{key: item for key, item in own.items() if key not in taken}}
    if metadata:
        before = made.get("metadata")
        if before is not None and not isinstance(before, dict):
            metadata["extra"] = {**clashing, "metadata": before}
        made["metadata"] = {**before, **metadata} if isinstance(before, dict) else metadata
    return made


_READ_AS = {"seeds": "self_instruct", "self_instruct": "prompt_completion"}


def _is_of(layout: str, row: Row) -> bool:
    """Whether a row is read as what it is written as, and by all that it is."""
    name = _READ_AS.get(layout, layout)
    if name == "self_instruct" and row.get("output") is not None:
        return False
    taken_for_turns = isinstance(row.get("system"), str) and layout in WITH_TURNS
    return fitting(row) == (name,) and not taken_for_turns and unpublished(row) is None


def _line(row: Row) -> bytes:
    return row_line(whole_row(row)) + b"\n"


def _write_array(file: IO[bytes], rows: Iterator[Row], *, alone: bool) -> int:
    """A JSON array with an item a line; a file of NatInst is one object where there is one task."""
    first = next(rows, None)
    second = next(rows, None)
    if alone and first is not None and second is None:
        file.write(_line(first))
        return 1
    count = 0
    for row in (first, second):
        if row is not None:
            file.write((b",\n" if count else b"[\n") + _line(row)[:-1])
            count += 1
    for row in rows:
        file.write(b",\n" + _line(row)[:-1])
        count += 1
    file.write(b"\n]\n" if count else b"[]\n")
    return count


_TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
_TABLES: Mapping[str, Callable[[Path, Any], AbstractContextManager[RowGroups]]] = {
    ".parquet": parquet_file,
    ".arrow": arrow_file,
}


def _write_table(
    path: Path, rows: Iterator[Row], opened: Callable[[Path, Any], AbstractContextManager[RowGroups]]
) -> int:
    """Written twice, since the columns are known when the last row is: first aside, packed, then as a table."""
    columns, count = Columns(), 0
    with tempfile.TemporaryFile(dir=path.parent) as aside:  # where room is needed anyway
        for row in map(whole_row, rows):
            columns.add(row)
            put_row(aside, row)
            count += 1
        aside.seek(0)
        with opened(path, columns.schema()) as groups:
            for row, size in packed_rows(aside):
                groups.add(columns.typed(row), size)
    return count


def _write_delimited(file: IO[bytes], rows: Iterator[Row], delimiter: str, folder: Path) -> int:
    """A table of text with a line of column names; what is no text is JSON, what is null an empty cell."""
    columns: dict[str, None] = {}
    count = 0
    with tempfile.TemporaryFile(dir=folder) as aside:  # as above
        for row in map(whole_row, rows):
            columns |= dict.fromkeys(row)
            put_row(aside, row)
            count += 1
        aside.seek(0)
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        lines = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
        lines.writerow(columns)
        for row, _ in packed_rows(aside):
            lines.writerow([as_cell(row.get(column)) for column in columns])
        text.detach()
    return count


@contextmanager
def _packed(path: Path) -> Iterator[IO[bytes]]:
    """A new file, packed as its ending says; no clock in it, so that the same rows have the same bytes."""
    with anew(path) as raw:
        match path.suffix.lower():
            case ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
                    yield cast("IO[bytes]", file)
            case ".bz2":
                with bz2.BZ2File(raw, "wb") as bz2_file:
                    yield cast("IO[bytes]", bz2_file)
            case ".xz":
                with lzma.LZMAFile(raw, "wb") as xz_file:
                    yield cast("IO[bytes]", xz_file)
            case ".zst" | ".zstd":
                with _zstandard(path, raw) as packed:
                    yield packed
            case _:
                yield raw


def _zstandard(path: Path, raw: IO[bytes]) -> Any:  # noqa: ANN401 - the library publishes no types
    try:
        import zstandard  # an extra
    except ImportError:
        raise BadInput(
            ".zst needs one more package", place=name(path), fix="pip install 'selfinstruct[zstd]'"
        ) from None
    return zstandard.ZstdCompressor().stream_writer(raw)


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
