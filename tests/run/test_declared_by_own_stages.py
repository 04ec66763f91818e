"""What a stage of one's own declares as ours do is treated as theirs: on the page, in arms, in a preview."""

import json
import sys
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.run.recipe_arms import arms_of, compare
from selfinstruct.run.student_files import preview

OWN = """
from dataclasses import dataclass
from selfinstruct.needs import OF_TONE, JudgeNeed, Needs, ScoreTerms
from selfinstruct.stage import Kept, Measured, Stage

@dataclass(frozen=True, kw_only=True)
class MyScore(Stage):
    name, version, scope = "my_score", 1, "set"
    judge: str = "ifs-v1"

    @property
    def needs(self):
        terms = ScoreTerms(tone_tokens=48, budget=64, asked_tokens=64)
        return Needs(judge=JudgeNeed(named=self.judge), scores=terms)

    def __call__(self, records, bench):
        yield from map(Kept, records)
        yield Measured(OF_TONE, {"model": "mine", "ifs": 0.25, "n": 4, "intervals": {}, "judge": {"version": "ifs-v1"}})

@dataclass(frozen=True, kw_only=True)
class Unjudged(MyScore):
    name = "unjudged"

    @property
    def needs(self):
        return Needs(scores=ScoreTerms(tone_tokens=48, budget=64, asked_tokens=64))

@dataclass(frozen=True, kw_only=True)
class MyTuning(Stage):
    name, version, scope = "my_tuning", 1, "set"
    shows: bool = True

    @property
    def needs(self):
        return Needs(tunes=True, preview=self.first if self.shows else None)

    def first(self, records, bench):
        return f"{records[0].instruction} -> {records[0].instances[0].output}, seed {bench.seed}"

    def __call__(self, records, bench):
        yield from map(Kept, records)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of one's own in the folder where one works, beside a set of one record; its name is like no other."""
    name = f"declares_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN, encoding="utf-8")
    task = {"instruction": "Name a river.", "input": "", "output": "The Ebro."}
    (tmp_path / "set.jsonl").write_text(json.dumps(task) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return name


def recipe(stage: str, more: str = "") -> bytes:
    return f"{{name: mine, inputs: [set.jsonl], publish: null, stages: [{stage}]{more}}}".encode()


def test_what_it_measures_under_a_known_name_has_the_section_of_that_name(tmp_path: Path, own: str) -> None:
    execute(resolve(parse_yaml(recipe(f"'{own}:MyScore'"), "mine.yaml")), Options(folder=tmp_path / "run"))
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert '<section id="tone">' in html
    assert "0.250" in html
    assert 'id="measures"' not in html


def test_arms_compare_the_responses_of_the_score_that_it_publishes(tmp_path: Path, own: str) -> None:
    def compared(stage: str) -> str:
        text = recipe(f"'{own}:{stage}'", ", arms: {bare: ['seed=1'], more: ['seed=2']}")
        arms = arms_of(parse_yaml(text, "mine.yaml"), [])
        for arm in arms:
            rows = [
                {
                    "model": model,
                    "wrapper": "chat",
                    "prompt": f"Name river {at}.",
                    "response": "The Ebro.",
                    "whole": True,
                }
                for at in range(8)
                for model in ("gemma", f"hf:student@{arm.name}")
            ]
            (tmp_path / stage / arm.name).mkdir(parents=True)
            text_of = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / stage / arm.name / "responses.jsonl").write_text(text_of, encoding="utf-8")
        return compare(arms, tmp_path / stage)

    assert "| bare, chat | base, chat |" in compared("MyScore")
    scores = json.loads((tmp_path / "MyScore" / "arms.json").read_text(encoding="utf-8"))["scores"]["scores"]
    assert [score["budget"] for score in scores] == [64, 64, 64]
    with pytest.raises(BadInput, match="stage unjudged publishes a score, and its needs declare no judge"):
        compared("Unjudged")


def test_a_stage_that_tunes_shows_what_would_be_learned_or_says_that_it_cannot(own: str) -> None:
    resolved = resolve(parse_yaml(recipe(f"'{own}:MyTuning'"), "mine.yaml"))
    assert preview(resolved) == "Name a river. -> The Ebro., seed 42"
    mute = resolve(parse_yaml(recipe(f"{{'{own}:MyTuning': {{shows: false}}}}"), "mine.yaml"))
    with pytest.raises(BadInput, match="stage my_tuning cannot tell what would be learned"):
        preview(mute)
