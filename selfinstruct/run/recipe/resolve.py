"""A recipe resolved, strictly, into stages with their knobs: an unknown name is an error that lists the known."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import (
    BaseModel,
    TypeAdapter,
    ValidationError,
)

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.models.hosted import hosted_model
from selfinstruct.records import Json
from selfinstruct.run.inputs import Answers, ReadInputs, Set
from selfinstruct.run.recipe.checks import check_formats, check_inputs, check_kinds, check_order
from selfinstruct.run.recipe.keys import LARGEST, Input, Limits, Publish, RecipeKeys, Stop, nearest
from selfinstruct.run.recipe.stage_names import code_of, recipe_name, stage_class
from selfinstruct.run.recipe.yaml_file import COMMAND_LINE, Path_, YamlFile, found_beside, with_changes
from selfinstruct.stage import Stage
from selfinstruct.text import shown

__all__ = ["Limits", "Publish", "RecipeKeys", "Resolved", "knobs", "resolve", "with_count"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe whose stages are made, with every knob known."""

    recipe: RecipeKeys
    rounds: tuple[Stage, ...]
    stages: tuple[Stage, ...]

    @property
    def seeds(self) -> str:
        """Where the seeds are; empty for none."""
        return self.recipe.seeds or ("builtin" if self.rounds else "")

    @property
    def once(self) -> tuple[Stage, ...]:
        """The stages that run once: reading the inputs, where there are some, and `stages`."""
        if not self.recipe.inputs:
            return self.stages
        return (ReadInputs(sets=self.sets, strict=self.recipe.strict, answers=self._answers), *self.stages)

    @property
    def sets(self) -> tuple[Set, ...]:
        """The inputs, as they are read."""
        return tuple(
            Set(given.path, given.shape, given.compat, Roles.of(given.columns, f"input '{shown(given.path)}'"))
            if given.columns
            else Set(given.path, given.shape, given.compat)
            for given in self.recipe.inputs
        )

    @property
    def _answers(self) -> Answers:
        """What the stages do with a record without an answer: some make one, some learn from it."""
        if any(stage.needs.makes_answers for stage in self.stages):
            return "as_they_are"
        return "needed" if any(stage.needs.learns_answers for stage in self.stages) else "as_the_first"

    def written_out(self) -> dict[str, Json]:
        """Every knob, defaults included."""
        written: dict[str, Json] = self.recipe.model_dump(mode="json", by_alias=True, exclude={"models"})
        models = self.recipe.models
        named: dict[str, Json] = {
            role: model if isinstance(model, str) else model.as_yaml() for role, model in models.items()
        }
        written = {key: named if key == "models" else written[key] for key in RecipeKeys.model_fields}
        for entry in written["inputs"] if isinstance(written["inputs"], list) else ():
            if isinstance(entry, dict) and not entry["columns"]:
                del entry["columns"]  # as before there were any: a run stays the same run
        if not written["code"]:
            del written["code"]  # as above
        if written["lag"] is None:
            del written["lag"]  # as above
        written["seeds"] = self.seeds
        written["rounds"] = [{recipe_name(stage): knobs(stage)} for stage in self.rounds]
        written["stages"] = [{recipe_name(stage): knobs(stage)} for stage in self.stages]
        return written

    @property
    def unrepeatable(self) -> tuple[str, ...]:
        """Functions that nothing leads back to: a run with such cannot be resumed."""
        return tuple(path for path, mark in self.recipe.code.items() if mark == plugins.UNREPEATABLE)

    def as_yaml(self) -> str:
        """The text of `recipe.yaml`: reading it gives this recipe again, but for how many requests were in flight.

        At any number of them a run has the same bytes, and this file is one of its own.
        """
        written = self.written_out()
        limits = {key: value for key, value in self.recipe.limits.model_dump(mode="json").items() if key != "in_flight"}
        return yaml.safe_dump({**written, "limits": limits}, sort_keys=False, allow_unicode=True, width=120)


def knobs(stage: Stage) -> dict[str, Json]:
    """The fields of a stage, as YAML shows them."""
    values = {field.name: getattr(stage, field.name) for field in fields(stage)}  # type: ignore[arg-type]  # stages are dataclasses
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


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
