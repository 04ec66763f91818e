"""Every request and every answer, committed before the answer is used: pay once, replay for ever."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from selfinstruct.errors import NoRoom
from selfinstruct.records import Completion, Request
from selfinstruct.store.failpoints import failpoint
from selfinstruct.store.journal_file import Answered, JournalFile, JournalTotals, Place, complaint, damaged

_NOTHING = (Decimal(0), 0)
_GROUP = 256  # rows committed together at most: one fsync for all who wait
TELL_EVERY = 128  # rows, of answers and of reservations: what is forgotten at most should the journal be removed


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Answers that are not on record although they came, and the characters of all that could not be recorded."""

    answers: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is committed in one piece: an answer, or a reservation as cost and tokens."""

    place: Place
    answer: Answered | None
    reservation: tuple[str | None, int]
    done: "Future[None]"


class Journal:
    """The journal of one run: one SQLite file, one connection, one writing thread that commits in groups.

    Totals run along with what is committed, so that asking for them costs nothing however long the run is.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        known: JournalTotals | None = None,
        mend: bool = False,
        tell: Callable[[JournalTotals], None] = lambda _: None,
    ) -> None:
        """Open or make it; BadInput if the file is no journal or holds less than it did, NoRoom if the disk refuses.

        `known`: what it held when it was last known of; `mend`: take what is missing or damaged as spent, and go on.
        `tell` hears of the totals at the beginning, at the end, and whenever they have grown by a sixteenth, or by
        `TELL_EVERY` rows.
        """
        self._path, self._clock, self._tell = path, clock, tell
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._unrecorded = Unrecorded()
        try:
            self._file = JournalFile(path, known or JournalTotals(), clock().isoformat(), mend=mend)
            # Hashes only: a false hit costs one look-up, and a million answers take 60 MB instead of 300.
            self._known = {hash(place) for place in self._file.places()}
        except sqlite3.Error as fault:
            raise complaint(path, fault) from fault
        self._told, self._untold = self._file.totals, 0
        tell(self._told)
        self._writer = threading.Thread(target=self._write_groups, name="journal", daemon=True)
        self._writer.start()

    def find(self, key: str, scope: str, ordinal: int) -> Completion | None:
        """The answer already paid for, if any; BadInput if it is not as it was written."""
        if hash((key, scope, ordinal)) not in self._known:
            return None
        with self._reading():
            answer = self._file.answer((key, scope, ordinal))
        try:
            return None if answer is None else Completion.from_json(json.loads(answer))
        except (ValueError, KeyError, TypeError) as fault:
            raise damaged(self._path, f"holds an answer that is none ({fault})") from fault

    def reserve(self, key: str, scope: str, ordinal: int, cost: Decimal | None, tokens: int) -> "Future[None]":
        """Note, durably, that a request is about to be sent."""
        return self._put(_Entry((key, scope, ordinal), None, (None if cost is None else str(cost), tokens), Future()))

    def write(
        self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
    ) -> "Future[None]":
        """Commit an answer and clear its reservation; the answer may be used when the future is done."""
        place = (completion.request.rpartition(".")[0], scope, ordinal)
        answer = (
            *place,
            completion.cost,
            completion.usage.prompt_tokens + completion.usage.completion_tokens,
            self._clock().isoformat(),
            json.dumps(request.wire()),
            json.dumps(completion.as_json()),
            raw.encode("utf-8", errors="replace").decode(),
            sent.encode("utf-8", errors="replace").decode(),
        )
        return self._put(_Entry(place, answer, (None, 0), Future()))

    def spent(self) -> JournalTotals:
        """The totals so far, reservations of unanswered requests apart."""
        return self._file.totals

    def unrecorded(self) -> Unrecorded:
        """The answers that came and could not be written down; known when it is closed."""
        return self._unrecorded

    def close(self) -> None:
        """Commit what waits, then let go of the file."""
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join()
            self._file.db.close()
            if self._told != self._file.totals:
                with suppress(NoRoom):
                    self._tell(self._file.totals)

    def __enter__(self) -> Self:
        """The journal is opened when it is made."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The connection is ours; a page that cannot be read is a complaint."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as fault:
                raise complaint(self._path, fault) from fault

    def _put(self, entry: _Entry) -> "Future[None]":
        self._queue.put(entry)
        return entry.done

    def _write_groups(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = [first], False
            while len(group) < _GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    last = True
                    break
                group.append(following)
            self._commit(group)
            if last:
                return

    def _commit(self, group: list[_Entry]) -> None:
        file = self._file
        try:
            with self._lock:
                file.db.execute("BEGIN IMMEDIATE")
                totals, reserved = file.totals, dict[Place, tuple[Decimal, int]]()
                for entry in group:
                    totals = self._write(entry, totals, reserved)
                file.count(totals)
                failpoint("before committing answers")
                file.db.execute("COMMIT")
                file.totals = totals
                file.reserved.update(reserved)
                for place in [place for place, aside in reserved.items() if aside == _NOTHING]:
                    del file.reserved[place]
                self._known.update(hash(entry.place) for entry in group if entry.answer is not None)
        except Exception as fault:  # noqa: BLE001 - whoever waits is told of it, and must not wait for ever
            self._give_up(group, complaint(self._path, fault) if isinstance(fault, sqlite3.Error) else fault)
            return
        failpoint("after committing answers")
        for entry in group:
            entry.done.set_result(None)
        grown = file.totals.answers - self._told.answers
        self._untold += len(group)
        if grown > self._told.answers // 16 or self._untold >= TELL_EVERY:
            with suppress(NoRoom):  # whoever tells of more says so
                self._tell(file.totals)
            self._told, self._untold = file.totals, 0

    def _give_up(self, group: list[_Entry], fault: Exception) -> None:
        if self._file.db.in_transaction:
            with suppress(sqlite3.Error):
                self._file.db.execute("ROLLBACK")
        lost = [entry.answer for entry in group if entry.answer is not None]
        self._unrecorded = Unrecorded(
            self._unrecorded.answers + len(lost),
            self._unrecorded.size
            + sum(len(str(value)) for entry in group for value in entry.answer or (*entry.place, *entry.reservation)),
        )
        for entry in group:
            entry.done.set_exception(fault)

    def _write(self, entry: _Entry, totals: JournalTotals, reserved: dict[Place, tuple[Decimal, int]]) -> JournalTotals:
        """One entry in the open transaction: the totals after it; `reserved` takes note of what it sets aside."""
        place = entry.place
        cost, tokens = entry.reservation
        before = reserved.get(place) or self._file.reserved.get(place) or _NOTHING
        after = reserved[place] = (Decimal(cost or 0), tokens)
        if entry.answer is None:
            self._file.reserve(place, cost, tokens)
        else:
            paid, used = entry.answer[3:5]
            again = hash(place) in self._known and self._file.has(place)
            self._file.put(place, entry.answer)
            totals = totals.plus(paid, used, again=again)
        return replace(
            totals,
            unconfirmed_cost=totals.unconfirmed_cost + after[0] - before[0],
            unconfirmed_tokens=totals.unconfirmed_tokens + after[1] - before[1],
        )
