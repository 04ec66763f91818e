"""Seed files nobody meant well with: tasks, or one line that names the file and, where there is one, the line."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.formats.layouts import is_own
from selfinstruct.formats.seeds import read_seeds
from selfinstruct.records import Instance, Provenance, Task

KEYS = ["instruction", "instances", "input", "output", "is_classification", "id", "name", "kind", "provenance", "human"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("task")
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=10,
)
nearly = st.fixed_dictionaries(
    {"instruction": st.text(min_size=1) | anything},
    optional={
        "instances": st.lists(st.dictionaries(st.sampled_from(["input", "output", "x"]), st.text() | anything)),
        "input": st.text() | anything,
        "output": st.text() | anything,
        "is_classification": st.booleans() | anything,
        "id": st.sampled_from(["a", "b", 1]) | anything,
        "x": anything,
    },
)
OWN = Task(
    instruction="Name a river.",
    instances=(Instance("", "The Tay."),),
    provenance=Provenance(stage="novelty", parents=("a", "b"), request="k.1/0"),
    ordinal=2,
    extra={"id": "mine"},
).as_json()
damaged = st.tuples(st.sampled_from([*OWN, "kind"]), anything).map(lambda change: {**OWN, change[0]: change[1]})


def hold(path: Path) -> None:
    """The promise: tasks, or one line with the place."""
    try:
        tasks = read_seeds(path)
    except BadInput as fault:
        said = str(fault)
        assert said.startswith(str(path))
        assert said.isprintable()
        assert fault.fix
        of_all = ("no tasks", "its name does not say so", "UTF-16, not UTF-8", "JSON in a file of plain text")
        assert re.match(r":\d+: ", said.removeprefix(str(path))) or any(words in said for words in of_all)
    else:
        assert tasks
        assert len({task.id for task in tasks}) == len(tasks)
        for task in tasks:
            assert Task.from_json(json.loads(json.dumps(task.as_json(), allow_nan=False))) == task
        assert read_seeds(path) == tasks


@given(st.lists(nearly | damaged | anything, min_size=1, max_size=4), st.sampled_from(["seeds.json", "seeds.jsonl"]))
@settings(max_examples=200, deadline=None)
def test_records_of_any_form_are_tasks_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, records: list[object], name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    text = json.dumps(records, indent=1) if name == "seeds.json" else "\n".join(map(json.dumps, records))
    path.write_text(text, encoding="utf-8")
    hold(path)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0\n nul1e-', max_size=60).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_are_tasks_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("seeds.jsonl", "seeds.json", "seeds.txt"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(content)
        hold(path)


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_a_damaged_good_file_is_tasks_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes
) -> None:
    good = "".join(
        json.dumps({"id": f"s{n}", "instruction": f"Name {n}.", "instances": [{"input": "", "output": "é"}]}) + "\n"
        for n in range(5)
    ).encode()
    at %= len(good)
    path = tmp_path_factory.getbasetemp() / "seeds.jsonl"
    path.write_bytes(good[:at] + noise + good[at + len(noise) :])
    hold(path)


def test_our_own_records_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text(json.dumps(OWN))
    [task] = read_seeds(path)
    assert task.as_json() == OWN


def test_twins_among_our_own_records_get_ids_of_their_own(tmp_path: Path) -> None:
    twins = [{key: value for key, value in OWN.items() if key != "extra"} for _ in range(3)]
    path = tmp_path / "kept.jsonl"
    path.write_text("\n".join(map(json.dumps, [*twins, {**twins[0], "ordinal": 0}])))
    tasks = read_seeds(path)
    assert len({task.id for task in tasks}) == len(tasks)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("instruction", 7),
        ("instruction", " "),
        ("instances", [{"input": 1, "output": "x"}]),
        ("instances", [{"output": "x"}]),
        ("is_classification", "no"),
        ("human", 1),
        ("provenance", {"stage": 3}),
        ("provenance", {"stage": "x", "parents": "ab"}),
        ("provenance", {"stage": "x", "evil": "y"}),
        ("ordinal", -1),
        ("ordinal", True),
        ("extra", [1]),
    ],
)
def test_a_damaged_record_of_ours_is_named_by_its_key(key: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text(json.dumps({**OWN, key: value}))
    with pytest.raises(BadInput, match=rf"kept\.jsonl:1: key '{key}': not what a task record has there"):
        read_seeds(path)


def test_a_strangers_record_may_have_our_words_in_it(tmp_path: Path) -> None:
    line = {"kind": "task", "instruction": "Name a river.", "output": "Tay", "provenance": "my notebook"}
    assert not is_own(line)
    path = tmp_path / "seeds.jsonl"
    path.write_text(json.dumps(line))
    [task] = read_seeds(path)
    assert task.extra == {"kind": "task", "provenance": "my notebook"}
