"""Records of a run: as sequences that lie on disk, and the life of one through every stage. Opens no journal."""

import json
from abc import abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from selfinstruct import notebook
from selfinstruct.errors import BadInput
from selfinstruct.records import Failure, Json, Record, Task, Unread, record_from_json
from selfinstruct.store.reading import AGAIN, read_lines, read_object_line, read_tasks, task_of
from selfinstruct.store.run_folder import RunFolder, StageFolder, makes_records
from selfinstruct.store.stage_result import FATES, StageResult, largest_first
from selfinstruct.text import shown

T = TypeVar("T")
_ID_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that stopped at a stage, and why."""

    record: Record
    reason: str
    stage: str
    """Round and stage, such as `round-00001/03-novelty`, or `target` for what was one too many."""
    evidence: Mapping[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The rejected record's id."""
        return self.record.id


@dataclass(frozen=True, slots=True)
class FailedCall:
    """A call that got no answer; `record` is the task it was about, if there was one."""

    failure: Failure
    stage: str
    record: Task | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """A file, where each of its lines begins, and the stage whose it is."""

    path: Path
    stage: str
    starts: "array[int]"


class Lines(Sequence[T], Generic[T]):
    """The lines of JSONL files, each read when it is asked for: eight bytes a record in memory."""

    _heads: tuple[str, ...] = ()

    def __init__(self, files: Sequence[tuple[Path, str]], read: Callable[[Mapping[str, Any], str, str], T]) -> None:
        """`files`: each with the stage of its lines, where they do not say it; `read` takes line, stage and place."""
        self._parts = [_Part(path, stage, _starts(path)) for path, stage in files]
        self._read = read

    def __len__(self) -> int:
        """Records."""
        return sum(len(part.starts) for part in self._parts)

    def __iter__(self) -> Iterator[T]:
        """From the first, once more each time."""
        for part in self._parts:
            with part.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    yield self._of(line, part, number)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        """One by a seek; a slice as a list."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        for part in self._parts:
            if 0 <= at < len(part.starts):
                with part.path.open("rb") as file:
                    file.seek(part.starts[at])
                    return self._of(file.readline(), part, at + 1)
            at -= len(part.starts)
        raise IndexError(index)

    def _of(self, line: bytes, part: _Part, number: int) -> T:
        place = f"{part.path}:{number}"
        return self._read(read_object_line(line, place), part.stage, place)

    @abstractmethod
    def _cells(self, record: T) -> tuple[str, ...]:
        """What a row of its table shows of a record."""

    def __repr__(self) -> str:
        """Number and kind of the records."""
        return f"<{len(self):,} {type(self).__name__.lower()}>"

    def _repr_html_(self) -> str:
        """The first of them, for a notebook."""
        rows = [self._cells(record) for record in islice(self, notebook.ROWS)]
        return notebook.view(notebook.ViewTable(self._heads, rows, of=len(self)))


class Tasks(Lines[Task]):
    """Tasks in their order."""

    _heads = ("id", "instruction", "input", "output")

    def __init__(self, *files: Path) -> None:
        """Of files that a run wrote."""
        super().__init__([(path, "") for path in files], lambda line, _stage, place: task_of(line, place))

    def _cells(self, record: Task) -> tuple[str, ...]:
        return task_cells(record)


def task_cells(task: Task) -> tuple[str, ...]:
    """The first instance of a task: id, instruction, input, output."""
    first = task.instances[0] if task.instances else None
    return task.id[:12], task.instruction, first.input if first else "", first.output if first else ""


class Rejections(Lines[RejectedRecord]):
    """Rejected records in the order of the work, each with its reason and evidence."""

    _heads = ("id", "reason", "stage", "record")

    def __init__(self, files: Sequence[tuple[Path, str]]) -> None:
        """As `Lines` takes them."""
        super().__init__(files, _rejected)

    @property
    def by_reason(self) -> dict[str, int]:
        """How many for each reason, largest first."""
        return largest_first(Counter(record.reason for record in self))

    def because(self, reason: str) -> list[RejectedRecord]:
        """Those that were rejected for that reason."""
        return [record for record in self if record.reason == reason]

    def _cells(self, record: RejectedRecord) -> tuple[str, ...]:
        return record.record.id[:12], record.reason, record.stage, _text(record.record)


class Failures(Lines[FailedCall]):
    """Calls without an answer, in the order of the work."""

    _heads = ("id", "kind", "stage", "message")

    def __init__(self, files: Sequence[tuple[Path, str]]) -> None:
        """As `Lines` takes them."""
        super().__init__(files, _failed)

    @property
    def by_kind(self) -> dict[str, int]:
        """How many of each kind of error, largest first."""
        return largest_first(Counter(call.failure.kind for call in self))

    def _cells(self, call: FailedCall) -> tuple[str, ...]:
        return call.failure.id[:12], call.failure.kind, call.stage, call.failure.message


def _rejected(line: Mapping[str, Any], stage: str, place: str) -> RejectedRecord:
    try:
        return RejectedRecord(
            record_from_json(line), line["reason"], line.get("stage", stage), line.get("evidence", {})
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise BadInput("damaged: no rejected record", place=place, fix=AGAIN) from fault


def _failed(line: Mapping[str, Any], stage: str, place: str) -> FailedCall:
    try:
        failure = Failure(request=line["id"], kind=line["error"], message=line["message"])
    except KeyError as fault:
        raise BadInput("damaged: no failed call", place=place, fix=AGAIN) from fault
    record = task_of(line["record"], place) if "record" in line else None
    return FailedCall(failure, line.get("stage", stage), record)


def _text(record: Record) -> str:
    """What a record says, in short."""
    if isinstance(record, Task):
        return record.instruction
    return record.text if isinstance(record, Unread) else " ".join(choice.text for choice in record.choices)


def _starts(path: Path) -> "array[int]":
    starts, at = array("Q"), 0
    with path.open("rb") as file:
        for line in file:
            starts.append(at)
            at += len(line)
    return starts


@dataclass(frozen=True, slots=True)
class Station:
    """One line about a record in one stage's files."""

    stage: str
    """Round and stage, such as `round-00001/03-novelty`."""
    fate: str
    line: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The record's id at this station."""
        return str(self.line["id"])

    @property
    def parents(self) -> tuple[str, ...]:
        """Ids of the records it was made of."""
        return tuple(self.line.get("provenance", {}).get("parents", ()))

    def lines(self) -> Iterator[str]:
        """For people, each made fit to be shown."""
        line = self.line
        head = f"{self.stage}: {self.fate}" + (f" ({line['reason']})" if "reason" in line else "")
        yield f"{shown(head, 200)}  {shown(self.id[:12])}"
        if "instruction" in line:
            yield f"    instruction: {shown(line['instruction'], 300)}"
            for pair in line["instances"]:
                yield f"    input: {shown(pair['input'], 200)}"
                yield f"    output: {shown(pair['output'], 200)}"
        provenance = line.get("provenance", {})
        if provenance.get("request"):
            model, prompt, request = (shown(str(provenance.get(key)), 120) for key in ("model", "prompt", "request"))
            yield f"    asked {model} with {prompt}: {request[:12]}…"
        for name, value in line.get("evidence", {}).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"    {shown(name)}: {shown(text, 200)}"


def stations(folder: RunFolder) -> Iterator[Station]:
    """Every line of every finished stage, in the order of the work."""
    whole = [(place, result) for place in folder.stage_folders() if (result := place.whole()) is not None]
    for at, (place, result) in enumerate(whole):
        name = f"{place.path.parent.name}/{place.path.name}"
        for fate in FATES:
            lines = place.lines(fate) if fate in result.checksums else _handed_on(whole[at:])
            for line in lines:
                yield Station(name, fate, line)
    surplus = folder.path / "rejected.jsonl"
    if surplus.exists():
        for number, line in enumerate(read_lines(surplus), 1):
            if line.get("reason") == "beyond_target":
                task_of(line, f"{surplus}:{number}")
                yield Station("target", "rejected", line)


def _handed_on(stages: Sequence[tuple[StageFolder, StageResult]]) -> Iterator[dict[str, Any]]:
    """What the first of the stages kept, where it wrote none of it down: what became of it in those behind it."""
    place, result = stages[0]
    lines = place.lines("evidence") if "evidence" in result.checksums else ()
    evidence = {line["id"]: {"evidence": line["evidence"]} for line in lines}
    for line in _behind(stages):
        yield {**line, **evidence.get(line["id"], {})}


def _behind(stages: Sequence[tuple[StageFolder, StageResult]]) -> Iterator[dict[str, Any]]:
    part = stages[0][0].path.parent
    for place, result in stages[1:]:
        if place.path.parent != part:
            return
        for line in place.lines("rejected"):
            yield _without_fate(line)
        for line in place.lines("failed"):
            if "record" in line:
                yield line["record"]
        if result.lasting:
            yield from map(_without_fate, place.lines("kept"))
            return


def _without_fate(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in ("reason", "evidence")}


@dataclass(frozen=True, slots=True, repr=False)
class Life:
    """The stations of one record from the demonstrations it grew from to its end."""

    stations: tuple[Station, ...]
    demonstrations: tuple[Mapping[str, Json], ...]
    """The records shown when it was proposed: seeds and earlier tasks."""

    def lines(self) -> Iterator[str]:
        """For people, each made fit to be shown."""
        for task in self.demonstrations:
            origin = "seed" if task.get("human") else "task"
            yield f"shown {origin} {shown(str(task['id'])[:12])}  {shown(str(task.get('instruction', '')), 90)}"
        for station in self.stations:
            yield from station.lines()

    def __str__(self) -> str:
        """As `selfinstruct why` prints it."""
        return "\n".join(self.lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For a notebook."""
        return notebook.view(notebook.ViewLines([*self.lines()]))


def life_of(folder: RunFolder, wanted: str) -> Life:
    """Everything the folder knows of the record whose id begins with `wanted`; BadInput if none or several."""
    if len(wanted) < _ID_SHORTEST:
        raise BadInput(f"'{wanted}' is too short for an id", place="ID", fix=f"give at least {_ID_SHORTEST} characters")
    everything = list(stations(folder))
    by_id: dict[str, list[Station]] = {}
    children: dict[str, list[str]] = {}
    for station in everything:
        by_id.setdefault(station.id, []).append(station)
        if len(station.parents) == 1 and station.line.get("kind") == "task":
            children.setdefault(station.parents[0], []).append(station.id)
    matching = sorted(identity for identity in by_id if identity.startswith(wanted))
    matching += [seed for seed in _seed_ids(folder) if seed.startswith(wanted) and seed not in by_id]
    if not matching:
        raise BadInput(
            f"no record '{wanted}'", place=str(folder.path), fix="ids stand in kept.jsonl, rejected.jsonl and dataset/"
        )
    if len(matching) > 1:
        raise BadInput(
            f"'{wanted}' fits {len(matching)} records",
            place=str(folder.path),
            fix=f"such as {matching[0]} and {matching[1]}",
        )
    line = _lineage(matching[0], by_id, children)
    life = tuple(station for station in everything if station.id in line)
    parents = [parent for station in life if makes_records(station.stage) for parent in station.parents]
    return Life(life, tuple(_known(parent, by_id, folder) for parent in dict.fromkeys(parents)))


def _lineage(start: str, by_id: Mapping[str, list[Station]], children: Mapping[str, list[str]]) -> set[str]:
    """The record, what it grew from, and what it grew into."""
    line, current = {start}, start
    while current in by_id:
        first = by_id[current][0]
        if len(first.parents) != 1 or makes_records(first.stage) or first.parents[0] not in by_id:
            break
        current = first.parents[0]
        line.add(current)
    queue = [start]
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in line and not makes_records(by_id[child][0].stage):
                line.add(child)
                queue.append(child)
    return line


def _seed_ids(folder: RunFolder) -> list[str]:
    return [str(line["id"]) for line in _seed_lines(folder)]


def _seed_lines(folder: RunFolder) -> Iterator[dict[str, Any]]:
    path = folder.path / "seeds.jsonl"
    if path.exists():
        yield from (task.as_json() for task in read_tasks(path))


def _known(identity: str, by_id: Mapping[str, list[Station]], folder: RunFolder) -> Mapping[str, Json]:
    if identity in by_id:
        return by_id[identity][0].line
    return next((line for line in _seed_lines(folder) if line["id"] == identity), {"id": identity})
