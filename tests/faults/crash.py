"""Runs the command line in a process that kills itself, as `kill -9` would, at the n-th failpoint it reaches.

python crash.py N ARGUMENT...     N = 0: never; the number of failpoints reached is written to stderr
"""

import os
import signal
import sys
import threading
from typing import NoReturn

from selfinstruct.store import failpoints

_lock = threading.Lock()
_reached = 0


def die_at(number: int) -> None:
    def reached(_name: str) -> None:
        global _reached  # noqa: PLW0603 - the process is the scope
        with _lock:
            _reached += 1
            if _reached == number:
                os.kill(os.getpid(), signal.SIGKILL)

    failpoints.reached = reached


def run_until(number: int, words: list[str]) -> NoReturn:
    """The command line, from here to the end of the process."""
    from selfinstruct.cli.main import main

    die_at(number)
    sys.argv = ["selfinstruct", *words]
    try:
        main()
    finally:
        sys.stderr.write(f"failpoints {_reached}\n")


if __name__ == "__main__":
    run_until(int(sys.argv[1]), sys.argv[2:])
