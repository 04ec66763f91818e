"""Writing files so that a reader sees all of one or none of it."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from selfinstruct.errors import NoRoom
from selfinstruct.store.failpoints import failpoint


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals (full, read-only, no permission) into one line that names the place."""
    try:
        yield
    except OSError as refusal:
        raise NoRoom(
            f"{refusal.filename or path}: {refusal.strerror or refusal}; nothing published was damaged: "
            "make room or permit writing there, then run the same command again"
        ) from refusal


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def publish_bytes(path: Path, content: bytes) -> None:
    """Write the whole file or leave the old one."""
    publish_lines(path, (content,))


def publish_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write all lines or leave the old file: temporary file, fsync, rename, fsync of the folder."""
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        failpoint(f"before publishing {path.name}")
        temporary.replace(path)
        sync_folder(path.parent)
    failpoint(f"after publishing {path.name}")


def publish_file(built: Path, place: Path) -> None:
    """Put a file built elsewhere on the same disk in its place."""
    with disk(place):
        with built.open("rb") as file:
            os.fsync(file.fileno())
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
        for folder, _, names in os.walk(built):
            for name in names:
                with (Path(folder) / name).open("rb") as file:
                    os.fsync(file.fileno())
            sync_folder(Path(folder))
        old = place.with_name(f".{place.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        failpoint(f"before publishing {place.name}/")
        built.rename(place)
        sync_folder(place.parent)
        shutil.rmtree(old, ignore_errors=True)
    failpoint(f"after publishing {place.name}/")
