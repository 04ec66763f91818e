"""Says how a set would be read and why: its files, their layout or columns, and what is said of single answers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles, columns_of
from selfinstruct.formats.conversations import TURN_KEYS
from selfinstruct.formats.dedup_ids import SeenIds
from selfinstruct.formats.detect import Found, Reader, agreed, first_of, forced, named, plain, with_answers
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.rows import unpublished
from selfinstruct.formats.shapes import SHAPES, WEAK, fitting, mended, shape_of
from selfinstruct.formats.sources import Source, sources
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Provenance, Task
from selfinstruct.text import shown

_LOOKED = 1000  # records that are tried
_WIDTH = 100


def explained(source: str, *, shape: str = "", columns: Roles | None = None) -> Iterator[str]:
    """Lines of text, a few for each file; BadInput only where there is nothing to be read at all, or no such layout."""
    if shape and shape_of(shape) is None:
        known = ", ".join((*SHAPES, *plugins.names("formats")))
        fix = f"to explain one take {known}; the sets of Camels have rules of their own"
        raise BadInput(f"no layout '{shown(shape)}'", place="--from", fix=fix)
    if shape and columns:
        raise BadInput(f"both a layout ('{shown(shape)}') and columns", place="--columns", fix="leave one of them away")
    for part in sources(source):
        first = first_of(part.records)
        yield part.place
        for line in _of_part(part, first, shape, columns):
            yield f"  {line}"


def _of_part(part: Source, first: Sequence[Found], shape: str, columns: Roles | None) -> Iterator[str]:
    if not first:
        yield "no records"
        return
    try:
        if columns:
            named(first, columns)
        usual = "" if columns else forced(first, shape) if shape else agreed(first)
    except BadInput as fault:
        yield f"not readable so: {fault.what}; {fault.fix}"
        yield from _fits(first)
        return
    yield from _why(first, shape, columns, usual)
    answered = bool(columns and columns.output) or (not columns and with_answers(first, shape))
    if not answered:
        yield "none of the first records has an answer: it is read as a set of instructions"
    origin = Provenance(stage="input", source=part.name)
    reader = Reader(origin, SeenIds(), lambda _: None, shape, usual, columns, answered)
    yield from _tried([reader.read(item) for item in islice(chain(first, part.records), _LOOKED)])


def _why(first: Sequence[Found], shape: str, columns: Roles | None, usual: str) -> Iterator[str]:
    lines = [item for item in first if isinstance(item, Line)]
    if columns:
        yield f"read by the columns that were named: {columns.as_words()}"
        return
    if shape and (told := shape_of(shape)):
        yield f"read as {shape} ({told.about}), because --from says so"
        return
    votes = Counter(fit[0] for item in lines if len(fit := fitting(plain(item.value))) == 1)
    if not usual:
        yield f"each record by itself: {', '.join(f'{name} {count}' for name, count in votes.most_common())}"
    else:
        why = f"{votes[usual]} of the first {len(lines)} records fit it and no other"
        yield f"read as {usual} ({SHAPES[usual].about}): {why}"
    if usual in WEAK:
        yield "by customary names of columns, since no layout of its own fits"
    by_name = [columns_of(plain(item.value)) for item in lines if usual == "question_answer"]
    for words, count in Counter(one.as_words() for one in by_name if isinstance(one, Roles)).most_common(3):
        yield f"  {words} in {count} of them; --columns {words} would say the same"
    if any(isinstance(item.value, dict) and unpublished(item.value) for item in lines):
        yield "rows that this package published: their ids, models and measures are taken up again"
    if misspelt := next((wrong for item in lines if (wrong := mended(item.value)[1])), ""):
        yield f"key '{shown(misspelt)}' is read as if it were spelt right"


def _fits(first: Sequence[Found]) -> Iterator[str]:
    """What the first usable record looks like."""
    line = next((item for item in first if isinstance(item, Line)), None)
    if line is None:
        return
    value = plain(line.value)
    if isinstance(value, dict):
        yield f"the first record has the keys {shown(', '.join(value), 400)}"
        told = columns_of(value)
        yield f"by customary names: {told if isinstance(told, str) else told.as_words()}"
    yield f"layouts that fit it: {', '.join(fitting(value)) or 'none'}"


def _tried(found: Sequence[Task | Unreadable]) -> Iterator[str]:
    tasks = [one for one in found if isinstance(one, Task)]
    reasons = Counter(one.reason for one in found if isinstance(one, Unreadable))
    told = f": {', '.join(f'{name} {count}' for name, count in reasons.most_common())}" if reasons else ""
    more = f" of the first {_LOOKED:,}" if len(found) == _LOOKED else ""
    yield f"{len(tasks):,} records{more} can be used, {sum(reasons.values()):,} cannot{told}"
    first_bad = next((one for one in found if isinstance(one, Unreadable)), None)
    if first_bad:
        yield f"  the first, {first_bad.place}: {first_bad.problem}"
    if turns := sum(bool(task.later) for task in tasks):
        yield f"{turns:,} are conversations of several answers"
    if marked := sum(len(task.unlearned) for task in tasks):
        yield f"{marked:,} answers are marked as not to be learned"
    if held_out := sum(task.held_out for task in tasks):
        yield f"{held_out:,} are marked as of the test split"
    extras = [item for task in tasks for item in task.extra.items()]
    beside = Counter(
        name
        for key, item in extras
        if key in TURN_KEYS and isinstance(item, list)
        for name in {name for turn in item if isinstance(turn, dict) for name in turn}
    )
    if beside:
        yield f"fields of turns that stay beside: {shown(', '.join(name for name, _ in beside.most_common(20)), 400)}"
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
