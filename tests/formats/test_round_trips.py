"""What we write we can read: every layout in every type of file, whatever stands beside the text."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.formats.read_sets import read_set
from selfinstruct.formats.writing import WRITTEN_LAYOUTS, write_set
from selfinstruct.prompt_templates import user_turn
from selfinstruct.records import Instance, Json, Message, Provenance, Task

ORIGIN = Provenance(stage="input", source="set.jsonl")
EXACT = ("jsonl", "json", "jsonl.gz", "json.zst", "jsonl.zstd", "jsonl.bz2", "json.xz", "parquet", "arrow")
OF_TEXT = ("csv", "tsv", "csv.gz")
TURNS = ("messages", "sharegpt", "tags")
ONCE = ("seeds", "natinst")

text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda said: bool(said.strip()))
scalars = st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | text
values: st.SearchStrategy[Json] = st.recursive(
    scalars | st.just({}) | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
filled = values.filter(lambda value: value is not None)
NAMES = (
    "topic",
    "question",
    "answer",
    "messages",
    "prompt",
    "output",
    "system",
    "metadata",
    "split",
    "note",
    "history",
)
fields = st.dictionaries(st.sampled_from(NAMES), filled, max_size=3)
marks = st.dictionaries(st.sampled_from(["score", "name", "tool_calls"]), filled, max_size=2)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    extra: dict[str, Json] = {**draw(fields)}
    if draw(st.booleans()):
        more = draw(st.integers(0, 1))
        later = tuple(
            turn for _ in range(more) for turn in (Message("user", draw(text)), Message("assistant", draw(text)))
        )
        system = draw(st.just("") | text)
        said = 2 + len(later) + bool(system)
        if draw(st.booleans()):
            extra["messages"] = [draw(marks) for _ in range(said)]
        unlearned = tuple(sorted(draw(st.sets(st.integers(0, more)))))
        pairs: tuple[Instance, ...] = (Instance("", draw(text)),)
    else:
        later, system = (), draw(st.just("") | text)
        pairs = tuple(Instance(draw(st.just("") | text), draw(text)) for _ in range(draw(st.integers(1, 2))))
        unlearned = tuple(sorted(draw(st.sets(st.integers(0, len(pairs) - 1)))))
    return Task(
        instruction=draw(text),
        instances=pairs,
        later=later,
        system=system,
        unlearned=unlearned,
        provenance=ORIGIN,
        extra=extra,
    )


def encode(task: Task, index: int) -> tuple[str, str]:
    return f"{task.instruction}\nOutput:", f" {task.instances[index].output}<|endoftext|>"


def expected_rows(task: Task, layout: str) -> list[tuple[object, ...]]:
    """What a layout can hold of a task, a line for each row that it makes."""
    if layout in ONCE:
        return [(task.instruction, task.instances, task.unlearned)]
    rows: list[tuple[object, ...]] = []
    for index, pair in enumerate(task.instances):
        whole: tuple[object, ...] = (user_turn(task.instruction, pair.input), pair.output)
        if layout == "alpaca":
            whole = (task.instruction, pair.input, pair.output)
        elif layout == "self_instruct":
            whole = encode(task, index)
        rows.append((*whole, task.later, tuple(sorted(task.unlearned_in(index)))))
    return rows


def row_of(task: Task, layout: str) -> tuple[object, ...]:
    if layout in ONCE:
        return (task.instruction, task.instances, task.unlearned)
    [pair] = task.instances
    whole = (task.instruction, pair.input, pair.output) if layout == "alpaca" else (task.instruction, pair.output)
    return (*whole, task.later, task.unlearned)


@pytest.mark.parametrize("layout", WRITTEN_LAYOUTS)
@given(st.lists(tasks(), min_size=1, max_size=3), st.sampled_from((*EXACT, *OF_TEXT)))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, layout: str, made: list[Task], ending: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"round.{ending}"
    fit = [task for task in made if layout in TURNS or not task.later]
    if layout == "tags":  # its text is stripped, and a mark of the end in it would end it
        fit = [task for task in fit if all(part == part.strip() for part in _parts(task))]
    expected = [row for task in fit for row in expected_rows(task, layout)]
    assert write_set(path, fit, layout, encode=encode) == len(expected)
    again = list(read_set(str(path))) if expected else []
    assert all(isinstance(record, Task) for record in again), again
    assert [row_of(record, layout) for record in again if isinstance(record, Task)] == expected


def _parts(task: Task) -> list[str]:
    turns = [turn.content for turn in task.later]
    return [
        task.system,
        task.instruction,
        *turns,
        *(part for pair in task.instances for part in (pair.input, pair.output)),
    ]


@pytest.mark.parametrize("ending", EXACT)
@given(
    st.lists(
        st.tuples(text, text, st.dictionaries(st.sampled_from(["topic", "note", "id2"]), filled, max_size=3)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_the_users_own_fields_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, ending: str, rows: list[tuple[str, str, dict[str, Json]]]
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fields.{ending}"
    made = [
        Task(instruction=asked, instances=(Instance("", answer),), provenance=ORIGIN, extra=extra)
        for asked, answer, extra in rows
    ]
    write_set(path, made, "alpaca")
    for record, task in zip(read_set(str(path)), made, strict=True):
        assert isinstance(record, Task)
        assert {key: item for key, item in record.extra.items() if item is not None} == task.extra


@pytest.mark.parametrize("ending", EXACT)
def test_turns_with_fields_of_mixed_types_come_back(ending: str, tmp_path: Path) -> None:
    calls: list[Json] = [
        [{"name": "look", "arguments": {"n": 1}}],
        [{"name": "look", "arguments": {"n": "one", "deep": {}}}],
        [{"name": "look", "arguments": {}}],
    ]
    scores: list[Json] = [1, "high", 0.5]
    abouts: list[Json] = [{}, {"a": 1}, {"a": [1]}]
    made = [
        Task(
            instruction=f"Name nut {number}.",
            instances=(Instance("", "Hazel."),),
            provenance=ORIGIN,
            extra={"messages": [{}, {"score": score, "tool_calls": call}], "about": about},
        )
        for number, (score, call, about) in enumerate(zip(scores, calls, abouts, strict=True))
    ]
    path = tmp_path / f"set.{ending}"
    write_set(path, made, "messages")
    records = list(read_set(str(path)))
    assert [record.extra for record in records if isinstance(record, Task)] == [task.extra for task in made]
    if ending == "parquet":
        from datasets import load_dataset

        loaded = load_dataset("parquet", data_files=str(path), cache_dir=str(tmp_path / "cache"))["train"]
        assert loaded[0]["messages"][1]["content"] == "Hazel.", "a trainer sees turns, not text"
