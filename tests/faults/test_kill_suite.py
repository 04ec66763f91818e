"""Suites asked and judged, killed at a named place and run again: the same bytes, and nothing is asked twice."""

import filecmp
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.forks import Forks
from tests.faults.same import answers

PUBLISHED = ("suite.json", "suite.jsonl", "judged.json", "judged.jsonl", "report.html", "recipe.yaml")
SCRIPT = """
answers:
  - purpose: suite
    texts: ['"Rain falls"', "the tay", "A lake near the Tay, as it is."]
  - purpose: pairwise
    texts: ["[[A]]", "[[B]]", "Both."]
"""
RECIPE = """
name: suites
models: {{ student: "scripted:{script}", base: "scripted:{other}", judge: "scripted:{script}" }}
stages:
  - suite: {{ suites: [ifeval, user_oriented], beside: [base], first: 8 }}
  - judge_answers: {{ judge: judge, length_test: 4 }}
publish: null
"""

Run = Callable[[Path, int], int]


@pytest.fixture(scope="module")
def run(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("recipe")
    script, other = folder / "script.yaml", folder / "other.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    other.write_text(SCRIPT.replace("Rain", "Snow"), encoding="utf-8")
    recipe = folder / "suites.yaml"
    recipe.write_text(RECIPE.format(script=script, other=other), encoding="utf-8")
    return lambda folder, kill_at: forks.run("run", recipe, "-o", folder, kill_at=kill_at).returncode


@pytest.fixture(scope="module")
def oracle(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("oracle") / "run"
    assert run(folder, 0) == 0
    return folder


def check(run: Run, oracle: Path, folder: Path, place: int) -> None:
    assert run(folder, place) == -signal.SIGKILL
    assert run(folder, 0) == 0
    _, different, missing = filecmp.cmpfiles(oracle, folder, PUBLISHED, shallow=False)
    assert (different, missing) == ([], [])
    assert answers(folder) == answers(oracle)


@pytest.mark.parametrize("place", [12, 30])
def test_a_killed_suite_goes_on_to_the_same_bytes(run: Run, oracle: Path, tmp_path: Path, place: int) -> None:
    check(run, oracle, tmp_path / "run", place)


@pytest.mark.faults
@pytest.mark.parametrize("place", range(1, 40, 3))
def test_a_suite_may_be_killed_at_any_named_place(run: Run, oracle: Path, tmp_path: Path, place: int) -> None:
    check(run, oracle, tmp_path / "run", place)
