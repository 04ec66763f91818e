"""Short recipes for verbs: what `generate` does, written as the YAML it stands for."""

from collections.abc import Mapping
from typing import Literal

import yaml

from selfinstruct.records import Json
from selfinstruct.run.yaml_file import COMMAND_LINE, YamlFile, parse_yaml

Until = Literal["instructions", "classify", "instances", "publish"]
Style = Literal["self_instruct", "alpaca"]
Profile = Literal["default", "reference"]


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
    recipe: dict[str, Json] = {
        "name": name,
        "profile": profile,
        "seeds": seeds,
        "models": {"teacher": model},
        "rounds": asking if reference else asking + later,
        "stages": later if reference else split,
        **(knobs or {}),
    }
    if until != "publish":
        recipe["publish"] = None
    return parse_yaml(yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True).encode(), COMMAND_LINE)


def rule_set(style: Style, profile: Profile) -> list[Json]:
    """Which rules a style and profile go with."""
    if profile == "reference":
        return ["alpaca" if style == "alpaca" else "reference"]
    return ["default"]


def _novelty(profile: Profile) -> Json:
    if profile == "reference":
        return {"novelty": {"words": "program", "mode": "strict", "reference": True}}
    return "novelty"
