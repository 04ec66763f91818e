"""What a run says at its end of the student it made."""

import json
from pathlib import Path

import pytest

from selfinstruct.cli import exit_report
from selfinstruct.cli.exit_report import student_report
from selfinstruct.errors import BadInput
from selfinstruct.run.student_files import served, tuned_template
from tests.cli.typed import command


def test_a_student_is_told_before_and_after_with_what_comes_next(tmp_path: Path) -> None:
    checks = [{"examples": 0, "ifs": 0.25, "stop": False}, {"examples": 64, "ifs": 0.9, "stop": True}]
    (tmp_path / "curve.jsonl").write_text("".join(json.dumps(check) + "\n" for check in checks), encoding="utf-8")
    side = {"model": "embedded", "wrapper": "ifs", "ifs": 0.5, "intervals": {"ifs": [0.4, 0.6]}}
    sides = [{**side, "judge": {"version": "ifs-v2-linear"}}, {**side, "wrapper": "none"}]
    (tmp_path / "score.json").write_text(json.dumps({"scores": sides}), encoding="utf-8")
    (tmp_path / "feedback.json").write_text(json.dumps({"asks_for": ["topic rain: 9 of 30 not answered"]}), "utf-8")
    assert list(student_report(tmp_path)) == [
        "student: IFS 0.250 before, 0.900 after 64 examples (the rule stops it at 64)",
        "  on other prompts, ifs: embedded 0.500 [0.400, 0.600] by ifs-v2-linear",
        "  on other prompts, none: embedded 0.500 [0.400, 0.600]",
        "a next cycle would show more of: topic rain: 9 of 30 not answered",
    ]


def test_a_run_without_a_student_says_nothing_of_one(tmp_path: Path) -> None:
    assert list(student_report(tmp_path)) == []


def test_where_nothing_is_wanted_more_than_the_rest_it_says_why(tmp_path: Path) -> None:
    (tmp_path / "curve.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "feedback.json").write_text('{"asks_for": []}', encoding="utf-8")
    [said] = student_report(tmp_path)
    assert said.startswith("a next cycle would show more of: nothing in particular (no kind with prompts enough")


def test_a_student_that_is_there_as_gguf_is_asked_by_the_engine_unless_it_is_named_otherwise(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "student").mkdir(parents=True)
    assert served(str(run)) == str(run)
    (run / "student.gguf").write_bytes(b"GGUF")
    assert served(str(run)) == f"gguf:{run / 'student.gguf'}"
    for spec in (f"hf:{run}", str(run / "student"), "embedded", "openai:m"):
        assert served(spec) == spec
    ended = command("score", run, "--first", "1", "--dry-run")
    assert f"{run} is asked as gguf:{run / 'student.gguf'}, by the embedded engine" in ended.stderr


def test_a_student_is_asked_in_the_form_it_was_tuned_in_unless_another_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "student").mkdir(parents=True)
    (run / "student" / "training.json").write_text(json.dumps({"recipe": {"format": "ifs"}}), encoding="utf-8")
    for spec in (run, run / "student", f"hf:{run}", f"gguf:{run / 'student.gguf'}"):
        assert tuned_template(str(spec)) == "ifs"
    assert [tuned_template(spec) for spec in ("embedded", "openai:m", f"hf:{tmp_path}")] == ["", "", ""]
    (run / "student.gguf").write_bytes(b"GGUF")
    ended = command("score", run, "--first", "1", "--dry-run")
    assert "was tuned in the template 'ifs', and is asked in it (--wrapper says otherwise)" in ended.stderr
    assert "tuned in" not in command("score", run, "--wrapper", "none", "--first", "1", "--dry-run").stderr


def test_a_student_that_answers_a_set_is_asked_in_its_form_and_those_beside_it_in_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, object] = {}

    def composed(*given: object) -> None:
        seen.update(given[3])  # type: ignore[call-overload]
        raise BadInput("far enough", fix="none")

    monkeypatch.setattr("selfinstruct.run.recipe.verb_recipes.answer_set", composed)
    run = tmp_path / "run"
    (run / "student").mkdir(parents=True)
    (run / "student" / "training.json").write_text(json.dumps({"recipe": {"format": "ifs"}}), encoding="utf-8")
    for words, wrappers in (
        ((str(run), "--beside", "embedded"), ["ifs", "auto"]),
        (("embedded", "--beside", "hf:embedded"), ["auto"]),
        ((str(run), "--wrapper", "chat"), ["chat"]),
    ):
        command("score", *words, "--on", tmp_path)
        assert seen["wrappers"] == wrappers


def test_a_line_of_the_ledger_without_an_event_ends_nothing(tmp_path: Path) -> None:
    ended = {"event": "finished", "beyond_target": 3}
    (tmp_path / "ledger.jsonl").write_text("{}\n" + json.dumps(ended) + "\n", encoding="utf-8")
    assert exit_report._surplus(tmp_path) == 3
