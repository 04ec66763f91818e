"""The folder of a run: where each stage's outcomes are, and whether they are whole."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.records import NO_EXTRA, Json, Task
from selfinstruct.stage import Built, Failed, Kept, Measured, Outcome, Rejected
from selfinstruct.store.built import publish_built, verify_built
from selfinstruct.store.failpoints import failpoint
from selfinstruct.store.kept_file import NO_INFLOW, HashedFile, HeldRecords, Inflow, KeptFile
from selfinstruct.store.reading import publish_sealed, read_sealed
from selfinstruct.store.record_lines import json_line, record_line
from selfinstruct.store.task_file import MEMORY, OnDemand, tasks_of
from selfinstruct.store.whole_writes import disk
from selfinstruct.whole_files import beside, sync_folder

FATES = ("kept", "rejected", "failed")
_BESIDE = "evidence"
MARK = ".identity.json"
"""What the folder's run is: two that differ in it are two runs."""
STAGES_PART = "stages"
"""Folder of the stages that run once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the answers took that a stage used; the journal may hold more, of an earlier try."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    """True when any of the tokens were not told by the endpoint."""
    cost: str | None = "0"
    """US dollars; None as soon as one price is unknown."""
    finish_reasons: Mapping[str, int] = field(default_factory=dict)
    """Of every choice of every answer."""

    def as_json(self) -> dict[str, Json]:
        """A part of the DONE file."""
        return {
            "model": self.model,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "estimated": self.estimated,
            "cost": self.cost,
            "finish_reasons": dict(sorted(self.finish_reasons.items())),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a finished stage says in its DONE file."""

    received: int
    """Records that came in (for a source: none)."""
    kept: int
    rejected: Mapping[str, int]
    """By reason, largest first, then by name."""
    failed: Mapping[str, int]
    """By kind of error."""
    measured: Mapping[str, Json]
    requests: int
    answered: int
    checksums: Mapping[str, str]
    """SHA-256 of each of the three files; where what was kept was only handed on, of `evidence` in the place of it, if
    there was any."""
    bill: Bill = Bill()
    built: Mapping[str, str] = field(default_factory=dict)
    """What was built beside the records, by name, with its checksum."""

    @property
    def lasting(self) -> bool:
        """Whether what was kept stands in a file of the stage."""
        return "kept" in self.checksums

    def as_json(self) -> dict[str, Json]:
        """The DONE file."""
        return {
            "received": self.received,
            "kept": self.kept,
            "rejected": dict(self.rejected),
            "failed": dict(self.failed),
            "measured": dict(self.measured),
            "requests": self.requests,
            "answered": self.answered,
            "checksums": dict(self.checksums),
            "bill": self.bill.as_json(),
            "built": dict(self.built),
        }


class StageFolder:
    """The folder of one stage in one round: three files, and DONE, which is written last.

    A stage that hands on what came in as it came may leave out `kept.jsonl`: the stages behind it tell what it kept,
    and `evidence.jsonl` what stood beside some of it.
    """

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self.path = path
        self._records: Sequence[Task] | None = None
        self._plain = False
        self.made = False
        """Written here and now, and not found."""

    def result(self) -> StageResult | None:
        """What the stage said when it was whole; None while it is not."""
        done = self.path / "DONE"
        if not done.exists():
            return None
        fix = "delete it and run again: the stage is then made again from the journal"
        try:
            fields = read_sealed(done, fix)
            return _sound(StageResult(**{**fields, "bill": Bill(**fields["bill"])}))
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError) as fault:
            raise BadInput("not a DONE file", place=str(done), fix=fix) from fault

    def whole(self) -> StageResult | None:
        """As `result`, after a look at the files: BadInput when one is not what the stage wrote."""
        result = self.result()
        if result is not None:
            self.verify(result)
        return result

    def verify(self, result: StageResult) -> None:
        """BadInput when a file is not what the stage wrote."""
        for fate, expected in result.checksums.items():
            file = self.path / f"{fate}.jsonl"
            if not file.is_file() or _checksum(file) != expected:
                raise BadInput(
                    "changed or damaged since it was written",
                    place=str(file),
                    fix=f"delete {self.path / 'DONE'} and run again: the stage is made again from the journal",
                )
        for name, expected in result.built.items():
            verify_built(self.built(name), expected, self.path / "DONE")

    def built(self, name: str) -> Path:
        """Where something the stage built stands."""
        return self.path / "built" / name

    def kept(self, count: int, memory: int = MEMORY) -> Sequence[Task]:
        """The records that went on, in order: `count` of them, as `result` says; in memory where they fit.

        Whoever asks has verified the files, or has written them: their ids are not made again.
        """
        if self._records is not None:
            return self._records
        return tasks_of(self.path / "kept.jsonl", count, memory=memory, trusted=True)

    def inflow(self, result: StageResult, memory: int = MEMORY) -> Inflow:
        """The same, for the next stage."""
        records = self._records
        if records is None:
            records = OnDemand(result.kept, lambda: self.kept(result.kept, memory))
        if not result.lasting:
            return Inflow(records)
        return Inflow(records, self.path / "kept.jsonl", result.checksums["kept"], self._plain)

    def write(
        self,
        outcomes: Iterable[Outcome],
        received: int,
        counts: "Callable[[], CallCounts]",
        *,
        before: Inflow = NO_INFLOW,
        memory: int = MEMORY,
        held: Path | None = None,
    ) -> StageResult:
        """Write every outcome, then DONE; a kill before that leaves the stage unfinished.

        `counts` is read when the last outcome is there: a lazy stage asks while it is written. The rest as `writing`.
        """
        with self.writing(before=before, memory=memory, held=held) as writing:
            for outcome in outcomes:
                writing.add(outcome)
            return writing.finish(received, counts())

    @contextmanager
    def writing(
        self, *, before: Inflow = NO_INFLOW, memory: int = MEMORY, held: Path | None = None, passed: bool = False
    ) -> "Iterator[StageWriting]":
        """What takes outcomes as they come.

        Where all that came in (`before`) goes on as it was, its file is linked and not written again. What is kept
        stays in memory for `kept`, as far as `memory` (bytes) allows. With `held` it gets no file of the stage's own:
        beyond `memory` it lies there. With `passed` whoever writes hands it on and nobody asks for it again.
        """
        with disk(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            made = {name: beside(self.path / f"{name}.jsonl") for name in (*FATES, _BESIDE)}
            kept: KeptFile | HeldRecords | None = None
            if held is not None:
                kept = HeldRecords(held, memory)
            elif not passed:
                kept = KeptFile(made["kept"], before, memory)
            files = {fate: HashedFile(made[fate]) for fate in ("rejected", "failed")}
            try:
                yield StageWriting(self, kept, made, files)
            finally:
                for file in (kept, *files.values()):
                    if file is not None:
                        file.close()

    def handed_on(self, records: Sequence[Task] | None, *, plain: bool) -> None:
        """Written here and now: these are what `kept` gives, without a look at the file."""
        self._records, self._plain, self.made = records, plain, True

    def undo(self) -> None:
        """Make the stage unfinished again; its files stay until they are written anew."""
        (self.path / "DONE").unlink(missing_ok=True)

    def forget(self) -> None:
        """Make the stage unfinished again, DONE first: killed on the way, it is unfinished and not damaged."""
        (self.path / "DONE").unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)


def _sound(result: StageResult) -> StageResult:
    """The same, when it is made of numbers and texts where it should be; else ValueError, or what their lack raises."""
    counts = [result.received, result.kept, result.requests, result.answered]
    counts += [*result.rejected.values(), *result.failed.values(), *result.bill.finish_reasons.values()]
    counts += [result.bill.prompt_tokens, result.bill.completion_tokens]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError(counts)
    if not isinstance(result.measured, dict) or {*result.checksums} | {"kept", _BESIDE} != {*FATES, _BESIDE}:
        raise ValueError(result.checksums)
    if not all(isinstance(mark, str) for mark in result.built.values()):
        raise ValueError(result.built)
    if result.bill.cost is not None and Decimal(result.bill.cost) < 0:
        raise ValueError(result.bill.cost)
    return result


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Requests and answers of one stage: requests = answered + failed."""

    requests: int = 0
    answered: int = 0
    bill: Bill = Bill()


class StageWriting:
    """The files of a stage while they are written."""

    def __init__(
        self,
        place: StageFolder,
        kept: KeptFile | HeldRecords | None,
        made: Mapping[str, Path],
        files: dict[str, HashedFile],
    ) -> None:
        """Made by `StageFolder.writing`."""
        self._place, self._kept, self._made, self._files = place, kept, made, files
        self.kept = 0
        self.rejected: dict[str, int] = {}
        self.failed: dict[str, int] = {}
        self.measured: dict[str, Json] = {}
        self.built: dict[str, Path] = {}

    def add(self, outcome: Outcome) -> None:
        """Write it down, and count it."""
        if isinstance(outcome, Kept):  # nearly all of them: patterns cost more than the rest
            self.kept += 1
            more: Mapping[str, Json] = {"evidence": dict(outcome.evidence)} if outcome.evidence else NO_EXTRA
            if isinstance(self._kept, KeptFile):
                self._kept.add(outcome.record, more)
                return
            if self._kept is not None:
                self._kept.add(outcome.record)
            if more:
                if _BESIDE not in self._files:
                    self._files[_BESIDE] = HashedFile(self._made[_BESIDE])
                self._files[_BESIDE].write(json_line({"id": outcome.record.id, **more}))
            return
        match outcome:
            case Rejected(record, reason, evidence):
                self.rejected[reason] = self.rejected.get(reason, 0) + 1
                why: dict[str, Json] = {"reason": reason}
                self._files["rejected"].write(
                    record_line(record, why | {"evidence": dict(evidence)} if evidence else why)
                )
            case Failed(failure, task):
                self.failed[failure.kind] = self.failed.get(failure.kind, 0) + 1
                about = {} if task is None else {"record": task.as_json()}
                self._files["failed"].write(json_line({**failure.as_json(), **about}))
            case Measured(name, value):
                self.measured[name] = value
            case Built(name, path):
                self.built[name] = path

    @property
    def fates(self) -> int:
        """Records that were accounted for."""
        return self.kept + sum(self.rejected.values()) + sum(self.failed.values())

    def finish(self, received: int, counts: CallCounts) -> StageResult:
        """Publish the files, then DONE."""
        place, checksums = self._place, dict[str, str]()
        if isinstance(self._kept, KeptFile):
            checksums["kept"] = self._kept.finish()
            place.handed_on(self._kept.records, plain=self._kept.plain)
        else:
            for name in {"kept", _BESIDE} - {*self._files}:
                (place.path / f"{name}.jsonl").unlink(missing_ok=True)  # of a time when there was one
            place.handed_on(None if self._kept is None else self._kept.finish(), plain=False)
        checksums |= {fate: file.finish() for fate, file in self._files.items()}
        for fate in checksums:
            failpoint(f"before publishing stage {fate}")
            self._made[fate].replace(place.path / f"{fate}.jsonl")
            self._made[fate].unlink(missing_ok=True)  # two names of one file: POSIX has no rename for them
        sync_folder(place.path)
        built = {name: publish_built(path, place.built(name)) for name, path in self.built.items()}
        result = StageResult(
            received=received,
            kept=self.kept,
            rejected=largest_first(self.rejected),
            failed=largest_first(self.failed),
            measured=self.measured,
            requests=counts.requests,
            answered=counts.answered,
            bill=counts.bill,
            built=built,
            checksums=checksums,
        )
        publish_sealed(place.path / "DONE", result.as_json())
        return result


def largest_first(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by size, equal ones by name.

    >>> largest_first({"b": 1, "a": 1, "c": 5})
    {'c': 5, 'a': 1, 'b': 1}
    """
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def makes_records(stage: str) -> bool:
    """Whether a stage, by its round and folder, made its records itself: the first of a round does, and no other.

    A recipe in which another does is refused.

    >>> [makes_records(stage) for stage in ("round-00001/01-propose", "round-00001/02-filter", "stages/01-read")]
    [True, False, False]
    """
    part, _, folder = stage.partition("/")
    return part.startswith("round-") and folder.startswith("01-")


def round_name(number: int) -> str:
    """`round-00001`; a run may have many."""
    return f"round-{number:05d}"


def _order(part: Path) -> tuple[int, int]:
    """Which round, or after which round and in which cycle; stages of no cycle come last."""
    kind, _, after = part.name.partition("-after-")
    number = after or part.name.removeprefix("round-")
    if not number.isdecimal():
        return 10**9, 0
    cycle = kind.removeprefix("stages-")
    return int(number), int(cycle) if cycle.isdecimal() else 0


class RunFolder:
    """Paths of a run, and what can be read back from them."""

    def __init__(self, path: Path) -> None:
        """`path` need not exist yet."""
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.journal = path / "journal.sqlite"
        self.ledger = path / "ledger.jsonl"

    def stage(self, part: str, position: int, name: str) -> StageFolder:
        """The folder of the stage at that position (from 1) of a round, or of the steps after the rounds."""
        return StageFolder(self.path / part / f"{position:02d}-{name}")

    def round_numbers(self) -> list[int]:
        """Rounds that were begun, in order."""
        numbers = [folder.name.removeprefix("round-") for folder in self.path.glob("round-*") if folder.is_dir()]
        return sorted(int(number) for number in numbers if number.isascii() and number.isdecimal())

    def finished_stages(self) -> list[tuple[StageFolder, StageResult]]:
        """Every stage that is whole, with its result, in the order of the work: what all readers of a run go by."""
        stages = ((place, place.result()) for place in self.stage_folders())
        return [(place, result) for place, result in stages if result is not None]

    def stage_folders(self) -> list[StageFolder]:
        """Every stage folder, in the order of the work: of a loop, the stages of a cycle after its rounds."""
        parts = [self.path / round_name(number) for number in self.round_numbers()]
        parts += [*self.path.glob("stages-*-after-*"), self.path / STAGES_PART]
        parts.sort(key=_order)
        return [
            StageFolder(path) for part in parts if part.is_dir() for path in sorted(part.iterdir()) if path.is_dir()
        ]
