"""The short recipe of `score --on`: what models are asked of a set, as the YAML it stands for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from selfinstruct.records import Json
from selfinstruct.run import compose_sets
from selfinstruct.run.run import HELD_OUT
from selfinstruct.run.yaml_file import YamlFile


def answer_set(on: str, model: str, beside: Sequence[str], knobs: Mapping[str, Json], columns: str = "") -> YamlFile:
    """`on` is what `inputs` of a recipe takes; seeds that its run held out are asked too, unless others are named."""
    further = {f"beside{number}": spec for number, spec in enumerate(beside, 1)}
    asks: dict[str, Json] = {"model": "scored", "beside": list(further), **knobs}
    if not asks.get("held_out_seeds"):
        asks["held_out_seeds"] = str(held_out_seeds(on) or "")
    models = {"scored": model, **further}
    return compose_sets.recipe(
        "answers", compose_sets.inputs([on], "", columns), [{"answer_set": asks}], models, {"publish": None}
    )


def held_out_seeds(on: str) -> Path | None:
    """What a run kept out of its pool, where `on` is its folder, its `dataset/` or its `kept.jsonl`."""
    place = Path(on.partition("#")[0])
    for folder in (place, place.parent):
        if (folder / HELD_OUT).is_file() and (folder / "recipe.yaml").is_file():
            return folder / HELD_OUT
    return None
