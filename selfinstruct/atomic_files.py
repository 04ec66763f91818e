"""Files and folders that are there whole or not at all: made anew beside their place, and then put there.

A folder may come from somebody else. So nothing is opened for writing that was there before, no link is followed, and
no name on the way can be guessed.
"""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from secrets import token_hex
from typing import IO

from selfinstruct.errors import BadInput

# Windows has no fsync of a folder, and none through a handle that may only read; renames are in its file system's log.
_FOLDERS_SYNC = os.name != "nt"
_TO_SYNC = "rb" if os.name != "nt" else "rb+"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")
_OLD = 3600  # seconds: whoever began a file so long ago in a folder that nobody holds was killed


def temporary_name(place: Path) -> Path:
    """A name in the same folder for what is to become `place`: nobody knows it, `sweep` does.

    >>> temporary_name(Path("kept.jsonl")) == temporary_name(Path("kept.jsonl"))
    False
    """
    return place.with_name(f".{place.name}.{token_hex(8)}.tmp")


def create(path: Path) -> IO[bytes]:
    """A new file to write; FileExistsError where there is anything, a link to nowhere among it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)
    return os.fdopen(handle, "wb")


def anew(path: Path) -> IO[bytes]:
    """A new file to write in the place of one that may be there; of a link only the link goes."""
    path.unlink(missing_ok=True)
    return create(path)


def append_to(path: Path) -> IO[bytes]:
    """A file to write on at its end, made if there is none; OSError where it is a link."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666), "ab")


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write all of it or leave what was there."""
    with whole_file(path) as file:
        file.writelines(chunks)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file to fill; at the end fsync, rename, fsync of the folder. What was at `path` stays where that fails."""
    made = temporary_name(path)
    try:
        with create(made) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    sync_folder(path.parent)


def put_in_place(made: Path, place: Path, before: Callable[[], None] = lambda: None) -> None:
    """A file or folder made on the same disk becomes `place`, all of it synced first; what was there is removed last.

    `before` is called when nothing but the rename is left to do; where that is refused, what was there is back.
    """
    sync_below(made)
    old = temporary_name(place)
    if place.exists() or place.is_symlink():
        place.rename(old)
    try:
        before()
        made.rename(place)
    except OSError:
        if old.exists() or old.is_symlink():
            old.rename(place)
        raise
    sync_folder(place.parent)
    remove(old)


def sync_below(path: Path) -> None:
    """A file, or every file and folder in a folder and itself, survives a power cut."""
    if path.is_file():
        sync_file(path)
        return
    for folder, _, names in os.walk(path):
        for name in names:
            sync_file(Path(folder) / name)
        sync_folder(Path(folder))


def sync_file(path: Path) -> None:
    """What others wrote there survives a power cut."""
    with path.open(_TO_SYNC) as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """A rename in this folder survives a power cut."""
    if not _FOLDERS_SYNC:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """A file, a folder with all that is in it, or a link and not what it names; nothing is fine too."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what a killed process left unfinished anywhere below; whoever calls holds the folder.

    Raises BadInput for a link, a pipe or a device below it: a folder with such in it is somebody's trap or mistake.
    """
    for path, kind in _below(folder):
        if kind is None:
            raise BadInput(
                "is a link or no ordinary file, and a run writes into its own folder alone",
                place=str(path),
                fix="put there what it stands for, or remove it",
            )
        if _UNFINISHED.fullmatch(path.name):
            remove(path)


def unfinished(place: Path) -> list[Path]:
    """What was begun beside a place, or in it: files, and folders with all that is in them."""
    folders = [place.parent] if _UNFINISHED.fullmatch(place.name) else [place, place.parent]
    candidates = [path for folder in folders if folder.is_dir() for path in folder.glob(".*.tmp")]
    return [path for path in candidates if _UNFINISHED.fullmatch(path.name) and not path.is_symlink()]


def room(path: Path, needed: int = 0) -> str:
    """What is free on the disk of a path, and how much is known to be needed.

    What is unfinished there is removed before it is tried again, so it counts as free, and as needed.
    """
    there = next((folder for folder in (path, *path.parents) if folder.exists()), Path())
    begun = sum(map(_size, unfinished(path)))
    free = f"{(shutil.disk_usage(there).free + begun) / 1e6:,.1f} MB are free"
    least = max(needed, begun)
    return f"{free}, at least {ceil(least / 1e5) / 10:,.1f} MB are needed" if least else free


def _size(path: Path) -> int:
    inside = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in inside if file.is_file())


def sweep_beside(place: Path) -> None:
    """Remove what processes killed long ago left unfinished of this place, in a folder that nobody holds."""
    name = re.compile(rf"\.{re.escape(place.name)}\.[0-9a-f]{{16}}\.tmp")
    for path in place.parent.glob(".*.tmp"):
        if name.fullmatch(path.name) and time.time() - path.lstat().st_mtime > _OLD:
            remove(path)


def _below(folder: Path) -> Iterable[tuple[Path, bool | None]]:
    """Everything below, and whether it is a folder: None where it is neither that nor a file."""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                inside, path = entry.is_dir(follow_symlinks=False), Path(entry.path)
                yield path, inside if inside or entry.is_file(follow_symlinks=False) else None
                if inside and not _UNFINISHED.fullmatch(entry.name):
                    waiting.append(path)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
