"""A recipe with arms."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.run.fingerprint import fingerprint, identity
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import YamlFile, parse_yaml
from selfinstruct.run.recipe_arms import arms_of, compare
from selfinstruct.store.reading import publish_sealed

RECIPE = b"""
name: both
models: {base: "scripted:answers.yaml"}
stages: [{score: {model: base, wrappers: [none], first: 3, judge: ifs-v1}}]
publish: null
arms:
  bare: ["score.wrappers=[none]"]
  wrapped: ["score.wrappers=[suffix]", "seed=7"]
"""


def file() -> YamlFile:
    return parse_yaml(RECIPE, "both.yaml")


def responses(model: str, *, answers: bool) -> Iterator[str]:
    for number in range(40):
        text = "The Ebro is the longest river in Spain." if answers or number % 4 == 0 else " and two lakes in Norway."
        row = {"model": model, "wrapper": "ifs", "prompt": f"Name the river {number} in", "response": text}
        yield json.dumps({**row, "whole": False, "complete": False, "source": f"s-{number}", "sample": 0}) + "\n"


def test_each_arm_is_the_recipe_with_its_own_changes_and_without_arms() -> None:
    bare, wrapped = arms_of(file(), ["score.first=2"])
    assert (bare.name, wrapped.name) == ("bare", "wrapped")
    assert wrapped.resolved.recipe.seed == 7
    assert wrapped.resolved.stages[0].wrappers == ("suffix",)  # type: ignore[attr-defined]  # the stage is Score
    assert [arm.resolved.stages[0].first for arm in (bare, wrapped)] == [2, 2]  # type: ignore[attr-defined]  # the same
    assert not bare.resolved.recipe.arms


def test_arms_do_not_count_in_what_a_run_is() -> None:
    alone = resolve(file(), ["arms={}"])
    assert fingerprint(identity(alone, ())) == fingerprint(identity(resolve(file()), ()))


def test_a_change_that_makes_no_sense_is_refused_before_any_arm_runs() -> None:
    with pytest.raises(BadInput, match="nowhere"):
        arms_of(parse_yaml(RECIPE + b'  wrong: ["score.nowhere=1"]\n', "both.yaml"), [])


def test_students_are_compared_with_their_base_and_with_each_other_within_one_wrapper(tmp_path: Path) -> None:
    arms = arms_of(file(), [])
    for arm, answers in zip(arms, (True, False), strict=True):
        (tmp_path / arm.name).mkdir()
        lines = [*responses("gemma", answers=False), *responses(f"hf:student@{arm.name}", answers=answers)]
        (tmp_path / arm.name / "responses.jsonl").write_text("".join(lines), encoding="utf-8")
    page = compare(arms, tmp_path)
    arms_file = json.loads((tmp_path / "arms.json").read_text(encoding="utf-8"))
    assert [score["model"] for score in arms_file["scores"]["scores"]] == ["base", "bare", "wrapped"]
    differences = {(pair["of"], pair["above"]): pair["ifs"]["value"] for pair in arms_file["scores"]["differences"]}
    assert differences["bare, ifs", "base, ifs"] > 0.5
    assert differences["wrapped, ifs", "base, ifs"] == 0
    assert "| bare, ifs | base, ifs | +" in page
    assert (tmp_path / "arms.md").read_text(encoding="utf-8") == page


def test_of_several_other_models_each_keeps_its_name(tmp_path: Path) -> None:
    arms = arms_of(file(), [])
    (tmp_path / "bare").mkdir()
    asked = [("gemma", False), ("teacher", True), ("hf:student@1", True)]
    lines = [line for model, answers in asked for line in responses(model, answers=answers)]
    (tmp_path / "bare" / "responses.jsonl").write_text("".join(lines), encoding="utf-8")
    compare(arms, tmp_path)
    page = json.loads((tmp_path / "arms.json").read_text(encoding="utf-8"))
    ifs = {score["model"]: score["ifs"] for score in page["scores"]["scores"]}
    assert list(ifs) == ["gemma", "teacher", "bare"]
    assert ifs["gemma"] < ifs["teacher"] == ifs["bare"]


def test_one_arm_alone_is_compared_with_nobody(tmp_path: Path) -> None:
    [arm, *_] = arms_of(file(), [])
    (tmp_path / arm.name).mkdir()
    text = "".join(responses("hf:student@1", answers=True))
    (tmp_path / arm.name / "responses.jsonl").write_text(text, encoding="utf-8")
    page = compare([arm], tmp_path)
    assert "| bare | ifs |" in page
    assert "above" not in page
    assert "Each interval" not in page


def test_of_a_loop_the_training_of_its_last_cycle_is_told(tmp_path: Path) -> None:
    arms = arms_of(file(), [])
    for part, seen in (("stages-00001-after-00009", 72), ("stages-00002-after-00018", 144)):
        place = tmp_path / "bare" / part / "03-finetune"
        place.mkdir(parents=True)
        training: dict[str, Json] = {"examples_seen": seen, "held_out_loss": 1.5}
        facts: dict[str, Json] = {"recipe": {"method": "lora", "learning_rate": 0.001}, "training": training}
        publish_sealed(place / "DONE", {"measured": {"finetune": facts}})
    assert "| bare | lora | 0.001 | - | 144 | 1.5 | - |" in compare(arms, tmp_path)


def test_an_arm_may_not_be_called_as_what_all_are_compared_with() -> None:
    with pytest.raises(BadInput, match="an arm called 'base'"):
        arms_of(parse_yaml(RECIPE + b"  base: [seed=8]\n", "both.yaml"), [])


def test_arms_are_compared_under_the_terms_of_their_own_score(tmp_path: Path) -> None:
    two = RECIPE.replace(b"stages: [", b"stages: [{score: {model: base, label: early, budget: 0}}, ")
    two = two[: two.index(b"arms:")].replace(b"first: 3", b"first: 3, budget: 64") + b"arms: {one: [], two: [seed=7]}\n"
    arms = arms_of(parse_yaml(two, "both.yaml"), [])
    for arm in arms:
        (tmp_path / arm.name).mkdir()
        lines = responses(f"hf:student@{arm.name}", answers=True)
        (tmp_path / arm.name / "responses.jsonl").write_text("".join(lines), encoding="utf-8")
    compare(arms, tmp_path)
    page = json.loads((tmp_path / "arms.json").read_text(encoding="utf-8"))
    assert page["scores"]["budget"] == 64


def test_an_answer_that_ended_within_what_was_asked_for_is_clean_however_long_it_looks(tmp_path: Path) -> None:
    [arm, *_] = arms_of(file(), ["score.budget=48"])
    (tmp_path / arm.name).mkdir()
    long = "The Ebro, which rises in Cantabria and flows through seven regions, is the longest river in Spain. " * 3
    lines = [
        json.dumps({**json.loads(line), "response": f"{long}Number {number}.", "finish_reason": "stop"}) + "\n"
        for number, line in enumerate(responses("hf:student@1", answers=True))
    ]
    (tmp_path / arm.name / "responses.jsonl").write_text("".join(lines), encoding="utf-8")
    compare([arm], tmp_path)
    [score] = json.loads((tmp_path / "arms.json").read_text(encoding="utf-8"))["scores"]["scores"]
    assert score["ifs_clean"] == score["ifs"] > 0.5


def test_suites_and_facts_of_arms_stand_in_their_table_as_means_over_seeds(tmp_path: Path) -> None:
    arms = arms_of(file(), [])
    for name, rouge in (("lora-42", 0.25), ("lora-43", 0.75)):
        (tmp_path / name).mkdir()
        student, base = (
            {"model": model, "superni": {"measures": {"rouge_l": {"value": value}}}}
            for model, value in (("hf:student@1", rouge), ("hf:base@2", 0.9))
        )
        (tmp_path / name / "suite.json").write_text(json.dumps({"models": [base, student]}), encoding="utf-8")
        known = {"differences": [{"known_facts": {"value": -0.125}}]}
        (tmp_path / name / "knowledge.json").write_text(json.dumps(known), encoding="utf-8")
    page = compare(arms, tmp_path)
    assert "SuperNI ROUGE-L | facts kept |" in page
    assert "| lora | 2 | 0.500 | -0.125 |" in page
