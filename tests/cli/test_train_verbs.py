"""From a file of records to a scored student, as a person types it, with a model of random weights."""

import json
from pathlib import Path

import pytest

from selfinstruct.models.model_files import find_weights
from tests.cli.typed import command, lines
from tests.faults.same import files
from tests.finetune.builders import Folder, tasks

pytest.importorskip("peft")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A set, and a base as its option names it."""
    folder = tmp_path_factory.mktemp("given")
    Folder.made(folder / "base")
    rows = [{"instruction": task.instruction, "output": task.instances[0].output} for task in tasks(12)]
    (folder / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "set.jsonl", f"hf:{folder / 'base'}"


@pytest.fixture(scope="module")
def tuned(given: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    records, base = given
    folder = tmp_path_factory.mktemp("tuned") / "run"
    changes = [word for knob in ("grid=[0,8]", "first=1", "batch=2") for word in ("--set", f"finetune.{knob}")]
    words = ["--template", "tags", "--epochs", "1", "--train-on", "-o", folder]
    ended = command("finetune", records, "--base", base, *changes, *words)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{folder / 'student'}\n"
    assert f"student: tuned on 12 records, 12 examples seen (use it as hf:{folder / 'student'})" in ended.stderr
    assert ended.stderr.startswith("3 checks of 2 prompts, ")
    assert "tasks kept" not in ended.stderr
    assert "too few for the stop rule, which needs 99 or more (--set finetune.first=100)" in ended.stderr
    return folder


def test_three_examples_are_shown_and_nothing_is_made(given: tuple[Path, str], tmp_path: Path) -> None:
    records, base = given
    ended = command("finetune", records, "--base", base, "--template", "tags", "--preview", "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Lines with a + are learned")
    assert ended.stdout.count("\nrecord ") == 3
    learned = [line[4:] for line in ended.stdout.splitlines() if line.startswith("  + ")]
    assert {text.removesuffix("<|im_end|>") for text in learned} < {task.instances[0].output for task in tasks(12)}
    assert not (tmp_path / "run").exists()


def test_a_student_has_its_curve_page_and_card(tuned: Path) -> None:
    curve = lines(tuned / "curve.jsonl")
    assert [check["examples"] for check in curve] == [0, 8, 12]
    assert all(0 <= float(str(check["ifs"])) <= 1 for check in curve)
    assert "Trained to the end, 12 examples" in (tuned / "report.html").read_text(encoding="utf-8")
    assert find_weights(f"hf:{tuned / 'student'}") == tuned / "student"


def test_the_same_command_again_trains_nothing_anew(given: tuple[Path, str], tuned: Path) -> None:
    records, base = given
    before = files(tuned)
    again = ["--set", "finetune.grid=[0,8]", "--set", "finetune.first=1", "--set", "finetune.batch=2", "--train-on"]
    ended = command("finetune", records, "--base", base, *again, "--template", "tags", "--epochs", "1", "-o", tuned)
    assert ended.returncode == 0, ended.stderr
    assert files(tuned) == before


def test_a_student_is_scored_by_the_name_that_it_was_given(tuned: Path, tmp_path: Path) -> None:
    folder = tmp_path / "score"
    ended = command("score", f"hf:{tuned / 'student'}", "--wrapper", "tags", "--first", "2", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    [score] = json.loads((folder / "score.json").read_text(encoding="utf-8"))["scores"]
    assert score["wrapper"] == "tags"
    assert len(lines(folder / "responses.jsonl")) == score["n"] == 4


def test_without_checks_there_is_no_curve(given: tuple[Path, str], tmp_path: Path) -> None:
    records, base = given
    words = ["--template", "tags", "--epochs", "1", "--stop", "none", "--method", "full", "-o", tmp_path / "run"]
    ended = command("finetune", records, "--base", base, *words)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "student" / "model.safetensors").is_file()
    assert not (tmp_path / "run" / "curve.jsonl").exists()


@pytest.mark.parametrize(
    ("row", "words", "said"),
    [
        ({"instruction": "Add."}, (), "no record came this far: none is left to learn from"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, (), "none is left to learn from"),
        ({"instruction": "Add.", "output": "3"}, ("--gguf",), "is no GGUF file"),
        ({"instruction": "Add.", "output": "3"}, ("--learning-rate", "1e18"), "the loss is no number after"),
    ],
    ids=["no answer", "no assistant turn", "no GGUF", "a learning rate beyond reason"],
)
def test_what_cannot_become_a_student_ends_in_one_line(
    row: dict[str, object], words: tuple[str, ...], said: str, given: tuple[Path, str], tmp_path: Path
) -> None:
    (tmp_path / "set.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    usual = ["--template", "tags", "--stop", "none", "--method", "full", "-o", tmp_path / "run"]
    ended = command("finetune", tmp_path / "set.jsonl", "--base", given[1], *usual, *words)
    assert ended.returncode in {2, 3}
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_base_that_cannot_be_had_is_told_of_before_a_folder_is_taken(tmp_path: Path) -> None:
    data = tmp_path / "set.jsonl"
    data.write_text('{"instruction": "Name a river.", "output": "The Tay."}\n', encoding="utf-8")
    ended = command("finetune", data, "--base", "hf:nobody/nothing", "-o", tmp_path / "out")
    assert ended.returncode == 2
    assert "model 'hf:nobody/nothing': is neither here nor to be had from the Hub" in ended.stderr
    assert not (tmp_path / "out").exists()
