"""The lock of a run folder: a second process on it is told who holds it."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfinstruct.atomic_files import sweep
from selfinstruct.errors import BadInput, Owned
from selfinstruct.store.atomic_writes import disk, publish_text

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

_LOOKS = 0.5
"""Seconds: a look at the lock takes it for a moment, and is no reason to refuse anybody."""


@contextmanager
def owning(folder: Path) -> Iterator[None]:
    """Hold the folder for the life of the process; the operating system lets go of it when the process dies.

    Raises Owned at once when another process holds it, BadInput for a link in it. What a killed one left is removed.
    """
    from filelock import FileLock, Timeout

    with disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / ".lock").is_symlink():
            raise BadInput("is a link, so it locks another folder", place=str(folder / ".lock"), fix="remove it")
        lock = FileLock(folder / ".lock", timeout=_LOOKS, poll_interval=0.01)
        try:
            lock.acquire()
        except Timeout:
            raise Owned(
                f"{folder}: held by {_holder(folder)}; wait for it to end, or choose another folder with -o"
            ) from None
    try:
        with disk(folder):
            sweep(folder)
            owner = {"pid": os.getpid(), "host": socket.gethostname()}
            publish_text(folder / ".owner", json.dumps(owner))
        yield
    finally:
        lock.release()


def held(folder: Path) -> bool:
    """Whether a running process holds the folder: a look that others may take too, and that needs no permission."""
    lock = folder / ".lock"
    if lock.is_symlink() or not lock.is_file():
        return False
    if fcntl is None:
        return _held_by_trying(lock)
    handle = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)  # and with it the lock
    return False


def _held_by_trying(lock: Path) -> bool:
    """Where a lock cannot be shared; who starts meanwhile waits that long."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def _holder(folder: Path) -> str:
    if not (folder / ".owner").is_file():
        return "another process"
    try:
        owner = json.loads((folder / ".owner").read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, TypeError, KeyError):
        return "another process"
