"""What the stages of tone and tuning measure, from a small run with scripted models and a training made up by hand."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selfinstruct.records import Json
from selfinstruct.report.summary import RunSummary, StageMeasure
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml

_ROOM = TemporaryDirectory(prefix="report-")
HOME = Path(__file__).parents[2]
_SAYS = """\
answers:
  - {purpose: score, contains: "?", texts: [" The capital is Lisbon.", " and why is that so?"], finish_reason: stop}
  - {purpose: score, texts: [" of the house.", " Sure, here is a list: apples.", ""], finish_reason: length}
  - {purpose: objecqa, texts: ["I love the sea most of all.", "It depends; both have their merits.", "why why"]}
  - {purpose: judge_objecqa, texts: ["objective", "subjective", "no answer"]}
  - {purpose: answer_set, texts: ["The Tay.", "A river flows to the sea."]}
"""


@cache
def run() -> Path:
    """A run that cuts, trains a judge, scores two models in two ways and asks what comes next: its folder."""
    folder = Path(_ROOM.name)
    for name, says in (("base", _SAYS), ("student", _SAYS.replace(" of the house.", " Certainly, here it is."))):
        (folder / f"{name}.yaml").write_text(says, encoding="utf-8")
    asked: dict[str, Any] = {"model": "student", "beside": ["base"]}
    gold = str(HOME / "seeds" / "self_instruct.jsonl")
    recipe: dict[str, Any] = {
        "name": "tone",
        "inputs": ["builtin"],
        "models": {name: f"scripted:{folder / name}.yaml" for name in ("student", "base")},
        "stages": [
            {"fragment": {"per_record": 2}},
            "split",
            {"train_judge": {"labelled": "tone-v1"}},
            {"score": {**asked, "wrappers": ["none", "suffix"], "prompts": "ifs-v1:dev", "first": 12}},
            {"score": {**asked, "first": 12, "label": "again"}},
            {"objecqa": {**asked, "phrasings": 1, "wrapper": "none", "judge_model": "base"}},
            {"answer_set": {**asked, "gold": gold, "first": 12}},
            {"feedback": {"least": 5}},
        ],
        "publish": None,
    }
    place = folder / "run"
    execute(resolve(parse_yaml(json.dumps(recipe).encode(), "tone.yaml")), Options(folder=place))
    return place


def measured_in(place: Path) -> Iterator[StageMeasure]:
    """What the stages of a run measured, in order."""
    labels = {"05-score": "again"}
    for done in sorted(place.glob("stages/*/DONE")):
        stage = done.parent.name
        for name, value in json.loads(done.read_text(encoding="utf-8"))["measured"].items():
            yield StageMeasure(stage.partition("-")[2], name, value, labels.get(stage, ""))


@cache
def measured() -> tuple[StageMeasure, ...]:
    """One of every kind, the training included."""
    return (*measured_in(run()), StageMeasure("finetune", "finetune", finetuned()))


def check(examples: int, ifs: float, *, stop: bool = False, objecqa: float | None = None) -> dict[str, Json]:
    """One check of a curve, as its line."""
    full, partial = min(1.0, ifs + 0.08), ifs - 0.08
    names = {"ifs": ifs, "ifs_clean": ifs - 0.1, "ifs_partial": partial, "ifs_full": full, "gap": full - partial}
    intervals: dict[str, Json] = {
        name: [round(max(0.0, value - 0.04), 6), round(min(1.0, value + 0.04), 6)] for name, value in names.items()
    }
    return {
        "examples": examples,
        "loss": None if not examples else round(2.5 - ifs, 6),
        "ifs": ifs,
        "ifs_clean": round(ifs - 0.1, 6),
        "ifs_partial": round(partial, 6),
        "ifs_full": round(full, 6),
        "objecqa": objecqa,
        "kl_prose": examples / 1e5,
        "kl_reference": examples / 1e4,
        "stop": stop,
        "intervals": intervals | ({"gain": [-0.01, 0.02]} if examples > 64 else {}),
    }


def finetuned(**stop: Json) -> dict[str, Json]:
    """As the stage measures it; `stop` replaces parts of what is said of the checks."""
    checks = [check(0, 0.52), check(64, 0.71), check(128, 0.86), check(256, 0.93), check(512, 0.95, stop=True)]
    return {
        "base": "hf:BASE",
        "notice": "a licence of its own",
        "recipe": {"method": "lora", "template": "chat", "rank": 8, "targets": ["all-linear"], "learning_rate": 0.0005},
        "data": {"records": 512, "examples": 512, "truncated": 3, "test_left_out": 64, "sha256": "ab" * 32},
        "training": {
            "steps": 32,
            "planned_steps": 64,
            "examples_seen": 512,
            "useful_share": 0.97,
            "held_out_examples": 64,
            "held_out_loss": 1.61,
        },
        "stop": {
            "rule": {"epsilon": 0.03, "tau": 0.9, "patience": 2, "gap_limit": 0.1, "gap_half_width": 0.05},
            "gap": "undecided",
            "stopped_at": 512,
            "trained_on": False,
            "reason": "plateau",
            "checks": list(checks),
            "judge": "ifs-v1",
            "prompts": "ifs-v1:dev",
            "wrapper": "chat",
            "headroom": "IFS before training is 0.52 (0.48 to 0.56): room below 0.90",
            "phases": "the format settles after 210 examples (128 to 300); no second phase found",
            **stop,
        },
    }


def story(*measures: StageMeasure) -> RunSummary:
    """A run that measured just this."""
    return RunSummary(
        name="run",
        fingerprint="f",
        version="1",
        models=(),
        seeds=0,
        target=None,
        published=1,
        stopped_because="done",
        measured=measures,
    )
