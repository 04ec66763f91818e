"""Kill the process at any named place, run the same command again: same bytes, nothing bought twice, nothing lost."""

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.same import answers, differences

HERE = Path(__file__).parent
QUICK, ALL = 20, 200


def command(folder: Path, kill_at: int) -> list[str]:
    words = ["run", "smoke", "--set", "count=8", "--set", "publish.files=[jsonl]", "-o", str(folder)]
    return [sys.executable, str(HERE / "crash.py"), str(kill_at), *words]


def run(folder: Path, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, kill_at), capture_output=True, text=True, check=False, timeout=180)


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("oracle") / "run"
    told = run(folder)
    assert told.returncode == 0, told.stderr
    found = re.search(r"failpoints (\d+)", told.stderr)
    assert found is not None
    return folder, int(found[1])


def places(total: int, wanted: int) -> list[int]:
    """Evenly spread over the run, the first among them; the last few may not be reached, as commits come in groups."""
    last = max(1, total - 6)
    return sorted({1 + round(step * (last - 1) / (wanted - 1)) for step in range(wanted)})


def check_kill_at(number: int, oracle: Path, folder: Path) -> None:
    killed = run(folder, number)
    assert killed.returncode == -signal.SIGKILL, (number, killed.stderr)
    resumed = run(folder)
    assert resumed.returncode == 0, (number, resumed.stderr)
    assert differences(oracle, folder) == [], number


@pytest.mark.parametrize("step", range(QUICK))
def test_a_run_killed_anywhere_and_run_again_has_the_same_bytes(
    step: int, oracle: tuple[Path, int], tmp_path: Path
) -> None:
    folder, total = oracle
    chosen = places(total, QUICK)
    check_kill_at(chosen[step % len(chosen)], folder, tmp_path / "run")


@pytest.mark.faults
def test_two_hundred_kills_at_named_places_and_random_moments(oracle: tuple[Path, int], tmp_path: Path) -> None:
    folder, total = oracle
    for number in places(total, min(total, ALL // 2)):
        check_kill_at(number, folder, tmp_path / f"at-{number}")
    draw = random.Random(1)
    for number in range(ALL // 2):
        place = tmp_path / f"moment-{number}"
        started = subprocess.Popen(command(place, 0), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0.1, 3.0))
        started.kill()
        started.wait(30)
        assert run(place).returncode == 0
        assert differences(folder, place) == [], number


def test_a_run_that_is_killed_again_and_again_still_ends(oracle: tuple[Path, int], tmp_path: Path) -> None:
    folder, total = oracle
    place = tmp_path / "run"
    step = max(2, total // 4)
    for _ in range(3):
        run(place, step)
    assert run(place).returncode == 0
    assert differences(folder, place) == []


def test_no_answer_on_record_is_asked_for_again(oracle: tuple[Path, int], tmp_path: Path) -> None:
    _, total = oracle
    place = tmp_path / "run"
    assert run(place, total // 2).returncode == -signal.SIGKILL
    before = {row[:3] for row in answers(place)}
    assert before
    first = {row[:3]: row[3:] for row in answers(place)}
    assert run(place).returncode == 0
    after = {row[:3]: row[3:] for row in answers(place)}
    assert all(after[key] == value for key, value in first.items())
