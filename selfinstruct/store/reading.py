"""Reads back what this package wrote, with a checksum beside it where one figure counts; damage is BadInput."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.store.atomic_writes import publish_text
from selfinstruct.text import shown
from selfinstruct.text.checksums import seal
from selfinstruct.text.quoting import parsed

AGAIN = "run the same command again: it makes good what it can and names the rest"
_SEAL = "checksum"


def read_object(path: Path, fix: str) -> dict[str, Any]:
    """The one JSON object of a small file; `fix` is what a person may do when it is damaged."""
    regular(path)
    try:
        return _object(path.read_bytes(), str(path), fix)
    except FileNotFoundError as fault:
        raise BadInput("no such file", place=str(path), fix=fix) from fault


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSONL file; BadInput with the line for anything else."""
    for number, line in enumerate(raw_lines(path), 1):
        yield read_object_line(line, f"{path}:{number}")


def raw_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that is to be there."""
    if not path.exists():
        raise BadInput(
            "no such file", place=str(path), fix="run `selfinstruct show` on the folder to see what it holds"
        )
    regular(path)
    with path.open("rb") as file:
        yield from file


def read_object_line(line: bytes, place: str) -> dict[str, Any]:
    """The record of one such line, which stands at `place`."""
    row = _object(line, place, AGAIN)
    if not isinstance(row.get("id"), str):
        raise BadInput("damaged: no record, as it has no id", place=place, fix=AGAIN)
    return row


def read_tasks(path: Path) -> Iterator[Task]:
    """The tasks of a JSONL file, each with the identity that its line claims."""
    for number, line in enumerate(read_lines(path), 1):
        yield task_of(line, f"{path}:{number}")


def task_of(line: Mapping[str, Any], place: str) -> Task:
    """The task on a line; BadInput where its content is not the one that its id was made of."""
    try:
        task = Task.from_json(line)
        whole = task.id == line["id"] and isinstance(task.extra, Mapping)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise BadInput("damaged: no task", place=place, fix=AGAIN) from fault
    if not whole:
        raise BadInput("damaged: a task that is not what its id says", place=place, fix=AGAIN)
    return task


def _object(content: bytes, place: str, fix: str) -> dict[str, Any]:
    try:
        row = parsed(content)
    except (ValueError, RecursionError) as fault:
        raise BadInput(f"damaged: not JSON ({shown(str(fault))})", place=place, fix=fix) from fault
    if not isinstance(row, dict):
        raise BadInput("damaged: no JSON object", place=place, fix=fix)
    return row


def publish_sealed(path: Path, fields: Mapping[str, Json]) -> None:
    """Write an object with its checksum as the last key."""
    whole = {**fields, _SEAL: _of(fields)}
    publish_text(path, json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def read_sealed(path: Path, fix: str) -> dict[str, Any]:
    """What `publish_sealed` wrote; BadInput with `fix` for anything else."""
    fields = read_object(path, fix)
    mark = fields.pop(_SEAL, None)
    if mark is None:
        raise BadInput("has no checksum: damaged, or of an earlier version", place=str(path), fix=fix)
    if mark != _of(fields):
        raise BadInput("changed or damaged since it was written", place=str(path), fix=fix)
    return fields


def _of(fields: Mapping[str, Json]) -> str:
    # As it is read back: half a character becomes U+FFFD in the file.
    text = (
        json.dumps(fields, sort_keys=True, ensure_ascii=False)
        .encode("utf-8", "surrogatepass")
        .decode("utf-8", "replace")
    )
    return seal([text])
