"""A run on sets, killed at a named place and run again, has the same bytes."""

import filecmp
import signal
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HOME = HERE.parents[1]
PUBLISHED = ("kept.jsonl", "rejected.jsonl", "failed.jsonl", "report.html", "recipe.yaml")
DATASET = ("dataset/README.md", "dataset/data/train.parquet", "dataset/jsonl/train.jsonl")


def run(folder: Path, die_at: int = 0) -> int:
    words = [sys.executable, HERE / "crash.py", die_at, "run", HOME / "pipelines" / "curate.yaml", "-o", folder]
    return subprocess.run(list(map(str, words)), capture_output=True, check=False, timeout=120).returncode


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oracle") / "run"
    assert run(folder) == 0
    return folder


def check(oracle: Path, folder: Path, place: int) -> None:
    assert run(folder, place) == -signal.SIGKILL
    assert run(folder) == 0
    _, different, missing = filecmp.cmpfiles(oracle, folder, [*PUBLISHED, *DATASET], shallow=False)
    assert (different, missing) == ([], [])


@pytest.mark.parametrize("place", [9, 44])
def test_a_killed_run_on_sets_goes_on_to_the_same_bytes(oracle: Path, tmp_path: Path, place: int) -> None:
    check(oracle, tmp_path / "run", place)


@pytest.mark.faults
@pytest.mark.parametrize("place", range(1, 50, 3))
def test_a_run_on_sets_may_be_killed_at_any_named_place(oracle: Path, tmp_path: Path, place: int) -> None:
    check(oracle, tmp_path / "run", place)
