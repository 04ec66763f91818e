"""Records and other objects as lines of a JSONL file: byte for byte what the standard library writes, and faster."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from selfinstruct.records import Json, Provenance, Record, Task
from selfinstruct.text.quoting import json_bytes, quoted

_NOTHING: Mapping[str, Json] = {}
_EVIDENCE = b'"evidence": {'  # in a text its quotes are escaped
_AT_ONCE, _PIECE = 256, 1 << 20
_WORDS = {None: b"null", True: b"true", False: b"false"}


def json_line(line: Mapping[str, Json]) -> bytes:
    r"""UTF-8, one line; lone surrogates stay escaped, so that the bytes are always valid and nothing is lost.

    >>> json_line({"text": "på \ud800"})
    b'{"text": "p\\u00e5 \\ud800"}\n'
    """
    try:
        return json_bytes(line) + b"\n"
    except UnicodeEncodeError:
        return json.dumps(line, ensure_ascii=True).encode("ascii") + b"\n"


def record_line(record: Record, more: Mapping[str, Json] = _NOTHING) -> bytes:
    """`json_line` of a record's `as_json` with `more` behind it."""
    if isinstance(record, Task):
        line = record.line
        if line is not None and (line := with_more(line, more) if more else line):
            return line
        try:
            return _task(record, more)
        except UnicodeEncodeError:
            pass
    return json_line({**record.as_json(), **more})


def with_more(line: bytes, more: Mapping[str, Json]) -> bytes | None:
    r"""`record_line(record, more)` from the record's own line; None where half a character lets all be written anew.

    >>> with_more(json_line({"a": 1}), {"b": "\u00e5"}).decode()
    '{"a": 1, "b": "å"}\n'
    """
    if b"\\ud" in line:
        return None
    try:
        return b"%s, %s\n" % (line[:-2], json_bytes(more)[1:])
    except UnicodeEncodeError:
        return None


def holds_records_alone(path: Path) -> bool:
    """Whether nothing stands beside the records that a stage kept; False, too, where a field of the user's looks so."""
    begins = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            if _EVIDENCE in begins + piece:
                return False
            begins = piece[1 - len(_EVIDENCE) :]
    return True


def each_with_more(lines: Iterable[bytes], more: Mapping[str, Json]) -> Iterator[bytes]:
    r"""Lines of objects, each with further keys, which it has not, some lines at a time: nothing of them is read.

    >>> list(each_with_more([json_line({"a": 1}), json_line({"a": 2})], {"b": 3}))
    [b'{"a": 1, "b": 3}\n{"a": 2, "b": 3}\n']
    """
    if not more:
        yield from lines
        return
    behind, waiting = b", " + json_line(more)[1:], iter(lines)
    while several := b"".join(islice(waiting, _AT_ONCE)):
        yield several.replace(b"}\n", behind)  # in a text the end of a line is escaped: this is the end of an object


def _task(task: Task, more: Mapping[str, Json]) -> bytes:
    pairs = b", ".join(
        [
            b'{"input": %s, "output": %s}' % (quoted(instance.input), quoted(instance.output))
            for instance in task.instances
        ]
    )
    made = b'{"kind": "task", "id": "%s", "instruction": %s, "instances": [%s], "is_classification": %s' % (
        task.id.encode("ascii"),
        quoted(task.instruction),
        pairs,
        _WORDS[task.is_classification],
    )
    made += b', "human": %s, "provenance": {%s}' % (_WORDS[task.human], _members(task.provenance))
    if task.system:
        made += b', "system": %s' % quoted(task.system)
    if task.later:
        turns = (b'{"role": %s, "content": %s}' % (quoted(turn.role), quoted(turn.content)) for turn in task.later)
        made += b', "later": [%s]' % b", ".join(turns)
    if task.unlearned:
        made += b', "unlearned": [%s]' % b", ".join(b"%d" % number for number in task.unlearned)
    if task.ordinal:
        made += b', "ordinal": %d' % task.ordinal
    rest: dict[str, Json] = {}
    if task.extra:
        rest["extra"] = dict(task.extra)
    if task.measures:
        rest["measures"] = dict(task.measures)
    if rest or more:
        return b"%s, %s\n" % (made, json_bytes({**rest, **more})[1:])
    return made + b"}\n"


def _members(origin: Provenance) -> bytes:
    """What `as_json` tells, without the braces."""
    made = [b'"stage": %s' % quoted(origin.stage)] if origin.stage else []
    if origin.source:
        made.append(b'"source": %s' % quoted(origin.source))
    if origin.parents:
        made.append(b'"parents": [%s]' % b", ".join(map(quoted, origin.parents)))
    if origin.request:
        made.append(b'"request": %s' % quoted(origin.request))
    if origin.model:
        made.append(b'"model": %s' % quoted(origin.model))
    if origin.prompt:
        made.append(b'"prompt": %s' % quoted(origin.prompt))
    return b", ".join(made)
