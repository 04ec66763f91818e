"""Reads an instruction set of any layout: tasks, and what cannot be used; explains how a set would be read and why."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles, columns_of
from selfinstruct.formats.conversations import TURN_KEYS
from selfinstruct.formats.detect import (
    SeenIds,
    TaskReader,
    agreed,
    each_somewhere,
    first_of,
    forced,
    named,
    plain,
    with_answers,
)
from selfinstruct.formats.fields import BadRecord, Unreadable
from selfinstruct.formats.input_files import InputTable, sources
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.layouts import LAYOUTS, WEAK, fitting, layout_of, mended
from selfinstruct.formats.rows import unpublished
from selfinstruct.records import Provenance, Task
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural

__all__ = ["SeenIds", "Unreadable", "layout_names", "read_set"]


_CAMELS = "camels/"
_LOOKED = 1000  # records that are tried
_WIDTH = 100


def read_set(
    source: str,
    *,
    layout: str = "",
    columns: Roles | None = None,
    compat: str = "",
    answered: bool | None = None,
    seed: int = 42,
    seen: SeenIds | None = None,
    notice: Callable[[str], None] | None = None,
) -> Iterator[Task | Unreadable]:
    """The tasks of a set in their order, and what cannot be used, lazily; memory grows by hashes of ids alone.

    `source` is a file, a folder or a Hub id, with `#SPLIT` where it has several. `layout` is a name of LAYOUTS, or one
    of the twelve sets of the Camels paper, as `camels/NAME` where both have the name; without it the first records
    decide, and one that fits several is refused. `columns` says instead what each column is. `answered` rejects
    records without an answer; None: where any of the first records has one, for else it is a set of instructions.
    `compat` is `camels` for that paper's quirks, `seed` decides what its converters draw. `seen` is shared by the
    inputs of one run, so that no two tasks have the same id. `notice` is told what was read although it was misspelt.
    Raises BadInput for an input that cannot be used at all: torn, empty, of unknown or ambiguous layout, not there.
    """
    seen, notice = seen or SeenIds(), notice or _nothing
    seen.source()
    converter = _converter(layout, compat)
    if not converter and layout and layout_of(layout) is None:
        raise BadInput(f"no layout '{shown(layout)}'", place="--from", fix=f"take one of {', '.join(layout_names())}")
    if compat and not converter:
        raise BadInput(f"compat '{shown(compat)}' without one of its sets", place="compat", fix="name it with --from")
    if columns and layout:
        fix = "leave one of them away"
        raise BadInput(f"both a layout ('{shown(layout)}') and columns are given", place="--columns", fix=fix)
    anything = False
    read_as = ReadAs(layout, columns, answered)
    for part in _parts(source, converter, columns):
        records = _converted(converter, part, compat, seed, seen) if converter else _read(part, read_as, seen, notice)
        for record in records:
            anything = True
            yield record
    if not anything:
        raise BadInput("no records", place=shown(source, 400), fix="write one a line")


def layout_names(*, ours: bool = False) -> tuple[str, ...]:
    """What `--from` takes; `ours`: without what installed packages add."""
    from selfinstruct.formats.camels import CAMELS

    mine = (*LAYOUTS, *(f"camels/{name}" if name in LAYOUTS else name for name in CAMELS))
    return mine if ours else (*mine, *(name for name in plugins.names("formats") if name not in mine))


def _converter(layout: str, compat: str) -> str:
    """The name of the Camels set that is meant; empty for a plain layout."""
    from selfinstruct.formats.camels import CAMELS

    bare = layout.removeprefix(_CAMELS)
    return bare if bare in CAMELS and (compat or bare != layout or bare not in LAYOUTS) else ""


def _parts(source: str, converter: str, columns: Roles | None) -> Iterator[InputTable]:
    """The collection of NatInst tasks has a folder of its own kind; all else is as it is named."""
    from selfinstruct.formats.camels import read_superni

    folder = Path(source)
    if converter == "superni" and (folder / "splits").is_dir():
        yield InputTable(folder.name, source, read_superni(folder))
    else:
        yield from sources(source, named=not (columns and columns.numbered))


def _converted(converter: str, part: InputTable, compat: str, seed: int, seen: SeenIds) -> Iterator[Task | Unreadable]:
    from selfinstruct.formats.camels import CAMELS

    for record in CAMELS[converter].convert(part.records, source=part.name, compat=compat, seed=seed):
        yield record if isinstance(record, Unreadable) else seen.distinct(record)


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How records are to be read: in a layout, by columns, or as the first of them say."""

    layout: str = ""
    columns: Roles | None = None
    answered: bool | None = None


def _read(
    part: InputTable, read_as: ReadAs, seen: SeenIds, notice: Callable[[str], None]
) -> Iterator[Task | Unreadable]:
    first = first_of(part.records)
    doubt = named(first, read_as.columns) if read_as.columns else None
    usual = "" if read_as.columns else forced(first, read_as.layout) if read_as.layout else agreed(first)
    by_look = read_as.answered is None and not read_as.columns and with_answers(first, read_as.layout)
    answered = bool(read_as.columns and read_as.columns.output) or by_look or bool(read_as.answered)
    origin = Provenance(stage="input", source=part.name)
    reader = TaskReader(origin, seen, notice, read_as.layout, usual, read_as.columns, answered)
    whole: Iterator[Line | BadRecord] = chain(first, part.records)
    if read_as.columns and doubt:
        whole = each_somewhere(whole, read_as.columns.given.values(), doubt)
    for item in whole:
        yield reader.read(item)


def _nothing(said: str) -> None:
    del said


def explained(source: str, *, layout: str = "", columns: Roles | None = None) -> Iterator[str]:
    """Lines of text, a few for each file; BadInput only where there is nothing to be read at all, or no such layout."""
    if layout and layout_of(layout) is None:
        known = ", ".join((*LAYOUTS, *plugins.names("formats")))
        fix = f"to explain one take {known}; the sets of Camels have rules of their own"
        raise BadInput(f"no layout '{shown(layout)}'", place="--from", fix=fix)
    if layout and columns:
        raise BadInput(
            f"both a layout ('{shown(layout)}') and columns", place="--columns", fix="leave one of them away"
        )
    for part in sources(source, named=not (columns and columns.numbered)):
        first = first_of(part.records)
        yield part.place
        for line in _of_part(part, first, layout, columns):
            yield f"  {line}"


def _of_part(part: InputTable, first: Sequence[Line | BadRecord], layout: str, columns: Roles | None) -> Iterator[str]:
    if not first:
        yield "no records"
        return
    try:
        if columns and (doubt := named(first, columns)):
            yield f"{doubt.what} in the first records; {doubt.fix}"
        usual = "" if columns else forced(first, layout) if layout else agreed(first)
    except BadInput as fault:
        yield f"not readable so: {fault.what}; {fault.fix}"
        yield from _fits(first)
        return
    yield from _why(first, layout, columns, usual)
    answered = bool(columns and columns.output) or (not columns and with_answers(first, layout))
    if not answered:
        yield "none of the first records has an answer: it is read as a set of instructions"
    origin = Provenance(stage="input", source=part.name)
    reader = TaskReader(origin, SeenIds(), lambda _: None, layout, usual, columns, answered)
    yield from _tried([reader.read(item) for item in islice(chain(first, part.records), _LOOKED)])


def _why(first: Sequence[Line | BadRecord], layout: str, columns: Roles | None, usual: str) -> Iterator[str]:
    lines = [item for item in first if isinstance(item, Line)]
    if columns:
        yield f"read by the columns that were named: {columns.as_words()}"
        return
    if layout and (known := layout_of(layout)):
        yield f"read as {layout} ({known.about}), because --from says so"
        return
    votes = Counter(fit[0] for item in lines if len(fit := fitting(plain(item.value))) == 1)
    if not usual:
        yield f"each record by itself: {', '.join(f'{name} {count}' for name, count in votes.most_common())}"
    else:
        why = f"{votes[usual]} of the first {len(lines)} records fit it and no other"
        yield f"read as {usual} ({LAYOUTS[usual].about}): {why}"
    if usual in WEAK:
        yield "by customary names of columns, since no layout of its own fits"
    by_name = [columns_of(plain(item.value)) for item in lines if usual == "question_answer"]
    for words, count in Counter(roles.as_words() for roles in by_name if isinstance(roles, Roles)).most_common(3):
        yield f"  {words} in {count} of them; --columns {words} would say the same"
    if any(isinstance(item.value, dict) and unpublished(item.value) for item in lines):
        yield "rows that this package published: their ids, models and measures are taken up again"
    if misspelt := next((wrong for item in lines if (wrong := mended(item.value)[1])), ""):
        yield f"key '{shown(misspelt)}' is read as if it were spelt right"


def _fits(first: Sequence[Line | BadRecord]) -> Iterator[str]:
    """What the first usable record looks like."""
    line = next((item for item in first if isinstance(item, Line)), None)
    if line is None:
        return
    value = plain(line.value)
    if isinstance(value, dict):
        yield f"the first record has the keys {shown(', '.join(value), 400)}"
        columns_found = columns_of(value)
        yield f"by customary names: {columns_found if isinstance(columns_found, str) else columns_found.as_words()}"
    yield f"layouts that fit it: {', '.join(fitting(value)) or 'none'}"


def _tried(records: Sequence[Task | Unreadable]) -> Iterator[str]:
    tasks = [record for record in records if isinstance(record, Task)]
    reasons = Counter(record.reason for record in records if isinstance(record, Unreadable))
    counts = f": {', '.join(f'{name} {count}' for name, count in reasons.most_common())}" if reasons else ""
    more = f" of the first {_LOOKED:,}" if len(records) == _LOOKED else ""
    yield f"{plural(len(tasks), 'record')}{more} can be used, {sum(reasons.values()):,} cannot{counts}"
    first_bad = next((record for record in records if isinstance(record, Unreadable)), None)
    if first_bad:
        yield f"  the first, {first_bad.place}: {first_bad.problem}"
    if turns := sum(bool(task.later) for task in tasks):
        yield f"{turns:,} are conversations of several answers"
    if marked := sum(len(task.unlearned) for task in tasks):
        yield f"{marked:,} answers are marked as not to be learned"
    if held_out := sum(task.held_out for task in tasks):
        yield f"{held_out:,} are marked as of the test split"
    extras = [item for task in tasks for item in task.extra.items()]
    turn_fields = Counter(
        name
        for key, item in extras
        if key in TURN_KEYS and isinstance(item, list)
        for name in {name for turn in item if isinstance(turn, dict) for name in turn}
    )
    if turn_fields:
        listed = ", ".join(name for name, _ in turn_fields.most_common(20))
        yield f"fields of turns that stay beside: {shown(listed, 400)}"
    own = Counter(key for key, _ in extras if key not in TURN_KEYS)
    if own:
        listed = ", ".join(name for name, _ in own.most_common(20))
        yield f"fields of your own that stay beside: {shown(listed, 400)}"
    if tasks:
        yield from _example(tasks[0])


def _example(task: Task) -> Iterator[str]:
    said = [("system", task.system), ("instruction", task.instruction)]
    if task.instances:
        said += [("input", task.instances[0].input), ("output", task.instances[0].output)]
    yield "the first:"
    for role, text in said:
        if text:
            yield f"  {role:<12} {shown(text, _WIDTH)}"
