"""The life of one record: what it was shown, what each stage said of it, how it ended. Opens no journal."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.store.reading import read_lines, read_tasks, task_of
from selfinstruct.store.run_folder import FATES, RunFolder
from selfinstruct.text import shown

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
        return f"<pre>{escape(str(self))}</pre>"


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
    found = sorted(identity for identity in by_id if identity.startswith(wanted))
    found += [seed for seed in _seed_ids(folder) if seed.startswith(wanted) and seed not in by_id]
    if not found:
        raise BadInput(
            f"no record '{wanted}'", place=str(folder.path), fix="ids stand in kept.jsonl, rejected.jsonl and dataset/"
        )
    if len(found) > 1:
        raise BadInput(
            f"'{wanted}' fits {len(found)} records", place=str(folder.path), fix=f"such as {found[0]} and {found[1]}"
        )
    line = _lineage(found[0], by_id, children)
    life = tuple(station for station in everything if station.id in line)
    parents = [parent for station in life if "propose" in station.stage for parent in station.parents]
    return Life(life, tuple(_known(parent, by_id, folder) for parent in dict.fromkeys(parents)))


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
