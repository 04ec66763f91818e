"""Decides which layout records are in, by looking at the first ones and never by guess, and makes tasks of them."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from selfinstruct.errors import BadInput
from selfinstruct.formats.cursor import Line
from selfinstruct.formats.rows import unpublished
from selfinstruct.formats.seen import Seen
from selfinstruct.formats.shapes import SHAPES, fitting, mended
from selfinstruct.formats.unreadable import BadRecord, Unreadable
from selfinstruct.records import Provenance, Task
from selfinstruct.text import shown

_LOOK = 20  # usable records that decide on the layout
_LOOK_BROKEN = 1000  # and of these none usable: it never will be
_LOOK_BYTES = 8 << 20
_SHOWN = 200
Found = Line | BadRecord


def first_of(found: Iterator[Found]) -> list[Found]:
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
    return first


def forced(first: Sequence[Found], shape: str) -> str:
    """That layout, if any of the first records is in it."""
    lines = [item for item in first if isinstance(item, Line)]
    if lines and not any(SHAPES[shape].fits(mended(line.value)[0]) for line in lines):
        what = f"not in the layout {shape} ({SHAPES[shape].about})"
        raise BadInput(what, place=lines[0].place, fix="leave --from away, or take another")
    return shape


def agreed(first: Sequence[Found]) -> str:
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
            raise BadInput("no known layout", place=item.place, fix=f"known are {known}; name others with --from")
    for item in first:
        if isinstance(item, BadRecord):
            raise BadInput(f"no usable record ({item.what})", place=item.place, fix=item.fix)
    return ""


@dataclass(frozen=True)
class Reader:
    """Makes tasks of values, and says of the others why not."""

    origin: Provenance
    seen: Seen
    notice: Callable[[str], None]
    forced: str
    usual: str

    def read(self, item: Found) -> Task | Unreadable:
        """The task, or what is wrong with the record."""
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
        before = unpublished(value) if isinstance(value, dict) else None
        task = self._fitting(before.value if before else value)
        if before:
            provenance = replace(self.origin, parents=(before.parent,), model=before.model)
            task = replace(task, provenance=provenance, measures=before.measures)
        elif task.provenance is self.origin and not self.seen.claim(task.extra.get("id")):
            mine = shown(json.dumps(task.extra["id"], ensure_ascii=False))
            raise BadRecord(f"id {mine} stands twice", reason="duplicate_id", fix="give each record an id of its own")
        return self.seen.distinct(task)

    def _fitting(self, value: object) -> Task:
        shape = self.forced or self._shape(value)
        if self.forced and not SHAPES[shape].fits(value):
            raise BadRecord(f"not in the layout {shape}", reason="unknown_layout")
        task = SHAPES[shape].read(value, self.origin)
        return _labelled(task) if task.provenance is self.origin else task

    def _shape(self, value: object) -> str:
        names = fitting(value)
        if len(names) == 1:
            return names[0]
        if self.usual in names:
            return self.usual
        if names:
            raise BadRecord(f"may be {' or '.join(names)}", reason="ambiguous")
        raise BadRecord("no known layout", reason="unknown_layout")


def _labelled(task: Task) -> Task:
    """With the label, whatever layout it stood beside; a stranger's field of another kind stays theirs."""
    label = task.extra.get("is_classification", "")
    if label is not None and not isinstance(label, bool):
        return task
    extra = {key: item for key, item in task.extra.items() if key != "is_classification"}
    return replace(task, is_classification=label, extra=extra)


def _begins(value: object) -> str:
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(whole[: 2 * _SHOWN], _SHOWN)
