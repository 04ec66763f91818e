"""Detects a set's layout from its first records, never by guess, and makes tasks of them; renames repeated ids."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles, columned, columns_of, no_pair
from selfinstruct.formats.fields import BadRecord, Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.json_text import unpacked
from selfinstruct.formats.layouts import LAYOUTS, certainly, fitting, layout_of, mended
from selfinstruct.formats.loss_marks import may_mark, of_record, without_marks
from selfinstruct.formats.rows import unpublished
from selfinstruct.formats.three_texts import three_texts
from selfinstruct.records import Provenance, Task, origin_of
from selfinstruct.text import shown

_MAY_BE_ABSENT = ("input", "system")  # where they are empty, many sets leave them out
_LOOK = 20  # usable records that decide on the layout
_LOOK_BROKEN = 1000  # and of these none usable: it never will be
_LOOK_BYTES = 8 << 20
_SHOWN = 200
_MEDIA = dict.fromkeys(("image", "images", "video", "videos", "audio", "audios"))
_STANDS_FOR = ("<image>", "<video>", "<audio>")


class SeenIds:
    """The ids of what was read before, by the inputs that share it."""

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
        key = _key(task)
        if key in self._tasks:
            eldest = _key(replace(task, ordinal=0)) if task.ordinal else key
            while key in self._tasks:
                self._following[eldest] = self._following.get(eldest, 0) + 1
                task = replace(task, ordinal=self._following[eldest])
                key = _key(task)
        self._tasks.add(key)
        return task


def _key(task: Task) -> int:
    return int(task.id[:32], 16)


def first_of(records: Iterator[Line | BadRecord]) -> list[Line | BadRecord]:
    """The first records: enough to tell the layout by."""
    first: list[Line | BadRecord] = []
    usable, weight = 0, 0
    for item in records:
        first.append(item)
        if isinstance(item, Line):
            usable += 1
            weight += len(item.value) if isinstance(item.value, str) else len(repr(item.value))
        if usable == _LOOK or weight > _LOOK_BYTES or len(first) == _LOOK_BROKEN:
            break
    return first


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A record as its layout is told by: as it was before we published it, misspelt keys put right, lists unpacked."""
    right, _ = mended(value)
    before = unpublished(right) if isinstance(right, dict) else None
    return unpacked(before.value if before else right)


def named(first: Sequence[Line | BadRecord], roles: Roles) -> BadInput | None:
    """What to raise if no later record has it, of a column that may be left out and is in none of the first records.

    BadInput where none of them has the column that is asked, or that of its answer.
    """
    lines = [item for item in first if isinstance(item, Line)]
    there = {column for line in lines if isinstance(line.value, dict) for column in line.value}
    absent = [role for role, column in roles.given.items() if column not in there]
    if not lines or not absent:
        return None
    needed = next((role for role in absent if role not in _MAY_BE_ABSENT), "")
    has = ", ".join(lines[0].value) if isinstance(lines[0].value, dict) else "no columns"
    what, fix = f"no column '{shown(roles.given[needed or absent[0]])}'", f"it has {shown(has, 400)}"
    fault = BadInput(what, place=lines[0].place, fix=fix)
    if needed:
        raise fault
    return fault


def each_somewhere(
    records: Iterable[Line | BadRecord], columns: Iterable[str], fault: BadInput
) -> Iterator[Line | BadRecord]:
    """The records; BadInput behind the last one where none had some column: mistyped, it would be empty throughout."""
    missing = set(columns)
    for item in records:
        if missing and isinstance(item, Line) and isinstance(item.value, dict):
            missing.difference_update(item.value)
        yield item
    if missing:
        raise fault


def with_answers(first: Sequence[Line | BadRecord], layout: str) -> bool:
    """Whether any of the first records has an answer: then those without one are faulty, and else none is."""
    for item in first:
        if isinstance(item, Line):
            value = plain(item.value)
            name = layout or next(iter(fitting(value)), "")
            try:
                known = layout_of(name) if name else None
                if known and known.fits(value) and known.read(value, Provenance(stage="input")).instances:
                    return True
            except BadRecord:
                continue
    return False


def forced(first: Sequence[Line | BadRecord], layout: str) -> str:
    """That layout, if any of the first records is in it."""
    lines, known = [item for item in first if isinstance(item, Line)], layout_of(layout)
    if lines and known and not any(known.fits(plain(line.value)) for line in lines):
        what = f"not in the layout {layout} ({known.about})"
        raise BadInput(what, place=lines[0].place, fix="leave --from away, or take another")
    return layout


def agreed(first: Sequence[Line | BadRecord]) -> str:
    """The layout that the first records agree on, for those that fit several; empty when each has its own."""
    fits = [(item.place, fitting(plain(item.value))) for item in first if isinstance(item, Line)]
    votes = Counter(names[0] for _, names in fits if len(names) == 1)
    if votes:
        if set(votes) == {"question_answer"}:
            _untied(first)
        return next(iter(votes)) if len(votes) == 1 else ""
    for place, names in fits:
        if names:
            raise BadInput(f"may be {' or '.join(names)}", place=place, fix=f"say which: --from={names[0]}")
    for item in first:
        if isinstance(item, Line):
            known = "; ".join(f"{name}: {layout.about}" for name, layout in LAYOUTS.items())
            has = f" (columns {shown(', '.join(item.value), 200)})" if isinstance(item.value, dict) else ""
            has += f": {why}" if isinstance(item.value, dict) and (why := no_pair(item.value)[1]) else ""
            fix = "say which columns to read: --columns instruction=...,output=..."
            if item.place.lower().endswith((".csv:2", ".tsv:2", ".xlsx:2")):
                fix += ", or by number where line 1 is a record: --columns instruction=#1,output=#2"
            fix += f"; known are {known}"
            raise BadInput(f"no known layout{has}", place=item.place, fix=fix)
    for item in first:
        if isinstance(item, BadRecord):
            raise BadInput(f"no usable record ({item.what})", place=item.place, fix=item.fix)
    return ""


def _untied(first: Sequence[Line | BadRecord]) -> None:
    """BadInput where it cannot be told which columns are meant in any of the first records."""
    lines = [item for item in first if isinstance(item, Line) and isinstance(item.value, dict)]
    columns_found = [columns_of(plain(line.value)) for line in lines]
    if columns_found and all(isinstance(roles, str) for roles in columns_found):
        fix = "say which: --columns instruction=COLUMN,output=COLUMN[,input=COLUMN,system=COLUMN]"
        raise BadInput(str(columns_found[0]), place=lines[0].place, fix=fix)


@dataclass(frozen=True)
class TaskReader:
    """Makes tasks of values, and says of the others why not."""

    origin: Provenance
    seen: SeenIds
    notice: Callable[[str], None]
    forced: str
    usual: str
    columns: Roles | None = None
    answered: bool = False
    """Reject what has no answer."""

    @cached_property
    def _written(self) -> bytes:
        return origin_of(self.origin)

    def read(self, item: Line | BadRecord) -> Task | Unreadable:
        """The task, or what is wrong with the record."""
        if isinstance(item, BadRecord):
            return item.unreadable
        try:
            return self._task(item)
        except BadRecord as fault:
            return fault.at(item.place, _begins(item.value)).unreadable
        except BadInput as fault:  # a layout of others that fails: no fault of the record
            raise BadInput(fault.what, place=fault.place or item.place, fix=fault.fix) from fault

    def _task(self, item: Line) -> Task:
        if self.usual == "alpaca" and self.forced in ("", "alpaca") and self.columns is None:
            task = three_texts(item.value, self.origin, self._written)
            if task is not None:
                return self.seen.distinct(task)
        value, misspelt = (item.value, "") if self.columns else mended(item.value)
        if misspelt:
            self.notice(f"{item.place}: key '{shown(misspelt)}' read as if it were spelt right")
        before = unpublished(value) if isinstance(value, dict) and not self.columns else None
        task = self._fitting(unpacked(before.value if before else value))
        if self.answered and not task.instances:
            raise BadRecord("no answer", reason="no_answer", fix="add one, or leave the record out")
        if before:
            provenance = replace(self.origin, parents=(before.parent,), model=before.model)
            task = replace(task, provenance=provenance, measures=before.measures)
        elif task.provenance is self.origin and not self.seen.claim(task.extra.get("id")):
            mine = shown(json.dumps(task.extra["id"], ensure_ascii=False))
            raise BadRecord(f"id {mine} stands twice", reason="duplicate_id", fix="give each record an id of its own")
        return self.seen.distinct(task)

    def _fitting(self, value: object) -> Task:
        if self.columns:
            return _marked(columned(value, self.origin, self.columns), value)
        name = self.forced or self._layout(value)
        layout = LAYOUTS.get(name) or layout_of(name)
        if layout is None or (self.forced and not layout.fits(value)):
            raise BadRecord(f"not in the layout {name}", reason="unknown_layout")
        task = layout.read(value, self.origin)
        if isinstance(value, dict) and not _MEDIA.keys().isdisjoint(value):
            _check_words_alone(task, value)
        return _marked(_labelled(task), value) if task.provenance is self.origin else task

    def _layout(self, value: object) -> str:
        if certainly(value, self.usual):
            return self.usual
        names = fitting(value)
        if len(names) == 1:
            return names[0]
        if self.usual in names:
            return self.usual
        if names:
            raise BadRecord(f"may be {' or '.join(names)}", reason="ambiguous")
        reason, why = no_pair(value) if isinstance(value, dict) else ("", "")
        raise BadRecord(why or "no known layout", reason=reason or "unknown_layout")


def _check_words_alone(task: Task, value: Mapping[str, Any]) -> None:
    """BadRecord for a task about a picture or a sound, which a mark in its text stands for."""
    said = [task.instruction, *(pair.input for pair in task.instances), *(turn.content for turn in task.later)]
    key = next((key for key in _MEDIA if value.get(key)), "")
    if key and any(mark in text for text in said for mark in _STANDS_FOR):
        raise BadRecord(f"is about what stands under '{key}', not text", reason="not_text")


def _marked(task: Task, value: object) -> Task:
    """With what the record as a whole says of its answers: which are not to be learned."""
    if not isinstance(value, dict) or not task.instances:
        return task
    marked = of_record(value, task.answers) if may_mark(value) else ()
    if not marked:
        return task
    unlearned = tuple(sorted({*task.unlearned, *marked}))
    return replace(task, unlearned=unlearned, extra=without_marks(task.extra))


def _labelled(task: Task) -> Task:
    """With the label, whatever layout it stood beside; a stranger's field of another kind stays theirs."""
    if "is_classification" not in task.extra:
        return task
    label = task.extra["is_classification"]
    if label is not None and not isinstance(label, bool):
        return task
    extra = {key: item for key, item in task.extra.items() if key != "is_classification"}
    return replace(task, is_classification=label, extra=extra)


def _begins(value: object) -> str:
    whole = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shown(whole[: 2 * _SHOWN], _SHOWN)
