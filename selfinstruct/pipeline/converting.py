"""One set read in its layout and written in another: whole or not at all, what cannot be used beside it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from selfinstruct.errors import BadInput
from selfinstruct.formats.sets import Unreadable, read_set
from selfinstruct.formats.streams import name
from selfinstruct.formats.writing import write_set
from selfinstruct.generate.encode import encoded
from selfinstruct.records import Task, digest
from selfinstruct.store.files import disk, publish_file, publish_lines
from selfinstruct.whole_files import beside, remove, sweep_beside


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of it."""

    rows: int
    rejected: int
    rejects: Path | None
    """Where the records that could not be used are told, with file and line."""


@dataclass
class _Sieve:
    """Lets tasks pass and keeps count of the rest."""

    source: str
    shape: str
    strict: bool
    rejected: list[Unreadable] = field(default_factory=list)

    def tasks(self) -> Iterator[Task]:
        for found in read_set(self.source, shape=self.shape):
            if isinstance(found, Task):
                yield found
                continue
            if self.strict:
                raise BadInput(found.problem, place=found.place, fix="mend the line, or leave --strict away")
            self.rejected.append(found)


def convert(
    source: str,
    target: Path,
    *,
    layout: str,
    shape: str = "",
    first_turn: bool = False,
    strict: bool = False,
    seed: int,
) -> Converted:
    """Read `source`, write `target`; BadInput for what cannot be read or has no room in the layout."""
    sieve = _Sieve(source, shape, strict)

    def encode(task: Task, index: int) -> tuple[str, str]:
        draw = Random(int(digest(seed, task.id, index)[:16], 16))  # noqa: S311 - not for secrets
        made = encoded(task.instruction, task.instances[index], draw, "default")
        return made.prompt, made.completion

    with disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep_beside(target)
        aside = beside(target)
        aside.mkdir()
    built = aside / target.name  # its ending says how it is written
    try:
        with disk(target):
            rows = write_set(built, sieve.tasks(), layout, encode=encode, first_turn=first_turn)
        if rows:
            publish_file(built, target)
    except BadInput as fault:
        place = fault.place.replace(name(built), name(target))
        raise BadInput(fault.what, place=place, fix=fault.fix) from fault
    finally:
        remove(aside)
    if not rows:
        raise BadInput(f"no usable record ({len(sieve.rejected)} rejected)", place=source, fix="look at its lines")
    rejects = target.with_name(f"{target.name}.rejected.jsonl") if sieve.rejected else None
    if rejects is not None:
        publish_lines(rejects, map(_line, sieve.rejected))
    return Converted(rows, len(sieve.rejected), rejects)


def _line(found: Unreadable) -> bytes:
    told = {"place": found.place, "reason": found.reason, "problem": found.problem, "text": found.text}
    return json.dumps(told).encode() + b"\n"
