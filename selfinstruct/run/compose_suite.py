"""The short recipe of `score --suite`: which suites models are asked, as the YAML it stands for."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.run import compose_sets
from selfinstruct.run.yaml_file import YamlFile


def ask_suites(named: str, model: str, beside: Sequence[str], knobs: Mapping[str, Json]) -> YamlFile:
    """`named`: suites parted by commas, each NAME or NAME=PATH."""
    further = {f"beside{number}": spec for number, spec in enumerate(beside, 1)}
    told = [one.strip().partition("=") for one in named.split(",")]
    paths: dict[str, Json] = {name: path for name, _, path in told if path}
    asks: dict[str, Json] = {"suites": [name for name, _, _ in told], "model": "scored", "beside": list(further)}
    stages: list[Json] = [{"suite": {**asks, **paths, **knobs}}]
    return compose_sets.recipe("suite", [], stages, {"scored": model, **further}, {"publish": None})
