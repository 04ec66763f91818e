"""The verbs of tone, as a person types them."""

import json
from pathlib import Path

import pytest

from tests.cli.typed import HOME, command, lines

SCRIPT = """
answers:
  - purpose: score
    texts: ["The Danube, which rises in the Black Forest."]
"""


@pytest.fixture(scope="module")
def fragments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fragments") / "run"
    ended = command("fragment", "builtin", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def judge(fragments: Path) -> Path:
    ended = command("train-judge", fragments, "-o", fragments.parent / "judge")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{fragments.parent / 'judge'}\n"
    assert len(ended.stderr.splitlines()) < 12
    assert "test: " in ended.stderr
    assert "auroc 0." in ended.stderr
    metrics = json.loads((fragments.parent / "judge" / "judge.json").read_text(encoding="utf-8"))["metrics"]
    assert json.loads((fragments.parent / "judge" / "metrics.json").read_text(encoding="utf-8")) == metrics
    return fragments.parent / "judge"


def test_fragments_are_published_with_the_paper_s_labels(fragments: Path) -> None:
    rows = [
        line for name in ("train", "validation", "test") for line in lines(fragments / "fragments" / f"{name}.jsonl")
    ]
    answers = sum(line["label"] == 1 for line in rows)
    assert answers * 3 == len(rows) > 500


def test_a_judge_learns_more_than_the_most_frequent_label(judge: Path) -> None:
    metrics = json.loads((judge / "judge.json").read_text(encoding="utf-8"))["metrics"]["test"]
    assert metrics["auroc"]["low"] > 0.6


def test_responses_of_a_file_are_scored(judge: Path, tmp_path: Path) -> None:
    rows = [
        {"instruction": "Name a river in Europe.", "response": "The Danube.", "mine": 7},
        {"instruction": "Name a river in", "response": " the north of Spain and say where it ends.", "whole": False},
    ]
    file = tmp_path / "responses.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ended = command("score", "--responses", file, "--judge", judge, "-o", tmp_path / "score")
    assert ended.returncode == 0, ended.stderr
    score = json.loads((tmp_path / "score" / "score.json").read_text(encoding="utf-8"))
    wanted = {"ifs", "ifs_clean", "ifs_partial", "ifs_full", "gap", "run_on", "empty", "echo", "loop", "truncated", "n"}
    assert wanted <= set(score)
    assert score["n"] == 2
    [first, _] = lines(tmp_path / "score" / "responses.jsonl")
    assert first["mine"] == 7


def test_a_model_is_scored_on_the_shipped_prompts(judge: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    words = ("score", f"scripted:{script}", "--judge", judge, "--first", 5, "--wrapper", "none", "--wrapper", "alpaca")
    ended = command(*words, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    score = json.loads((tmp_path / "run" / "score.json").read_text(encoding="utf-8"))
    assert [(row["wrapper"], row["n"]) for row in score["scores"]] == [("none", 10), ("alpaca", 10)]
    assert ended.stdout == f"{tmp_path / 'run' / 'score.json'}\n"
    assert "tasks kept" not in ended.stderr
    assert not (tmp_path / "run" / "kept.jsonl").exists()
    for verb in ("show", "report"):
        assert command(verb, tmp_path / "run").returncode == 0
    low, high = score["scores"][0]["intervals"]["ifs"]
    assert f"{score['scores'][0]['ifs']:.3f} [{low:.3f}, {high:.3f}]" in ended.stderr
    again = command(*words, "-o", tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert "Traceback" not in ended.stderr + again.stderr
    sent = command(*words, "--dry-run")
    assert sent.returncode == 0, sent.stderr
    assert "20" in sent.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [('{"instruction": "x"}\n', "response"), ("", "empty"), ('{"instruction": 3, "response": "x"}\n', "instruction")],
)
def test_responses_that_cannot_be_used_are_one_line(judge: Path, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "responses.jsonl"
    file.write_text(content, encoding="utf-8")
    ended = command("score", "--responses", file, "--judge", judge, "-o", tmp_path / "score")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert said in ended.stderr or said == "empty"
    assert not (tmp_path / "score" / "score.json").exists()


def test_a_folder_without_a_judge_is_one_line(tmp_path: Path) -> None:
    ended = command("score", f"scripted:{HOME / 'README.md'}", "--judge", tmp_path, "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_a_score_has_nothing_to_push_and_a_push_that_must_fail_is_refused_first(tmp_path: Path) -> None:
    refused = command("score", "embedded", "--push", "me/set", "-o", tmp_path / "run")
    assert (refused.returncode, "No such option" in refused.stderr) == (2, True)
    ended = command("curate", HOME / "pipelines" / "samples" / "notes.json", "--push", "me/set", "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "HF_TOKEN is not set" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_a_cut_prompt_of_ours_is_counted_as_cut_where_a_line_does_not_say(judge: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(SCRIPT, encoding="utf-8")
    asked = command("score", f"scripted:{script}", "--judge", judge, "--first", 5, "-o", tmp_path / "asked")
    assert asked.returncode == 0, asked.stderr
    rows = [{key: row[key] for key in ("prompt", "response")} for row in lines(tmp_path / "asked" / "responses.jsonl")]
    file = tmp_path / "bare.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ended = command("score", "--responses", file, "--judge", judge, "-o", tmp_path / "told")
    assert ended.returncode == 0, ended.stderr
    one, other = (
        json.loads((tmp_path / name / "score.json").read_text(encoding="utf-8")) for name in ("asked", "told")
    )
    assert (other["n_partial"], other["n_full"]) == (one["n_partial"], one["n_full"]) == (5, 5)
    assert (other["ifs"], other["ifs_partial"]) == (one["ifs"], one["ifs_partial"])
