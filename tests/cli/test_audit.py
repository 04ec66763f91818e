"""`audit ablate`, as a person types it."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.formats.seeds import builtin_seeds
from tests.cli.typed import command, lines
from tests.finetune.builders import Folder

OURS = builtin_seeds().with_name("natinst.jsonl")
SCRIPT = """
answers:
  - purpose: ablate
    texts: ["yes"]
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    file = tmp_path / "script.yaml"
    file.write_text(SCRIPT, encoding="utf-8")
    return f"scripted:{file}"


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A folder of task files, as the public ones lie."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    for line in OURS.read_text(encoding="utf-8").splitlines()[1:60:8]:
        task = json.loads(line)
        (folder / f"{task.pop('Name')}.json").write_text(json.dumps(task), encoding="utf-8")
    return folder


def test_a_folder_of_task_files_is_asked_under_each_condition(model: str, tasks: Path, tmp_path: Path) -> None:
    words = ("audit", "ablate", tasks, "--model", model, "--instances", "9")
    told = command(*words, "-o", tmp_path / "run")
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads((tmp_path / "run" / "ablation.json").read_text(encoding="utf-8"))
    assert found["tasks"] == {"labels": 4, "free_text": 4}
    assert "divisible_by_three" in found["by_task"]["original"]
    assert len(found["arms"]) == 9
    assert "Verdict on definitions: cannot tell (no arm beats" in told.stderr
    assert "| wrong pairing" in told.stderr
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Does it use its instructions?" in page
    assert "Tasks with a label space" in page
    assert "Sorting" in page  # one of the categories
    sent = command(*words, "--dry-run")
    answered = lines(tmp_path / "run" / "conditions.jsonl")
    assert f" {len({str(one['request']) for one in answered})} " in sent.stdout
    assert "exact" in sent.stdout


def test_arms_are_named_as_people_write_them(model: str, tasks: Path, tmp_path: Path) -> None:
    told = command(
        "audit", "ablate", tasks, "--model", model, "--arms", "original, wrong-pairing", "-o", tmp_path / "run"
    )
    assert told.returncode == 0, told.stderr
    found = json.loads((tmp_path / "run" / "ablation.json").read_text(encoding="utf-8"))
    assert [arm["name"] for arm in found["arms"]] == ["original", "wrong_pairing"]
    assert found["control"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.json",), "none.json"),
        (("builtin:natinst", "--arms", "orignal"), "no condition 'orignal'"),
        (("builtin:natinst", "--arms", "empty,empty"), "named twice"),
        (("builtin",), "label space"),
        (("builtin:nothing",), "no built-in set"),
    ],
)
def test_what_cannot_be_audited_is_one_line(words: tuple[str, ...], said: str, model: str, tmp_path: Path) -> None:
    told = command("audit", "ablate", *words, "--model", model, "-o", tmp_path / "run")
    assert told.returncode == 2
    assert said in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_arms_are_trained_on_one_budget_and_told_in_one_table(tasks: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    Folder.made(tmp_path / "base", max_position_embeddings=1024)
    knobs = ("finetune.batch=8", "ablate.label_tokens=4", "ablate.text_tokens=4")
    words = ["audit", "ablate", tasks, "--base", f"hf:{tmp_path / 'base'}", "--examples", 2, "--instances", 1]
    words += [word for knob in knobs for word in ("--set", knob)]
    words += ["--arms", "original,wrong-pairing", "--epochs", "1", "-o", tmp_path / "run"]
    told = command(*words)
    assert told.returncode == 0, told.stderr
    found = json.loads((tmp_path / "run" / "ablation.json").read_text(encoding="utf-8"))["examples"]["2"]
    assert found["tasks"] == {"labels": 4, "free_text": 4}
    assert [arm["name"] for arm in found["arms"]] == ["original", "wrong_pairing"]
    assert found["conclusion"]["verdict"] == "cannot tell"
    assert "Trained on at most 2 examples of each task, 4 students" in told.stderr
    seen = {
        json.loads(file.read_text(encoding="utf-8"))["training"]["examples_seen"]
        for file in (tmp_path / "run").glob("*/student/training.json")
    }
    assert seen == {8}
    again = command(*words)
    assert again.returncode == 0
    assert (tmp_path / "run" / "ablation.md").read_text(encoding="utf-8") in again.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--model to ask or a --base to tune"),
        (("--model", "embedded", "--base", "embedded"), "not both"),
        (("--base", "embedded"), "-o FOLDER"),
        (("--base", "embedded", "--arms", "inverted", "-o", "x"), "no arm 'inverted' to train"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused(words: tuple[str, ...], said: str) -> None:
    told = command("audit", "ablate", "builtin:natinst", *words)
    assert told.returncode == 2
    assert said in told.stderr
