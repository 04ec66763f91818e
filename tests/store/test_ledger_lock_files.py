"""Ledger, lock and atomic files."""

import errno
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from selfinstruct.atomic_files import temporary_name
from selfinstruct.errors import BadInput, NoRoom, Owned
from selfinstruct.store.atomic_writes import disk, publish_bytes, publish_folder, publish_text
from selfinstruct.store.ledger import Ledger, read_ledger
from selfinstruct.store.lock import held, owning

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_torn_last_line_is_cut_off_and_the_diary_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path, lambda: NOON).tell("stage", stage="a")
    with path.open("ab") as file:
        file.write(b'{"event": "sta')
    Ledger(path, lambda: NOON).tell("stage", stage="b")
    assert [event["stage"] for event in read_ledger(path)] == ["a", "b"]


def test_an_event_told_once_is_not_told_again_by_a_resumed_run(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for _ in range(2):
        Ledger(path, lambda: NOON).tell_once("stage", round="round-00001", stage="01-propose", kept=3)
    assert len(list(read_ledger(path))) == 1


def test_what_was_made_again_and_came_out_otherwise_is_told_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for kept in (3, 3, 4, 4):
        Ledger(path, lambda: NOON).tell_once("stage", round="stages", stage="01-split", kept=kept, by={"b": 1, "a": 2})
    assert [event["kept"] for event in read_ledger(path)] == [3, 4]


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"event": "a"}\nnot json\n{"event": "b"}\n')
    with pytest.raises(BadInput, match=r"ledger\.jsonl:2"):
        list(read_ledger(path))


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from selfinstruct.store.lock import owning\n"
        "with owning(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mine\n"
        assert held(tmp_path)
        with pytest.raises(Owned, match=f"process {holder.pid}"), owning(tmp_path):
            pass
    finally:
        holder.kill()
        holder.wait(10)
    with owning(tmp_path):
        assert json.loads((tmp_path / ".owner").read_text())["pid"] != holder.pid


def test_a_file_is_whole_or_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from selfinstruct.store import failpoints

    path = tmp_path / "card.md"
    publish_text(path, "old")

    def pull(name: str) -> None:
        if name == "before publishing card.md":
            raise KeyboardInterrupt

    monkeypatch.setattr(failpoints, "reached", pull)
    with pytest.raises(KeyboardInterrupt):
        publish_text(path, "new")
    assert path.read_text() == "old"


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for text in ("one", "two"):
        built = tmp_path / "built"
        built.mkdir()
        (built / "a.txt").write_text(text)
        publish_folder(built, tmp_path / "dataset")
    assert (tmp_path / "dataset" / "a.txt").read_text() == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset"]


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("x")
    with pytest.raises(BadInput, match=r"file: is a file, where a folder is wanted; choose another folder$"):
        publish_text(blocker / "card.md", "text")


def test_a_folder_where_a_file_is_to_be_published_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").mkdir()
    with pytest.raises(BadInput, match=r"set\.jsonl: is a folder, where a file is wanted; name a file"):
        publish_text(tmp_path / "set.jsonl", "text")


def test_a_full_disk_counts_what_was_begun_as_needed_and_names_the_place_and_not_what_was_begun(tmp_path: Path) -> None:
    place = tmp_path / "dataset"
    begun = temporary_name(place)

    def write() -> None:
        (begun / "data").mkdir(parents=True, exist_ok=True)
        (begun / "data" / "train.parquet").write_bytes(b"a" * 1_230_000)
        raise OSError(errno.ENOSPC, "No space left on device", str(begun))

    with pytest.raises(NoRoom, match=r"/dataset: No space.* MB are free, at least 1\.3 MB are needed\)"), disk(place):
        write()
    with pytest.raises(NoRoom, match=r"at least 7\.0 MB are needed\)"), disk(place, 7_000_000):
        write()


def test_a_file_that_could_not_be_written_says_what_it_needs_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoRoom, match=r"kept\.jsonl: No space.* at least 2\.0 MB are needed\)"):
        publish_bytes(tmp_path / "kept.jsonl", b"a" * 1_999_000)
    assert not list(tmp_path.iterdir())
