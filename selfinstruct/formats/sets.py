"""Reads an instruction set of any layout and packing: tasks, and what cannot be used with its place and reason."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.formats.cursor import Line
from selfinstruct.formats.lines import read_each, read_each_text_line
from selfinstruct.formats.shapes import SHAPES, fitting, mended
from selfinstruct.formats.streams import ending, name
from selfinstruct.formats.unreadable import BadRecord, Unreadable
from selfinstruct.records import Provenance, Task
from selfinstruct.text import shown

__all__ = ["Seen", "Unreadable", "read_set"]

_LOOK = 20  # usable records that decide on the layout
_LOOK_BROKEN = 1000  # and of these none usable: it never will be
_LOOK_BYTES = 8 << 20
_SHOWN = 200
Found = Line | BadRecord


class Seen:
    """What was read before, as hashes: tells identical siblings apart, and a user's id that stands twice."""

    def __init__(self) -> None:
        self._tasks: set[int] = set()
        self._ids: set[int] = set()
        self._following: dict[int, int] = {}

    def source(self) -> None:
        """Another input begins: its own ids are its own."""
        self._ids = set()

    def claim(self, mine: object) -> bool:
        """Whether a user's id is new; only texts and numbers are ids."""
        if isinstance(mine, bool) or not isinstance(mine, int | str):
            return True
        key = int.from_bytes(hashlib.blake2b(json.dumps(mine).encode(), digest_size=16).digest())
        if key in self._ids:
            return False
        self._ids.add(key)
        return True

    def distinct(self, task: Task) -> Task:
        """The task, with an ordinal when one like it came before."""
        eldest = _key(replace(task, ordinal=0) if task.ordinal else task)
        while _key(task) in self._tasks:
            self._following[eldest] = self._following.get(eldest, 0) + 1
            task = replace(task, ordinal=self._following[eldest])
        self._tasks.add(_key(task))
        return task


def _key(task: Task) -> int:
    return int(task.id[:32], 16)


def read_set(
    source: str,
    *,
    shape: str = "",
    compat: str = "",
    seed: int = 42,
    seen: Seen | None = None,
    notice: Callable[[str], None] | None = None,
) -> Iterator[Task | Unreadable]:
    """The tasks of a set in their order, and what cannot be used, lazily; memory grows by hashes of ids alone.

    `source` is a file, a folder or a Hub id. `shape` is one of SHAPES; without it the first records decide, and one
    that fits several is refused. `seen` is shared by the inputs of one run, so that no two tasks have the same id.
    `notice` is told what was read although it was misspelt.
    Raises BadInput for an input that cannot be used at all: torn, empty, of unknown or ambiguous layout, not there.
    """
    del compat, seed
    if shape and shape not in SHAPES:
        raise BadInput(f"no layout '{shown(shape)}'", place="--from", fix=f"one of {', '.join(SHAPES)}")
    path = Path(source)
    seen = seen or Seen()
    seen.source()
    found = read_each_text_line(path) if ending(path) == ".txt" else read_each(path)
    first = _first(found, path)
    origin = Provenance(stage="input", source=path.name)
    reader = _Reader(origin, seen, notice or _nothing, shape, "" if shape else _agreed(first))
    for item in chain(first, found):
        yield reader.read(item)


def _nothing(said: str) -> None:
    del said


def _first(found: Iterator[Found], path: Path) -> list[Found]:
    """The first records: enough to tell the layout by."""
    first: list[Found] = []
    usable, weight = 0, 0
    for item in found:
        first.append(item)
        if isinstance(item, Line):
            usable += 1
            weight += len(item.value) if isinstance(item.value, str) else len(repr(item.value))
        if usable == _LOOK or weight > _LOOK_BYTES or len(first) == _LOOK_BROKEN:
            break
    if not first:
        raise BadInput("no records", place=name(path), fix="write one a line")
    return first


def _agreed(first: Sequence[Found]) -> str:
    """The layout that the first records agree on, for those that fit several; empty when each has its own."""
    fits = [(item.place, fitting(mended(item.value)[0])) for item in first if isinstance(item, Line)]
    votes = Counter(names[0] for _, names in fits if len(names) == 1)
    if votes:
        return next(iter(votes)) if len(votes) == 1 else ""
    for place, names in fits:
        if names:
            raise BadInput(f"may be {' or '.join(names)}", place=place, fix=f"say which: --from {names[0]}")
    for item in first:
        if isinstance(item, Line):
            known = "; ".join(f"{name}: {shape.about}" for name, shape in SHAPES.items())
            raise BadInput("no known layout", place=item.place, fix=f"known are {known}")
    [fault, *_] = [item for item in first if isinstance(item, BadRecord)]
    raise BadInput(f"no usable record ({fault.what})", place=fault.place, fix=fault.fix)


@dataclass(frozen=True)
class _Reader:
    """Makes tasks of values, and says of the others why not."""

    origin: Provenance
    seen: Seen
    notice: Callable[[str], None]
    forced: str
    usual: str

    def read(self, item: Found) -> Task | Unreadable:
        if isinstance(item, BadRecord):
            return item.unreadable
        try:
            return self._task(item)
        except BadRecord as fault:
            return fault.at(item.place, _begins(item.value)).unreadable

    def _task(self, item: Line) -> Task:
        value, misspelt = mended(item.value)
        if misspelt:
            self.notice(f"{item.place}: key '{shown(misspelt)}' read as if it were spelt right")
        shape = self.forced or self._shape(value)
        if self.forced and not SHAPES[shape].fits(value):
            raise BadRecord(f"not in the layout {shape}", reason="unknown_layout")
        task = SHAPES[shape].read(value, self.origin)
        if shape != "records" and not self.seen.claim(task.extra.get("id")):
            mine = shown(json.dumps(task.extra["id"], ensure_ascii=False))
            raise BadRecord(f"id {mine} stands twice", reason="duplicate_id")
        return self.seen.distinct(task)

    def _shape(self, value: object) -> str:
        names = fitting(value)
        if len(names) == 1:
            return names[0]
        if self.usual in names:
            return self.usual
        if names:
            raise BadRecord(f"may be {' or '.join(names)}", reason="ambiguous")
        raise BadRecord("no known layout", reason="unknown_layout")


def _begins(value: object) -> str:
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(whole[: 2 * _SHOWN], _SHOWN)
