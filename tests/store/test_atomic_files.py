"""Files made anew: no link is followed, nothing that was there is opened, what a kill left is swept away."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from selfinstruct import atomic_files
from selfinstruct.atomic_files import create, put_in_place, sweep, sweep_beside, temporary_name, write_whole
from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.finetune.checkpoint import whole_folder
from selfinstruct.formats.dataset import write_dataset
from selfinstruct.formats.writing import write_set
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.run.convert import convert
from selfinstruct.store.atomic_writes import publish_folder, publish_text
from selfinstruct.store.built_artifacts import copy_built
from selfinstruct.store.ledger import Ledger
from selfinstruct.store.lock import held, owning

TASK = Task(instruction="Name a river.", instances=(Instance("", "The Tay."),), provenance=Provenance(stage="seed"))


def converted(place: Path) -> None:
    (place.parent / "in.jsonl").write_text('{"instruction": "Name a river.", "output": "The Tay."}\n')
    convert(str(place.parent / "in.jsonl"), place.with_suffix(".jsonl"), to="alpaca", seed=0)


def filled(place: Path) -> None:
    with whole_folder(place) as made:
        (made / "a.txt").write_text("a")


def copied(place: Path) -> None:
    (place.parent / "built.txt").write_text("a")
    copy_built(place.parent / "built.txt", place)


WRITERS: dict[str, Callable[[Path], object]] = {
    "published": lambda place: publish_text(place, "text"),
    "whole": lambda place: write_whole(place, [b"text"]),
    "converted": converted,
    "jsonl": lambda place: write_set(place.with_suffix(".jsonl"), [TASK], "alpaca"),
    "parquet": lambda place: write_set(place.with_suffix(".parquet"), [TASK], "alpaca"),
    "a set": lambda place: write_dataset(place.parent, {"train": []}, ["id"], "card", ("jsonl", "parquet")),
    "a student": filled,
    "a copy": copied,
}
GUESSED = (".{}.tmp", ".tmp-{}", ".{}.old", ".{}.built")


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_no_writer_follows_a_link(write: Callable[[Path], object], tmp_path: Path) -> None:
    """In the place itself, or where older versions put what was unfinished."""
    outside, folder = tmp_path / "outside.txt", tmp_path / "folder"
    outside.write_text("precious")
    for inner in ("data", "jsonl"):
        (folder / inner).mkdir(parents=True)
    names = ["kept", "kept.jsonl", "kept.parquet", "README.md", "data/train.parquet", "jsonl/train.jsonl"]
    for name in names:
        (folder / name).symlink_to(outside)
    for name in ("kept", "kept.jsonl"):
        for guessed in GUESSED:
            (folder / guessed.format(name)).symlink_to(outside)
    write(folder / "kept")
    assert outside.read_text() == "precious"


def test_a_new_file_is_new(tmp_path: Path) -> None:
    (tmp_path / "nowhere").symlink_to(tmp_path / "made")
    (tmp_path / "old").write_text("old")
    for name in ("nowhere", "old"):
        with pytest.raises(FileExistsError):
            create(tmp_path / name)
    assert not (tmp_path / "made").exists()


def test_who_takes_a_folder_sweeps_what_a_kill_left_in_it_and_nothing_else(tmp_path: Path) -> None:
    part = tmp_path / "round-00001" / "01-propose"
    part.mkdir(parents=True)
    left = [
        temporary_name(tmp_path / "report.html"),
        temporary_name(part / "kept.jsonl"),
        temporary_name(tmp_path / "dataset"),
    ]
    for path in left[:2]:
        path.write_text("half")
    left[2].mkdir()
    (left[2] / "half.txt").write_text("half")
    stays = [tmp_path / ".notes.tmp", tmp_path / "notes.tmp", part / ".kept.jsonl.0123.tmp"]
    for path in stays:
        path.write_text("mine")
    with owning(tmp_path):
        assert not any(path.exists() for path in left)
        assert all(path.exists() for path in stays)


def test_beside_a_file_only_what_is_old_is_swept(tmp_path: Path) -> None:
    place = tmp_path / "out.jsonl"
    old, young, other = temporary_name(place), temporary_name(place), temporary_name(tmp_path / "other.jsonl")
    for path in (old, young, other):
        path.write_text("half")
    for path in (old, other):
        os.utime(path, (1, 1))
    sweep_beside(place)
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


@pytest.mark.parametrize("name", [".lock", "scratch", "ledger.jsonl", "round-00001/01-propose/kept.jsonl"])
def test_a_folder_with_a_link_in_it_is_not_taken(name: str, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "run"
    outside.write_text("precious")
    place = folder / name
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(BadInput, match="is a link") as refused, owning(folder):
        pass
    assert str(place) in refused.value.place
    assert outside.read_text() == "precious"
    assert not held(folder)


def test_a_pipe_in_a_folder_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ledger.jsonl")
    with pytest.raises(BadInput, match=r"no ordinary file"):
        sweep(tmp_path)


def test_a_diary_that_is_a_link_is_not_written_on(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text("")
    (tmp_path / "ledger.jsonl").symlink_to(outside)
    with pytest.raises(Exception, match=r"ledger\.jsonl"):
        Ledger(tmp_path / "ledger.jsonl").tell("started")
    assert outside.read_text() == ""


def test_looks_in_a_tight_loop_keep_nobody_from_starting_and_do_not_see_one_another(tmp_path: Path) -> None:
    with owning(tmp_path):
        assert held(tmp_path)
    seen: list[bool] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.append(held(tmp_path))

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    end = time.monotonic() + 20
    while len(seen) < 50 and time.monotonic() < end:  # on one core the others must get their turn
        held(tmp_path)
    alone = list(seen)
    for _ in range(30):
        with owning(tmp_path):
            pass
    over.set()
    for looker in lookers:
        looker.join(10)
    assert alone
    assert not any(alone)


def test_a_folder_that_may_only_be_read_is_at_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with owning(tmp_path):
        pass
    opened = os.open

    def only_to_read(path: str, flags: int, *more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", only_to_read)
    assert not held(tmp_path)


def test_as_on_windows_no_folder_is_opened_and_no_handle_that_only_reads_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    opened, synced = os.open, list[int]()

    def no_folders(path: str, flags: int, *more: int) -> int:
        if os.path.isdir(path):  # noqa: PTH112 - as the system would say it
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *more)

    def fsync(handle: int) -> None:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor")
        synced.append(handle)

    monkeypatch.setattr(shutil, "_use_fd_functions", False)
    monkeypatch.setattr(atomic_files, "_FOLDERS_SYNC", False)
    monkeypatch.setattr(atomic_files, "_TO_SYNC", "rb+")
    monkeypatch.setattr(os, "open", no_folders)
    monkeypatch.setattr(os, "fsync", fsync)
    (tmp_path / "folder").mkdir()
    for write in (WRITERS["published"], converted, filled, copied):
        write(tmp_path / "folder" / f"kept-{write.__name__.strip('<>')}")
    Ledger(tmp_path / "ledger.jsonl").tell("started")
    assert len(synced) >= 5


@pytest.mark.parametrize("was", ["file", "folder", "link", "nothing"])
@pytest.mark.parametrize("becomes", ["file", "folder"])
def test_what_is_put_in_place_takes_the_whole_place(was: str, becomes: str, tmp_path: Path) -> None:
    made, place, outside = tmp_path / "made", tmp_path / "place", tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "old.txt").write_text("old")
    match was:
        case "file":
            place.write_text("old")
        case "folder":
            shutil.copytree(outside, place)
        case "link":
            place.symlink_to(outside)
    if becomes == "file":
        made.write_text("new")
    else:
        (made / "deep").mkdir(parents=True)
        (made / "deep" / "new.txt").write_text("new")
    put_in_place(made, place)
    assert not place.is_symlink()
    assert place.read_text() == "new" if becomes == "file" else [*place.rglob("*.txt")] == [place / "deep" / "new.txt"]
    assert (outside / "deep" / "old.txt").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside", "place"]


@pytest.mark.parametrize("put", [put_in_place, publish_folder])
def test_a_folder_stays_where_its_successor_cannot_be_put(
    put: Callable[[Path, Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, place = tmp_path / "made", tmp_path / "place"
    for folder, text in ((made, "new"), (place, "old")):
        folder.mkdir()
        (folder / "a.txt").write_text(text)
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path == made:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises((OSError, NoRoom)):
        put(made, place)
    assert (place / "a.txt").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "place"]
