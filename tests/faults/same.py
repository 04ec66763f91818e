"""What two finished runs must have in common: bytes of files, rows of journals, events of ledgers."""

import hashlib
import json
import sqlite3
from pathlib import Path

from selfinstruct.store.ledger import PASSING

_JOURNAL = {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"}
_APART = {".lock", ".owner", "endpoints.json", "ledger.jsonl", *_JOURNAL}


def files(folder: Path) -> dict[str, str]:
    """Relative path and SHA-256 of every file, those compared otherwise left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in _APART and "scratch" not in path.relative_to(folder).parts
    }


def events(folder: Path) -> list[dict[str, object]]:
    """The ledger without its clock and without the lines that tell of processes."""
    lines = [json.loads(line) for line in (folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in line.items() if k != "at"} for line in lines if line["event"] not in PASSING]


def answers(folder: Path) -> list[tuple[object, ...]]:
    """The rows of the journal, without their clock."""
    with sqlite3.connect(folder / "journal.sqlite") as db:
        return db.execute(
            "SELECT key, scope, ordinal, request, completion, cost, tokens FROM answers ORDER BY 1, 2, 3"
        ).fetchall()


def differences(first: Path, second: Path) -> list[str]:
    """Names of what differs; none is what every promise of the run folder comes to."""
    one, two = files(first), files(second)
    names = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
    names += ["ledger.jsonl"] * (events(first) != events(second))
    return names + ["journal.sqlite"] * (answers(first) != answers(second))
