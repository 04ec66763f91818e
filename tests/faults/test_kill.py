"""Kill the process at any named place, run the same command again: same bytes, nothing bought twice, nothing lost."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.forks import Ended, Forks
from tests.faults.same import answers, differences

HERE = Path(__file__).parent
QUICK, ALL = 8, 200
TRIES = 5
WORDS = ("run", "smoke", "--set", "count=8", "--set", "publish.files=[jsonl]", "-o")
OVERLAPPING = ("--set", "count=40", "--set", "requests_per_round=2", "--set", "lag=6")
Run = Callable[[Path, int], Ended]


def started(folder: Path, kill_at: int) -> subprocess.Popen[bytes]:
    """In a process that has to import everything first, as a person's has."""
    words: list[str | Path] = [sys.executable, HERE / "crash.py", str(kill_at), *WORDS, folder]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def run(forks: Forks) -> Run:
    return lambda folder, kill_at: forks.run(*WORDS, folder, kill_at=kill_at)


@pytest.fixture(scope="module")
def oracle(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("oracle") / "run"
    ended = run(folder, 0)
    assert ended.returncode == 0, ended.stderr
    return folder, ended.failpoints


def places(total: int, wanted: int) -> list[int]:
    """Evenly spread over the run, the first among them; the last may not be reached, as commits come in groups."""
    last = max(1, total - 6)
    return sorted({1 + round(step * (last - 1) / (wanted - 1)) for step in range(wanted)})


def check_kill_at(number: int, run: Run, oracle: Path, folder: Path) -> None:
    killed = run(folder, number)
    for again in range(TRIES):
        if killed.returncode != 0 or killed.failpoints >= number:
            break
        # Commits came in larger groups than in the oracle, and so late a place was never reached.
        number, folder = killed.failpoints - 2, folder.with_name(f"{folder.name}-{again}")
        killed = run(folder, number)
    assert killed.returncode == -signal.SIGKILL, (number, killed.stderr)
    resumed = run(folder, 0)
    assert resumed.returncode == 0, (number, resumed.stderr)
    assert differences(oracle, folder) == [], number


@pytest.mark.parametrize("step", range(QUICK))
def test_a_run_killed_anywhere_and_run_again_has_the_same_bytes(
    step: int, run: Run, oracle: tuple[Path, int], tmp_path: Path
) -> None:
    folder, total = oracle
    chosen = places(total, QUICK)
    check_kill_at(chosen[step % len(chosen)], run, folder, tmp_path / "run")


def test_a_process_killed_and_started_again_has_the_same_bytes(oracle: tuple[Path, int], tmp_path: Path) -> None:
    folder, total = oracle
    assert started(tmp_path / "run", total // 3).wait(180) == -signal.SIGKILL
    assert started(tmp_path / "run", 0).wait(180) == 0
    assert differences(folder, tmp_path / "run") == []


def test_a_run_whose_rounds_overlap_killed_anywhere_and_run_again_has_the_same_bytes(
    forks: Forks, tmp_path: Path
) -> None:
    def run(folder: Path, kill_at: int) -> Ended:
        return forks.run(*WORDS[:-1], *OVERLAPPING, "-o", folder, kill_at=kill_at)

    oracle = tmp_path / "oracle"
    ended = run(oracle, 0)
    assert ended.returncode == 0, ended.stderr
    plans = [json.loads((place / "plan.json").read_text("utf-8")) for place in sorted(oracle.glob("round-*"))]
    assert plans[0]["tasks"] == plans[1]["tasks"] == 0, "no two rounds were under way at once"
    for number in places(ended.failpoints, 5):
        check_kill_at(number, run, oracle, tmp_path / f"at-{number}")


@pytest.mark.faults
def test_two_hundred_kills_at_named_places_and_random_moments(
    run: Run, oracle: tuple[Path, int], tmp_path: Path
) -> None:
    folder, total = oracle
    for number in places(total, min(total, ALL // 2)):
        check_kill_at(number, run, folder, tmp_path / f"at-{number}")
    draw = random.Random(1)
    for number in range(ALL // 2):
        place = tmp_path / f"moment-{number}"
        running = started(place, 0)
        time.sleep(draw.uniform(0.1, 3.0))
        running.kill()
        running.wait(30)
        assert run(place, 0).returncode == 0
        assert differences(folder, place) == [], number


def test_a_run_that_is_killed_again_and_again_still_ends(run: Run, oracle: tuple[Path, int], tmp_path: Path) -> None:
    folder, total = oracle
    place = tmp_path / "run"
    kills = 0
    while (ended := run(place, total // 3)).returncode == -signal.SIGKILL and kills < total:
        kills += 1
    assert ended.returncode == 0, ended.stderr
    assert kills > 2
    assert differences(folder, place) == []


def test_no_answer_on_record_is_asked_for_again(run: Run, oracle: tuple[Path, int], tmp_path: Path) -> None:
    _, total = oracle
    place = tmp_path / "run"
    assert run(place, total // 2).returncode == -signal.SIGKILL
    before = {row[:3] for row in answers(place)}
    assert before
    first = {row[:3]: row[3:] for row in answers(place)}
    assert run(place, 0).returncode == 0
    after = {row[:3]: row[3:] for row in answers(place)}
    assert all(after[key] == value for key, value in first.items())
