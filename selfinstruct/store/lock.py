"""One owner: a second process on the same run folder is told who holds it."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfinstruct.errors import Owned
from selfinstruct.store.files import disk


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Hold the folder for the life of the process; the operating system lets go of it when the process dies.

    Raises Owned at once when another process holds it.
    """
    from filelock import FileLock, Timeout

    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise Owned(
                f"{folder}: held by {_holder(folder)}; wait for it to end, or choose another folder with -o"
            ) from None
    try:
        with disk(folder):
            owner = {"pid": os.getpid(), "host": socket.gethostname()}
            (folder / ".owner").write_text(json.dumps(owner), encoding="utf-8")
        yield
    finally:
        lock.release()


def held(folder: Path) -> bool:
    """Whether a running process holds the folder."""
    from filelock import FileLock, Timeout

    if not (folder / ".lock").exists():
        return False
    try:
        with FileLock(folder / ".lock", timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _holder(folder: Path) -> str:
    try:
        owner = json.loads((folder / ".owner").read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
