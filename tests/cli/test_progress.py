"""The line that moves: what it counts, and that it is silent without a terminal."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from selfinstruct.cli.progress import ProgressLine
from selfinstruct.records import Provenance, Task
from selfinstruct.run.progress_events import Spend, Unwatched, Watched
from selfinstruct.stage import Kept
from tests.cli.typed import HOME, command

TASKS = [Task(instruction=str(number), provenance=Provenance(stage="input")) for number in range(1000)]


class Counting(Unwatched):
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
    ended = command("curate", HOME / "pipelines" / "samples" / "notes.json", "-o", tmp_path / "run")
    assert ended.returncode == 0
    assert "\x1b" not in ended.stderr
    assert "rows/s" not in ended.stderr


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


def test_nothing_is_said_that_nobody_knows() -> None:
    spent = Spend(Decimal(0), 0, 0)
    with ProgressLine() as line:
        shown = line._progress.tasks[0]
        assert shown.fields["done"] == ""
        line.begin(None, lambda: spent)
        line.stage("stages", "read", 0)
        assert shown.fields["done"] == ""
        line.stage("stages", "near", 1000)
        assert shown.fields["done"] == "0 of 1,000"
        line.begin(30, lambda: Spend(Decimal("0.5"), 1200, 0))
        line.round_done(1, 7)
        assert shown.fields["done"] == "7 of 30, $0.5, 1,200 tokens"
        assert "None" not in str(shown.fields)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("curate", "--exact"), ["records kept", "rejected: "]),
        (("simplify", "--rules-only"), ["records kept", "replies shortened", "stay: "]),
        (("verify",), ["records kept"]),
    ],
)
def test_the_report_at_the_end_fits_the_verb(tmp_path: Path, words: tuple[str, ...], says: list[str]) -> None:
    printed = command(words[0], HOME / "pipelines/samples/notes.json", *words[1:], "-o", tmp_path / "run").stderr
    assert all(part in printed for part in [*says, "no model asked"])
    assert "tasks kept" not in printed
    assert "0 requests" not in printed


def test_answers_in_conflict_are_told_with_the_knob_that_decides(tmp_path: Path) -> None:
    rows = [
        {"instruction": "Name a river in Spain.", "input": "", "output": f"The {name}."} for name in ("Ebro", "Duero")
    ]
    (tmp_path / "set.json").write_text(json.dumps(rows), encoding="utf-8")
    words = ("curate", tmp_path / "set.json", "--rules", "none", "--exact", "-o")
    printed = command(*words, tmp_path / "run").stderr
    assert (
        "exact duplicates: 1 removed, 1 of them with another answer than the one that stays (first; --keep" in printed
    )
    printed = command(*words, tmp_path / "short", "--keep", "shortest").stderr
    assert "(shortest; --keep" in printed
    assert "1 of 2 records kept" in printed


def test_of_a_round_is_said_what_is_done_of_how_many_and_what_was_proposed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [1000.0]
    monkeypatch.setattr("selfinstruct.cli.progress.time.monotonic", lambda: now[0])
    line = ProgressLine()
    line.begin(30, lambda: Spend(Decimal(0), 0, 0))
    line.stage("round-00001", "propose", 0)
    now[0] += 40
    line.outcome("round-00001", "propose", Kept(TASKS[0]))
    line.stage("round-00001", "instances", 9)
    now[0] += 40
    line.outcome("round-00001", "instances", Kept(TASKS[0]))
    assert capsys.readouterr().err.splitlines() == [
        "round-00001 propose: 1 proposed so far",
        "round-00001 instances: 1 of 9 records done; 1 proposed so far",
    ]


def test_a_mixture_tells_what_was_not_drawn_and_a_set_is_no_recipe(tmp_path: Path) -> None:
    rows = [{"instruction": f"Say {number}.", "output": f"It is {number}."} for number in range(5)]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "mix.yaml").write_text(
        "name: mine\ninputs: [set.jsonl]\nstages:\n  - mix: { budget: 2 }\n", encoding="utf-8"
    )
    printed = command("mix", tmp_path / "mix.yaml", "-o", tmp_path / "run").stderr
    assert "2 of 5 records drawn\n3 not drawn\n" in printed
    assert "rejected" not in printed
    wrong = command("mix", tmp_path / "set.jsonl", "-o", tmp_path / "other")
    assert wrong.returncode == 2
    assert "set.jsonl: is no recipe (YAML), and perhaps a set; write a recipe with `inputs: [set.jsonl, ...]`" in (
        wrong.stderr
    )
