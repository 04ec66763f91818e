"""A training whose process is killed, between checkpoints or right after one, goes on to the same student."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.finetune.builders import Folder, tasks

pytest.importorskip("torch")
pytest.importorskip("peft")

MOST_SECONDS = 240
KNOBS = ("stop=ifs", "grid=[0,64]", "first=2", "save_every=16", "batch=2", "accumulate=2", "train_on=true")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base with random weights, and a set."""
    folder = tmp_path_factory.mktemp("given")
    Folder.made(folder / "base")
    rows = [{"instruction": task.instruction, "output": task.instances[0].output} for task in tasks(96)]
    (folder / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def begun(given: Path, folder: Path) -> subprocess.Popen[bytes]:
    program = str(Path(sys.executable).with_name("selfinstruct"))
    words = [program, "finetune", str(given / "set.jsonl"), "--base", f"hf:{given / 'base'}"]
    changes = [word for knob in KNOBS for word in ("--set", f"finetune.{knob}")]
    return subprocess.Popen([*words, *changes, "-o", str(folder)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)


def finished(given: Path, folder: Path) -> dict[str, str]:
    process = begun(given, folder)
    _, errors = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == 0, errors.decode()
    files = [*(folder / "student").iterdir(), folder / "curve.jsonl", folder / "report.html", folder / "kept.jsonl"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def killed(given: Path, folder: Path, least: int) -> None:
    """Killed when a checkpoint of that step or a later one stands."""
    process, ends = begun(given, folder), time.monotonic() + MOST_SECONDS
    while not any(int(path.name.split("-")[1]) >= least for path in folder.glob("scratch/*/*/training-*/checkpoint-*")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < ends, "no checkpoint in time"
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.faults
def test_a_killed_training_goes_on_to_the_same_student_curve_and_report(given: Path, tmp_path: Path) -> None:
    oracle = finished(given, tmp_path / "oracle")
    for least in (4, 20):
        folder = tmp_path / f"killed-{least}"
        killed(given, folder, least)
        assert not (folder / "student").exists()
        assert finished(given, folder) == oracle
