"""A sequence of tasks on disk behaves like a list of them."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.measures.measure import Measure
from selfinstruct.errors import BadInput
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept
from selfinstruct.store import record_lines, task_file
from selfinstruct.store.record_lines import json_line, record_line
from selfinstruct.store.task_file import LEAST_MEMORY, TaskFile, memory_of, tasks_of

TEXTS = st.lists(st.text(min_size=1, max_size=30), max_size=12)


def written(path: Path, texts: list[str]) -> list[Task]:
    tasks = [
        Task(instruction=text, ordinal=number, provenance=Provenance(stage="input"))
        for number, text in enumerate(texts)
    ]
    path.write_bytes(b"".join(json_line(task.as_json()) for task in tasks))
    return tasks


@given(TEXTS, st.integers(-20, 20), st.integers(-20, 20), st.sampled_from([-3, -1, 1, 2]))
def test_it_is_the_list(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], start: int, stop: int, step: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "tasks.jsonl"
    tasks = written(path, texts)
    on_disk = TaskFile(path, len(tasks))
    assert (len(on_disk), list(on_disk), list(on_disk)) == (len(tasks), tasks, tasks)
    assert on_disk[start:stop:step] == tasks[start:stop:step]
    assert [on_disk[at] for at in range(-len(tasks), len(tasks))] == tasks * 2


def test_beyond_its_end_is_an_index_error(tmp_path: Path) -> None:
    written(tmp_path / "tasks.jsonl", ["a", "b"])
    for index in (2, -3):
        with pytest.raises(IndexError):
            TaskFile(tmp_path / "tasks.jsonl", 2)[index]


def test_damage_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    written(path, ["a", "b"])
    path.write_bytes(path.read_bytes().replace(b'"b"', b'"c"'))
    with pytest.raises(BadInput, match=r"tasks\.jsonl:2"):
        TaskFile(path, 2)[1]


def test_few_tasks_are_kept_in_memory_and_many_are_not(tmp_path: Path) -> None:
    few = written(tmp_path / "few.jsonl", ["a"])
    assert tasks_of(tmp_path / "few.jsonl", 1) == few
    many = written(tmp_path / "many.jsonl", ["long " * 1000] * 1000)
    file = tasks_of(tmp_path / "many.jsonl", 1000, memory=LEAST_MEMORY)
    assert isinstance(file, TaskFile)
    assert file[999] == many[999]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("1000", r"memory: 1,000 bytes are too few .*; give at least 1MiB"),
        ("0GB", "too few"),
        ("much", r"memory: 'much' is no size; write it as 512MB"),
        ("-1GB", "no size"),
        ("1TB/s", "no size"),
        ("", "no size"),
    ],
)
def test_a_budget_that_cannot_be_meant_is_one_clear_line(said: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as error:
        memory_of(said)
    assert len(str(error.value).splitlines()) == 1


def test_what_a_checksum_vouches_for_is_not_hashed_again(tmp_path: Path) -> None:
    known = written(tmp_path / "tasks.jsonl", ["a", "b"])
    assert list(TaskFile(tmp_path / "tasks.jsonl", 2, trusted=True)) == known
    assert TaskFile(tmp_path / "tasks.jsonl", 2, trusted=True)[1] == known[1]


def test_from_disk_each_brings_its_line_and_is_written_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tasks.jsonl"
    written(path, ["a", "\ud800 half", "\u00e5"])
    lines = path.read_bytes().splitlines(keepends=True)
    file = TaskFile(path, 3, trusted=True)
    tasks = [*file]
    monkeypatch.setattr(record_lines, "_task", None)  # nothing is put together anew
    assert [record_line(task) for task in (tasks[0], tasks[2])] == [lines[0], lines[2]]
    assert json.loads(record_line(file[2], {"reason": "why"})) == json.loads(lines[2]) | {"reason": "why"}


def test_no_line_stands_for_a_record_that_is_another_or_had_something_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    task = Task(instruction="Name a sea.", provenance=Provenance(stage="seed"), extra={"evidence": 1})
    path.write_bytes(record_line(task) + record_line(task, {"evidence": {"score": 0.5}}))
    plain, marked = TaskFile(path, 2, trusted=True)
    assert (plain, marked, marked.line) == (task, task, None)
    assert plain.line == record_line(task)
    [outcome] = Measure(which=("instruction_words",))([plain], Bench())
    assert isinstance(outcome, Kept)
    for other in (outcome.record, plain.grown("classify", is_classification=True), replace(plain, extra={})):
        assert other.line is None
        assert json.loads(record_line(other)) == other.as_json()
    assert plain.alone().line is None
    assert record_line(plain) == record_line(task)


def test_what_stays_in_memory_has_no_line(tmp_path: Path) -> None:
    written(tmp_path / "few.jsonl", ["a", "b"])
    assert [task.line for task in tasks_of(tmp_path / "few.jsonl", 2, trusted=True)] == [None, None]


def test_another_process_opens_it_for_itself(tmp_path: Path) -> None:
    known = written(tmp_path / "tasks.jsonl", ["a", "b"])
    file = TaskFile(tmp_path / "tasks.jsonl", 2, trusted=True)
    assert file[1] == known[1]
    assert list(pickle.loads(pickle.dumps(file))) == known


def test_a_system_without_reads_at_a_place_seeks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_file, "pread", task_file.sought)
    known = written(tmp_path / "tasks.jsonl", ["a", "b", "c"])
    file = TaskFile(tmp_path / "tasks.jsonl", 3, trusted=True)
    assert [file[at] for at in (2, 0, 1)] == [known[2], known[0], known[1]]
