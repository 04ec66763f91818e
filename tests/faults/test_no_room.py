"""A full disk: one clear line, exit 3, and the same bytes after there is room again."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.typed import SCRIPT
from tests.faults.forks import Ended, Forks
from tests.faults.same import differences

Run = Callable[[Path, int | None], Ended]


@pytest.fixture(scope="module")
def run(forks: Forks) -> Run:
    return lambda folder, most: forks.run("run", "smoke", "--set", "count=8", "-o", folder, bytes_at_most=most)


@pytest.fixture(scope="module")
def oracle(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oracle") / "run"
    assert run(folder, None).returncode == 0
    return folder


@pytest.mark.parametrize(
    "bytes_at_most",
    [1_000, 33_000, *(pytest.param(more, marks=pytest.mark.faults) for more in (9_000, 64_000, 120_000))],
)
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    bytes_at_most: int, run: Run, oracle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    ended = run(folder, bytes_at_most)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "run the same command again" in ended.stderr
    assert re.search(r" MB are free, at least [\d,]+\.\d MB are needed\)", ended.stderr), ended.stderr
    assert run(folder, None).returncode == 0
    assert differences(oracle, folder) == []


def test_a_file_where_the_folder_of_a_run_would_lie_is_one_line(run: Run, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    ended = run(blocker / "run", None)
    assert ended.returncode == 2
    assert f"{blocker}: is a file, where a folder is wanted" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("most", [8, 12, *(pytest.param(more, marks=pytest.mark.faults) for more in range(9, 20))])
def test_too_few_open_files_are_one_line_that_names_the_limit(most: int, tmp_path: Path) -> None:
    import resource

    ended = subprocess.run(
        [SCRIPT, "run", "smoke", "--set", "count=2", "-o", tmp_path / "run"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if ended.returncode == 0 and most > 12:
        return
    assert ended.returncode == 3, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert "Too many open files" in ended.stderr
    assert "ulimit -n" in ended.stderr
