"""`--retry-failed`: what failed in a finished run is asked again when a person says so, and nothing else is."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from werkzeug import Response

from selfinstruct.cli.main import desk
from selfinstruct.models.scripted import Scripted, find_script
from selfinstruct.run.resume import _forget_failed
from selfinstruct.store.run_folder import RunFolder, StageFolder
from tests.faults.same import answers, files
from tests.faults.teacher import Question, Teacher, said

BANK = Scripted.load(find_script("smoke")).bank
INSTRUCTIONS = [task.instruction for task in BANK if not task.is_classification][:10]
UNLUCKY = {INSTRUCTIONS[2], INSTRUCTIONS[7]}


def unlucky(question: Question) -> Response | None:
    return said({"error": {"message": "not today"}}, 400) if question.subject in UNLUCKY else None


@pytest.fixture
def teacher(httpserver: HTTPServer) -> Teacher:
    return Teacher(httpserver, unlucky)


def run(teacher: Teacher, recipe: Path, folder: Path, *words: str) -> Result:
    teacher.asked.clear()
    variables = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": teacher.url}
    ended = CliRunner(env=variables).invoke(
        desk, ["run", str(recipe), "-o", str(folder), *words], standalone_mode=False
    )
    assert ended.exception is None, ended.exception
    return ended


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def over_inputs(tmp_path: Path) -> Path:
    """A recipe that asks once about each of ten instructions."""
    inputs = tmp_path / "inputs.jsonl"
    rows = [{"instruction": instruction, "instances": [], "is_classification": False} for instruction in INSTRUCTIONS]
    inputs.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: retry\nmodels: {teacher: 'openai:m'}\n"
        f"inputs: ['{inputs}']\nstages: [instances, prepare]\npublish: {{files: [jsonl]}}\n",
        encoding="utf-8",
    )
    return recipe


def test_only_failed_calls_are_asked_again_and_only_when_told_to(
    teacher: Teacher, over_inputs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run(teacher, over_inputs, folder)
    assert sorted(question.subject for question in teacher.asked) == sorted(INSTRUCTIONS)
    assert len(lines(folder / "failed.jsonl")) == len(UNLUCKY)
    assert len(lines(folder / "kept.jsonl")) == 8
    before = files(folder)

    teacher.fate = lambda _: None
    run(teacher, over_inputs, folder)
    assert teacher.asked == []
    assert files(folder) == before

    run(teacher, over_inputs, folder, "--retry-failed")
    assert sorted(question.subject for question in teacher.asked) == sorted(UNLUCKY)
    assert lines(folder / "failed.jsonl") == []
    assert [line["instruction"] for line in lines(folder / "kept.jsonl")] == INSTRUCTIONS

    run(teacher, over_inputs, folder, "--retry-failed")
    assert teacher.asked == []


def test_questions_of_a_score_that_failed_are_asked_again_too(teacher: Teacher, tmp_path: Path) -> None:
    recipe, folder = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(
        "name: retry\nmodels: {teacher: 'openai:m'}\nstages: [{score: {wrappers: [none], first: 3, budget: 0}}]\n"
        "publish: null\n",
        encoding="utf-8",
    )
    teacher.fate = lambda _: said({}, 400) if len(teacher.asked) == 2 else None
    run(teacher, recipe, folder)
    assert json.loads((folder / "score.json").read_text(encoding="utf-8"))["n"] == 5
    teacher.fate = lambda _: None
    run(teacher, recipe, folder, "--retry-failed")
    assert len(teacher.asked) == 1
    assert json.loads((folder / "score.json").read_text(encoding="utf-8"))["n"] == 6


def test_a_retry_that_is_killed_while_it_forgets_is_begun_again(
    teacher: Teacher, over_inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    run(teacher, over_inputs, folder)
    teacher.fate = lambda _: None
    forgotten: list[str] = []
    forget = StageFolder.forget

    def once(place: StageFolder) -> None:
        if forgotten:
            raise RuntimeError
        forgotten.append(place.path.name)
        forget(place)

    monkeypatch.setattr(StageFolder, "forget", once)
    with pytest.raises(RuntimeError):
        _forget_failed(RunFolder(folder))
    assert forgotten == ["03-prepare"]
    monkeypatch.undo()
    run(teacher, over_inputs, folder, "--retry-failed")
    assert sorted(question.subject for question in teacher.asked) == sorted(UNLUCKY)
    assert [line["instruction"] for line in lines(folder / "kept.jsonl")] == INSTRUCTIONS


def test_what_fails_again_is_told_again_and_changes_nothing(
    teacher: Teacher, over_inputs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    run(teacher, over_inputs, folder)
    before, paid = files(folder), answers(folder)
    run(teacher, over_inputs, folder, "--retry-failed")
    assert sorted(question.subject for question in teacher.asked) == sorted(UNLUCKY)
    assert files(folder) == before
    assert answers(folder) == paid


def test_a_retried_run_has_the_bytes_of_one_in_which_nothing_failed(teacher: Teacher, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: retry\nmodels: {teacher: 'openai:m'}\ncount: 9\nrequests_per_round: 1\n"
        "rounds: [propose, filter, novelty, classify, instances, prepare]\npublish: {files: [jsonl]}\n",
        encoding="utf-8",
    )
    lucky, retried = tmp_path / "lucky", tmp_path / "retried"
    teacher.fate = lambda _: None
    run(teacher, recipe, lucky)
    asked = [question.subject for question in teacher.asked if question.kind == "instances"]
    bad = asked[1]

    teacher.fate = lambda question: said({}, 400) if (question.kind, question.subject) == ("instances", bad) else None
    run(teacher, recipe, retried)
    assert lines(retried / "failed.jsonl")
    answered = {row[:3] for row in answers(retried)}

    teacher.fate = lambda _: None
    run(teacher, recipe, retried, "--retry-failed")
    assert ("instances", bad) in {(question.kind, question.subject) for question in teacher.asked}
    assert {row[:3] for row in answers(retried)} >= answered
    assert files(retried) == files(lucky)
