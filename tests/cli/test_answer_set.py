"""`score --on`, as a person types it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import command, lines

SCRIPT = """
answers:
  - purpose: answer_set
    texts: ["Yes."]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that held out seeds and split what it made."""
    folder = tmp_path_factory.mktemp("made") / "run"
    ended = command("run", "smoke", "--set", "stages=[split: {test: 0.3}]", "--set", "holdout_seeds=6", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def script(folder: Path, said: str = SCRIPT) -> str:
    file = folder / "script.yaml"
    file.write_text(said, encoding="utf-8")
    return f"scripted:{file}"


def test_a_model_answers_the_test_split_the_seeds_held_out_and_gold(made: Path, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"instruction": "Is the Tay a river?", "output": "yes"}\n', encoding="utf-8")
    words = ("score", script(tmp_path), "--on", made / "dataset", "--gold", gold)
    ended = command(*words, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    evaluation: dict[str, Any] = json.loads((tmp_path / "run" / "evaluation.json").read_text(encoding="utf-8"))
    asked = evaluation["questions"]
    assert (asked["quality_on_held_out_seeds"], asked["quality_on_gold"]) == (6, 1)
    assert 0 < asked["agreement_with_teacher"] <= len(lines(made / "dataset" / "jsonl" / "test.jsonl"))
    assert evaluation["models"][0]["quality_on_gold"]["exact_match"]["value"] == 1.0
    assert len(lines(tmp_path / "run" / "answers.jsonl")) == sum(asked.values())
    assert "agreement with teacher" in ended.stderr
    sent = command(*words, "--dry-run")
    assert sent.returncode == 0, sent.stderr
    assert f" {sum(asked.values())} " in sent.stdout
    assert "exact" in sent.stdout


def test_a_set_that_nobody_split_is_asked_whole_and_that_is_said(tmp_path: Path) -> None:
    ended = command("score", script(tmp_path), "--on", "builtin", "--set", "answer_set.first=4", "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    assert "no test split: all 180 records may be asked, also those that a student has learned" in ended.stderr


def test_models_stand_side_by_side_and_the_page_tells_of_them(made: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = script(tmp_path / "other", SCRIPT.replace("Yes.", "No."))
    ended = command(
        "score", script(tmp_path), "--beside", other, "--on", made, "--max-tokens", 64, "-o", tmp_path / "run"
    )
    assert ended.returncode == 0, ended.stderr
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text(encoding="utf-8"))
    assert len(evaluation["models"]) == 2
    assert {difference["against"] for difference in evaluation["differences"]} == set(evaluation["questions"])
    assert evaluation["max_tokens"] == 64
    assert "Agreement with the teacher" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "none.jsonl"), "none.jsonl"),
        (("--gold", "gold.jsonl"), "--on SET"),
        (("--on", "builtin", "--samples", "2"), "goes without"),
        (("--on", "builtin", "--gold", "none.jsonl"), "none.jsonl"),
        (("--on", "builtin", "--wrapper", "nothing"), "nothing"),
    ],
)
def test_what_cannot_be_meant_is_one_line(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = command("score", script(tmp_path), *words, "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert said in ended.stderr
