"""Which judge a run takes: named once, kept, and refused where it cannot be had."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from selfinstruct.errors import BadInput
from selfinstruct.run import tone_judges
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.run.tone_judges import CANONICAL, LINEAR, check_judge, default_judge, open_judge, with_judges


def resolved(*stages: Any) -> Resolved:
    value = {"name": "a", "models": {"base": "scripted:a.yaml"}, "stages": list(stages)}
    return resolve(parse_yaml(yaml.safe_dump(value).encode(), "recipe.yaml"))


def names(recipe: Resolved) -> list[str]:
    return [stage.judge for stage in recipe.stages if hasattr(stage, "judge")]


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFINSTRUCT_JUDGE")


SCORE = {"score": {"model": "base"}}


@pytest.mark.usefixtures("nothing_said")
def test_the_canonical_judge_is_taken_where_what_it_needs_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tone_judges, "lacking", lambda: "")
    assert default_judge() == CANONICAL
    assert names(with_judges(resolved(SCORE), None)) == [CANONICAL]
    monkeypatch.setattr(tone_judges, "lacking", lambda: "torch (pip install 'selfinstruct[train]')")
    assert names(with_judges(resolved(SCORE), None)) == [LINEAR]


@pytest.mark.usefixtures("nothing_said")
def test_a_run_keeps_the_judge_it_began_with_and_is_refused_where_that_is_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tone_judges, "lacking", lambda: "")
    begun = with_judges(resolved(SCORE), None)
    (tmp_path / "recipe.yaml").write_text(begun.as_yaml(), encoding="utf-8")
    monkeypatch.setattr(tone_judges, "lacking", lambda: "torch (pip install 'selfinstruct[train]')")
    again = with_judges(resolved(SCORE), tmp_path)
    assert names(again) == [CANONICAL]
    with pytest.raises(BadInput, match=r"stage score: the judge ifs-v2 needs what is not here: torch \(pip install"):
        check_judge(again.stages[0])
    (tmp_path / "recipe.yaml").write_text("[damaged", encoding="utf-8")
    assert names(with_judges(resolved(SCORE), tmp_path)) == [LINEAR]


def test_a_judge_that_the_run_trains_or_that_is_named_goes_before() -> None:
    recipe = {"name": "a", "models": {"base": "scripted:a.yaml"}, "inputs": ["a.jsonl"]}
    stages: list[Any] = ["fragment", "train_judge", SCORE, {"score": {"model": "base", "judge": "ifs-v1"}}]
    resolved = resolve(parse_yaml(yaml.safe_dump({**recipe, "stages": stages}).encode(), "recipe.yaml"))
    assert names(with_judges(resolved, None)) == ["judge", "ifs-v1"]


def test_what_is_said_in_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFINSTRUCT_JUDGE", "ifs-v1")
    assert open_judge().version == "ifs-v1"
    assert names(with_judges(resolved(SCORE), None)) == ["ifs-v1"]


def test_a_judge_that_is_not_there_is_named_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"no judge in 'mine'; name a folder of train-judge, or one of ifs-v1, ifs-v2"):
        check_judge(resolved({"score": {"model": "base", "judge": "mine"}}).stages[0])
    monkeypatch.setattr(tone_judges, "lacking", lambda: "the embedded model (selfinstruct fetch embedded)")
    with pytest.raises(BadInput, match="the judge ifs-v2 needs what is not here: the embedded model"):
        open_judge(CANONICAL)
