"""A score that somebody looked into: the sheet out, filled in, and back, as a person types it."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.typed import command, lines

ASKED = [
    (f"{verb} {thing}{'' if whole else ' and'}", whole)
    for verb in ("Name", "Describe", "Compare")
    for thing in ("a river", "two trees", "a bridge", "three rooms", "some bread", "an hour", "a cloud", "the sea")
    for whole in (True, False)
]


def answers(model: str, *, every: int) -> str:
    rows = [
        {
            "model": model,
            "prompt": prompt,
            "whole": whole,
            "response": "It is an old one, and people like it." if at % every else " the others, please, and say why",
        }
        for at, (prompt, whole) in enumerate(ASKED)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reads")
    file = folder / "responses.jsonl"
    file.write_text(answers("alpha-9", every=2) + answers("beta-9", every=5), encoding="utf-8")
    ended = command("score", "--responses", file, "--judge", "ifs-v1", "-o", folder / "score")
    assert ended.returncode == 0, ended.stderr
    return folder / "score"


def filled_in(sheet: Path, place: Path) -> Path:
    head, *rows = csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig"), newline=""))
    with place.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [head, *([*row[:3], "no" if "the others" in row[2] else "yes"] for row in rows)]
        )
    return place


def test_a_sheet_is_drawn_filled_in_and_read_back(score: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    ended = command("score", "--read", "20", score, "-o", sheet)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{sheet}\n"
    assert "40 responses of 2 models" in ended.stderr
    assert "reading_guide.md" in ended.stderr
    text = sheet.read_text(encoding="utf-8-sig")
    assert text.startswith("id,prompt,first 48 tokens,answers (yes/no/unsure)")
    assert "-9" not in text
    [record] = score.glob("read-r*.json")
    drawn = json.loads(record.read_text(encoding="utf-8"))
    assert len(drawn["rows"]) == 40
    assert {row["chance"] for row in drawn["rows"].values()} == {10 / 24}

    again = command("score", "--read", "20", score, "-o", sheet)
    assert (again.returncode, again.stdout) == (2, "")
    assert f"{sheet}: exists already" in again.stderr

    ended = command("score", "--filled", filled_in(sheet, tmp_path / "filled.csv"), score)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{score / 'read.json'}\n"
    page = json.loads((score / "read.json").read_text(encoding="utf-8"))
    one, other = page["models"]
    said = json.loads((score / "score.json").read_text(encoding="utf-8"))
    assert [each["by_judge"]["value"] for each in (one, other)] == [each["ifs"] for each in said["scores"]]
    for each, truth in ((one, 1 / 2), (other, 38 / 48)):
        assert each["read"] == 20
        assert each["ifs"]["low"] <= truth <= each["ifs"]["high"]
        assert each["ifs"]["how"] in {"reads", "prediction-powered"}
    [difference] = page["differences"]
    assert difference["of"] == "beta-9"
    assert difference["ifs"]["value"] == pytest.approx(other["ifs"]["value"] - one["ifs"]["value"])
    assert f"{one['ifs']['value']:.3f} [{one['ifs']['low']:.3f}, {one['ifs']['high']:.3f}]" in ended.stderr
    assert "beta-9 above alpha-9" in ended.stderr
    shown = command("score", "--filled", tmp_path / "filled.csv", score, "--json")
    assert json.loads(shown.stdout) == page


def test_what_cannot_be_read_is_one_line(score: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    assert command("score", "--read", "24", score, "-o", sheet).returncode == 0
    other = tmp_path / "other"
    other.mkdir()
    lines_of = lines(score / "responses.jsonl")
    (other / "score.json").write_bytes((score / "score.json").read_bytes())
    (other / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines_of[:-1]), encoding="utf-8")
    moved = tmp_path / "moved"
    moved.mkdir()
    for record in [*score.glob("read-r*.json"), score / "score.json"]:
        (moved / record.name).write_bytes(record.read_bytes())
    (moved / "responses.jsonl").write_bytes((other / "responses.jsonl").read_bytes())
    empty = tmp_path / "empty"
    empty.mkdir()
    for words, said in (
        (("--filled", sheet, score), f"{sheet}: 48 of 48 rows have no answer yet (line 2, 3, 4 ...)"),
        (("--filled", sheet, other), "a sheet of another score"),
        (("--filled", sheet, moved), "drawn from other responses"),
        (("--filled", tmp_path / "none.csv", score), "No such file"),
        (("--filled", score / "score.json", score), "no sheet of `score --read`"),
        (("--read", "24", empty), "holds no score.json"),
        (("--read", "24", tmp_path / "nowhere"), "no such folder"),
        (("--read", "5", score), "--read: 5 reads of a model say nothing"),
        (("--read", "24", score, "--wrapper", "tags", "-o", empty / "s.csv"), "no response under these wrappers"),
        (("--read", "24", score, "--objecqa"), "--read goes without --objecqa"),
        (("--filled", sheet, score, "-o", empty), "--filled goes without -o"),
        (("--read", "24"), "name the folder of a score"),
    ):
        ended = command("score", *words)
        assert (ended.returncode, ended.stdout) == (2, ""), words
        assert said in ended.stderr, ended.stderr
        assert "Traceback" not in ended.stderr
    assert not list(empty.iterdir())
