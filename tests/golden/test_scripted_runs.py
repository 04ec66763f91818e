"""The bytes of scripted runs: what no decided change alters is the same for ever, in whatever surroundings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.scripted_runs import COMMAND, HOME, Held, differences, read_table, run_all

WHAT_TO_DO = f"""
Not meant: find what changed it. Meant: raise the version of the stage whose results are others, make the table again
by `{COMMAND}`, and say in CHANGELOG.md what changed."""


def test_scripted_runs_make_the_same_bytes(tmp_path: Path) -> None:
    changed = differences(read_table(), run_all(tmp_path, workers=2))
    assert not changed, "\n".join(["files are others:", *changed]) + WHAT_TO_DO


@pytest.mark.slow
@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "OMP_NUM_THREADS": "2"},
        {"PYTHONHASHSEED": "4294967295", "TZ": "UTC", "LC_ALL": "C", "PYTHONUTF8": "0"},
    ],
    ids=lambda surroundings: surroundings["TZ"],
)
def test_surroundings_change_nothing(surroundings: dict[str, str], tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tests.golden.scripted_runs", "--check"]
    environment = {**os.environ, "PYTHONPATH": str(HOME), **surroundings}
    ended = subprocess.run(words, cwd=HOME, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (ended.returncode, ended.stderr) == (0, "nothing changed\n")
    assert not list(tmp_path.iterdir())


def test_a_difference_names_the_file_and_its_first_other_line() -> None:
    was = {name: Held.of(["a", "b", "c"]) for name in ("same", "other", "shorter", "longer", "gone")}
    now = {"same": ["a", "b", "c"], "other": ["a", "x", "c"], "shorter": ["a"], "longer": [*"abcd"], "more": ["a"]}
    assert differences(was, now) == [
        "gone: is not made any more",
        "other:2 of 3 (before: 3 lines): x",
        "shorter:2 of 1 (before: 3 lines): (the file ends here)",
        "longer:4 of 4 (before: 3 lines): d",
        "more: is new",
    ]


def test_every_stage_that_needs_no_weights_is_held() -> None:
    """A new one is put into a recipe here, or among those that need torch, weights or an endpoint."""
    from selfinstruct.run.recipe.stage_names import STAGES

    held = {path.split("/")[-2].partition("-")[2] for path in read_table() if path.endswith("DONE")}
    elsewhere = {"semantic", "finetune", "difficulty", "shift", "knowledge", "trace", "forget"}
    assert set(STAGES) - held == elsewhere
