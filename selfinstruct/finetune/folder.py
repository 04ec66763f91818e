"""Folders that are there whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfinstruct.errors import NoRoom
from selfinstruct.whole_files import beside, put_in_place, room


@contextmanager
def whole(place: Path, needed: int = 0) -> Iterator[Path]:
    """A new folder to fill, which becomes `place` at the end, its content on the disk; an older one gives way.

    `needed`: bytes that it will take at least, for whoever has to make room.

    Raises:
        NoRoom: the disk is full, read-only or failing. What was at `place` is still there.
    """
    made = beside(place)
    try:
        made.mkdir(parents=True)
        yield made
        put_in_place(made, place)
    except OSError as refusal:
        raise _refused(place, refusal.strerror or str(refusal), needed) from refusal
    except Exception as fault:
        # the library that writes weights reports the operating system's refusals in a class of its own
        if type(fault).__name__ != "SafetensorError":
            raise
        raise _refused(place, str(fault), needed) from fault
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _refused(place: Path, why: str, needed: int) -> NoRoom:
    return NoRoom(
        f"{place}: {why} ({room(place, needed)}); what was written before is safe: "
        "make room or permit writing there, then run the same command again"
    )
