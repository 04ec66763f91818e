"""The first stage of a recipe with `inputs`: every line of every set becomes a task, or is rejected with its place."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.formats.sets import Seen, Unreadable, read_set
from selfinstruct.formats.sources import place_in
from selfinstruct.records import Task, Unread
from selfinstruct.stage import Bench, Kept, Outcome, Rejected, Scope


@dataclass(frozen=True, slots=True)
class Set:
    """One of the inputs."""

    path: str
    shape: str = ""
    compat: str = ""


@dataclass(frozen=True, kw_only=True)
class Read:
    """Read the inputs in their order; the one stage that opens files, and so made by the recipe alone."""

    name: ClassVar[str] = "read"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "source"

    sets: tuple[Set, ...]
    strict: bool = False

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected as `Unread` with file and line; BadInput for a set that cannot be used at all."""
        del records
        seen = Seen()
        for one in self.sets:
            for found in read_set(
                str(place_of(one.path)), shape=one.shape, compat=one.compat, seed=bench.seed, seen=seen
            ):
                if isinstance(found, Task):
                    yield Kept(found)
                    continue
                if self.strict:
                    raise BadInput(found.problem, place=found.place, fix="mend the line, or leave --strict away")
                yield Rejected(_unread(found), found.reason, {"problem": found.problem})


def opened(sets: Iterable[Set], seed: int) -> None:
    """BadInput for a set that is not there or of no known layout, told by its first record."""
    for one in sets:
        next(read_set(str(place_of(one.path)), shape=one.shape, compat=one.compat, seed=seed), None)


def _unread(found: Unreadable) -> Unread:
    """The same for every user of the file: without its folder."""
    file, colon, line = found.place.rpartition(":")
    return Unread(f"{Path(file).name}{colon}{line}", found.text)


def place_of(path: str) -> str | Path:
    """Where an input lies: `builtin` is our seed tasks, `builtin:NAME` another of the files beside them."""
    kind, _, name = path.partition(":")
    if kind != "builtin":
        return path
    place = builtin_seeds().with_name(f"{name}.jsonl") if name else builtin_seeds()
    if not place.is_file():
        there = sorted(file.stem for file in place.parent.glob("*.jsonl"))
        raise BadInput(f"no built-in set '{name}'", place=f"input '{path}'", fix=f"one of: {', '.join(there)}")
    return place


def content(path: str) -> str:
    """SHA-256 of what is read under a path: part of what the run is; a Hub id stands for itself.

    Of a run folder only its records count: a report drawn again there makes no other run here.
    """
    place = place_in(str(place_of(path)))
    total = hashlib.sha256()
    for file in [place] if place.is_file() else sorted(place.rglob("*")):
        if file.is_file():
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()
