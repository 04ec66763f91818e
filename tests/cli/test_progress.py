"""The line that moves: what it counts, and that it is silent without a terminal."""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from selfinstruct.cli.progress import ProgressLine
from selfinstruct.pipeline.watch import Nobody, Spend, Watched
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Kept
from tests.cli.typed import HOME, command

TASKS = [Task(instruction=str(number), provenance=Provenance(stage="input")) for number in range(1000)]


class Counting(Nobody):
    """Counts what is read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> None:
        self.reads += 1


def test_every_pass_over_the_records_is_told_of_and_looking_one_up_is_not() -> None:
    watch = Counting()
    watched = Watched(TASKS, watch)
    assert (list(watched), len(watched), watched[3], watched[2:4]) == (TASKS, 1000, TASKS[3], TASKS[2:4])
    assert list(watched) == TASKS
    assert watch.reads == 2000


def test_a_set_is_told_in_rows_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(10**6))
    monkeypatch.setattr("selfinstruct.cli.progress.time.monotonic", lambda: float(next(seconds)))
    with ProgressLine() as line:
        line.begin(None, lambda: Spend(Decimal(0), 0, 0))
        line.stage("stages", "near", len(TASKS))
        for _ in TASKS:
            line.read()
        [shown] = line._progress.tasks
        assert "near, reading" in shown.description
        assert "rows/s" in shown.description
        for task in TASKS:
            line.outcome("stages", "near", Kept(task))
        assert "reading" not in shown.description
        assert (shown.completed, shown.total) == (768, 1000)


def test_nothing_moves_where_nobody_looks(tmp_path: Path) -> None:
    told = command("curate", HOME / "pipelines" / "samples" / "notes.json", "-o", tmp_path / "run")
    assert told.returncode == 0
    assert "\x1b" not in told.stderr
    assert "rows/s" not in told.stderr


def test_nothing_is_of_none() -> None:
    shown = StringIO()
    line = ProgressLine()
    text = Console(file=shown, width=200)
    text.print(line._progress.get_renderable())
    line.begin(5000, lambda: Spend(Decimal(0), 0, 0))
    text.print(line._progress.get_renderable())
    assert "None" not in shown.getvalue()
    assert "0 of 5,000" in shown.getvalue()


def test_into_a_pipe_a_line_is_said_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [1000.0]
    monkeypatch.setattr("selfinstruct.cli.progress.time.monotonic", lambda: now[0])
    line = ProgressLine()
    line.begin(None, lambda: Spend(Decimal(0), 0, 0))
    line.stage("stages", "finetune", 8)
    for seen in range(100):
        now[0] += 1
        line.doing("examples seen:", seen, 100)
    said = capsys.readouterr().err.splitlines()
    assert said == [f"stages finetune: examples seen: {seen} of 100" for seen in (29, 59, 89)]
