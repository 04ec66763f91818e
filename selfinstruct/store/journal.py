"""Every request and every answer, committed before the answer is used: pay once, replay for ever."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.records import Completion, Request
from selfinstruct.store.failpoints import failpoint

_LAYOUT = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT NOT NULL,         -- SHA-256 of model and canonical request
    scope TEXT NOT NULL,       -- round and stage that asked
    ordinal INTEGER NOT NULL,  -- how many times that stage had asked exactly this before
    request TEXT NOT NULL,     -- JSON, without any key or address
    completion TEXT NOT NULL,  -- JSON: texts, finish reasons, usage, cost
    raw TEXT NOT NULL,         -- the answer as it came
    cost TEXT,                 -- US dollars, NULL where the price is unknown
    tokens INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (key, scope, ordinal)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (
    key TEXT NOT NULL,
    scope TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    cost TEXT,                 -- the worst case of a request that was sent and has no answer on record
    tokens INTEGER NOT NULL,
    PRIMARY KEY (key, scope, ordinal)
) WITHOUT ROWID;
"""
_GROUP = 256  # rows committed together at most: one fsync for all who wait


@dataclass(frozen=True, slots=True)
class Totals:
    """What the journal adds up to; fields as in `models.backend.Spent`."""

    cost: Decimal
    tokens: int
    unconfirmed_cost: Decimal
    unconfirmed_tokens: int
    unknown_prices: int


@dataclass(frozen=True, slots=True)
class Used:
    """What one stage of one round asked and was told."""

    scope: str
    model: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    unknown_prices: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class _Row:
    sql: tuple[tuple[str, tuple[Any, ...]], ...]
    done: "Future[None]"


class Journal:
    """The journal of one run: one SQLite file, one connection, one writing thread that commits in groups."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open or make it; BadInput if the file is no journal, NoRoom if the disk refuses."""
        self._path, self._clock = path, clock
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Row | None] = SimpleQueue()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_LAYOUT)
            # What an earlier process sent and never heard of stays unconfirmed, even when it is asked again.
            lost = f"lost {clock().isoformat()} "
            self._db.execute("UPDATE reservations SET scope = ? || scope WHERE scope NOT LIKE 'lost %'", (lost,))
            rows = self._db.execute("SELECT key, scope, ordinal FROM answers")
            # Hashes only: a false hit costs one look-up, and a million answers take 60 MB instead of 300.
            self._known = {hash(row) for row in rows}
        except sqlite3.DatabaseError as fault:
            raise _complaint(path, fault) from fault
        self._writer = threading.Thread(target=self._write_groups, name="journal", daemon=True)
        self._writer.start()

    def find(self, key: str, scope: str, ordinal: int) -> Completion | None:
        """The answer already paid for, if any."""
        if hash((key, scope, ordinal)) not in self._known:
            return None
        with self._reading():
            row = self._db.execute(
                "SELECT completion FROM answers WHERE key = ? AND scope = ? AND ordinal = ?", (key, scope, ordinal)
            ).fetchone()
        try:
            return None if row is None else Completion.from_json(json.loads(row[0]))
        except (ValueError, KeyError, TypeError) as fault:
            raise _damaged(self._path, fault) from fault

    def reserve(self, key: str, scope: str, ordinal: int, cost: Decimal | None, tokens: int) -> "Future[None]":
        """Note, durably, that a request is about to be sent."""
        values = (key, scope, ordinal, None if cost is None else str(cost), tokens)
        return self._put(("INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, ?, ?)", values))

    def write(self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str) -> "Future[None]":
        """Commit an answer and clear its reservation; the answer may be used when the future is done."""
        key = completion.request.rpartition(".")[0]
        answer = (
            key,
            scope,
            ordinal,
            json.dumps(request.wire()),
            json.dumps(completion.as_json()),
            raw.encode("utf-8", errors="replace").decode(),
            completion.cost,
            completion.usage.prompt_tokens + completion.usage.completion_tokens,
            self._clock().isoformat(),
        )
        return self._put(
            ("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", answer),
            ("DELETE FROM reservations WHERE key = ? AND scope = ? AND ordinal = ?", (key, scope, ordinal)),
        )

    def spent(self) -> Totals:
        """The totals so far, reservations of unanswered requests apart."""
        with self._reading():
            answers = self._db.execute("SELECT cost, tokens FROM answers").fetchall()
            reserved = self._db.execute("SELECT cost, tokens FROM reservations").fetchall()
        return Totals(
            cost=sum((Decimal(cost) for cost, _ in answers if cost is not None), Decimal(0)),
            tokens=sum(tokens for _, tokens in answers),
            unconfirmed_cost=sum((Decimal(cost) for cost, _ in reserved if cost is not None), Decimal(0)),
            unconfirmed_tokens=sum(tokens for _, tokens in reserved),
            unknown_prices=sum(cost is None for cost, _ in answers),
        )

    def used(self) -> list[Used]:
        """The answers by scope and model, in that order; each paid for once, however often it was tried."""
        with self._reading():
            rows = self._db.execute(
                "SELECT scope, json_extract(completion, '$.model'), json_extract(completion, '$.usage.prompt_tokens'),"
                " json_extract(completion, '$.usage.completion_tokens'), json_extract(completion, '$.usage.estimated'),"
                " cost FROM answers ORDER BY 1, 2"
            )
            groups: dict[tuple[str, str], Used] = {}
            for scope, model, prompt, completion, estimated, cost in rows:
                old = groups.get((scope, model), Used(scope, model, 0, 0, 0, Decimal(0), 0, estimated=False))
                groups[scope, model] = Used(
                    scope,
                    model,
                    old.answers + 1,
                    old.prompt_tokens + prompt,
                    old.completion_tokens + completion,
                    old.cost + Decimal(cost or 0),
                    old.unknown_prices + (cost is None),
                    old.estimated or bool(estimated),
                )
        return list(groups.values())

    def close(self) -> None:
        """Commit what waits, then let go of the file."""
        if self._writer.is_alive():
            self._queue.put(None)
            self._writer.join()
            self._db.close()

    def __enter__(self) -> Self:
        """Open already."""
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
            except sqlite3.DatabaseError as fault:
                raise _complaint(self._path, fault) from fault

    def _put(self, *sql: tuple[str, tuple[Any, ...]]) -> "Future[None]":
        row = _Row(sql, Future())
        self._queue.put(row)
        return row.done

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

    def _commit(self, group: list[_Row]) -> None:
        try:
            with self._lock:
                self._db.execute("BEGIN IMMEDIATE")
                for row in group:
                    for statement, values in row.sql:
                        self._db.execute(statement, values)
                failpoint("before committing answers")
                self._db.execute("COMMIT")
                for row in group:
                    self._known.update(hash(values[:3]) for sql, values in row.sql if "INTO answers" in sql)
        except sqlite3.DatabaseError as fault:
            self._give_up(group, _complaint(self._path, fault))
            return
        failpoint("after committing answers")
        for row in group:
            row.done.set_result(None)

    def _give_up(self, group: list[_Row], complaint: Exception) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        for row in group:
            row.done.set_exception(complaint)


def _complaint(path: Path, fault: sqlite3.DatabaseError) -> Exception:
    if isinstance(fault, sqlite3.OperationalError):
        return NoRoom(f"{path}: {fault}; no answer was lost: make room there, then run the same command again")
    return _damaged(path, fault)


def _damaged(path: Path, fault: Exception) -> BadInput:
    return BadInput(f"not a journal ({fault})", place=str(path), fix="restore it from a copy or choose another folder")
