"""A metric of tone stands in one table, and from there it comes everywhere; nobody else writes its key."""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk
from selfinstruct.finetune.stopping import StopRule
from selfinstruct.finetune.student import card
from selfinstruct.records import Json
from selfinstruct.report.page import page
from selfinstruct.report.summary import StageMeasure
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.run.recipe_arms import arms_of, compare, contrast_table
from selfinstruct.run.run_reader import RunScore, RunScores
from selfinstruct.tone import tone_metrics
from selfinstruct.tone.ask_loaded_model import ToneReading
from selfinstruct.tone.response_verdicts import ToneVerdict
from selfinstruct.tone.tone_metrics import (
    CUT,
    IFS,
    METRICS,
    ResponseCount,
    ShareMinusShare,
    ShareOf,
    ToneMetric,
    VerdictCount,
    columns_of,
)
from tests.report.student import check, finetuned, story
from tests.report.test_page import read

HOME = Path(__file__).parents[2]
PACKAGE = HOME / "selfinstruct"
LOST = ToneMetric(
    key="ifs_lost",
    label="IFS lost",
    short="lost",
    meaning="The share of responses that do not answer.",
    better="lower",
    counted=ShareOf(VerdictCount("lost", lambda verdict: not verdict.answers)),
    tells="tone",
    shown=IFS.shown - {"corrected", "with_judge_error"},
)
SPOKEN = ToneMetric(
    key="spoken",
    label="Spoken",
    short="spoken",
    meaning="The share of responses that say something.",
    better="higher",
    counted=ShareOf(ResponseCount("spoken", lambda judged: not judged.empty)),
    tells="form",
    shown=LOST.shown - {"curve", "checks", "card"},
)
IFS_WORDS = {
    "__init__.py": "the function `selfinstruct.ifs`",
    "run/__init__.py": "the same",
    "finetune/finetune.py": "the knob `stop`",
    "finetune/refused_knobs.py": "the knob `stop`",
    "cli/train_verbs.py": "the option `--stop`",
    "finetune/training_text.py": "the template of that name",
    "prompt_templates.py": "the template of that name",
}
"""Where the word `ifs` is no metric."""


@pytest.fixture
def _two_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tone_metrics, "METRICS", (*METRICS, LOST, SPOKEN))


def response(number: int, model: str = "gemma", *, answers: bool) -> dict[str, object]:
    """Of four, one says nothing."""
    text = "The Ebro is the longest river in Spain." if answers else " and two lakes in Norway."
    row = {"model": model, "wrapper": "ifs", "prompt": f"Name the river {number} in", "whole": False}
    return {**row, "response": text if number % 4 else "", "source": f"s{number}", "sample": 0}


def responses(file: Path, models: Sequence[str]) -> None:
    rows = [response(number, model, answers=number % 3 > 0) for model in models for number in range(24)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.usefixtures("_two_more")
def test_a_metric_more_is_in_the_file_of_a_score_in_what_score_says_and_in_compare(tmp_path: Path) -> None:
    responses(tmp_path / "said.jsonl", ["gemma", "other"])
    words = ["--responses", str(tmp_path / "said.jsonl"), "--judge", "ifs-v1", "-o", str(tmp_path / "score")]
    ended = CliRunner().invoke(desk, ["score", *words])
    assert ended.exit_code == 0, ended.output
    [head] = [line.split() for line in ended.output.splitlines() if "partial" in line]
    assert head[3:10] == ["IFS", "partial", "full", "gap", "lost", "clean", "spoken"]
    scores = json.loads((tmp_path / "score" / "score.json").read_text(encoding="utf-8"))
    for score in scores["scores"]:
        assert score["ifs_lost"] == pytest.approx(1 - score["ifs"])
        assert score["spoken"] == 0.75
        assert score["intervals"]["spoken"]
    assert {"ifs_lost", "spoken"} <= {*scores["differences"][0]}
    table = CliRunner().invoke(desk, ["compare", str(tmp_path / "score")]).output
    assert {"IFS lost", "Spoken"} <= {*re.split(r"\s{2,}", table.splitlines()[0])}
    assert "0.750" in table
    html = page(story(StageMeasure("score", "score", scores)))
    shown = read(html).text.getvalue()
    assert shown.count("Lost") == shown.count("Spoken") == 2  # scores, and differences
    assert {"lost", "spoken"} <= set(re.findall(r"\w+", RunScores([RunScore(scores["scores"][0])])._repr_html_()))
    assert RunScore(scores["scores"][0]).numbers["spoken"]


@pytest.mark.usefixtures("_two_more")
def test_a_metric_more_is_in_the_tables_of_arms(tmp_path: Path) -> None:
    recipe = b"""
name: both
models: {base: "scripted:answers.yaml"}
stages: [{score: {model: base, wrappers: [none], first: 3, judge: ifs-v1}}]
publish: null
arms: {bare: ["seed=1"], more: ["seed=2"]}
"""
    arms = arms_of(parse_yaml(recipe, "both.yaml"), [])
    for arm in arms:
        responses(tmp_path / arm.name / "responses.jsonl", ["gemma", f"hf:student@{arm.name}"])
    told = compare(arms, tmp_path).splitlines()
    assert [line for line in told if "| ifs_lost |" in line and "| spoken |" in line]
    assert "| of | above | IFS | partial | full | lost | clean | spoken |" in told
    for seed in range(3):
        for name in ("one", "other"):
            place = tmp_path / "seeds" / f"{name}-{seed}"
            place.mkdir(parents=True)
            (place / "score.json").write_text(json.dumps({"ifs_lost": 0.25, "spoken": 0.5}), encoding="utf-8")
    assert "| arm | seeds | IFS lost | Spoken |" in contrast_table(tmp_path / "seeds", ["one:other"])


@pytest.mark.usefixtures("_two_more")
def test_a_metric_that_verdicts_tell_is_on_the_curve_its_card_and_the_page() -> None:
    verdicts = tuple(
        ToneVerdict(source=str(place), whole=place % 2 > 0, answers=place < 6, clean=None) for place in range(8)
    )
    reading = ToneReading(judge="j", prompts="p", wrapper="none", verdicts=verdicts)
    line = StopRule().check([reading]).as_json()
    assert line["ifs_lost"] == 0.25
    assert "spoken" not in line
    facts: dict[str, Json] = {
        "base": "b",
        "notice": "",
        "recipe": {"method": "full"},
        "data": {"examples": 1},
        "training": {},
    }
    assert "| ifs_full | ifs_lost | objecqa |" in card(facts, [line])
    checks: list[Json] = [{**check(count, 0.5), "ifs_lost": 0.25} for count in (0, 64)]
    shown = read(page(story(StageMeasure("finetune", "finetune", finetuned(checks=checks))))).text.getvalue()
    assert "Lost" in shown


def test_what_cannot_be_counted_where_it_is_to_stand_is_refused() -> None:
    with pytest.raises(ValueError, match="a check during training keeps verdicts, and no responses"):
        replace(SPOKEN, shown=frozenset({"curve"}))
    share = ShareOf(VerdictCount("lost", lambda verdict: not verdict.answers))
    with pytest.raises(ValueError, match="is a share, and no difference"):
        replace(SPOKEN, counted=ShareMinusShare(share, share), shown=frozenset({"compare"}))


def test_keys_labels_and_counts_are_each_of_one_thing() -> None:
    assert len({metric.key for metric in METRICS}) == len({metric.label for metric in METRICS}) == len(METRICS)
    counts = {count for metric in METRICS for count in metric.counts}
    assert len({count.name for count in counts}) == len(counts)
    assert CUT in counts
    assert [metric.key for metric in columns_of("compare")] == ["ifs", "ifs_partial", "ifs_full", "ifs_clean"]


def literals(module: Path, keys: set[str]) -> Iterator[str]:
    """Keys that a module writes out; what a docstring says is no string of that kind."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and node.value in keys:
            yield str(node.value)


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nobody_else_writes_the_key_of_a_metric(module: Path) -> None:
    place = module.relative_to(PACKAGE).as_posix()
    keys = {metric.key for metric in METRICS if metric.key.startswith("ifs")}  # the others are words of other things
    written = set(literals(module, keys))
    if place == "tone/tone_metrics.py":
        assert written == keys
    else:
        assert written == ({"ifs"} if place in IFS_WORDS else set())


def test_the_manual_tells_each_metric_as_the_table_does() -> None:
    manual = (HOME / "docs" / "manual.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (higher|lower) \|$", manual, re.MULTILINE)
    assert rows == [(metric.key, metric.meaning, metric.better) for metric in METRICS]
