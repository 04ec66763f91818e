"""A run on sets, killed at a named place and run again, has the same bytes."""

import filecmp
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.forks import Forks

HOME = Path(__file__).parents[2]
PUBLISHED = ("kept.jsonl", "rejected.jsonl", "failed.jsonl", "report.html", "recipe.yaml")
DATASET = ("dataset/README.md", "dataset/data/train.parquet", "dataset/jsonl/train.jsonl")


Run = Callable[[Path, int], int]


@pytest.fixture(scope="module")
def run(forks: Forks) -> Run:
    words = ("run", HOME / "pipelines" / "curate.yaml", "-o")
    return lambda folder, kill_at: forks.run(*words, folder, kill_at=kill_at).returncode


@pytest.fixture(scope="module")
def oracle(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oracle") / "run"
    assert run(folder, 0) == 0
    return folder


def check(run: Run, oracle: Path, folder: Path, place: int) -> None:
    assert run(folder, place) == -signal.SIGKILL
    assert run(folder, 0) == 0
    _, different, missing = filecmp.cmpfiles(oracle, folder, [*PUBLISHED, *DATASET], shallow=False)
    assert (different, missing) == ([], [])


@pytest.mark.parametrize("place", [9, 44])
def test_a_killed_run_on_sets_goes_on_to_the_same_bytes(run: Run, oracle: Path, tmp_path: Path, place: int) -> None:
    check(run, oracle, tmp_path / "run", place)


@pytest.mark.faults
@pytest.mark.parametrize("place", range(1, 50, 3))
def test_a_run_on_sets_may_be_killed_at_any_named_place(run: Run, oracle: Path, tmp_path: Path, place: int) -> None:
    check(run, oracle, tmp_path / "run", place)
