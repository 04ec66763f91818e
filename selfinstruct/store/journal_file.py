"""The SQLite file under a journal: its layout, its checksums, and what may be done when they do not hold."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.records import Json
from selfinstruct.text.checksums import seal
from selfinstruct.text.grammar import plural

_LAYOUT = """
CREATE TABLE answers (
    key TEXT NOT NULL,         -- SHA-256 of model and canonical request
    scope TEXT NOT NULL,       -- round and stage that asked
    ordinal INTEGER NOT NULL,  -- how many times that stage had asked exactly this before
    cost TEXT,                 -- US dollars, NULL where the price is unknown
    tokens INTEGER NOT NULL,
    at TEXT NOT NULL,
    request TEXT NOT NULL,     -- JSON, without any key or address
    completion TEXT NOT NULL,  -- JSON: texts, finish reasons, usage, cost
    raw TEXT NOT NULL,         -- the answer as it came
    sent TEXT NOT NULL,        -- JSON: what an endpoint was sent for it, but the prompt; empty: just what was asked
    checksum TEXT NOT NULL     -- of all the others
);
CREATE UNIQUE INDEX answers_by_request ON answers (key, scope, ordinal);
CREATE TABLE reservations (
    key TEXT NOT NULL,
    scope TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    cost TEXT,                 -- the worst case of a request that was sent and has no answer on record
    tokens INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (key, scope, ordinal)
) WITHOUT ROWID;
CREATE TABLE totals (          -- of the answers: one row, changed with every group of them
    journal TEXT NOT NULL,     -- which journal this is, drawn when it was made
    answers INTEGER NOT NULL,
    cost TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    unknown_prices INTEGER NOT NULL,
    checksum TEXT NOT NULL
);
"""
_VERSION = 3  # of the layout
ANSWER = "key, scope, ordinal, cost, tokens, at, request, completion, raw, sent"
AGAIN = "put it back from a copy, or run with --fresh: what is missing is asked for again, and still counts as spent"
_OF_ONE = "WHERE key = ? AND scope = ? AND ordinal = ?"
_RESERVATION = "key, scope, ordinal, cost, tokens"
_LOST = "lost "  # begins the scope of what counts as spent though no answer of it is on record

Answered = tuple[str, str, int, str | None, int, str, str, str, str, str]
"""The columns of an answer but the checksum, in their order."""
Place = tuple[str, str, int]
"""Key, scope and ordinal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalTotals:
    """What the journal adds up to; fields as in `models.backend.Spent`, and which journal it is."""

    journal: str = ""
    answers: int = 0
    cost: Decimal = Decimal(0)
    tokens: int = 0
    unknown_prices: int = 0
    unconfirmed_cost: Decimal = Decimal(0)
    unconfirmed_tokens: int = 0

    def as_json(self) -> dict[str, Json]:
        """For the ledger: costs as text."""
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Back from `as_json`; ValueError, TypeError or KeyError for anything else."""
        names = [name for name in cls.__dataclass_fields__ if name != "journal"]
        amounts = {name: Decimal(fields[name]) if "cost" in name else int(fields[name]) for name in names}
        return cls(journal=str(fields["journal"]), **amounts)  # type: ignore[arg-type]

    def row(self) -> tuple[str, int, str, int, int]:
        """What is kept of it in the journal."""
        return (self.journal, self.answers, str(self.cost), self.tokens, self.unknown_prices)

    def plus(self, cost: str | None, tokens: int, *, again: bool = False) -> Self:
        """With one answer more; `again`: in the place of one that was paid for too."""
        return replace(
            self,
            answers=self.answers + (not again),
            cost=self.cost + Decimal(cost or 0),
            tokens=self.tokens + tokens,
            unknown_prices=self.unknown_prices + (cost is None),
        )

    def with_reserved(self, reserved: Iterable[tuple[Decimal, int]]) -> Self:
        """With these as what is unconfirmed."""
        sums = list(reserved)
        cost, tokens = sum((cost for cost, _ in sums), Decimal(0)), sum(tokens for _, tokens in sums)
        return replace(self, unconfirmed_cost=cost, unconfirmed_tokens=tokens)


def holds_answers(path: Path) -> bool:
    """Whether a journal lies there with an answer in it; True, too, for a file that cannot be read as one."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT 1 FROM answers LIMIT 1").fetchone() is not None
    except sqlite3.DatabaseError:
        return True


class JournalFile:
    """The open file; whoever calls holds the one lock on it."""

    def __init__(self, path: Path, known: JournalTotals, now: str, *, mend: bool) -> None:
        """Open or make it. `told`: what it is known to have held; `mend`: take what is gone or damaged as spent."""
        self.path = path
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=FULL")
            self.db.execute("PRAGMA temp_store=MEMORY")  # a full folder for temporary files is nothing to it
            self.db.execute("BEGIN IMMEDIATE")
            self._make_or_recognise()
            self.reserved = dict(self._reservations(now, mend=mend))
            self.totals = self._read_totals(known, mend=mend)
            self.db.execute("COMMIT")
        except BaseException:
            self.db.close()
            raise

    def places(self) -> Iterator[Place]:
        """The key of every answer."""
        yield from self.db.execute("SELECT key, scope, ordinal FROM answers INDEXED BY answers_by_request")

    def answer(self, place: Place) -> str | None:
        """The JSON of one, None if there is none; BadInput if its row is not as it was written."""
        row = self.db.execute(f"SELECT {ANSWER}, checksum FROM answers {_OF_ONE}", place).fetchone()  # noqa: S608 - our own words
        if row is None:
            return None
        if seal(row[:-1]) != row[-1]:
            raise damaged(self.path, f"an answer to {place[1]} is not as it was written ({place[0][:12]}…)")
        return str(row[7])

    def has(self, place: Place) -> bool:
        """Whether there is an answer, whole or not."""
        return self.db.execute(f"SELECT 1 FROM answers {_OF_ONE}", place).fetchone() is not None  # noqa: S608 - our own words

    def put(self, place: Place, answer: Answered) -> None:
        """Write an answer, and clear its reservation, in the open transaction."""
        written = (*answer, seal(answer))
        self.db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", written)
        self.db.execute(f"DELETE FROM reservations {_OF_ONE}", place)  # noqa: S608 - our own words

    def reserve(self, place: Place, cost: str | None, tokens: int) -> None:
        """Write a reservation in the open transaction."""
        values = (*place, cost, tokens)
        self.db.execute("INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, ?, ?, ?)", (*values, seal(values)))

    def count(self, totals: JournalTotals) -> None:
        """Write the totals in the open transaction."""
        self.db.execute("DELETE FROM totals")
        self.db.execute("INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?)", (*totals.row(), seal(totals.row())))

    def _make_or_recognise(self) -> None:
        [tables] = self.db.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('answers', 'totals')").fetchone()
        [version] = self.db.execute("PRAGMA user_version").fetchone()
        if not tables and not version:
            for statement in _LAYOUT.split(";\n"):
                self.db.execute(statement)
            self.db.execute(f"PRAGMA user_version = {_VERSION}")
            self.count(JournalTotals(journal=token_hex(8)))
        elif version != _VERSION:
            again = f"choose another folder with -o; the answers in it are used there with --model replay:{self.path}"
            raise BadInput("a journal of another version, with other checksums", place=str(self.path), fix=again)

    def _reservations(self, now: str, *, mend: bool) -> Iterator[tuple[Place, tuple[Decimal, int]]]:
        """All, and what an earlier process sent and never heard of stays unconfirmed, even when it is asked again."""
        rows = self.db.execute(f"SELECT {_RESERVATION}, checksum FROM reservations").fetchall()  # noqa: S608 - our own words
        for *values, checksum in rows:
            if seal(values) != checksum and not mend:
                raise damaged(self.path, "a reservation is not as it was written")
            key, scope, ordinal, cost, tokens = values
            if not tokens and not Decimal(cost or 0):  # its attempt cost nothing
                self.db.execute(f"DELETE FROM reservations {_OF_ONE}", (key, scope, ordinal))  # noqa: S608 - our own words
                continue
            if not scope.startswith(_LOST):
                self.db.execute(f"DELETE FROM reservations {_OF_ONE}", (key, scope, ordinal))  # noqa: S608 - our own words
                scope = f"{_LOST}{now} {scope}"
                self.reserve((key, scope, ordinal), cost, tokens)
            yield (key, scope, ordinal), (Decimal(cost or 0), tokens)

    def _read_totals(self, known: JournalTotals, *, mend: bool) -> JournalTotals:
        row = self.db.execute("SELECT * FROM totals").fetchone()
        totals = known
        if whole := row is not None and seal(row[:-1]) == row[-1]:
            name, answers, cost, tokens, unknown = row[:-1]
            totals = JournalTotals(
                journal=name, answers=answers, cost=Decimal(cost), tokens=tokens, unknown_prices=unknown
            )
        if mend:
            return self._mended(totals, known)
        [count] = self.db.execute("SELECT count(*) FROM answers").fetchone()
        if known.journal not in {"", totals.journal} or count < known.answers:
            what = f"holds {plural(count, 'answer')}, and the ledger tells of a journal with at least {known.answers:,}"
            raise damaged(self.path, f"{what} (${known.cost:f}, {known.tokens:,} tokens)")
        if not whole:
            raise damaged(self.path, "its totals are not as they were written")
        if count != totals.answers:
            raise damaged(self.path, f"holds {plural(count, 'answer')}, and its totals are of {totals.answers:,}")
        return totals.with_reserved(self.reserved.values())

    def _mended(self, counted: JournalTotals, known: JournalTotals) -> JournalTotals:
        """Without the rows that are damaged; what they and those that are gone cost becomes one reservation."""
        whole = JournalTotals(journal=known.journal or counted.journal)
        bad = []
        for *values, checksum in self.db.execute(f"SELECT {ANSWER}, checksum FROM answers"):  # noqa: S608 - our own words
            if seal(values) == checksum:
                whole = whole.plus(values[3], values[4])
            else:
                bad.append(tuple(values[:3]))
        for place in bad:
            self.db.execute(f"DELETE FROM answers {_OF_ONE}", place)  # noqa: S608 - our own words
        whole = whole.with_reserved(self.reserved.values())
        counted = counted.with_reserved(self.reserved.values())
        before = [counted, known] if counted.journal == known.journal or not known.journal else [known]
        cost = max(totals.cost + totals.unconfirmed_cost for totals in before) - whole.cost - whole.unconfirmed_cost
        tokens = (
            max(totals.tokens + totals.unconfirmed_tokens for totals in before)
            - whole.tokens
            - whole.unconfirmed_tokens
        )
        if cost > 0 or tokens > 0:
            place = (token_hex(8), f"{_LOST}with a journal that was damaged or removed", 0)
            self.reserve(place, str(max(cost, Decimal(0))), max(tokens, 0))
            self.reserved[place] = (max(cost, Decimal(0)), max(tokens, 0))
        self.count(whole)
        return whole.with_reserved(self.reserved.values())


NO_ROOM = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
    }
)
"""What the disk, and not the file's content, is to blame for."""


def complaint(path: Path, fault: sqlite3.Error) -> Exception:
    """One line about a fault of SQLite, with the way on that fits it."""
    if getattr(fault, "sqlite_errorcode", 0) & 0xFF in NO_ROOM:
        return NoRoom(f"{path}: {fault}; make room or permit writing there, then run the same command again")
    return damaged(path, f"not a journal, or a damaged one ({fault})")


def damaged(path: Path, what: str) -> BadInput:
    """What is in the file cannot be used."""
    return BadInput(what, place=str(path), fix=AGAIN)
