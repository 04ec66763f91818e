"""Sets nobody meant well with: every record a task or a complaint, or one line for the whole; nothing else, ever."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats.layouts import LAYOUTS
from selfinstruct.formats.read_sets import Unreadable, read_set
from selfinstruct.records import Task

KEYS = [
    *("instruction", "input", "output", "response", "instances", "is_classification", "id", "system", "instruction : "),
    *("messages", "conversations", "from", "value", "role", "content", "prompt", "completion", "text", "data"),
    *("Definition", "Instances", "Positive Examples", "kind", "provenance", "human", "metadata", "source", "model"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["task", "user", "assistant", "gpt", "system", "<|user|>\nx", "a" * 64 + "/0"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=12,
)
TURNS = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
GOOD: list[dict[str, object]] = [
    {"instruction": "x", "input": "", "output": "y", "id": 1},
    {"instruction": "x", "instances": [{"input": "", "output": "y", "score": 1}]},
    {"messages": TURNS},
    {"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}]},
    {"prompt": "x", "completion": "y"},
    {"prompt": TURNS[:1], "completion": TURNS[1:]},
    {"Definition": ["x"], "Instances": [{"input": "a", "output": ["b", "c"]}]},
    {"text": "<|user|>\nx\n<|assistant|>\ny</s>"},
    {"instruction": "x", "kind": "task", "provenance": {"stage": "seed"}, "human": True, "instances": [],
     "is_classification": None},
    {"instruction": "x", "output": "y", "id": "a" * 64 + "/0", "model": "m", "source": "s", "metadata": '{"a": 1}'},
]  # fmt: skip
damaged = st.tuples(st.sampled_from(GOOD), st.sampled_from(KEYS), anything).map(
    lambda change: {**change[0], change[1]: change[2]}
)
named = st.just("") | st.sampled_from([*LAYOUTS])


def hold(path: Path, count: int | None, layout: str = "") -> None:
    """The promise."""
    try:
        records = list(read_set(str(path), layout=layout))
    except BadInput as fault:
        said = str(fault)
        assert said.isprintable()
        assert said.startswith(str(path))
        assert fault.fix
        return
    assert records
    assert count is None or len(records) == count
    tasks = [record for record in records if isinstance(record, Task)]
    assert len({task.id for task in tasks}) == len(tasks)
    for task in tasks:
        assert Task.from_json(json.loads(json.dumps(task.as_json(), allow_nan=False))) == task
    for bad in records:
        if isinstance(bad, Unreadable):
            assert bad.place.startswith(f"{path}:")
            assert bad.problem
            assert bad.reason.replace("_", "").isalnum()
            assert (bad.place + bad.text + bad.problem).isprintable()
    assert list(read_set(str(path), layout=layout)) == records


@given(
    st.lists(damaged | anything | st.sampled_from(GOOD), min_size=1, max_size=5),
    st.sampled_from([1, None]),
    named,
)
@settings(max_examples=300, deadline=None)
def test_values_of_any_form_are_tasks_or_complaints_and_the_sum_closes(
    tmp_path_factory: pytest.TempPathFactory, values: list[object], indent: int | None, layout: str
) -> None:
    path = tmp_path_factory.getbasetemp() / ("set.json" if indent else "set.jsonl")
    path.write_text(
        json.dumps(values, indent=indent) if indent else "\n".join(map(json.dumps, values)), encoding="utf-8"
    )
    listed = not indent and len(values) == 1 and isinstance(values[0], list)  # an array on a single line: its items
    hold(path, None if listed or (indent and is_one_conversation(values)) else len(values), layout)


def is_one_conversation(values: Sequence[object]) -> bool:
    """A document that is a list of turns is one record, whatever is broken in some of them."""
    first = values[0]
    if not isinstance(first, dict) or {"content", "value"}.isdisjoint(first):
        return False
    return any(isinstance(first.get(key), str) for key in ("role", "from"))


@pytest.mark.parametrize("first", [{"from": None, "value": None}, {"role": 1, "content": "x"}])
def test_what_only_has_the_keys_of_a_turn_makes_no_conversation_of_a_document(tmp_path: Path, first: object) -> None:
    path = tmp_path / "set.json"
    path.write_text(json.dumps([first, {"instruction": "a", "output": float("inf")}, GOOD[0]], indent=1))
    hold(path, 3, "")


def test_a_document_of_turns_and_of_records_is_read_item_by_item(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(json.dumps([TURNS[0], {"instruction": "a", "output": "b"}, {"x": float("nan")}], indent=1))
    records = list(read_set(str(path)))
    assert [type(record).__name__ for record in records] == ["Unreadable", "Task", "Unreadable"]


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0\n nul1e-', max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_are_records_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("set.jsonl", "set.json", "set.txt", "set.jsonl.gz", "set.jsonl.zst", "set.parquet"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(content)
        hold(path, None)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3), st.sampled_from(["set.jsonl", "set.json"]))
@settings(max_examples=200, deadline=None)
def test_damage_spoils_the_records_it_meets_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes, name: str
) -> None:
    lines = [json.dumps({"instruction": f"Name {n}.", "input": "", "output": "é"}).encode() for n in range(6)]
    whole = b"[\n" + b",\n".join(lines) + b"\n]" if name == "set.json" else b"\n".join(lines)
    at %= len(whole)
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    hold(path, None)
    if name == "set.jsonl" and b"\n" not in whole[at : at + len(noise)] + noise:
        records = list(read_set(str(path)))
        assert len(records) == len(lines)
        hit = whole[:at].count(b"\n")
        same = {f"Name {n}." for n in range(6) if n != hit}
        assert same <= {record.instruction for record in records if isinstance(record, Task)}


def test_a_parquet_file_whose_footer_is_damaged_anywhere_ends_no_process(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "set.parquet"
    pq.write_table(pa.Table.from_pylist([{"instruction": "Add.", "output": "4", "n": 1}] * 6), path)
    content = path.read_bytes()
    footer = len(content) - int.from_bytes(content[-8:-4], "little") - 8
    for at in range(footer, len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 2]) + content[at + 1 :])
        hold(path, None)


@given(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3), st.integers(0, 5000), st.integers(0, 255))
@example([{"prompt": "x", "completion": "y"}], 792, 0)
@settings(max_examples=60, deadline=None)
def test_a_flipped_byte_in_a_parquet_file_is_values_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, object]], at: int, byte: int
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path_factory.getbasetemp() / "flipped.parquet"
    rows = [{"text": json.dumps(value)} for value in values]
    pq.write_table(pa.Table.from_pylist(rows), path, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    hold(path, None)
