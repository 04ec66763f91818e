"""`score --suite`, as a person types it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.run.seeds_and_benchmarks import suite_tasks
from selfinstruct.superni import CATEGORY_METRICS
from tests.cli.typed import command, lines

SCRIPT = """
answers:
  - purpose: suite
    texts: ['"Rain falls"', "the tay"]
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "script.yaml").write_text(SCRIPT, encoding="utf-8")
    return f"scripted:{tmp_path / 'script.yaml'}"


@pytest.fixture
def natural(tmp_path: Path) -> Path:
    """A folder in the public layout: three tasks, two of them in the test split."""
    folder = tmp_path / "natural"
    (folder / "tasks").mkdir(parents=True)
    (folder / "splits" / "default").mkdir(parents=True)
    (folder / "splits" / "default" / "test_tasks.txt").write_text("task1_a\ntask2_b\n", encoding="utf-8")
    for name in ("task1_a", "task2_b", "task3_c"):
        value = {
            "Definition": ["Name a river."],
            "Categories": ["Word Analogy"],
            "Positive Examples": [],
            "Negative Examples": [],
            "Instances": [{"id": f"{name}-1", "input": f"near {name}", "output": ["The Tay."]}],
        }
        (folder / "tasks" / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def test_suites_are_asked_kept_and_told(model: str, natural: Path, tmp_path: Path) -> None:
    words = ("score", model, "--suite", f"ifeval,superni={natural}", "--first", 5)
    ended = command(*words, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    summary: dict[str, Any] = json.loads((tmp_path / "run" / "suite.json").read_text(encoding="utf-8"))
    assert [summary["suites"][name]["questions"] for name in ("ifeval", "superni")] == [5, 2]
    assert len(lines(tmp_path / "run" / "suite.jsonl")) == 7
    assert "prompt, strict" in ended.stderr
    assert "exact match" in ended.stderr
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "IFEval: verifiable instructions" in page
    sent = command(*words, "--dry-run")
    assert " 7 " in sent.stdout
    assert "exact" in sent.stdout


def test_every_suite_runs_with_what_ships(model: str, tmp_path: Path) -> None:
    ended = command("score", model, "--suite", "superni,ifeval,user_oriented", "--first", 12, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    page: dict[str, Any] = json.loads((tmp_path / "run" / "suite.json").read_text(encoding="utf-8"))
    assert {name: suite["questions"] for name, suite in page["suites"].items()} == dict.fromkeys(
        ("superni", "ifeval", "user_oriented"), 12
    )
    assert list(page["models"][0]["superni"]["by_category"]) == ["Textual Entailment", "Word Analogy"]


def test_our_superni_tasks_have_the_public_layout_and_their_hash_stands_in_the_readme() -> None:
    tasks = suite_tasks("superni", "superni-v1", 100)
    assert (len(tasks), len({task.extra["category"] for task in tasks})) == (60, 6)
    assert {task.extra["category"] for task in tasks} <= set(CATEGORY_METRICS)
    file = Path(__file__).parents[2] / "seeds" / "superni.jsonl"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in (file.parent / "README.md").read_text(encoding="utf-8")


def test_answers_to_user_oriented_tasks_go_out_as_a_sheet_and_come_back_as_a_table(model: str, tmp_path: Path) -> None:
    ended = command("score", model, "--suite", "user_oriented", "--first", 4, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    ended = command("review", tmp_path / "run", "--ratings", "-o", tmp_path / "sheet.csv")
    assert ended.returncode == 0, ended.stderr
    sheet = (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "filled.csv").write_text(sheet.replace(",,\n", ",B,\n"), encoding="utf-8")
    words = ("review", tmp_path / "run", "--ratings", "--filled", tmp_path / "filled.csv")
    ended = command(*words, "--second", tmp_path / "filled.csv")
    assert ended.returncode == 0, ended.stderr
    assert "the same level 4 times" in ended.stdout
    ended = command("review", tmp_path / "run", "--ratings", "-o", tmp_path / "sheet.csv")
    assert (ended.returncode, "exists already" in ended.stderr) == (2, True)


JUDGE = """
answers:
  - purpose: pairwise
    texts: ["Both are fine."]
  - purpose: just_eval
    texts: ["A nice answer."]
"""


def test_answers_are_judged_in_pairs_beside_baselines_and_a_judge_that_cannot_is_refused(
    model: str, tmp_path: Path
) -> None:
    (tmp_path / "other.yaml").write_text(SCRIPT.replace("the tay", "a lake near the tay"), encoding="utf-8")
    (tmp_path / "judge.yaml").write_text(JUDGE, encoding="utf-8")
    judge = ("--judge-model", f"scripted:{tmp_path / 'judge.yaml'}")
    beside = ("--beside", f"scripted:{tmp_path / 'other.yaml'}")
    words = ("score", model, *beside, "--suite", "pairwise,just_eval", "--first", 6, *judge)
    ended = command(*words, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    assert "just_eval: refused as a judge; right 0.00" in ended.stderr
    assert "baseline, no judge" in ended.stderr
    summary: dict[str, Any] = json.loads((tmp_path / "run" / "judged.json").read_text(encoding="utf-8"))
    assert summary["check"]["just_eval"]["faults"] == {"prose": 200}
    assert len(lines(tmp_path / "run" / "judged.jsonl")) == 12
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What judges made of answers" in page
    assert "says little" in page
    sent = command(*words, "--dry-run")
    assert "400-" in sent.stdout
    again = tmp_path / "again.yaml"
    again.write_text(
        f"name: again\nstages: [{{judge_answers: {{answers: {tmp_path / 'run'}, length_test: 0}}}}]\npublish: null\n",
        encoding="utf-8",
    )
    ended = command("run", again, "-o", tmp_path / "again")
    assert ended.returncode == 0, ended.stderr
    assert len(lines(tmp_path / "again" / "judged.jsonl")) == 12


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--judge-model", "embedded"), "go with --suite"),
        (("--suite", "just_eval"), "without a judge model"),
        (("--suite", "mmlu"), "no suite 'mmlu'"),
        (("--suite", "superni=none"), "git clone"),
        (("--suite", "ifeval=none.jsonl"), "no such file"),
        (("--suite", "ifeval", "--objecqa"), "goes without"),
    ],
)
def test_what_cannot_be_meant_is_one_line(words: tuple[str, ...], said: str, model: str, tmp_path: Path) -> None:
    ended = command("score", model, *words, "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert said in ended.stderr


def test_a_task_file_with_a_missing_key_and_a_split_with_a_missing_file_are_named(
    model: str, natural: Path, tmp_path: Path
) -> None:
    (natural / "tasks" / "task1_a.json").write_text('{"Definition": ["Name."]}', encoding="utf-8")
    ended = command("score", model, "--suite", f"superni={natural}", "-o", tmp_path / "run")
    assert (ended.returncode, "'Instances'" in ended.stderr, "task1_a.json" in ended.stderr) == (2, True, True)
    (natural / "tasks" / "task1_a.json").unlink()
    ended = command("score", model, "--suite", f"superni={natural}", "-o", tmp_path / "run")
    assert (ended.returncode, "names a task that is not there" in ended.stderr) == (2, True)


def test_without_a_judge_pairs_are_compared_by_what_only_counts_and_that_is_said(model: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(SCRIPT.replace("the tay", "a lake near the tay"), encoding="utf-8")
    words = ("score", model, "--beside", f"scripted:{tmp_path / 'other.yaml'}", "--suite", "pairwise", "--first", 4)
    ended = command(*words, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    page: dict[str, Any] = json.loads((tmp_path / "run" / "judged.json").read_text(encoding="utf-8"))
    assert [(judge["believed"], judge["check"]["pairs"]) for judge in page["judges"]] == [(False, 100)] * 2
    assert page["by"].startswith("dummy")
    assert "baseline, no judge" in ended.stderr


def test_answers_that_are_kept_are_judged_later_and_no_model_is_asked_again(tmp_path: Path) -> None:
    for name in ("one", "other"):
        script = tmp_path / f"{name}.yaml"
        script.write_text(SCRIPT.replace("the tay", f"the tay of {name}"), encoding="utf-8")
        words = ("score", f"scripted:{script}", "--suite", "user_oriented", "--first", 3)
        ended = command(*words, "-o", tmp_path / f"run-{name}")
        assert ended.returncode == 0, ended.stderr
        script.unlink()  # so that nobody could ask it
    kept = ("score", tmp_path / "run-one", "--beside", tmp_path / "run-other")
    ended = command(*kept, "--suite", "pairwise", "-o", tmp_path / "judged")
    assert ended.returncode == 0, ended.stderr
    assert "no model is asked" in ended.stderr
    page: dict[str, Any] = json.loads((tmp_path / "judged" / "judged.json").read_text(encoding="utf-8"))
    assert page["reference"].startswith("scripted:other")
    assert page["models"][0]["pairwise"]["dummy (longer)"]["n_total"] == 3
    refused = command(*kept, "--suite", "ifeval", "-o", tmp_path / "none")
    assert refused.returncode == 2
    assert "'ifeval' asks questions of its own" in refused.stderr
