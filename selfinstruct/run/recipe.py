"""A recipe, read strictly: an unknown stage or knob is an error that lists the ones that exist."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.models.hosted import HostedModel
from selfinstruct.records import Json
from selfinstruct.run.beside import found_beside
from selfinstruct.run.changes import with_changes
from selfinstruct.run.loop_checks import check_loop
from selfinstruct.run.named_models import check_kinds, with_hosted_models
from selfinstruct.run.reading import Answers, Read, Set
from selfinstruct.run.roles import check_weights
from selfinstruct.run.stages import STAGES
from selfinstruct.run.tuned_checks import check_tuned
from selfinstruct.run.yaml_file import Path_, YamlFile
from selfinstruct.stage import Stage
from selfinstruct.text import shown

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Whole = Annotated[int, Field(ge=1, le=100_000_000)]
_LARGEST = 2**63
Tokens = Annotated[int, Field(ge=1, lt=_LARGEST)]
_AMOUNT = r"\d+(\.\d+)?"


def _dollars(given: object) -> object:
    """A number is dollars too: 5, 0.5 and "0.50" are what people write."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    amount = format(Decimal(str(given)), "f") if is_number else given
    if not isinstance(amount, str) or not re.fullmatch(_AMOUNT, amount):
        raise ValueError("no amount of dollars: write a number such as 5 or 0.50")
    return amount


Dollars = Annotated[
    str,
    BeforeValidator(_dollars),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_AMOUNT}$"}]}),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Input(_Strict):
    """A set to work on."""

    path: Annotated[str, Field(min_length=1)]
    """A file, a folder, a Hub id, or `builtin` for our seed tasks."""
    shape: str = Field(default="", alias="from")
    """Its layout, where it is not to be told by looking, or is one of the twelve sets of Camels."""
    compat: Literal["", "camels"] = ""
    """`camels`: with the two quirks of that paper's converters."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Which column is the `instruction`, the `output`, the `input`, the `system`; or which holds the `messages`."""


def _spelt_out(given: object) -> object:
    """A bare path is an input too."""
    return {"path": given} if isinstance(given, str) else given


class Publish(_Strict):
    """What the published folder looks like."""

    format: Literal["messages", "alpaca", "prompt_completion", "sharegpt", "tags", "self_instruct"] = "messages"
    files: tuple[Literal["jsonl", "parquet"], ...] = ("jsonl", "parquet")
    license: str = "other"
    """Licence of the result, for the card; the terms of the model that wrote it may bind you: nobody guesses here."""
    language: tuple[str, ...] = ("en",)
    title: str = ""
    first_turn: bool = False
    """Of conversations only the first turn, where the format has room for no more."""


class Limits(_Strict):
    """Bounds on money, speed and patience: no part of what the run is, so they may change between two tries."""

    max_cost: Dollars | None = None
    """US dollars; kept as text, so that no rounding happens."""
    max_total_tokens: Tokens | None = None
    prices: str | None = None
    """A file of prices (US dollars per million tokens) for models the price library does not know."""
    in_flight: Whole | None = None
    """Requests at a time; None: the backend's own default."""
    requests_per_minute: Whole | None = None
    tokens_per_minute: Tokens | None = None
    thinking_tokens: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    """Tokens for thinking, beside those of each answer; None: none until the model is seen to think, then 4,096."""
    attempts: Whole = 6
    timeout: Annotated[float, Field(gt=0)] = 600.0
    """Seconds for one answer."""
    give_up_after: Whole = 8
    """Requests in a row that fail for good before the run stops."""


class Stop(_Strict):
    """When to give up although the target is not reached."""

    barren_requests: Whole = 48
    """Requests in a row from which not one task was kept: novelty has dried up."""


class Recipe(_Strict):
    """Everything a run does. Order is meaning."""

    name: Name
    about: str = ""
    seed: Annotated[int, Field(ge=0, lt=_LARGEST)] = 42
    profile: Literal["default", "reference"] = "default"
    """`reference`: the decisions of the released Self-Instruct program, bit for bit."""
    topic: Annotated[str, Field(max_length=200)] = "auto"
    """What tasks are to be about, in a few words; `auto`: what the seeds have in common, if anything; `none`."""
    seeds: str = ""
    """A file of seed tasks, or `builtin`; empty: `builtin` for rounds, none for inputs."""
    seeds_columns: dict[str, str] = Field(default_factory=dict)
    """Which column of the seeds is the `instruction`, the `output`, the `input`, where it is not to be told by name."""
    holdout_seeds: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    """Seeds, drawn by `seed`, that no model is shown: to measure a student on. Novelty compares with them too."""
    inputs: tuple[Annotated[Input, BeforeValidator(_spelt_out)], ...] = ()
    """Sets to work on, in place of rounds."""
    strict: bool = False
    """End at the first record of an input that cannot be used, in place of rejecting it."""
    models: dict[Name, str | InstanceOf[HostedModel]] = Field(default_factory=dict)
    """Role, such as `teacher`, and model spec, or a mapping that says where an endpoint is and how it is asked."""
    count: Whole = 100
    """Tasks that must have passed every stage of the rounds."""
    cycles: Whole = 1
    """How often the whole is walked: each cycle makes `count` tasks more, and its student's failures steer the next."""
    arms: dict[Name, tuple[str, ...]] = Field(default_factory=dict)
    """Name and changes, as words of `--set`: the recipe is run once for each, in a folder of its own, and compared."""
    student_teaches: bool = False
    """From the second cycle on the student proposes tasks and answers them; who classes or rates them stays."""
    requests_per_round: Whole | None = None
    """None: 32 for a model behind an endpoint, 4 for a small one, 5 in the reference profile."""
    rounds: tuple[Any, ...] = ()
    """Stages repeated until `count` is reached."""
    stages: tuple[Any, ...] = ()
    """Stages run once, after the rounds or on `inputs`."""
    publish: Publish | None = Publish()
    stop: Stop = Stop()
    limits: Limits = Limits()

    @property
    def specs(self) -> dict[str, str]:
        """Role and model spec, which says nothing of an address."""
        return {role: model if isinstance(model, str) else model.spec for role, model in self.models.items()}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe whose stages are made, with every knob known."""

    recipe: Recipe
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
        return (Read(sets=self.sets, strict=self.recipe.strict, answers=self._answers), *self.stages)

    @property
    def sets(self) -> tuple[Set, ...]:
        """The inputs, as they are read."""
        return tuple(
            Set(one.path, one.shape, one.compat, Roles.of(one.columns, f"input '{shown(one.path)}'"))
            if one.columns
            else Set(one.path, one.shape, one.compat)
            for one in self.recipe.inputs
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
        named: dict[str, Json] = {role: one if isinstance(one, str) else one.as_yaml() for role, one in models.items()}
        written = {key: named if key == "models" else written[key] for key in Recipe.model_fields}
        for one in written["inputs"] if isinstance(written["inputs"], list) else ():
            if isinstance(one, dict) and not one["columns"]:
                del one["columns"]  # as before there were any: a run stays the same run
        written["seeds"] = self.seeds
        if not written["seeds_columns"]:
            del written["seeds_columns"]
        written["rounds"] = [{stage.name: knobs(stage)} for stage in self.rounds]
        written["stages"] = [{stage.name: knobs(stage)} for stage in self.stages]
        return written

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
    value = with_changes(found_beside(file.value, file.name), changes, Recipe.model_fields)
    value = with_hosted_models(value, file)
    try:
        recipe = Recipe.model_validate(_tuples(value))
    except ValidationError as faults:
        raise _first(faults, file, Recipe) from None
    resolved = Resolved(
        recipe,
        tuple(_stage(step, file, ("rounds", index), recipe) for index, step in enumerate(recipe.rounds)),
        tuple(_stage(step, file, ("stages", index), recipe) for index, step in enumerate(recipe.stages)),
    )
    _check_order(resolved, file)
    _check_inputs(resolved, file)
    check_kinds(recipe.specs, file)
    return resolved


def _check_inputs(resolved: Resolved, file: YamlFile) -> None:
    for number, one in enumerate(resolved.recipe.inputs):
        if one.columns and (one.shape or one.compat):
            place = file.place(("inputs", number, "columns"))
            raise BadInput("both a layout (`from`) and `columns`", place=place, fix="leave one of them away")
    _ = resolved.sets  # their columns are checked where they are made


def _check_order(resolved: Resolved, file: YamlFile) -> None:
    recipe = resolved.recipe
    if not resolved.rounds and not resolved.stages:
        raise BadInput("no stages", place=file.place(), fix="list them under `rounds` or `stages`")
    asks_sets = all(stage.needs.asks_sets for stage in resolved.stages)
    alone = not resolved.rounds and not recipe.inputs and asks_sets  # what asks a set of prompts needs no records
    if not alone and bool(resolved.rounds) == bool(recipe.inputs):
        raise BadInput("either `rounds` or `inputs`, not both and not neither", place=file.place(), fix="remove one")
    check_loop(resolved, file)
    check_tuned(resolved, file)
    for index, stage in enumerate(resolved.rounds):
        if (stage.scope == "source") != (index == 0):
            raise BadInput(
                f"'{stage.name}': the first stage of a round, and only it, makes records",
                place=file.place(("rounds", index)),
                fix="start with `propose`",
            )
    for index, stage in enumerate(resolved.stages):
        if stage.scope == "source":
            raise BadInput(f"'{stage.name}' makes records", place=file.place(("stages", index)), fix="use `rounds`")
    for stage in (*resolved.rounds, *resolved.stages):
        scorer = stage.needs.scorer
        if scorer and scorer not in recipe.models:
            raise BadInput(
                f"stage '{stage.name}' measures with '{shown(scorer)}', which the recipe does not name",
                place=file.place(("models",)),
                fix=f"add `{shown(scorer)}: hf:FOLDER` under `models`",
            )
        lacking = [role for role in stage.needs.models if role not in recipe.models]
        if lacking:
            raise BadInput(
                f"stage '{stage.name}' asks a model '{shown(lacking[0])}' that the recipe does not name",
                place=file.place(("models",)),
                fix=f"add `{shown(lacking[0]) or 'teacher'}: embedded` under `models`",
            )
    check_weights(recipe.specs, (*resolved.rounds, *resolved.stages), file)


def _stage(step: object, file: YamlFile, path: Path_, recipe: Recipe) -> Stage:
    name, given = _named(step, file, path)
    if name not in STAGES:
        raise BadInput(
            f"no stage '{shown(name)}'{_nearest(name, STAGES)}",
            place=file.place(path),
            fix="stages: " + ", ".join(STAGES),
        )
    made = STAGES[name]
    known = {field.name for field in fields(made)}  # type: ignore[arg-type]  # stages are dataclasses
    for knob in map(str, given):
        if knob not in known:
            raise BadInput(
                f"stage '{name}' has no knob '{shown(knob)}'{_nearest(knob, known)}",
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
    _check_knobs(stage, file, (*path, name))
    return stage


def _check_knobs(stage: Stage, file: YamlFile, path: Path_) -> None:
    """Numbers must fit where they go: into requests, which are JSON."""
    for knob, value in knobs(stage).items():
        if isinstance(value, int | float) and not (math.isfinite(value) and abs(value) < _LARGEST):
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
            f"no key '{key}'{_nearest(str(where[-1]), known)}", place=file.place(where), fix="keys: " + ", ".join(known)
        )
    return BadInput(f"key '{key}': {fault['msg']}", place=file.place(where), fix="correct it")


def _fields_at(model: type[BaseModel], path: Path_) -> Iterable[str]:
    nested: dict[str, type[BaseModel]] = {"publish": Publish, "limits": Limits, "stop": Stop, "inputs": Input}
    found = (nested.get(str(path[0]), model) if path else model).model_fields
    return [field.alias or name for name, field in found.items()]


def _nearest(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean '{found[0]}'?)" if found else ""


def with_count(resolved: Resolved, count: int) -> Resolved:
    """The same recipe with another target."""
    return replace(resolved, recipe=resolved.recipe.model_copy(update={"count": count}))
