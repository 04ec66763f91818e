"""The index that outlives a run: MinHash signatures of what runs published, in SQLite, asked by datasketch's tables.

Signatures, and hashes of all shingles, so that the exact Jaccard similarity can decide; no pickle. A run publishes a
*publication*, whole or not at all; none is ever changed or removed, so that a run which began with some of them finds
the same ones when it is resumed. Where a run published twice (a higher target), both stay, and new runs see the later.

Room on disk: 4 bytes a permutation and 8 a shingle, some 800 for a record. In memory the library's tables take 7 KB a
record of 21 bands, and 0.2 to 0.4 ms to fill (measured); what has a million and more belongs in Redis (`redis_index`).
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.needs import IndexNeed
from selfinstruct.stage import PublishedIndex, PublishedRecord
from selfinstruct.store.atomic_writes import disk
from selfinstruct.store.failpoints import failpoint
from selfinstruct.store.journal_file import NO_ROOM
from selfinstruct.text.checksums import seal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "index.sqlite"
SCHEME = "affine32"
_VERSION = 1
_LAYOUT = """
CREATE TABLE sketch (
    told TEXT NOT NULL,        -- JSON: how signatures are made; one row
    checksum TEXT NOT NULL
);
CREATE TABLE publications (
    sequence INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,   -- SHA-256 of the run and the ids of its records
    run TEXT NOT NULL,         -- fingerprint of the run, whatever it was compared with
    name TEXT NOT NULL,        -- of the run, for people
    records INTEGER NOT NULL,
    checksum TEXT NOT NULL     -- of its entries
);
CREATE TABLE entries (
    sequence INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    record TEXT NOT NULL,
    text TEXT NOT NULL,
    signature BLOB NOT NULL,   -- little-endian 32-bit numbers
    shingles BLOB NOT NULL,    -- little-endian 64-bit numbers
    PRIMARY KEY (sequence, ordinal)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A record as it is kept."""

    record: str
    text: str
    signature: bytes
    shingles: bytes


@dataclass(frozen=True, slots=True)
class Publication:
    """What a run published at its end."""

    id: str
    run: str
    """Its fingerprint without what it was compared with: the same command again is the same run."""
    name: str
    """Name of the run, for messages."""


class IndexStore(Protocol):
    """Where publications are kept."""

    def publications(self) -> Sequence[Publication]:
        """All, the earliest first; BadInput where they cannot be used for such signatures."""

    def opened(self, frozen: Sequence[str]) -> PublishedIndex:
        """Those of these ids, and no others; BadInput where one is gone or not as it was written."""

    def publish(self, publication: Publication, entries: Iterable[IndexEntry]) -> None:
        """Add them whole; nothing happens where they are there."""


def snapshot(publications: Iterable[Publication], own: str) -> tuple[str, ...]:
    """Ids of what a run that begins now is compared with: the latest publication of every run but its own.

    >>> listed = [Publication("1", "a", "A"), Publication("2", "b", "B"), Publication("3", "a", "A")]
    >>> snapshot(listed, own=""), snapshot(listed, own="a")
    (('2', '3'), ('2',))
    """
    listed = list(publications)
    last = {publication.run: publication.id for publication in listed}
    return tuple(
        publication.id for publication in listed if last[publication.run] == publication.id and publication.run != own
    )


def sketch_of(need: IndexNeed) -> dict[str, Any]:
    """How signatures of an index are made; those of another do not compare."""
    sketch = asdict(need)
    return {"scheme": SCHEME, **{key: sketch[key] for key in ("num_perm", "seed", "shingle_words", "over")}}


def refuse_other(place: str, sketch: dict[str, Any], wanted: dict[str, Any]) -> None:
    """BadInput where signatures of an index were made otherwise, naming the first knob."""
    for key, value in wanted.items():
        if sketch.get(key) != value:
            what = f"an index made with {key} {sketch.get(key)!r}, and this run has {value!r}"
            raise BadInput(what, place=place, fix=f"set {key} to {sketch.get(key)!r}, or name another index")


def gone(place: str) -> BadInput:
    """A publication that a run began with is not there any more."""
    what = "no longer holds all that this run was compared with when it began"
    return BadInput(what, place=place, fix="put the index back, or run with --fresh to compare with what it holds now")


class FolderIndex:
    """An index in a folder of its own."""

    def __init__(self, need: IndexNeed) -> None:
        """Opens nothing before it is asked."""
        self.folder, self.need = Path(need.place), need
        self.path = self.folder / FILE

    def publications(self) -> Sequence[Publication]:
        """All; none where the folder is empty or not there yet."""
        if not self.path.exists():
            self._refuse_other_folder()
            return ()
        with self._reading() as db:
            rows = db.execute("SELECT id, run, name FROM publications ORDER BY sequence")
            return tuple(Publication(*row) for row in rows)

    def opened(self, frozen: Sequence[str]) -> PublishedIndex:
        """Signatures into the library's tables, the rest beside them."""
        tables = Tables(self.need)
        if not frozen:
            return tables
        if not self.path.exists():
            raise gone(str(self.path))
        with self._reading() as db:
            for publication_id in frozen:
                row = db.execute(
                    "SELECT sequence, name, checksum FROM publications WHERE id = ?", (publication_id,)
                ).fetchone()
                if row is None:
                    raise gone(str(self.path))
                sequence, name, checksum = row
                made = sha256()
                columns = "SELECT record, text, signature, shingles FROM entries WHERE sequence = ? ORDER BY ordinal"
                for values in db.execute(columns, (sequence,)):
                    entry = IndexEntry(*values)
                    hash_entry(made, entry)
                    tables.add(name, entry)
                if made.hexdigest() != checksum:
                    raise self._damaged(f"what run {name} published is not as it was written")
        return tables

    def publish(self, publication: Publication, entries: Iterable[IndexEntry]) -> None:
        """Add the entries of a publication in one transaction."""
        with disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        failpoint(f"before publishing to {FILE}")
        with self._connected() as db:
            db.execute("BEGIN IMMEDIATE")
            self._make_or_recognise(db)
            known = db.execute("SELECT 1 FROM publications WHERE id = ?", (publication.id,)).fetchone()
            if known is None:
                self._insert(db, publication, entries)
            db.execute("COMMIT")
        failpoint(f"after publishing to {FILE}")

    def _insert(self, db: sqlite3.Connection, publication: Publication, entries: Iterable[IndexEntry]) -> None:
        [sequence] = db.execute("SELECT coalesce(max(sequence), 0) + 1 FROM publications").fetchone()
        made, count = sha256(), 0
        for entry in entries:
            hash_entry(made, entry)
            values = (sequence, count, entry.record, entry.text, entry.signature, entry.shingles)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", values)
            count += 1
        row = (sequence, publication.id, publication.run, publication.name, count, made.hexdigest())
        db.execute("INSERT INTO publications VALUES (?, ?, ?, ?, ?, ?)", row)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as db:
            self._recognise(db)
            yield db

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection; the library's faults in one line."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as db:
                db.execute("PRAGMA synchronous=FULL")
                db.execute("PRAGMA temp_store=MEMORY")
                yield db
        except sqlite3.Error as fault:
            if getattr(fault, "sqlite_errorcode", 0) & 0xFF in NO_ROOM:
                fix = "make room or permit writing there, then run the same command again"
                raise NoRoom(f"{self.path}: {fault}; {fix}") from fault
            raise self._damaged(f"not an index, or a damaged one ({fault})") from fault

    def _make_or_recognise(self, db: sqlite3.Connection) -> None:
        [tables] = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if tables:
            self._recognise(db)
            return
        for statement in _LAYOUT.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_VERSION}")
        sketch = json.dumps(sketch_of(self.need))
        db.execute("INSERT INTO sketch VALUES (?, ?)", (sketch, seal((sketch,))))

    def _recognise(self, db: sqlite3.Connection) -> None:
        [version] = db.execute("PRAGMA user_version").fetchone()
        if version != _VERSION:
            raise self._damaged(f"not an index of version {_VERSION}")
        row = db.execute("SELECT told, checksum FROM sketch").fetchone()
        if row is None or seal((row[0],)) != row[1]:
            raise self._damaged("does not say how its signatures were made")
        refuse_other(str(self.path), json.loads(row[0]), sketch_of(self.need))

    def _refuse_other_folder(self) -> None:
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            what = "is no folder" if not self.folder.is_dir() else "holds other files and no index"
            raise BadInput(what, place=str(self.folder), fix="name an index, or a folder that is empty or not there")

    def _damaged(self, what: str) -> BadInput:
        return BadInput(what, place=str(self.path), fix="put it back from a copy, or name another folder")


def hash_entry(made: Any, entry: IndexEntry) -> None:  # noqa: ANN401 - hashlib has no public type
    """Add an entry to a checksum, each part with its length."""
    for part in (entry.record.encode(), entry.text.encode(), entry.signature, entry.shingles):
        made.update(len(part).to_bytes(8, "little") + part)


class Tables:
    """Entries in memory: the library's tables propose, by position."""

    def __init__(self, need: IndexNeed) -> None:
        """Begin empty; tables are made when they are first asked."""
        self.need, self.records = need, list[PublishedRecord]()
        self._tables: Any = None

    def __len__(self) -> int:
        """How many records."""
        return len(self.records)

    def add(self, run: str, entry: IndexEntry) -> None:
        """What a run published; texts without shingles meet nobody."""
        import numpy as np

        if self._tables is None:
            self._tables = tables(self.need)
        if entry.shingles:
            signature = np.frombuffer(entry.signature, "<u4")
            self._tables.insert(len(self.records), sketch(signature, self.need), check_duplication=False)
        self.records.append(record_of(run, entry))

    def alike(self, signature: "NDArray[np.uint32]") -> Sequence[PublishedRecord]:
        """The earliest published first."""
        if self._tables is None:
            return ()
        return [self.records[at] for at in sorted(self._tables.query(sketch(signature, self.need)))]


def tables(need: IndexNeed, **knobs: Any) -> Any:  # noqa: ANN401 - a library without types
    """The library's index, cut into the bands that the stage chose."""
    from datasketch import MinHashLSH

    return MinHashLSH(num_perm=need.num_perm, params=(need.bands, need.rows), **knobs)


def sketch(signature: "NDArray[np.uint32]", need: IndexNeed) -> Any:  # noqa: ANN401 - a library without types
    """A signature as the library has it."""
    from datasketch import LeanMinHash

    return LeanMinHash(seed=need.seed, hashvalues=signature, scheme=SCHEME)


def record_of(run: str, entry: IndexEntry) -> PublishedRecord:
    """An entry as a stage sees it."""
    import numpy as np

    return PublishedRecord(run, entry.record, entry.text, np.frombuffer(entry.shingles, "<u8"))
