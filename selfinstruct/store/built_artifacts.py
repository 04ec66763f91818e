"""What a stage made beside its records: put in its place whole, and known by a checksum."""

import hashlib
import shutil
from pathlib import Path

from selfinstruct.atomic_files import file_sha256, put_in_place, temporary_name
from selfinstruct.errors import BadInput
from selfinstruct.store.atomic_writes import disk


def publish_built(source: Path, place: Path) -> str:
    """Move a file or folder there, all of it synced; returns its checksum."""
    with disk(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(source, place)
    return checksum(place)


def copy_built(source: Path, place: Path) -> None:
    """A second copy, at the top of the run folder: whole or not there."""
    copy = temporary_name(place)
    with disk(place, sum(file.stat().st_size for file in files_of(source))):
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            shutil.copyfile(source, copy)
        publish_built(copy, place)


def checksum(path: Path) -> str:
    """SHA-256 over names and contents, in the order of the names."""
    total = hashlib.sha256()
    for file in files_of(path):
        total.update(f"{file.relative_to(path.parent).as_posix()}\0{file_sha256(file)}\n".encode())
    return total.hexdigest()


def files_of(path: Path) -> list[Path]:
    """The file itself, or every file in the folder."""
    return [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())


def verify_built(place: Path, expected: str, done: Path) -> None:
    """BadInput when it is not what the stage built."""
    if not place.exists() or checksum(place) != expected:
        raise BadInput(
            "changed or damaged since it was built",
            place=str(place),
            fix=f"delete {done} and run again: the stage is made again from the journal",
        )
