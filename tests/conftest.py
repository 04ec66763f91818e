"""What all tests share: surroundings that no machine, user or terminal decides.

Three things may be said from outside, so that the suite can be run under each: `SELFINSTRUCT_DTYPE=bfloat16` (what a
processor with 2-byte instructions would choose for tuning), `OMP_NUM_THREADS=2` (threads of each process), and
`ATEN_CPU_CAPABILITY=avx2` (the instructions that torch uses, with 4 bytes).
"""

import contextlib
import locale
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from selfinstruct.models.weights import cache_folder
from selfinstruct.stage import OWN_DTYPE

_SET = {
    "TZ": "Pacific/Chatham",  # far from UTC and no whole hour: a clock that is read in local time shows
    "LC_ALL": "C.UTF-8",
    "TERM": "xterm",
    "COLUMNS": "80",
    "LINES": "24",
    "HF_HUB_OFFLINE": "1",
    "SELFINSTRUCT_JUDGE": "ifs-v2-linear",  # the canonical one loads a model: tests that mean it name it
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
_KEPT = {OWN_DTYPE, "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY"}
_FORGOTTEN = ("SELFINSTRUCT_", "REDIS_", "OPENAI_", "HF_", "HUGGING", "LC_", "OMP_", "GOMP_", "MKL_", "XDG_")
_FORGOTTEN_TOO = {
    *("LANG", "LANGUAGE", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "TTY_COMPATIBLE"),
    *("TTY_INTERACTIVE", "PAGER", "BROWSER", "PYTHONWARNINGS", "PYTHONUTF8", "PYTHONIOENCODING", "SOURCE_DATE_EPOCH"),
    *("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "NPY_DISABLE_CPU_FEATURES"),
}


def _settle(home: Path) -> None:
    """The same surroundings everywhere, for this process and those that it starts."""
    weights = str(cache_folder())  # large, fetched once, checked by their hash: they stay where they are
    for name in list(os.environ):
        if (name.startswith(_FORGOTTEN) or name in _FORGOTTEN_TOO) and name not in _KEPT:
            del os.environ[name]
    os.environ.update(_SET | {"HOME": str(home), "SELFINSTRUCT_CACHE_DIR": weights})
    # Tests run as many at a time as there are cores, on tiny models: threads that wait for one another only cost.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault(OWN_DTYPE, "float32")


# The quick suite says of one commit the same every time; `make search` draws other examples each time, and more.
hypothesis.settings.register_profile("fixed", derandomize=True, deadline=None)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.pop("HYPOTHESIS_PROFILE", "fixed"))

_HOME = Path(tempfile.mkdtemp(prefix="selfinstruct-tests-"))
_settle(_HOME)  # before any library reads it
time.tzset()
with contextlib.suppress(locale.Error):  # some systems have no such name
    locale.setlocale(locale.LC_ALL, "C.UTF-8")


def pytest_configure(config: pytest.Config) -> None:
    """Under `-n` a file's tests stay together: a run that they only read is then made once."""
    if config.getoption("dist", "no") == "load":
        config.option.dist = "loadfile"


def pytest_unconfigure() -> None:
    """The home folder goes with the session."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test gets them anew, whatever the one before it changed and did not put back."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream.isatty():  # under `-s`
            monkeypatch.setattr(stream, "isatty", lambda: False)
    here, umask = Path.cwd(), os.umask(0o022)
    before = dict(os.environ)
    yield
    os.umask(umask)
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)
    with contextlib.suppress(FileNotFoundError):
        os.chdir(here)
