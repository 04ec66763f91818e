"""The verbs that look into weights, from what a person types to the file and the page."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from tests.audit.two_models import adapter
from tests.models import tiny_models

pytest.importorskip("torch")
pytest.importorskip("peft")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    base = tiny_models.saved(place / "base")
    tiny_models.saved(place / "sibling", seed=2)
    adapter(place / "lora", base)
    rows = [{"instruction": text, "output": "The Ebro."} for text in ("Name a river.", "Why?")]
    (place / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return place


def typed(*words: object) -> Result:
    return CliRunner().invoke(desk, [str(word) for word in words])


def result(told: Result, file: Path) -> dict[str, Any]:
    assert told.exit_code == 0, (told.output, told.exception)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_shift_is_a_file_a_page_and_a_few_words(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    models = ("--base", home / "base", "--tuned", home / "lora")
    done = typed("audit", "shift", *models, "--prompts", home / "prompts.jsonl", "--tokens", 8, "-o", out, "--json")
    told = result(done, out / "shift.json")
    assert told["template"] == "chat"
    assert told["responses"] == 2
    assert "unshifted" in done.output
    assert json.loads(done.output.splitlines()[-1])["result"] == str(out / "shift.json")


def test_a_student_of_another_base_is_one_line(home: Path, tmp_path: Path) -> None:
    models = ("--base", home / "sibling", "--tuned", home / "lora")
    done = typed("audit", "shift", *models, "--prompts", home / "prompts.jsonl", "-o", tmp_path / "out")
    assert isinstance(done.exception, BadInput)
    assert done.exception.exit_code == 2
    assert "was tuned from" in str(done.exception)


def test_knowledge_is_asked_of_our_facts_where_none_are_named(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    models = ("--base", home / "base", "--tuned", home / "lora", "--tuned", home / "sibling")
    done = typed("audit", "knowledge", *models, "--held-out", home / "prompts.jsonl", "--first", 6, "-o", out)
    told = result(done, out / "knowledge.json")
    assert told["statements"] == 6
    assert told["held_out"] == 2
    assert len(told["models"]) == 3
    assert "facts that the base knows" in done.output
