"""A sequence of tasks that lies on disk: as long as it likes, and no larger in memory than one of them."""

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import overload

from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.store.reading import read_object_line, read_tasks, task_of
from selfinstruct.text import shown

MEMORY = 512 << 20
"""Bytes that the records between two stages may take where nobody says otherwise."""
LEAST_MEMORY = 1 << 20
_GROWTH = 3  # bytes of a record in memory, for each byte of its line (measured: 2.1 to 2.9)


_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def memory_of(said: str) -> int:
    """Bytes, as a person writes them; BadInput for what is no size, or too little to work with.

    >>> memory_of("512MB"), memory_of("1.5 GiB")
    (512000000, 1610612736)
    """
    match = _SIZE.fullmatch(said.strip())
    if match is None or match[2].upper() not in _UNITS:
        raise BadInput(f"'{shown(said, 40)}' is no size", place="--memory", fix="write it as 512MB or 2GB")
    memory = int(Decimal(match[1]) * _UNITS[match[2].upper()])
    if memory < LEAST_MEMORY:
        what = f"{memory:,} bytes are too few to hold records between stages"
        raise BadInput(what, place="--memory", fix="give at least 1MiB; what does not fit lies on disk")
    return memory


def bytes_that_fit(memory: int) -> int:
    """How long the lines of records together may be that stay in memory.

    >>> 1_000_000 <= bytes_that_fit(MEMORY) < 1_000_000_000
    True
    """
    return memory // _GROWTH


class TaskFile(Sequence[Task]):
    """The tasks of a JSONL file that this package wrote, read whenever they are asked for."""

    def __init__(self, path: Path, count: int, *, trusted: bool = False) -> None:
        """`count` is the number of lines, which whoever wrote them knows; `trusted`: a checksum vouches for them."""
        self._path, self._count, self._trusted = path, count, trusted
        self._starts: array[int] | None = None

    def __len__(self) -> int:
        """Number of tasks."""
        return self._count

    def __iter__(self) -> Iterator[Task]:
        """From the first, once more each time."""
        return read_tasks(self._path, trusted=self._trusted)

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> list[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | list[Task]:
        """One by a seek; a slice as a list."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        starts = self._index()
        number = index % self._count
        with self._path.open("rb") as file:
            file.seek(starts[number])
            line = file.readline()
        place = f"{self._path}:{number + 1}"
        return task_of(read_object_line(line, place), place, trusted=self._trusted)

    def _index(self) -> "array[int]":
        """Where each line begins: eight bytes a record, made when the first is asked for by its number."""
        if self._starts is None:
            starts, at = array("Q"), 0
            with self._path.open("rb") as file:
                for line in file:
                    starts.append(at)
                    at += len(line)
            self._starts = starts
        return self._starts


def tasks_of(path: Path, count: int, *, memory: int = MEMORY, trusted: bool = False) -> Sequence[Task]:
    """The tasks of a file: in memory where they fit."""
    if path.stat().st_size <= bytes_that_fit(memory):
        return list(read_tasks(path, trusted=trusted))
    return TaskFile(path, count, trusted=trusted)


class OnDemand(Sequence[Task]):
    """As many tasks as are told, read when the first is asked for: most that a finished stage kept nobody asks for."""

    def __init__(self, count: int, read: Callable[[], Sequence[Task]]) -> None:
        """`read` is called once at most."""
        self._count, self._read = count, read
        self._tasks: Sequence[Task] | None = None

    def __len__(self) -> int:
        """The number of tasks that was given; nothing is read."""
        return self._count

    def __iter__(self) -> Iterator[Task]:
        """From the first, once more each time."""
        return iter(self._all())

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        """Read the file at the first call, and look up the task."""
        return self._all()[index]

    def _all(self) -> Sequence[Task]:
        if self._tasks is None:
            self._tasks = self._read()
        return self._tasks
