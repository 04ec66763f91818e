"""Looking into a run folder: what it holds, and the life of one record. Opens no journal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.store.ledger import read_ledger
from selfinstruct.store.lock import held
from selfinstruct.store.reading import read_lines, read_tasks, task_of
from selfinstruct.store.run_folder import FATES, RunFolder

_ID_SHORTEST = 6


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


def run_folder(path: Path) -> RunFolder:
    """The run in this folder; BadInput when it holds none."""
    if not path.is_dir():
        raise BadInput("no such folder", place=str(path), fix="name the folder of a run")
    folder = RunFolder(path)
    if not folder.recipe.exists():
        raise BadInput("holds no run (no recipe.yaml)", place=str(path), fix="name the folder of a run")
    return folder


def stations(folder: RunFolder) -> Iterator[Station]:
    """Every line of every finished stage, in the order of the work."""
    for place in folder.stage_folders():
        if place.whole() is None:
            continue
        name = f"{place.path.parent.name}/{place.path.name}"
        for fate in FATES:
            for line in read_lines(place.path / f"{fate}.jsonl"):
                yield Station(name, fate, line)
    surplus = folder.path / "rejected.jsonl"
    if surplus.exists():
        for number, line in enumerate(read_lines(surplus), 1):
            if line.get("reason") == "beyond_target":
                task_of(line, f"{surplus}:{number}")
                yield Station("target", "rejected", line)


@dataclass(frozen=True, slots=True)
class Life:
    """The stations of one record from the demonstrations it grew from to its end."""

    stations: tuple[Station, ...]
    demonstrations: tuple[Mapping[str, Json], ...]
    """The records shown when it was proposed: seeds and earlier tasks."""


def why(path: Path, wanted: str) -> Life:
    """Everything the folder knows of the record whose id begins with `wanted`; BadInput if none or several."""
    if len(wanted) < _ID_SHORTEST:
        raise BadInput(f"'{wanted}' is too short for an id", place="ID", fix=f"give at least {_ID_SHORTEST} characters")
    folder = run_folder(path)
    everything = list(stations(folder))
    by_id: dict[str, list[Station]] = {}
    children: dict[str, list[str]] = {}
    for station in everything:
        by_id.setdefault(station.id, []).append(station)
        if len(station.parents) == 1 and station.line.get("kind") == "task":
            children.setdefault(station.parents[0], []).append(station.id)
    found = sorted(identity for identity in by_id if identity.startswith(wanted))
    found += [seed for seed in _seed_ids(folder) if seed.startswith(wanted) and seed not in by_id]
    if not found:
        raise BadInput(
            f"no record '{wanted}'", place=str(path), fix="ids stand in kept.jsonl, rejected.jsonl and dataset/"
        )
    if len(found) > 1:
        raise BadInput(
            f"'{wanted}' fits {len(found)} records", place=str(path), fix=f"such as {found[0]} and {found[1]}"
        )
    line = _lineage(found[0], by_id, children)
    life = tuple(station for station in everything if station.id in line)
    shown = [parent for station in life if "propose" in station.stage for parent in station.parents]
    return Life(life, tuple(_known(parent, by_id, folder) for parent in dict.fromkeys(shown)))


def _lineage(start: str, by_id: Mapping[str, list[Station]], children: Mapping[str, list[str]]) -> set[str]:
    """The record, what it grew from, and what it grew into."""
    line, current = {start}, start
    while current in by_id:
        first = by_id[current][0]
        if len(first.parents) != 1 or "propose" in first.stage or first.parents[0] not in by_id:
            break
        current = first.parents[0]
        line.add(current)
    queue = [start]
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in line and "propose" not in by_id[child][0].stage:
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


@dataclass(frozen=True, slots=True)
class Look:
    """What a folder holds, at a glance."""

    running: bool
    stages: tuple[tuple[str, Mapping[str, Any]], ...]
    """Stage folder and its DONE file."""
    unfinished: tuple[str, ...]
    last: Mapping[str, Any]
    """The last event of the ledger."""
    published: int | None
    """Lines of kept.jsonl at the top; None while nothing is published."""


def show(path: Path) -> Look:
    """A look at a run folder, finished or not."""
    folder = run_folder(path)
    done, unfinished = [], []
    for place in folder.stage_folders():
        name, result = f"{place.path.parent.name}/{place.path.name}", place.result()
        if result is None:
            unfinished.append(name)
        else:
            done.append((name, result.as_json()))
    events = list(read_ledger(folder.ledger))
    top = folder.path / "kept.jsonl"
    return Look(
        running=held(path),
        stages=tuple(done),
        unfinished=tuple(unfinished),
        last=events[-1] if events else {},
        published=sum(1 for _ in read_lines(top)) if top.exists() else None,
    )
