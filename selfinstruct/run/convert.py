"""Converts a set into another layout: whole or not at all, what cannot be used in a file beside it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from selfinstruct import plugins
from selfinstruct.atomic_files import remove, sweep_beside, temporary_name
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.read_sets import Unreadable, explained
from selfinstruct.formats.streams import name
from selfinstruct.formats.writing import WITHOUT_ANSWERS, write_set
from selfinstruct.generate.encode import encoded
from selfinstruct.records import Task, digest
from selfinstruct.run.inputs import Set, place_of, read_input
from selfinstruct.store.atomic_writes import disk, publish_file, publish_lines
from selfinstruct.text.grammar import plural


@dataclass(frozen=True, slots=True)
class Converted:
    """Result of a conversion: rows written, records rejected by reason, and where those are listed."""

    rows: int
    rejected: Mapping[str, int]
    """How many for each reason."""
    rejects: Path | None
    """Where the records that could not be used are told, with file and line."""
    unlearned: int = 0
    """Answers that the set marks as not to be learned."""


@dataclass
class _Sieve:
    """Lets tasks pass and keeps count of the rest."""

    source: Set
    strict: bool
    answered: bool
    rejected: list[Unreadable] = field(default_factory=list)
    unlearned: int = 0

    def tasks(self) -> Iterator[Task]:
        for item in read_input(self.source, answered=self.answered):
            if isinstance(item, Task):
                self.unlearned += len(item.unlearned)
                yield item
                continue
            if self.strict:
                raise BadInput(item.problem, place=item.place, fix="mend the line, or leave --strict away")
            self.rejected.append(item)


def explain_input(source: str, *, layout: str = "", columns: str = "") -> Iterator[str]:
    """How a set would be read, and why, in lines of text."""
    plugins.reachable(Path())
    yield from explained(str(place_of(source)), layout=layout, columns=Roles.parse(columns) if columns else None)


def convert(
    source: str,
    target: Path,
    *,
    to: str,
    layout: str = "",
    columns: str = "",
    first_turn: bool = False,
    strict: bool = False,
    seed: int,
) -> Converted:
    """Read `source`, write `target`; BadInput for what cannot be read or has no room in the layout.

    Records that cannot be used, or have no answer where the layout needs one, are told in a file beside the target,
    also where none is left to write.
    """
    plugins.reachable(Path())
    roles = Roles.parse(columns) if columns else None
    if _is_same(place_of(source), target):
        what = "is the input itself, and records that cannot be used would be lost with it"
        raise BadInput(what, place=str(target), fix="name another file with -o")
    sieve = _Sieve(Set(source, layout, columns=roles), strict, answered=to not in WITHOUT_ANSWERS)
    rejects = target.with_name(f"{target.name}.rejected.jsonl")

    def encode(task: Task, index: int) -> tuple[str, str]:
        draw = Random(int(digest(seed, task.id, index)[:16], 16))  # noqa: S311 - not for secrets
        made = encoded(task.instruction, task.instances[index], draw, "default")
        return made.prompt, made.completion

    with disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep_beside(target)
        aside = temporary_name(target)
        aside.mkdir()
    built = aside / target.name  # its ending says how it is written
    try:
        with disk(target):
            rows = write_set(built, sieve.tasks(), to, encode=encode, first_turn=first_turn)
        if sieve.rejected:
            publish_lines(rejects, map(_line, sieve.rejected))
        if not rows:
            raise _nothing_left(source, sieve.rejected, rejects, to)
        publish_file(built, target)
    except BadInput as fault:
        place = fault.place.replace(name(built), name(target))
        raise BadInput(fault.what, place=place, fix=fault.fix) from fault
    finally:
        remove(aside)
    if not sieve.rejected:
        rejects.unlink(missing_ok=True)  # of an earlier try
    reasons = Counter(unreadable.reason for unreadable in sieve.rejected)
    return Converted(rows, reasons, rejects if sieve.rejected else None, sieve.unlearned)


def _is_same(source: object, target: Path) -> bool:
    try:
        return target.samefile(str(source))
    except (OSError, ValueError):  # one of them is not there, or is no file of this machine
        return False


def _nothing_left(source: str, rejected: Sequence[Unreadable], rejects: Path, to: str) -> BadInput:
    by_reason = Counter(unreadable.reason for unreadable in rejected)
    counts = ", ".join(f"{reason} {count:,}" for reason, count in by_reason.most_common())
    first = f"; the first, {rejected[0].place}: {rejected[0].problem}" if rejected else ""
    what = f"none of its {plural(len(rejected), 'record')} can be written ({counts}{first})"
    fix = f"all are told in {rejects}"
    if set(by_reason) == {"no_answer"}:
        fix = f"'{to}' needs answers: take --to=seeds, or make some first; {fix}"
    return BadInput(what, place=source, fix=fix)


def _line(unreadable: Unreadable) -> bytes:
    line = {
        "place": unreadable.place,
        "reason": unreadable.reason,
        "problem": unreadable.problem,
        "text": unreadable.text,
    }
    return json.dumps(line).encode() + b"\n"
