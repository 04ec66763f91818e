"""A recipe whose stages are made: what every part of a run reads, and `recipe.yaml` as it is written."""

from dataclasses import dataclass, fields

import yaml

from selfinstruct import plugins
from selfinstruct.formats.aliases import Roles
from selfinstruct.records import Json
from selfinstruct.run.inputs import Answers, ReadInputs, Set
from selfinstruct.run.recipe.keys import RecipeKeys
from selfinstruct.run.recipe.stage_names import recipe_name
from selfinstruct.stage import Stage
from selfinstruct.text import shown


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
            Set(given.path, given.layout, given.compat, Roles.of(given.columns, f"input '{shown(given.path)}'"))
            if given.columns
            else Set(given.path, given.layout, given.compat)
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
