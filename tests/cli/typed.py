"""The command line as a person types it: in this process, or, where the process is the point, in one of its own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from selfinstruct.cli.main import main

HOME = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("selfinstruct")
Ended = subprocess.CompletedProcess[str]


def command(*words: object, **variables: str) -> Ended:
    """What it prints where and how it ends, without a second or two of imports before; no terminal, as in a pipe."""
    typed = ["selfinstruct", *map(str, words)]
    out, err = StringIO(), StringIO()
    with ExitStack() as put_back, redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        put_back.callback(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        patch.setattr(sys, "argv", typed)
        for name, value in variables.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(typed, int(ended.value.code or 0), out.getvalue(), err.getvalue())


def process(*words: object, **variables: str) -> Ended:
    """The installed command in a process of its own, with these environment variables."""
    typed, environment = [str(SCRIPT), *map(str, words)], {**os.environ, **variables}
    return subprocess.run(typed, capture_output=True, text=True, check=False, timeout=180, env=environment)


def lines(path: Path) -> list[dict[str, object]]:
    """The records of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
