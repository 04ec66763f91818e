"""A sequence of tasks that lies on disk: as long as it likes, and no larger in memory than one of them."""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

from selfinstruct.records import Task
from selfinstruct.store.reading import read_object_line, read_tasks, task_of

_IN_MEMORY = 4 << 20  # bytes; a smaller file is read once and kept


class TaskFile(Sequence[Task]):
    """The tasks of a JSONL file that this package wrote, read whenever they are asked for."""

    def __init__(self, path: Path, count: int) -> None:
        """`count` is the number of lines, which whoever wrote them knows."""
        self._path, self._count = path, count
        self._starts: array[int] | None = None

    def __len__(self) -> int:
        """Lines."""
        return self._count

    def __iter__(self) -> Iterator[Task]:
        """From the first, once more each time."""
        return read_tasks(self._path)

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
        return task_of(read_object_line(line, place), place)

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


def tasks_of(path: Path, count: int) -> Sequence[Task]:
    """The tasks of a file: in memory where they are few."""
    if path.stat().st_size <= _IN_MEMORY:
        return list(read_tasks(path))
    return TaskFile(path, count)
