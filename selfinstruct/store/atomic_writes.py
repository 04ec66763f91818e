"""Writing files so that a reader sees all of one or none of it."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path

from selfinstruct.atomic_files import create, put_in_place, room, sync_file, sync_folder, temporary_name
from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.store.failpoints import failpoint


@contextmanager
def disk(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn the operating system's refusals (full, read-only, no permission) into one line that names the place.

    `needed`: bytes to be written there, where that is known; else it is what was written when there was no more room.
    """
    try:
        yield
    except (FileExistsError, NotADirectoryError) as refusal:
        wants_folder(path)
        raise NoRoom(refused(path, refusal, needed)) from refusal
    except IsADirectoryError as refusal:
        if path.is_dir():
            raise BadInput("is a folder, where a file is wanted", place=str(path), fix="name a file") from refusal
        raise NoRoom(refused(path, refusal, needed)) from refusal
    except OSError as refusal:
        raise NoRoom(refused(path, refusal, needed)) from refusal


def wants_folder(path: Path) -> Path:
    """The path; BadInput where a file stands at a path that is to be a folder, or at one that it is to lie in."""
    file = next((place for place in (path, *path.parents) if place.exists() and not place.is_dir()), None)
    if file is not None:
        raise BadInput("is a file, where a folder is wanted", place=str(file), fix="choose another folder with -o")
    return path


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}


def refused(path: Path, refusal: OSError, needed: int = 0) -> str:
    """The operating system's refusal in one line with the way on; `needed` is what is known of the bytes it lacks."""
    blamed = Path(os.fsdecode(refusal.filename)) if isinstance(refusal.filename, str | bytes) else path
    place = path if blamed.suffix == ".tmp" else blamed
    what = f"{place}: {refusal.strerror or refusal}"
    if refusal.errno in _TOO_MANY:
        return (
            f"{what}; nothing published was damaged: raise `ulimit -n` (256 is enough), then run the same command again"
        )
    if refusal.errno in _FULL:
        what += f" ({room(place, max(needed, 1))})"
    return f"{what}; nothing published was damaged: make room or permit writing there, then run the same command again"


def publish_bytes(path: Path, content: bytes) -> None:
    """Write the whole file or leave the old one."""
    publish_lines(path, (content,))


def publish_lines(path: Path, lines: Iterable[bytes], like: Path | None = None) -> None:
    """Write all lines or leave the old file: temporary file, fsync, rename, fsync of the folder.

    Where they are just those of the file `like`, which is published and never written again, that is linked instead.
    """
    made = temporary_name(path)
    try:
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if like is None:
                _write(made, lines)
            else:
                _write_like(made, lines, like)
            failpoint(f"before publishing {path.name}")
            made.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):  # a place that cannot be written was named before
            made.unlink()
    failpoint(f"after publishing {path.name}")


def publish_link(path: Path, source: Path) -> None:
    """As `publish_lines` of just what stands in `source`, which is published and never written again."""
    made = temporary_name(path)
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        link(source, made)
        failpoint(f"before publishing {path.name}")
        made.replace(path)
        made.unlink(missing_ok=True)  # two names of one file: POSIX has no rename for them
        sync_folder(path.parent)
    failpoint(f"after publishing {path.name}")


def _write(made: Path, lines: Iterable[bytes]) -> None:
    with create(made) as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _write_like(made: Path, lines: Iterable[bytes], like: Path) -> None:
    same, rest = 0, iter(lines)
    with like.open("rb") as file:
        for line in rest:
            if file.readline() != line:
                break
            same += 1
        else:
            if not file.read(1):
                link(like, made)
                return
            line = b""
        file.seek(0)
        _write(made, chain(islice(file, same), (line,), rest))


def link(source: Path, place: Path) -> None:
    """A second name for a file that is never written again; a copy where the disk knows no such names."""
    with suppress(OSError, NotImplementedError):
        os.link(source, place)
        return
    shutil.copyfile(source, place)
    sync_file(place)


def publish_file(built: Path, place: Path) -> None:
    """Put a file built elsewhere on the same disk in its place."""
    with disk(place):
        sync_file(built)
        failpoint(f"before publishing {place.name}")
        built.replace(place)
        sync_folder(place.parent)
    failpoint(f"after publishing {place.name}")


def publish_text(path: Path, text: str) -> None:
    """`publish_bytes` of UTF-8; a lone surrogate (which UTF-8 cannot hold) becomes U+FFFD."""
    publish_bytes(path, text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode("utf-8"))


def publish_folder(built: Path, place: Path) -> None:
    """Put a folder built elsewhere on the same disk in its place, all files synced first."""
    with disk(place):
        put_in_place(built, place, before=lambda: failpoint(f"before publishing {place.name}/"))
    failpoint(f"after publishing {place.name}/")
