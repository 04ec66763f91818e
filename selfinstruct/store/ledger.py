"""The append-only diary of a run: what happened, in order, for programs to read."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from selfinstruct.atomic_files import append_to
from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.store.atomic_writes import disk, publish_text
from selfinstruct.store.failpoints import failpoint
from selfinstruct.store.journal_file import JournalTotals

JOURNAL = "journal"
PASSING = ("started", "stopped", JOURNAL)
"""Events that tell of processes, not of the work: an interrupted run has more of them."""


class Ledger:
    """One JSON object a line; a line torn by a crash is cut off when the ledger is opened again."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open or make it."""
        self._path, self._clock = path, clock
        self._lock = Lock()
        self._mend()
        self._told = {_name(event): _facts(event) for event in read_ledger(path)}

    def tell(self, event: str, **facts: Json) -> None:
        """Append an event with the time of day, synced; from any thread."""
        line = json.dumps({"event": event, **facts, "at": self._clock().isoformat()}, ensure_ascii=False)
        with self._lock, disk(self._path, len(line)), append_to(self._path) as file:
            file.write(line.encode("utf-8", errors="replace") + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._told[_name({"event": event, **facts})] = _facts(facts)
        failpoint(f"after ledger {event}")

    def tell_totals(self, totals: JournalTotals) -> None:
        """Append what the journal adds up to: should it be removed, this is what is known of the money."""
        self.tell(JOURNAL, **totals.as_json())

    def tell_once(self, event: str, **facts: Json) -> None:
        """Append an event unless the last one of its name, round and stage said so: a resumed run repeats itself."""
        if self._told.get(_name({"event": event, **facts})) != _facts(facts):
            self.tell(event, **facts)

    def _mend(self) -> None:
        if not self._path.exists():
            return
        with disk(self._path), self._path.open("rb+") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole != len(content):
                file.truncate(whole)
                os.fsync(file.fileno())


def _name(event: Mapping[str, Json]) -> tuple[Json, ...]:
    return (event.get("event"), event.get("round"), event.get("stage"), event.get("count"))


def _facts(event: Mapping[str, Json]) -> str:
    return json.dumps({key: value for key, value in event.items() if key not in {"event", "at"}}, sort_keys=True)


def read_ledger(path: Path) -> Iterator[dict[str, Json]]:
    """The events, oldest first; a torn last line is left out."""
    if not path.exists():
        return
    regular(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                event = json.loads(line)
            except (ValueError, RecursionError) as fault:
                raise BadInput(f"not JSON ({fault})", place=f"{path}:{number}", fix="remove the line") from fault
            if not isinstance(event, dict) or any(isinstance(part, dict | list) for part in _name(event)):
                raise BadInput("no event", place=f"{path}:{number}", fix="remove the line")
            yield event


def last_totals(path: Path) -> JournalTotals:
    """What the journal was last told to add up to; nothing where nobody told."""
    last = JournalTotals()
    for number, event in enumerate(read_ledger(path), 1):
        if event.get("event") == JOURNAL:
            try:
                last = JournalTotals.from_json(event)
            except (KeyError, TypeError, ValueError, ArithmeticError) as fault:
                raise BadInput("no totals of a journal", place=f"{path}:{number}", fix="remove the line") from fault
    return last


def restart_ledger(path: Path, totals: JournalTotals) -> None:
    """Begin it anew with nothing but what the journal was last told to add up to."""
    if totals.journal:
        publish_text(path, json.dumps({"event": JOURNAL, **totals.as_json()}) + "\n")
    else:
        path.unlink(missing_ok=True)
