"""`blame`, and ancestors and descendants of records: which records of a set and its run a text comes from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from selfinstruct.audit.trace_index import TOP, Origins, SpanOrigin, WordIndex, texts_of
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.models.weights import cache_folder
from selfinstruct.records import Task, digest
from selfinstruct.run.inputs import Set, read_input
from selfinstruct.run.run_records import stations
from selfinstruct.store.reading import read_tasks
from selfinstruct.store.run_folder import RunFolder

_SEED_FILES = ("seeds.jsonl", "holdout_seeds.jsonl")
_LEAST = 0.25  # of a sentence put by a person, who may remember it otherwise
_KEPT_FROM = 50_000  # records: an index of fewer is made anew in a moment


@dataclass(frozen=True, slots=True)
class Blamed:
    """A record that may have taught a text, and what it was made of."""

    task: Task
    origin: SpanOrigin
    ancestors: tuple[str, ...]
    """A line for each, from the record to its seeds."""


def blame(text: str, paths: Sequence[str], layout: str = "", columns: str = "", *, top: int = TOP) -> list[Blamed]:
    """The training records that say most of a text, best first, with their ancestors where a run folder knows them.

    Of a large set the index is kept in the cache, under what it was made of.

    Raises:
        BadInput: a text without words, a set without records, or a line that cannot be read.
    """
    tasks = training_set(paths, layout, columns)
    origins = Origins(tasks, indexed(tasks)).of(text, text, top, _LEAST)
    if not text.strip():
        raise BadInput("no words to look for", place="TEXT", fix="give a sentence in quotation marks")
    lineage = lineage_of(paths)
    seen = {**{task.id: task for task in tasks}, **lineage.known}
    return [
        Blamed(tasks[origin.place], origin, tuple(_upwards(_name_of(tasks[origin.place], lineage), lineage, seen)))
        for origin in origins
    ]


def training_set(paths: Sequence[str], layout: str = "", columns: str = "") -> list[Task]:
    """All records of the sets; BadInput for a line that is none, since it may be the one that is looked for."""
    roles = Roles.parse(columns) if columns else None
    tasks = list[Task]()
    for path in paths:
        for item in read_input(Set(path, layout, "", roles)):
            if not isinstance(item, Task):
                raise BadInput(item.problem, place=item.place, fix="mend the line, or curate the set first")
            tasks.append(item)
    if not tasks:
        raise BadInput("no record", place=", ".join(paths), fix="name the set that the student was tuned on")
    return tasks


def indexed(tasks: Sequence[Task]) -> WordIndex:
    """The index of a set: of a large one read from the cache, where it was made before."""
    if len(tasks) < _KEPT_FROM:
        return WordIndex.build(map(texts_of, tasks))
    place = cache_folder() / "indexes" / digest("word index 1", *(task.id for task in tasks))[:24]
    if not (place / "words.json").is_file():
        WordIndex.build(map(texts_of, tasks)).save(place)
    return WordIndex.load(place)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Of what and by which stage records were made, by id."""

    parents: Mapping[str, tuple[str, ...]]
    stages: Mapping[str, str]
    """Which stage made a record, by its id."""
    known: Mapping[str, Task]
    """Seeds of the runs, by id."""


def lineage_of(paths: Sequence[str]) -> Lineage:
    """From all run folders among the sets; other sets tell no more than their records do."""
    parents: dict[str, tuple[str, ...]] = {}
    stages: dict[str, str] = {}
    known: dict[str, Task] = {}
    for path in paths:
        named = Path(path.partition("#")[0])
        # what a run published lies in a folder of the run
        folder = next(
            (run_folder for run_folder in (named, *named.parents[:2]) if (run_folder / "recipe.yaml").is_file()), None
        )
        if folder is None:
            continue
        for station in stations(RunFolder(folder)):
            if station.line.get("kind") == "task":
                parents[station.id] = station.parents
                stages.setdefault(station.id, station.stage)
        for name in _SEED_FILES:
            if (folder / name).is_file():
                for seed in read_tasks(folder / name):
                    known[seed.id] = seed
                    parents.setdefault(seed.id, ())
                    stages.setdefault(seed.id, "seed")
    return Lineage(parents, stages, known)


def ancestors_of(paths: Sequence[str]) -> Callable[[Task], tuple[str, ...]]:
    """Of a record the lines that `blame` tells of its ancestors; run folders are read when one is first asked for."""

    @cache
    def lineage() -> Lineage:
        return lineage_of(paths)

    def ancestors(record: Task) -> tuple[str, ...]:
        return tuple(_upwards(_name_of(record, lineage()), lineage(), {record.id: record, **lineage().known}))

    return ancestors


def below(ids: Sequence[str], lineage: Lineage) -> dict[str, tuple[str, ...]]:
    """Of all records that descend from the named ones, their parents among these: no more than `forget` needs."""
    children: dict[str, list[str]] = {}
    for record, of in lineage.parents.items():
        for up in of:
            children.setdefault(up, []).append(record)
    known = dict.fromkeys((*lineage.parents, *children))
    queue = [record for record in known if record.startswith(tuple(ids))]
    reached = set(queue)
    while queue:
        for child in children.get(queue.pop(), ()):
            if child not in reached:
                reached.add(child)
                queue.append(child)
    return {
        record: tuple(up for up in lineage.parents.get(record, ()) if up in reached)
        for record in known
        if record in reached
    }


def _name_of(task: Task, lineage: Lineage) -> str:
    """The id by which its run knows it: a published record has it as its own, with the number of its instance."""
    own = task.extra.get("id")
    published = own.partition("/")[0] if isinstance(own, str) else ""
    return published if task.id not in lineage.parents and published in lineage.parents else task.id


def _upwards(identity: str, lineage: Lineage, seen: Mapping[str, Task]) -> list[str]:
    """Lines for a record's ancestors, nearest first; each once."""
    lines, level, done = list[str](), [identity], {identity}
    while level:
        above = list[str]()
        for record in level:
            of = lineage.parents.get(record) or (seen[record].provenance.parents if record in seen else ())
            above += [up for up in dict.fromkeys(of) if up not in done]
            done.update(of)
        for record in above:
            made = lineage.stages.get(record, "")
            text = seen[record].instruction if record in seen else ""
            lines.append(f"{made or 'unknown'} {record[:12]} {text}".strip())
        level = above
    return lines
