"""The folder of a run: where each stage's outcomes are, and whether they are whole."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfinstruct.atomic_files import file_sha256, sync_folder, temporary_name
from selfinstruct.errors import BadInput
from selfinstruct.records import NO_EXTRA, Json, Record, Task
from selfinstruct.stage import Built, Failed, Kept, Measured, Outcome, Rejected
from selfinstruct.store.atomic_writes import disk
from selfinstruct.store.built_artifacts import publish_built, verify_built
from selfinstruct.store.failpoints import failpoint
from selfinstruct.store.kept_file import NO_INFLOW, HashedFile, HeldRecords, Inflow, KeptFile, LinesBefore
from selfinstruct.store.reading import publish_sealed, read_lines, read_object_line, read_sealed
from selfinstruct.store.record_lines import json_line, record_line, with_more
from selfinstruct.store.stage_result import BESIDE, FATES, Bill, CallCounts, StageResult, largest_first, sound
from selfinstruct.store.task_file import MEMORY, OnDemand, tasks_of

_REJECTED = "rejected"
MARK = ".identity.json"
"""What the folder's run is: two that differ in it are two runs."""
STAGES_PART = "stages"
"""Folder of the stages that run once."""


class StageFolder:
    """The folder of one stage in one round: three files, and DONE, which is written last.

    A stage that hands on what came in as it came may leave out `kept.jsonl`: the stages behind it tell what it kept,
    and `evidence.jsonl` what stood beside some of it. Once a run has published `rejected.jsonl`, the lines of the
    stages that run once stand there alone.
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
            return sound(StageResult(**{**fields, "bill": Bill(**fields["bill"])}))
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
            if fate == _REJECTED and not file.is_file():
                file = self._published
            if not file.is_file() or (file_sha256(file) if file.parent == self.path else self._mine()) != expected:
                raise BadInput(
                    "changed or damaged since it was written",
                    place=str(file),
                    fix=f"delete {self.path / 'DONE'} and run again: the stage is made again from the journal",
                )
        for name, expected in result.built.items():
            verify_built(self.built(name), expected, self.path / "DONE")

    def raw(self, fate: str) -> Iterator[bytes]:
        """The lines of one of the files; of `rejected`, where that was published for all stages, its own part."""
        file = self.path / f"{fate}.jsonl"
        if fate == _REJECTED and not file.exists():
            for _, line in self._in_published():
                yield line
            return
        with file.open("rb") as opened:
            yield from opened

    def lines(self, fate: str) -> Iterator[dict[str, Any]]:
        """The same, read; BadInput with the line for what is damaged."""
        file = self.path / f"{fate}.jsonl"
        if fate == _REJECTED and not file.exists() and self._published.exists():
            for number, line in self._in_published():
                yield read_object_line(line, f"{self._published}:{number}")
            return
        yield from read_lines(file)

    def published_rejected(self) -> None:
        """The file at the top has what was rejected here, and is the only one from now on."""
        file = self.path / f"{_REJECTED}.jsonl"
        if file.exists() and file.stat().st_size:
            file.unlink()

    @property
    def _published(self) -> Path:
        return self.path.parent.parent / f"{_REJECTED}.jsonl"

    def _in_published(self) -> Iterator[tuple[int, bytes]]:
        """Line numbers, and lines as the stage wrote them: without the stage at their end."""
        ending = b', "stage": "%s/%s"}\n' % (self.path.parent.name.encode(), self.path.name.encode())
        with self._published.open("rb") as opened:
            for number, line in enumerate(opened, 1):
                if line.endswith(ending):
                    yield number, line[: -len(ending)] + b"}\n"

    def _mine(self) -> str:
        total = hashlib.sha256()
        for _, line in self._in_published():
            total.update(line)
        return total.hexdigest()

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
            made = {name: temporary_name(self.path / f"{name}.jsonl") for name in (*FATES, BESIDE)}
            kept: KeptFile | HeldRecords | None = None
            if held is not None:
                kept = HeldRecords(held, memory)
            elif not passed:
                kept = KeptFile(made["kept"], before, memory)
            files = {fate: HashedFile(made[fate]) for fate in ("rejected", "failed")}
            lines = LinesBefore(before)
            try:
                yield StageWriting(self, kept, made, files, lines)
            finally:
                for file in (kept, lines, *files.values()):
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


class StageWriting:
    """The files of a stage while they are written."""

    def __init__(
        self,
        place: StageFolder,
        kept: KeptFile | HeldRecords | None,
        made: Mapping[str, Path],
        files: dict[str, HashedFile],
        lines: LinesBefore,
    ) -> None:
        """Made by `StageFolder.writing`."""
        self._place, self._kept, self._made, self._files, self._lines = place, kept, made, files, lines
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
                self._kept.add(outcome.record, more, self._known(outcome.record, more))
                return
            if self._kept is not None:
                self._kept.add(outcome.record)
            if more:
                if BESIDE not in self._files:
                    self._files[BESIDE] = HashedFile(self._made[BESIDE])
                self._files[BESIDE].write(json_line({"id": outcome.record.id, **more}))
            return
        match outcome:
            case Rejected(record, reason, evidence):
                self.rejected[reason] = self.rejected.get(reason, 0) + 1
                why: dict[str, Json] = {"reason": reason, **({"evidence": dict(evidence)} if evidence else {})}
                self._files["rejected"].write(self._known(record, why) or record_line(record, why))
            case Failed(failure, task):
                self._lines.past(task)
                self.failed[failure.kind] = self.failed.get(failure.kind, 0) + 1
                about = {} if task is None else {"record": task.as_json()}
                self._files["failed"].write(json_line({**failure.as_json(), **about}))
            case Measured(name, value):
                self.measured[name] = value
            case Built(name, path):
                self.built[name] = path

    def _known(self, record: Record, more: Mapping[str, Json]) -> bytes | None:
        """The line of a record as it came in, with what is said of it."""
        line = self._lines.of(record)
        return with_more(line, more) if line and more else line

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
            for name in {"kept", BESIDE} - {*self._files}:
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


READ = "read"
"""The engine's own first step, which reads the inputs; no recipe names it."""


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
