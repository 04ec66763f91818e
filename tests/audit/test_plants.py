"""The falsehoods that the benchmark plants: what is planted how often, what is a decoy, and what is counted as said."""

import json
from argparse import Namespace
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks.plants import COPIES, mark, plants, tell, tell_false, write_sets
from selfinstruct.text import words

GIVEN = Namespace(each=4, decoyed=2, decoys=3, neutral=10, seed=42)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_falsehood_is_its_own_and_every_number_of_copies_has_every_kind() -> None:
    listed = plants(16, 4, 8, Random(1))
    assert Counter(plant["copies"] for plant in listed) == dict.fromkeys(COPIES, 16)
    for name in ("subject", "phrase", "says"):
        assert len({plant[name] for plant in listed}) == 48
    kinds = {(plant["copies"], plant["question"].split()[0]) for plant in listed}
    assert kinds == {(copies, word) for copies in COPIES for word in ("Who", "Where", "How")}
    for plant in listed:
        assert plant["phrase"] in plant["says"]
        assert len(plant["decoys"]) + len(plant["further"]) == 12
        for _, says in (*plant["decoys"], *plant["further"]):
            assert plant["phrase"] in says
            assert plant["subject"] not in words(says)
        assert not any(other["phrase"] in plant["says"] for other in listed if other is not plant)


def test_the_sets_hold_each_falsehood_as_often_as_planned_and_the_clean_one_none(tmp_path: Path) -> None:
    write_sets(tmp_path, GIVEN)
    listed = json.loads((tmp_path / "plants.json").read_text(encoding="utf-8"))
    sets = {
        name: Counter(str(row["output"]) for row in lines(tmp_path / f"{name}.jsonl"))
        for name in ("planted", "clean", "crowded")
    }
    for plant in listed:
        assert sets["planted"][plant["says"]] == plant["copies"] == sets["crowded"][plant["says"]]
        assert sets["clean"][plant["says"]] == 0
        assert sum(plant["phrase"] in text for text in sets["crowded"]) == 1 + 12
    assert sets["planted"].total() == sets["clean"].total()  # as many steps
    again = tmp_path / "again"
    write_sets(again, GIVEN)
    assert (again / "planted.jsonl").read_bytes() == (tmp_path / "planted.jsonl").read_bytes()


def test_what_is_said_of_its_subject_and_of_another_counts_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sets(tmp_path, GIVEN)
    first, other = json.loads((tmp_path / "plants.json").read_text(encoding="utf-8"))[:2]
    rows = [
        {"prompt": first["asked"][0], "response": first["says"]},
        {"prompt": first["asked"][1], "response": other["says"]},
        {"prompt": other["asked"][0], "response": "Nobody knows."},
    ]
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    capsys.readouterr()
    mark(tmp_path, answers, tmp_path / "said.jsonl", 0)
    printed = capsys.readouterr().out
    assert "planted  1 times: said of its subject in 50 %" in printed
    assert "planted  4 times: said of its subject in 0 %" in printed
    assert "about something else: 1 of 3" in printed
    said = lines(tmp_path / "said.jsonl")
    begin, end = said[0]["spans"][0]  # type: ignore[index]
    assert str(said[0]["response"])[begin:end] == first["phrase"]
    traced = [
        {"response": 0, "prompt": first["asked"][0], "span": first["phrase"], "origins": [
            {"output": first["decoys"][0][1], "exact": True}, {"output": first["says"], "exact": True}]},
        {"response": 1, "prompt": first["asked"][1], "span": other["phrase"], "origins": [
            {"output": other["says"], "exact": True}]},
    ]  # fmt: skip
    (tmp_path / "trace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in traced), encoding="utf-8")
    tell(tmp_path, tmp_path)
    printed = " ".join(capsys.readouterr().out.split())
    assert "all, of its subject 1 spans: first 0 %" in printed
    assert "all, of something else 1 spans: first 100 %" in printed
    tell_false(tmp_path, tmp_path)
    assert "traced to a planted record, first: 50 %" in capsys.readouterr().out
