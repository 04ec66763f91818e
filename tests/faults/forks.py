"""Processes to kill: each is forked off one that has imported everything, so that it costs what it does, no start.

python -m tests.faults.forks     one request a line, as JSON; one answer a line when its process has ended
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Self

from selfinstruct.run.recipe.builtin_recipes import find_recipe
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import read_yaml
from tests.faults.crash import run_until

HOME = Path(__file__).parents[2]
_IMPORTED = (
    "selfinstruct.cli.run_verbs",
    "selfinstruct.run.execute",
    "selfinstruct.models.scripted",
    "pyarrow.parquet",
    "jinja2",
)
_RECIPES = ("smoke", "curate")
_SECONDS = 180


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    returncode: int
    """Or minus the number of the signal that ended it."""
    stderr: str
    failpoints: int
    """How many it reached; 0 of one that was killed."""


class Forks:
    """Starts processes one after the other; a context manager."""

    def __enter__(self) -> Self:
        """Start the one they are forked off."""
        words = [sys.executable, "-m", "tests.faults.forks"]
        self._parent = subprocess.Popen(words, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_fault: object) -> None:
        """It ends when nobody asks any more."""
        self._parent.communicate(timeout=30)

    def run(self, *words: object, kill_at: int = 0, bytes_at_most: int | None = None) -> Ended:
        """The command line in a process; see crash.py for `kill_at`, RLIMIT_FSIZE for `bytes_at_most`."""
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps([list(map(str, words)), kill_at, bytes_at_most]) + "\n")
        self._parent.stdin.flush()
        code, printed = json.loads(self._parent.stdout.readline())
        said, _, reached = printed.rpartition("failpoints ") if code >= 0 else (printed, "", 0)
        return Ended(code, said, int(reached))


def _answer(words: list[str], kill_at: int, bytes_at_most: int | None) -> tuple[int, str]:
    """Fork, wait, tell."""
    printed, prints = os.pipe()
    child = os.fork()
    if not child:
        os.close(printed)
        _become(words, kill_at, bytes_at_most, prints)
    os.close(prints)
    with os.fdopen(printed, encoding="utf-8") as stderr:
        said = stderr.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def _become(words: list[str], kill_at: int, bytes_at_most: int | None, stderr: int) -> NoReturn:
    """The command line, from here to the end of the process."""
    import resource

    nowhere = os.open(os.devnull, os.O_RDWR)
    for wanted, given in enumerate((nowhere, nowhere, stderr)):
        os.dup2(given, wanted)
    os.close(stderr)
    signal.alarm(_SECONDS)
    if bytes_at_most is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_at_most, resource.RLIM_INFINITY))
    run_until(kill_at, words)


def _get_ready() -> None:
    """Do once what every run would do again: import, and read the recipes."""
    for module in _IMPORTED:
        import_module(module)
    for name in _RECIPES:
        resolve(read_yaml(find_recipe(Path(name))))


if __name__ == "__main__":
    _get_ready()
    for line in sys.stdin:
        print(json.dumps(_answer(*json.loads(line))), flush=True)  # noqa: T201 - its standard output is the answer
