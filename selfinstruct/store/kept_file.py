"""What a stage keeps, line by line: hashed on the way, linked where it changes nothing, or only held for the next."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from selfinstruct.atomic_files import anew as new_file
from selfinstruct.atomic_files import create
from selfinstruct.records import Json, Record, Task
from selfinstruct.store.atomic_writes import link
from selfinstruct.store.record_lines import record_line
from selfinstruct.store.task_file import TaskFile, bytes_that_fit
from selfinstruct.text.quoting import json_text


class HashedFile:
    """A new file that knows its checksum when it is whole."""

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        """Nothing may be there, unless it is to go."""
        self._file: IO[bytes] = new_file(path) if anew else create(path)
        self._total = hashlib.sha256()
        self._begun: list[bytes] = []
        self._size = 0

    def write(self, line: bytes) -> None:
        """Append bytes, and take them into the checksum."""
        self._begun.append(line)
        self._size += len(line)
        if self._size > 1 << 16:
            self._put()

    def finish(self) -> str:
        """All of it survives a power cut; its SHA-256."""
        self._put()
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._total.hexdigest()

    def close(self) -> None:
        """Also of one that was not finished."""
        self._file.close()

    def _put(self) -> None:
        content = b"".join(self._begun)
        self._total.update(content)
        self._file.write(content)
        self._begun, self._size = [], 0


@dataclass(frozen=True, slots=True)
class Inflow:
    """What comes into a stage: the records, and the file in which the stage before wrote them, with its checksum."""

    records: Sequence[Task] = ()
    path: Path | None = None
    """None: they stand in no one file."""
    checksum: str = ""
    plain: bool = False
    """The lines are known to hold the records and nothing beside them, so that none need be compared."""


NO_INFLOW = Inflow()


class LinesBefore:
    """The lines of the records that came in, as long as what is said of them comes in their order."""

    def __init__(self, before: Inflow) -> None:
        """Of records that are in memory, and stand in a file with nothing beside them; of others there is no line."""
        known = before.records if before.plain and isinstance(before.records, list) else []
        self._file = before.path.open("rb") if before.path is not None and known else None
        self._next: Iterator[tuple[Task, bytes]] = (
            iter(()) if self._file is None else zip(known, self._file, strict=False)
        )

    def of(self, record: Record) -> bytes | None:
        """The line of the next record; None where it is another one, and from then on."""
        for expected, line in self._next:
            if expected is record:
                return line
            self._next = iter(())
        return None

    def past(self, record: Record | None) -> None:
        """Step past the line of a record, unread."""
        if record is not None:
            self.of(record)

    def close(self) -> None:
        """Close the file of evidence; no line is read after it."""
        if self._file is not None:
            self._file.close()


class KeptFile:
    """The records that a stage keeps: as long as they are what came in, in that order, nothing is written."""

    def __init__(self, path: Path, before: Inflow, memory: int) -> None:
        """`path`: where the file is made; `memory`: bytes that `records` may take."""
        self._path, self._before, self._room = path, before, bytes_that_fit(memory)
        self._file: HashedFile | None = None
        self._same = 0
        self._known = before.records if before.plain and isinstance(before.records, list) else None
        self._lines: Iterator[bytes] = iter(())
        self._opened: IO[bytes] | None = None
        if before.path is None:
            self._file = HashedFile(path)
        elif self._known is None:
            self._opened = before.path.open("rb")
            self._lines = iter(self._opened)
        self.records: list[Task] | None = []
        """What was kept; None where it is more than memory is to hold."""
        self.plain = True
        """Nothing stands beside the records."""
        self._size = 0

    def add(self, record: Task, more: Mapping[str, Json], line: bytes | None = None) -> None:
        """Append a record, with its evidence if it has any; `line`: what it is written as, where that is known."""
        self.plain = self.plain and not more
        if self._file is None and self._known is not None:
            if not more and self._same < len(self._known) and self._known[self._same] is record:
                self._same += 1
                self._remember(record, 0)
                return
            self._differ()
        line = line or record_line(record, more)
        self._remember(record, len(line))
        if self._file is None:
            if next(self._lines, b"") == line:
                self._same += 1
                return
            self._differ()
        assert self._file is not None
        self._file.write(line)

    def finish(self) -> str:
        """The file stands there, whole; its checksum."""
        if self._file is None:
            assert self._before.path is not None
            if self._same == len(self._before.records):
                link(self._before.path, self._path)
                return self._before.checksum
            self._differ()
        assert self._file is not None
        return self._file.finish()

    def close(self) -> None:
        """Also of one that was not finished."""
        for file in (self._file, self._opened):
            if file is not None:
                file.close()

    def _differ(self) -> None:
        """From here on it is another file: it begins as the one before it does."""
        assert self._before.path is not None
        self._file = HashedFile(self._path)
        with self._before.path.open("rb") as file:
            for line in islice(file, self._same):
                self._file.write(line)

    def _remember(self, record: Task, size: int) -> None:
        if self.records is None:
            return
        self._size += size
        if self._size <= self._room:
            self.records.append(record.alone())
        else:
            self.records = None


class HeldRecords:
    """Records that a stage hands on as they came, for the next one alone: nobody needs a file to know them.

    Beyond what memory may hold they lie in a file all the same, which goes when the work is done.
    """

    def __init__(self, path: Path, memory: int) -> None:
        """`path`: where the file would be, which no reader of a run looks into; `memory`: bytes."""
        self._path, self._room = path, bytes_that_fit(memory)
        self._records: list[Task] | None = []
        self._file: HashedFile | None = None
        self._count = self._size = 0

    def add(self, record: Task) -> None:
        """Append a record: in memory while all fit, else on disk."""
        self._count += 1
        if self._records is None:
            assert self._file is not None
            self._file.write(record_line(record))
            return
        record = record.alone()
        self._records.append(record)
        self._size += _size(record)
        if self._size > self._room:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = HashedFile(self._path, anew=True)
            for held in self._records:
                self._file.write(record_line(held))
            self._records = None

    def finish(self) -> Sequence[Task]:
        """All of them, in order."""
        if self._records is not None:
            return self._records
        assert self._file is not None
        self._file.finish()
        return TaskFile(self._path, self._count, trusted=True)

    def close(self) -> None:
        """Also where the stage was broken off."""
        if self._file is not None:
            self._file.close()


def _size(record: Task) -> int:
    """About the length of a record's line, which is not made for this."""
    size = _AROUND + len(record.instruction) + len(record.system)
    for pair in record.instances:
        size += len(pair.input) + len(pair.output)
    for turn in record.later:
        size += len(turn.content)
    return size + (len(json_text(dict(record.extra))) if record.extra else 0)


_AROUND = 240  # id, provenance and the names of keys
