"""A sequence of tasks that lies on disk: as long as it likes, and no larger in memory than one of them."""

import os
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Lock
from typing import overload
from weakref import finalize

from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.store.reading import raw_lines, read_object_line, read_tasks, task_of
from selfinstruct.store.task_lines import task_of_line
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
    """The tasks of a JSONL file that this package wrote, read whenever they are asked for.

    Where a checksum vouches for the file, each brings its line with it: whoever keeps it need not write it anew.
    """

    def __init__(self, path: Path, count: int, *, trusted: bool = False) -> None:
        """`count` is the number of lines, which whoever wrote them knows; `trusted`: a checksum vouches for them."""
        self._path, self._count, self._trusted = path, count, trusted
        self._indexed: tuple[array[int], int] | None = None

    def __len__(self) -> int:
        """Number of tasks."""
        return self._count

    def __iter__(self) -> Iterator[Task]:
        """From the first, once more each time."""
        if not self._trusted:
            yield from read_tasks(self._path)
            return
        for number, line in enumerate(raw_lines(self._path)):
            yield self._task(line, number)

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
        starts, handle = self._index()
        number = index % self._count
        return self._task(pread(handle, starts[number + 1] - starts[number], starts[number]), number)

    def _task(self, line: bytes, number: int) -> Task:
        if self._trusted and (task := task_of_line(line)) is not None:
            return task
        place = f"{self._path}:{number + 1}"
        return task_of(read_object_line(line, place), place)

    def _index(self) -> "tuple[array[int], int]":
        """Where each line begins, and the last ends: eight bytes a record, made when the first is asked for by number.

        The file stays open: to open it for each record costs as much as to parse it.
        """
        if self._indexed is None:
            starts, at = array("Q", [0]), 0
            with self._path.open("rb") as file:
                for line in file:
                    at += len(line)
                    starts.append(at)
            handle = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            finalize(self, os.close, handle)
            self._indexed = starts, handle
        return self._indexed

    def __reduce__(self) -> "tuple[Callable[[], TaskFile], tuple[()]]":
        """Another process opens it for itself."""
        return partial(TaskFile, self._path, self._count, trusted=self._trusted), ()


def sought(handle: int, size: int, at: int) -> bytes:
    """As `os.pread`, where the system has none: of one thread at a time."""
    with _SEEKING:
        os.lseek(handle, at, os.SEEK_SET)
        return os.read(handle, size)


_SEEKING = Lock()
pread: Callable[[int, int, int], bytes] = getattr(os, "pread", sought)


def tasks_of(path: Path, count: int, *, memory: int = MEMORY, trusted: bool = False) -> Sequence[Task]:
    """The tasks of a file: in memory where they fit."""
    if path.stat().st_size <= bytes_that_fit(memory):
        return [task.alone() for task in TaskFile(path, count, trusted=trusted)]
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
