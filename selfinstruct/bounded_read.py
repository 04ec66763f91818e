"""Small files that are read whole: scripts, prices, sheets. Never more of one than is sane, nothing without an end."""

from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.text import shown

NO_FILE = "write what it gives to a file first"


def regular(path: Path, place: str = "") -> None:
    """BadInput for a folder, and for what may have no end: a device, a pipe, a socket. What is not there passes."""
    place = place or shown(str(path), 400)
    try:
        is_folder, is_other = path.is_dir(), path.exists() and not path.is_file()
    except (OSError, ValueError) as fault:  # ValueError: a path with a NUL in it
        reason = getattr(fault, "strerror", None) or str(fault)
        raise BadInput(f"cannot be read ({shown(reason)})", place=place, fix="check the path") from fault
    if is_folder:
        raise BadInput("a folder, not a file", place=place, fix="name the file in it")
    if is_other:
        raise BadInput("no file: a device, a pipe or a socket", place=place, fix=NO_FILE)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; no error for what can be no path: too long a name, a NUL in it."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_whole(path: Path, at_most: int, *, fix: str) -> bytes:
    """The bytes of a file of no more than `at_most`; BadInput names one that is larger, or cannot be read."""
    regular(path)
    place = shown(str(path), 400)
    try:
        with path.open("rb") as file:
            content = file.read(at_most + 1)
    except OSError as fault:
        raise BadInput(fault.strerror or str(fault), place=place, fix=fix) from fault
    if len(content) > at_most:
        raise BadInput(f"larger than {at_most} bytes", place=place, fix=fix)
    return content
