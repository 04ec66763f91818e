"""A stage that changes nothing writes nothing; whatever it does, its files are those of a plain writer."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.records import Failure, Provenance, Task
from selfinstruct.stage import Failed, Kept, Outcome, Rejected
from selfinstruct.store import kept_file, run_folder
from selfinstruct.store.atomic_writes import publish_lines
from selfinstruct.store.record_lines import record_line
from selfinstruct.store.run_folder import StageFolder
from selfinstruct.store.stage_result import CallCounts
from selfinstruct.store.task_file import LEAST_MEMORY, TaskFile


def tasks(count: int, size: int = 1) -> list[Task]:
    beside = ("", "\u00e5", "\ud800")
    return [
        Task(
            instruction=f"{n} " * size + beside[n % 3],
            provenance=Provenance(stage="input"),
            extra={"id": n} if n % 2 else {},
        )
        for n in range(count)
    ]


def first_stage(path: Path, kept: Sequence[Task], *, evidence: bool = False) -> StageFolder:
    place = StageFolder(path)
    place.write([Kept(task, {"seen": 1} if evidence else {}) for task in kept], 0, CallCounts)
    return place


@pytest.mark.parametrize("in_memory", [True, False])
@given(
    fates=st.lists(st.sampled_from(["kept", "marked", "rejected", "seen", "half", "failed", "moved"]), max_size=8),
    evidence=st.booleans(),
)
def test_files_are_those_of_a_plain_writer(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str], *, evidence: bool, in_memory: bool
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    before = first_stage(folder / "01-a", tasks(len(fates)), evidence=evidence)
    result = before.result()
    assert result is not None
    inflow = (before if in_memory else StageFolder(before.path)).inflow(result)
    outcomes: list[Outcome] = []
    moved: list[Outcome] = []
    for fate, task in zip(fates, inflow.records, strict=True):
        match fate:
            case "kept":
                outcomes.append(Kept(task))
            case "marked":
                outcomes.append(Kept(task, {"score": 1.0}))
            case "rejected":
                outcomes.append(Rejected(task, "why"))
            case "seen":
                outcomes.append(Rejected(task, "why", {"found": "\u00e5", "score": 1e-05}))
            case "half":
                outcomes.append(Rejected(task, "why", {"found": "\ud800"}))
            case "failed":
                outcomes.append(Failed(Failure(request="k.0", kind="timeout", message="late"), task))
            case _:
                moved.append(Kept(task))
    outcomes += moved
    plain = StageFolder(folder / "plain")
    expected = plain.write(outcomes, len(fates), CallCounts)
    linked = StageFolder(folder / "02-b")
    linked_result = linked.write(outcomes, len(fates), CallCounts, before=inflow)
    assert linked_result == expected
    linked.verify(linked_result)
    for file in ("kept.jsonl", "rejected.jsonl", "failed.jsonl", "DONE"):
        assert (linked.path / file).read_bytes() == (plain.path / file).read_bytes()
    assert list(linked.kept(linked_result.kept)) == list(StageFolder(linked.path).kept(linked_result.kept))


def test_a_stage_that_changes_nothing_links_the_file_before_it(tmp_path: Path) -> None:
    before = first_stage(tmp_path / "01-a", tasks(3))
    result = before.result()
    assert result is not None
    after = StageFolder(tmp_path / "02-b")
    after.write(map(Kept, before.kept(3)), 3, CallCounts, before=before.inflow(result))
    assert (after.path / "kept.jsonl").samefile(before.path / "kept.jsonl")
    after.forget()
    before.verify(result)


def test_made_again_it_leaves_nothing_beside_it(tmp_path: Path) -> None:
    before = first_stage(tmp_path / "01-a", tasks(3))
    result = before.result()
    assert result is not None
    for _ in range(2):
        after = StageFolder(tmp_path / "02-b")
        after.write(map(Kept, before.kept(3)), 3, CallCounts, before=before.inflow(result))
    assert {path.name for path in after.path.iterdir()} == {"DONE", "failed.jsonl", "kept.jsonl", "rejected.jsonl"}


def test_without_links_it_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refused)
    before = first_stage(tmp_path / "01-a", tasks(3))
    result = before.result()
    assert result is not None
    after = StageFolder(tmp_path / "02-b")
    rewritten = after.write(map(Kept, before.kept(3)), 3, CallCounts, before=before.inflow(result))
    after.verify(rewritten)
    assert not (after.path / "kept.jsonl").samefile(before.path / "kept.jsonl")


def test_beyond_its_memory_records_lie_on_disk(tmp_path: Path) -> None:
    place, many = StageFolder(tmp_path / "01-a"), tasks(200, size=2_000)
    result = place.write(map(Kept, many), 0, CallCounts, memory=LEAST_MEMORY)
    file = place.kept(result.kept, LEAST_MEMORY)
    assert isinstance(file, TaskFile)
    assert list(file) == many
    assert isinstance(StageFolder(place.path).kept(result.kept), list)


@pytest.mark.parametrize("lines", [3, 2, 4])
def test_the_top_is_a_link_where_it_says_the_same(tmp_path: Path, lines: int) -> None:
    place, known = first_stage(tmp_path / "01-a", tasks(3)), tasks(4)
    top = tmp_path / "kept.jsonl"
    publish_lines(top, map(record_line, known[:lines]), like=place.path / "kept.jsonl")
    assert top.read_bytes() == b"".join(map(record_line, known[:lines]))
    assert top.samefile(place.path / "kept.jsonl") == (lines == 3)


def test_a_line_that_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = first_stage(tmp_path / "01-a", tasks(2))
    result = before.result()
    assert result is not None
    inflow = before.inflow(result)
    first, second = inflow.records
    monkeypatch.setattr(run_folder, "record_line", None)
    monkeypatch.setattr(kept_file, "record_line", None)
    after = StageFolder(tmp_path / "02-b")
    after.write([Rejected(first, "why", {"score": 1}), Kept(second)], 2, CallCounts, before=inflow)
    assert next(after.lines("rejected"))["id"] == first.id
    assert next(after.lines("kept"))["id"] == second.id
