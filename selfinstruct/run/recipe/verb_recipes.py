"""Recipes of verbs: what `generate`, `curate`, `simplify`, `verify`, `finetune` and `score` do, written as YAML."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import yaml

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.generate.propose_settings import Profile, Style
from selfinstruct.records import Json
from selfinstruct.run.recipe.checks import PROMPT_SETS
from selfinstruct.run.recipe.yaml_file import COMMAND_LINE, YamlFile, parse_yaml

Until = Literal["instructions", "classify", "instances", "publish"]
_MEASURES: tuple[Json, ...] = ("diversity", "balance")
NO_MODELS: Mapping[str, str] = {}


def generate(
    *,
    name: str,
    seeds: str,
    model: str,
    style: Style = "self_instruct",
    profile: Profile = "default",
    until: Until = "publish",
    test_share: float = 0.1,
    knobs: Mapping[str, Json] | None = None,
) -> YamlFile:
    """The recipe of `selfinstruct generate`; `knobs` are further top-level keys (count, seed, limits ...).

    What is published is split for training and testing, unless `test_share` is 0; the reference profile splits nothing.
    """
    asking: list[Json] = [
        {"propose": {"style": style}},
        {"filter": {"rules": rule_set(style, profile)}},
        *([] if profile == "reference" else ["topic"]),
        _novelty(profile),
    ]
    later: list[Json] = [] if style == "alpaca" else ["classify", "instances"]
    later.append("prepare")
    steps = {"instructions": 0, "classify": later.index("classify") + 1 if "classify" in later else 0}
    later = later[: steps.get(until, len(later))]
    reference = profile == "reference"
    split: list[Json] = [{"split": {"test": test_share}}] if until == "publish" and test_share else []
    written: dict[str, Json] = {
        "name": name,
        "profile": profile,
        "seeds": seeds,
        "models": {"teacher": model},
        "rounds": asking if reference else asking + later,
        "stages": later if reference else split,
        **(knobs or {}),
    }
    if until != "publish":
        written["publish"] = None
    return parse_yaml(yaml.safe_dump(written, sort_keys=False, allow_unicode=True).encode(), COMMAND_LINE)


def rule_set(style: Style, profile: Profile) -> list[Json]:
    """Which rules a style and profile go with."""
    if profile == "reference":
        return ["alpaca" if style == "alpaca" else "reference"]
    return ["default"]


def _novelty(profile: Profile) -> Json:
    if profile == "reference":
        return {"novelty": {"words": "program", "mode": "strict", "reference": True}}
    return "novelty"


def inputs(paths: Sequence[str], layout: str, columns: str = "") -> list[Json]:
    """The recipe's `inputs`, all of one layout, or with the same columns, where that is said."""
    said: dict[str, Json] = {}
    if columns:
        said["columns"] = {**Roles.parse(columns).given}
    if layout:
        said["from"] = layout
    return [{"path": path, **said} if said else path for path in paths]


def curate(
    *,
    rules: Sequence[str],
    exact: bool,
    near: Mapping[str, Json] | None,
    novelty: float | None,
    against: Sequence[str],
    against_columns: str = "",
    test_share: float = 0.0,
    keep: str | None = None,
) -> list[Json]:
    """Cheap stages first, so that the dear ones see less; what is left is split, unless `test_share` is 0.

    `near`: knobs of that stage; None leaves it out. `keep`: which of duplicates stays; None leaves it to each stage.
    """
    kept: dict[str, Json] = {} if keep is None else {"keep": keep}
    stages: list[Json] = []
    if tuple(rules) != ("none",):
        stages.append({"rules": {"rules": list(rules)}})
    if exact:
        stages.append({"exact": kept} if kept else "exact")
    if near is not None:
        stages.append({"near": {**near, **kept}})
    if novelty is not None:
        stages.append({"novelty": {"rouge_l_below": novelty}})
    if against:
        named: dict[str, Json] = {"columns": against_columns} if against_columns else {}
        stages.append({"decontaminate": {"against": list(against), **named}})
    split: list[Json] = [{"split": {"test": test_share}}] if test_share else []
    return [*stages, *split, *_MEASURES]


def simplify(*, model: str) -> list[Json]:
    """One stage; without a model it goes by rules."""
    return [{"simplify": {"model": "rewriter", "by": "auto"} if model else {"by": "rules"}}]


def verify(*, model: str) -> list[Json]:
    """One stage; without a model only what can be computed."""
    return [{"verify": {"model": "verifier"} if model else {}}]


def finetune(knobs: Mapping[str, Json]) -> list[Json]:
    """First the prompts of the checks are taken out of the set, then it is trained on."""
    return [{"decontaminate": {"against": list(PROMPT_SETS)}}, {"finetune": dict(knobs)}]


def recipe(
    name: str, inputs: Sequence[Json], stages: Sequence[Json], models: Mapping[str, str], knobs: Mapping[str, Json]
) -> YamlFile:
    """The whole, as `run` would read it."""
    written: dict[str, Json] = {
        "name": name,
        "inputs": list(inputs),
        "models": dict(models),
        "stages": list(stages),
        **knobs,
    }
    return parse_yaml(yaml.safe_dump(written, sort_keys=False, allow_unicode=True).encode(), COMMAND_LINE)


def answer_set(on: str, model: str, beside: Sequence[str], knobs: Mapping[str, Json], columns: str = "") -> YamlFile:
    """`on` is what `inputs` of a recipe takes; seeds that its run held out are asked too, unless others are named."""
    further = {f"beside{number}": spec for number, spec in enumerate(beside, 1)}
    asks: dict[str, Json] = {"model": "scored", "beside": list(further), **knobs}
    if not asks.get("held_out_seeds"):
        asks["held_out_seeds"] = str(held_out_seeds(on) or "")
    models = {"scored": model, **further}
    return recipe("answers", inputs([on], "", columns), [{"answer_set": asks}], models, {"publish": None})


def held_out_seeds(on: str) -> Path | None:
    """What a run kept out of its pool, where `on` is its folder, its `dataset/` or its `kept.jsonl`."""
    from selfinstruct.run.resume import HELD_OUT

    place = Path(on.partition("#")[0])
    for folder in (place, place.parent):
        if (folder / HELD_OUT).is_file() and (folder / "recipe.yaml").is_file():
            return folder / HELD_OUT
    return None


JUDGED = ("pairwise", "just_eval")
"""Suites that a judge model marks: they have no questions of their own."""


def ask_suites(
    named: str, model: str, beside: Sequence[str], knobs: Mapping[str, Json], judging: Mapping[str, str] = NO_MODELS
) -> YamlFile:
    """`named`: suites parted by commas, each NAME or NAME=PATH; `judging`: models and knobs of who judges answers.

    `pairwise` and `just_eval` judge the answers to `user_oriented`, which are asked once for all.
    """
    further = {f"beside{number}": spec for number, spec in enumerate(beside, 1)}
    pairs = [word.strip().partition("=") for word in named.split(",")]
    paths: dict[str, Json] = {_asked_as(name): path for name, _, path in pairs if path}
    suites: list[Json] = [*dict.fromkeys(_asked_as(name) for name, _, _ in pairs)]
    asks: dict[str, Json] = {"suites": suites, "model": "scored", "beside": list(further)}
    stages: list[Json] = [{"suite": {**asks, **paths, **knobs}}]
    models = {"scored": model, **further, **judging}
    measures: list[Json] = [name for name, _, _ in pairs if name in JUDGED]
    measures += ["user_oriented"] if "judge" in judging and "user_oriented" in {name for name, _, _ in pairs} else []
    if measures:
        stages.append({"judge_answers": {"measures": measures, **{role: role for role in judging}}})
    return recipe("suite", [], stages, models, {"publish": None})


def judge_kept(
    named: str, folders: Sequence[str], first: int, judging: Mapping[str, str], place: str = "--suite"
) -> YamlFile:
    """Of answers that folders of `score --suite` hold: whoever judges them, the models are not asked again.

    BadInput for a suite that no judge marks.
    """
    measures: list[Json] = [name.strip() for name in named.split(",")]
    rated = (*JUDGED, "user_oriented")
    for measure in measures:
        if measure not in rated:
            fix = f"of kept answers judges mark {', '.join(rated)}; for another suite name the model"
            raise BadInput(f"'{measure}' asks questions of its own", place=place, fix=fix)
    knobs: dict[str, Json] = {"measures": measures, "answers": ",".join(folders), "first": first}
    stages: list[Json] = [{"judge_answers": knobs | {role: role for role in judging}}]
    return recipe("judged", [], stages, judging, {"publish": None})


def _asked_as(suite: str) -> str:
    return "user_oriented" if suite in JUDGED else suite
