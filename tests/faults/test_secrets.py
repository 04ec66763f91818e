"""A key that the endpoint repeats wherever it can is in no file of the run and in nothing that is printed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from werkzeug import Response

from selfinstruct.cli.main import desk
from selfinstruct.errors import SelfInstructError
from tests.cli.typed import command, process
from tests.faults.teacher import Question, Teacher, said

CORE = "c4n4ry5e5a0123456789"
KEY = f"sk-{CORE}/+x=&<y>"  # signs that JSON writers like to escape
RECIPE = """
name: secrets
models: {teacher: "openai:m"}
count: 4
requests_per_round: 2
rounds: [propose, filter, novelty, classify, instances, prepare]
publish: {files: [jsonl]}
limits: {attempts: 2, give_up_after: 5, requests_per_minute: 6000}
"""


@pytest.fixture
def teacher(httpserver: HTTPServer) -> Teacher:
    return Teacher(httpserver)


def written(place: Path) -> Path:
    recipe = place / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return recipe


def run(teacher: Teacher, place: Path, *words: str, **variables: str) -> tuple[int, str]:
    """A run against the teacher, in this process; its exit code and everything it printed."""
    line = ["run", str(written(place)), "-o", str(place / "run"), *words]
    ended = CliRunner(env=environment(teacher, **variables)).invoke(desk, line, standalone_mode=False)
    if isinstance(ended.exception, SelfInstructError):
        return ended.exception.exit_code, ended.output + str(ended.exception)
    assert ended.exception is None, ended.exception
    return int(ended.return_value), ended.output


def environment(teacher: Teacher, **variables: str) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": teacher.url, **variables}


def leaks(folder: Path, *printed: str) -> Iterator[str]:
    """Files and output that hold the key, or its core however the rest is written."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and CORE.encode() in path.read_bytes():
            yield str(path)
    yield from (text for text in printed if CORE in text)


def in_json(key: str) -> str:
    """As the writers of other languages put it into JSON."""
    for sign in "/":
        key = key.replace(sign, "\\" + sign)
    for sign in "+=&<>":
        key = key.replace(sign, f"\\u{ord(sign):04X}")
    return key


def key_of(question: Question) -> str:
    return question.key.removeprefix("Bearer ")


def escaped(body: object, question: Question) -> str:
    return json.dumps(body).replace(key_of(question), in_json(key_of(question)))


def echo_in_failures(question: Question) -> Response | None:
    """Now and then a fault that passes, and about some instructions one that does not; each repeats the key."""
    message = f"{question.kind}: your key {key_of(question)} met a fault, {question.key}"
    if question.kind == "instances" and len(question.subject) % 3 == 0:
        return said({"error": {"message": message}}, 400)
    if len(question.prompt) % 7 == 0:
        return said(escaped({"error": {"message": message}}, question), 400)
    return None


def test_after_a_whole_run_no_file_and_no_verb_holds_the_key(teacher: Teacher, tmp_path: Path) -> None:
    teacher.fate = echo_in_failures
    folder = tmp_path / "run"
    ended = process("run", written(tmp_path), "-o", folder, **environment(teacher, OPENAI_LOG="debug"))
    assert ended.returncode == 0, ended.stderr
    assert {key_of(question) for question in teacher.asked} == {KEY}
    failed = (folder / "failed.jsonl").read_text(encoding="utf-8")
    assert "***" in failed
    identity = json.loads((folder / "kept.jsonl").read_text(encoding="utf-8").splitlines()[0])["id"]
    broken = json.loads(failed.splitlines()[-1])["record"]["id"]
    said_by = [ended.stdout, ended.stderr]
    for words in (
        ["show", folder],
        ["why", identity, folder],
        ["why", broken, folder, "--json"],
        ["report", folder],
        ["reconsider", folder, "--set", "novelty.rouge_l_below=0.5"],
        ["review", folder, "--n", 2],
        ["run", folder / "recipe.yaml", "--dry-run"],
        ["run", folder / "recipe.yaml", "-o", folder],
    ):
        ended = command(*words, **environment(teacher))
        assert ended.returncode == 0, ended.stderr
        said_by.append(ended.stdout + ended.stderr)
    assert list(leaks(tmp_path, *said_by)) == []


def test_an_answer_that_repeats_the_key_is_a_failure_and_is_not_written(teacher: Teacher, tmp_path: Path) -> None:
    def parrot(question: Question) -> Response | None:
        if question.kind != "instances":
            return None
        text = f"Output: Your key is {key_of(question)}, and it is a good one."
        body = json.dumps({"choices": [{"index": 0, "text": text, "finish_reason": "stop"}], "echo": question.key})
        return said(body.replace(key_of(question), in_json(key_of(question))) if len(question.prompt) % 2 else body)

    teacher.fate = parrot
    code, printed = run(teacher, tmp_path, "--set", "count=2", "--set", "stop.barren_requests=4")
    assert code in {1, 3}
    assert "answer_contains_key" in printed
    assert b"and it is a good one" not in (tmp_path / "run" / "journal.sqlite").read_bytes()
    assert list(leaks(tmp_path, printed)) == []


FATES: dict[str, Callable[[Question], Response]] = {
    "refused": lambda question: said({"error": {"message": f"{key_of(question)} is no key"}}, 401),
    "escaped": lambda question: said(escaped({"error": {"message": f"{key_of(question)} is none"}}, question), 403),
    "not JSON": lambda question: said(f"<html>{question.key}</html>"),
    "cut off": lambda question: said(escaped({"choices": [key_of(question)]}, question)[:-3]),
    "the code": lambda question: said({"error": {"message": "no", "code": key_of(question)}}, 400),
    "a key of the object": lambda question: said({key_of(question): 1, "detail": {question.key: 2}}, 422),
    "redirect": lambda question: Response("", 307, {"Location": f"http://127.0.0.1:1/{key_of(question)}"}),
    "reason": lambda question: Response("", f"400 {question.key}"),
}


@pytest.mark.parametrize("fate", FATES)
def test_a_run_that_fails_in_words_with_the_key_in_them_does_not_pass_them_on(
    fate: str, teacher: Teacher, tmp_path: Path
) -> None:
    teacher.fate = FATES[fate]
    few = ["--set", "limits.attempts=1", "--set", "limits.give_up_after=1"]
    code, printed = run(teacher, tmp_path, *few)
    assert code == 3, printed
    assert teacher.asked
    assert list(leaks(tmp_path, printed)) == []


def test_a_key_in_the_address_is_refused_without_being_repeated(teacher: Teacher, tmp_path: Path) -> None:
    for url in (
        teacher.url.replace("http://", f"http://user:{CORE}@"),
        teacher.url.replace("http://", f"http://{CORE}@"),
        f"{teacher.url}?key={CORE}",
        f"{teacher.url}#{CORE}",
    ):
        code, printed = run(teacher, tmp_path, OPENAI_BASE_URL=url)
        assert code == 2, (url, printed)
        assert list(leaks(tmp_path, printed)) == []
    code, printed = run(teacher, tmp_path, "--dry-run", OPENAI_BASE_URL=f"http://user:{CORE}@127.0.0.1/v1")
    assert code == 2, printed
    assert list(leaks(tmp_path, printed)) == []
    assert teacher.asked == []


def test_a_key_with_a_line_break_is_refused_without_being_repeated(teacher: Teacher, tmp_path: Path) -> None:
    code, printed = run(teacher, tmp_path, OPENAI_API_KEY=f"{KEY}\r\nX-More: {CORE}")
    assert code == 2
    assert teacher.asked == []
    assert list(leaks(tmp_path, printed)) == []
