"""Short recipes for the verbs that work on sets: what `curate`, `simplify` and `verify` do, as YAML."""

from collections.abc import Mapping, Sequence

import yaml

from selfinstruct.formats.aliases import Roles
from selfinstruct.records import Json
from selfinstruct.run.yaml_file import COMMAND_LINE, YamlFile, parse_yaml

_MEASURES: tuple[Json, ...] = ("diversity", "balance")


def inputs(paths: Sequence[str], shape: str, columns: str = "") -> list[Json]:
    """The recipe's `inputs`, all of one shape, or with the same columns, where that is said."""
    said: dict[str, Json] = {}
    if columns:
        said["columns"] = {**Roles.parse(columns).given}
    if shape:
        said["from"] = shape
    return [{"path": path, **said} if said else path for path in paths]


def curate(
    *,
    rules: Sequence[str],
    exact: bool,
    near_duplicates: float | None,
    novelty: float | None,
    against: Sequence[str],
    against_columns: str = "",
    test_share: float = 0.0,
    keep: str | None = None,
) -> list[Json]:
    """Cheap stages first, so that the dear ones see less; what is left is split, unless `test_share` is 0.

    `keep`: which of duplicates stays; None leaves it to each stage.
    """
    kept: dict[str, Json] = {} if keep is None else {"keep": keep}
    stages: list[Json] = []
    if tuple(rules) != ("none",):
        stages.append({"rules": {"rules": list(rules)}})
    if exact:
        stages.append({"exact": kept} if kept else "exact")
    if near_duplicates is not None:
        stages.append({"near": {"jaccard": near_duplicates, **kept}})
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
