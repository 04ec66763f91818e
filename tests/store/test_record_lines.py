"""A line of a file is what the standard library writes of the record, and an id what it always was."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.records import Instance, Json, Message, Provenance, Task, digest
from selfinstruct.store.record_lines import each_with_more, record_line
from selfinstruct.store.task_lines import task_of_line

TEXT = st.text(alphabet=st.characters(), max_size=20)  # half characters too
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MORE = st.dictionaries(st.sampled_from(["reason", "evidence", "stage"]), JSON, max_size=3)
ORIGINS = st.builds(
    Provenance,
    stage=st.text(alphabet=st.characters(), min_size=1, max_size=9),
    source=TEXT,
    parents=st.lists(TEXT, max_size=2).map(tuple),
    request=TEXT,
    model=TEXT,
    prompt=TEXT,
)
TASKS = st.builds(
    Task,
    instruction=TEXT,
    instances=st.lists(st.builds(Instance, TEXT, TEXT), max_size=3).map(tuple),
    is_classification=st.none() | st.booleans(),
    human=st.booleans(),
    system=TEXT,
    later=st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), TEXT), max_size=2).map(tuple),
    unlearned=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    provenance=ORIGINS,
    ordinal=st.integers(0, 3),
    extra=st.dictionaries(TEXT, JSON, max_size=2),
    measures=st.dictionaries(TEXT, st.floats(allow_nan=False), max_size=2),
)


def plainly(line: dict[str, Json]) -> bytes:
    """By the standard library alone."""
    try:
        return json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"
    except UnicodeEncodeError:
        return json.dumps(line).encode("ascii") + b"\n"


@given(TASKS, MORE)
def test_a_line_has_the_bytes_of_the_standard_library(task: Task, more: dict[str, Json]) -> None:
    assert record_line(task, more) == plainly({**task.as_json(), **more})


@given(TASKS)
def test_an_id_is_the_digest_of_content_and_origin(task: Task) -> None:
    origin: list[Json] = [
        task.provenance.stage,
        task.provenance.source,
        list(task.provenance.parents),
        task.provenance.request,
    ]
    pairs: list[Json] = [[pair.input, pair.output] for pair in task.instances]
    content: list[Json] = [task.instruction, pairs, task.is_classification, task.human]
    if task.system or task.later:
        content.append([task.system, [[turn.role, turn.content] for turn in task.later]])
    if task.unlearned:
        content.append(["unlearned", *task.unlearned])
    assert task.id == digest("task", content, origin, task.ordinal)


@given(TASKS)
def test_a_line_that_is_vouched_for_is_the_record_again(task: Task) -> None:
    line = json.loads(record_line(task))
    assert Task.from_json(line) == task


@given(TASKS, MORE)
def test_keys_are_added_to_a_line_that_nobody_reads(task: Task, more: dict[str, Json]) -> None:
    lines = b"".join(each_with_more([record_line(task)] * 300, more)).splitlines(keepends=True)
    assert len(lines) == 300
    assert json.loads(lines[-1]) == {**json.loads(record_line(task)), **more}


@given(task=TASKS, marked=st.booleans())
def test_straight_from_its_line_it_is_the_task_that_was_written(task: Task, *, marked: bool) -> None:
    more: dict[str, Json] = {"evidence": {"score": 1}} if marked else {}
    line = record_line(task, more)
    read = task_of_line(line)
    if read is None:  # left to the standard library
        read = Task.from_json(json.loads(line))
        assert read.line is None
    else:
        assert read.line == (None if marked else line)
    assert (read, read.id) == (Task.from_json(json.loads(line)), task.id)
    assert record_line(read, more) == line
    assert record_line(replace(read)) == record_line(task)


def test_what_is_damaged_is_no_task() -> None:
    whole = record_line(Task(instruction="Name a sea.", provenance=Provenance(stage="seed")))
    for line in (
        b"",
        b"\n",
        b"[]\n",
        whole[:-9],
        whole.replace(b'"Name a sea."', b"7"),
        whole.replace(b'"stage"', b'"x"'),
    ):
        assert task_of_line(line) is None
