"""A recipe made of objects in Python: written as the YAML it stands for, and run by the same engine."""

import dataclasses
import numbers
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, cast

import yaml

from selfinstruct import plugins
from selfinstruct.advice import in_python
from selfinstruct.arguments import arguments_checked
from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.run.progress_events import Unwatched
from selfinstruct.run.recipe.keys import Limits, Publish, Stop
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.stage_names import recipe_name
from selfinstruct.run.recipe.yaml_file import GENERATE_SET, PYTHON, parse_yaml, read_yaml
from selfinstruct.run.run_reader import Run, load_run
from selfinstruct.stage import Stage
from selfinstruct.text import printable, shown

if TYPE_CHECKING:
    from selfinstruct.run.dry_run import PlanLine

Path_: TypeAlias = str | Path
Step: TypeAlias = "Stage | type[Stage] | Callable[..., Any] | str | Mapping[str, Any]"
"""A stage: an object such as `Exact()`, a function(records, bench) that yields outcomes, or as YAML has it."""


class Recipe:
    """Everything a run does, as `run RECIPE` reads it from YAML: order is meaning, and the defaults are the same.

    A function that is handed over (a rule, a stage) is written to `recipe.yaml` as `module:qualname`, and the hash of
    its source under `code`: with another source it is another run. A lambda, or a function inside another, works too,
    but nothing can find it again: such a run cannot be resumed, and says so. `arms` are for YAML.

    Raises:
        BadInput: a key, a stage or a knob cannot be used; its text is what the command line prints.
    """

    @arguments_checked()
    def __init__(  # noqa: PLR0913 - as many as a recipe has keys
        self,
        *,
        name: str = "recipe",
        about: str = "",
        inputs: Sequence[Path_ | Mapping[str, Any]] = (),
        stages: Sequence[Step] = (),
        rounds: Sequence[Step] = (),
        seeds: Path_ = "",
        seeds_columns: Mapping[str, str] | None = None,
        models: Mapping[str, str | Mapping[str, Any]] | None = None,
        count: int = 100,
        seed: int = 42,
        profile: Literal["default", "reference"] = "default",
        topic: str = "auto",
        holdout_seeds: int = 0,
        strict: bool = False,
        cycles: int = 1,
        student_teaches: bool = False,
        requests_per_round: int | None = None,
        lag: int | None = None,
        publish: Publish | Mapping[str, Any] | None = Publish(),  # noqa: B008 - frozen
        stop: Stop | Mapping[str, Any] = Stop(),  # noqa: B008 - as above
        limits: Limits | Mapping[str, Any] = Limits(),  # noqa: B008 - as above
    ) -> None:
        keys: dict[str, Any] = {
            "name": name,
            "about": about,
            "seed": seed,
            "profile": profile,
            "topic": topic,
            "seeds": seeds,
            "seeds_columns": seeds_columns or {},
            "holdout_seeds": holdout_seeds,
            "inputs": inputs,
            "strict": strict,
            "models": models or {},
            "count": count,
            "cycles": cycles,
            "student_teaches": student_teaches,
            "requests_per_round": requests_per_round,
            "lag": lag,
            "publish": _mapping(publish),
            "stop": _mapping(stop),
            "limits": _mapping(limits),
        }
        written: dict[str, Json] = {key: _as_yaml(value) for key, value in keys.items()}
        written["rounds"] = [_step(step) for step in rounds]
        written["stages"] = [_step(stage) for stage in stages]
        text = yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
        self._resolved = resolve(parse_yaml(text.encode("utf-8", "surrogatepass"), PYTHON))

    @classmethod
    @arguments_checked()
    def read(cls, path: Path_, changes: Sequence[str] = ()) -> Self:
        """The recipe in a YAML file, or one that comes with the package; `changes` as `--set STAGE.KNOB=VALUE`."""
        from selfinstruct.run.recipe.builtin_recipes import find_recipe

        return cls.of(resolve(read_yaml(find_recipe(Path(path))), changes))

    @classmethod
    def of(cls, resolved: Resolved) -> Self:
        """One that was read otherwise."""
        recipe = cls.__new__(cls)
        recipe._resolved = resolved  # noqa: SLF001 - its own
        return recipe

    @property
    def resolved(self) -> Resolved:
        """What the engine takes: every stage made, every knob known."""
        return self._resolved

    def as_yaml(self) -> str:
        """The text of `recipe.yaml`, every knob written out."""
        return self._resolved.as_yaml()

    @arguments_checked()
    def run(
        self, folder: Path_ | None = None, *, fresh: bool = False, retry_failed: bool = False, workers: int = 1
    ) -> Run:
        """Do the run, or what is left of it, and read it; without a folder in `runs/NAME-FINGERPRINT`.

        `fresh` makes everything again from the journal, `retry_failed` asks failed calls of finished stages again,
        `workers` are processes for stages that allow it. Outside a terminal only what must be known is said, on stderr.

        Raises:
            BadInput: an input, a model or the folder cannot be used.
            Stopped: a cap, the disk or a provider ended it early; the same call goes on.
        """
        from selfinstruct.run.execute import Options, execute

        watch = _Notices()
        if self._resolved.unrepeatable:
            watch.notice(f"this run cannot be resumed: nothing can find {', '.join(self._resolved.unrepeatable)} again")
        if workers < 1:
            raise BadInput(f"workers={workers}, where at least 1 is expected", place="Recipe.run")
        place = None if folder is None else Path(folder)
        alone = any(path.startswith("__main__:") for path in self._resolved.recipe.code) or self._resolved.unrepeatable
        options = Options(
            folder=place, fresh=fresh, retry_failed=retry_failed, workers=1 if alone else workers, watch=watch
        )
        return load_run(execute(self._resolved, options).folder)

    def dry_run(self) -> "DryRun":
        """What it would send and cost: nothing is sent, nothing is written."""
        from selfinstruct.run.dry_run import estimate_run

        return DryRun(estimate_run(self._resolved))

    def __repr__(self) -> str:
        """Its name and its stages."""
        steps = [stage.name for stage in (*self._resolved.rounds, *self._resolved.stages)]
        return f"<Recipe {self._resolved.recipe.name}: {', '.join(steps)}>"


class DryRun(tuple["PlanLine", ...]):
    """A line for each stage that asks a model; printed as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        """As `--dry-run` prints it."""
        from selfinstruct.run.dry_run import as_table

        return as_table(self)

    __repr__ = __str__


class _Notices(Unwatched):
    """Only what must be known is said."""

    def notice(self, line: str) -> None:
        """Write a notice to stderr."""
        sys.stderr.write(printable(in_python(line)) + "\n")


def _step(given: object) -> Json:
    """A stage as a recipe writes it; a knob that has its default is left to what the recipe says for all stages."""
    if isinstance(given, str | Mapping):
        return _as_yaml(given)
    if isinstance(given, type) and dataclasses.is_dataclass(given):
        given = given()
    if dataclasses.is_dataclass(given) and not isinstance(given, type) and {"name", "scope"} <= {*dir(given)}:
        stage = cast("Stage", given)
        said = {knob.name: getattr(stage, knob.name) for knob in dataclasses.fields(given) if not _usual(stage, knob)}
        return {recipe_name(stage): _as_yaml(said)}
    if callable(given):
        return plugins.hand_over(given)
    what = f"{shown(repr(given), 60)} is no stage"
    raise BadInput(what, place="stages", fix="give stages such as Exact(), names, or functions(records, bench)")


def _usual(stage: Stage, knob: "dataclasses.Field[Any]") -> bool:
    made = knob.default_factory
    usual = knob.default if made is dataclasses.MISSING else made()
    return bool(getattr(stage, knob.name) == usual)


def _as_yaml(value: Any) -> Json:  # noqa: ANN401 - knobs have all kinds of types
    if isinstance(value, list | tuple):
        return [_as_yaml(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _as_yaml(item) for key, item in value.items()}
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return cast("Json", value)
    return int(value) if isinstance(value, numbers.Integral) else float(value)  # YAML knows none of numpy's


def _mapping(given: Any) -> Any:  # noqa: ANN401 - what a recipe's key takes
    return given.model_dump(mode="json", exclude_unset=True) if isinstance(given, Publish | Stop | Limits) else given


@arguments_checked()
def generate_set(  # noqa: PLR0913 - as many as the verb has options
    *,
    model: str,
    seeds: Path_ = "builtin",
    seeds_columns: Mapping[str, str] | None = None,
    count: int = 100,
    folder: Path_ | None = None,
    seed: int = 42,
    topic: str = "auto",
    style: Literal["self_instruct", "alpaca"] = "self_instruct",
    profile: Literal["default", "reference"] = "default",
    holdout_seeds: int = 0,
    test_share: float = 0.1,
    max_cost: float | str | None = None,
    max_total_tokens: int | None = None,
) -> Run:
    """Make new tasks from seed tasks, as the verb `generate` does: `count` of them, each through every stage.

    `folder`: the run's; `runs/generate-FINGERPRINT` if not given. `max_cost` in US dollars. Errors are those of
    `Recipe.run`; that it ended before its target is told by `.reason`.
    """
    from selfinstruct.run.recipe import verb_recipes

    caps = {"max_cost": max_cost, "max_total_tokens": max_total_tokens}
    limits: dict[str, Json] = {name: cap for name, cap in caps.items() if cap is not None}
    knobs: dict[str, Json] = {"topic": topic, "count": count, "seed": seed, "limits": limits}
    if seeds_columns:
        knobs["seeds_columns"] = dict(seeds_columns)
    if holdout_seeds:
        knobs["holdout_seeds"] = holdout_seeds
    file = verb_recipes.generate(
        name="generate",
        seeds=str(seeds),
        model=model,
        style=style,
        profile=profile,
        test_share=test_share,
        knobs=knobs,
    )
    return Recipe.of(resolve(dataclasses.replace(file, name=GENERATE_SET))).run(folder)
