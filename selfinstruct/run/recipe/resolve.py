"""A recipe resolved, strictly, into stages with their knobs: an unknown name is an error that lists the known."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    TypeAdapter,
    ValidationError,
)

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.models.hosted import hosted_model
from selfinstruct.run.recipe.checks import check_formats, check_inputs, check_kinds, check_order
from selfinstruct.run.recipe.keys import LARGEST, Input, Limits, Publish, RecipeKeys, Stop, nearest
from selfinstruct.run.recipe.resolved import Resolved, knobs
from selfinstruct.run.recipe.stage_names import code_of, stage_class
from selfinstruct.run.recipe.yaml_file import COMMAND_LINE, Path_, YamlFile, found_beside, with_changes
from selfinstruct.stage import Stage
from selfinstruct.text import shown


def resolve(file: YamlFile, changes: Sequence[str] = ()) -> Resolved:
    """Check a recipe and make its stages; `changes` are `--set` words such as `novelty.rouge_l_below=0.6`."""
    if not isinstance(file.value, dict):
        raise BadInput("a recipe is a mapping of keys to values", place=file.place(), fix="see `selfinstruct init`")
    _make_reachable(file)
    value = with_changes(found_beside(file.value, file.name), changes, RecipeKeys.model_fields)
    value = _with_hosted_models(value, file)
    try:
        recipe = RecipeKeys.model_validate(_tuples(value))
    except ValidationError as faults:
        raise _first(faults, file, RecipeKeys) from None
    resolved = Resolved(
        recipe,
        tuple(_stage(step, file, ("rounds", index), recipe) for index, step in enumerate(recipe.rounds)),
        tuple(_stage(step, file, ("stages", index), recipe) for index, step in enumerate(recipe.stages)),
    )
    resolved = replace(resolved, recipe=recipe.model_copy(update={"code": _code(resolved, file)}))
    check_order(resolved, file)
    check_inputs(resolved, file)
    check_kinds(recipe.specs, file)
    check_formats(recipe, file)
    return resolved


def _with_hosted_models(recipe: dict[str, Any], file: YamlFile) -> dict[str, Any]:
    """The recipe with every model that is written as a mapping read; BadInput names the line."""
    models = recipe.get("models")
    if not isinstance(models, Mapping):
        return recipe
    read = {
        role: hosted_model(model, file.place(("models", role))) if isinstance(model, Mapping) else model
        for role, model in models.items()
    }
    return {**recipe, "models": read}


def _code(resolved: Resolved, file: YamlFile) -> dict[str, str]:
    """The hash of what is not ours; BadInput where the recipe says that it was made with another source."""
    code = code_of((*resolved.rounds, *resolved.stages))
    for path, mark in resolved.recipe.code.items():
        if path in code and mark != code[path]:
            what = f"the source of '{shown(path)}' is another than this recipe was made with"
            fix = "bring that source back, or take `code` out of the recipe to use the one that is there"
            raise BadInput(what, place=file.place(("code", path)), fix=fix)
    return code


def _make_reachable(file: YamlFile) -> None:
    """A module of one's own lies beside the recipe, or where one works."""
    if file.name != COMMAND_LINE and Path(file.name).is_file():
        plugins.reachable(Path(file.name).parent)
    plugins.reachable(Path())


def _stage(step: object, file: YamlFile, path: Path_, recipe: RecipeKeys) -> Stage:
    name, given = _named(step, file, path)
    made = stage_class(name, file.place((*path, name)))
    known = {field.name for field in fields(made)}  # type: ignore[arg-type]  # stages are dataclasses
    for knob in map(str, given):
        if knob not in known:
            raise BadInput(
                f"stage '{name}' has no knob '{shown(knob)}'{nearest(knob, known)}",
                place=file.place((*path, name, knob)),
                fix="knobs: " + (", ".join(sorted(known)) or "none"),
            )
    shared = {"profile": recipe.profile, "topic": recipe.topic}
    of_recipe: dict[str, Any] = {knob: value for knob, value in shared.items() if knob in known}
    given = {**of_recipe, **given}
    try:
        stage = TypeAdapter(made).validate_python(_tuples(given))
    except ValidationError as faults:
        fault = faults.errors()[0]
        where = (*path, name, *fault["loc"])
        knob = ".".join(str(part) for part in fault["loc"])
        raise BadInput(
            f"stage '{name}', knob '{shown(knob)}': {fault['msg']}", place=file.place(where), fix="correct it"
        ) from None
    except BadInput as fault:
        raise BadInput(f"stage '{name}': {fault.what}", place=file.place((*path, name)), fix=fault.fix) from None
    except Exception as fault:
        if not plugins.is_foreign(made):
            raise
        raise plugins.raised(fault, f"stage '{name}'", "mend it", file.place((*path, name))) from fault
    _check_knobs(stage, file, (*path, name))
    _check_rules(stage, file, (*path, name))
    return stage


def _check_rules(stage: Stage, file: YamlFile, path: Path_) -> None:
    """BadInput, at the line that names it, for a rule of others that cannot be had."""
    for name in stage.needs.rules:
        said = (
            (*path, knob, number)
            for knob, value in knobs(stage).items()
            for number, word in enumerate(value if isinstance(value, list) else ())
            if isinstance(word, str) and word.partition("=")[0] == name
        )
        place = file.place(next(said, path))
        plugin = plugins.find("rules", name, place)
        if plugin is not None and not callable(plugin.load(place)):
            raise BadInput(f"rule '{shown(name)}' is no function", place=place, fix="write one that takes a Task")


def _check_knobs(stage: Stage, file: YamlFile, path: Path_) -> None:
    """Numbers must fit where they go: into requests, which are JSON."""
    for knob, value in knobs(stage).items():
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < LARGEST):
            raise BadInput(
                f"stage '{stage.name}', knob '{knob}': no number to work with",
                place=file.place((*path, knob)),
                fix="correct it",
            )


def _named(step: object, file: YamlFile, path: Path_) -> tuple[str, dict[str, Any]]:
    if isinstance(step, str):
        return step, {}
    if isinstance(step, Mapping) and len(step) == 1:
        [(name, given)] = step.items()
        if isinstance(name, str) and (given is None or isinstance(given, Mapping)):
            return name, dict(given or {})
    raise BadInput("a step is `stage` or `stage: {knob: value}`", place=file.place(path), fix="write it so")


def _tuples(value: Any) -> Any:  # noqa: ANN401 - YAML is untyped until it is checked here
    """Lists become tuples: records and knobs are frozen."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


def _first(faults: ValidationError, file: YamlFile, model: type[BaseModel]) -> BadInput:
    fault = faults.errors()[0]
    where: Path_ = fault["loc"]
    key = shown(".".join(str(part) for part in where))
    if fault["type"] == "extra_forbidden":
        known = list(_fields_at(model, where[:-1]))
        return BadInput(
            f"no key '{key}'{nearest(str(where[-1]), known)}", place=file.place(where), fix="keys: " + ", ".join(known)
        )
    return BadInput(f"key '{key}': {fault['msg']}", place=file.place(where), fix="correct it")


def _fields_at(model: type[BaseModel], path: Path_) -> Iterable[str]:
    nested: dict[str, type[BaseModel]] = {"publish": Publish, "limits": Limits, "stop": Stop, "inputs": Input}
    known = (nested.get(str(path[0]), model) if path else model).model_fields
    return [field.alias or name for name, field in known.items()]


def with_count(resolved: Resolved, count: int) -> Resolved:
    """The same recipe with another target."""
    return replace(resolved, recipe=resolved.recipe.model_copy(update={"count": count}))
