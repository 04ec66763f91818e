"""`selfinstruct audit`: what a model does with its instructions."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.running import carry_out, columns_option, renamed_option, run_options
from selfinstruct.cli.terminal import say
from selfinstruct.records import Json

if TYPE_CHECKING:
    from selfinstruct.run.run import Finished


@click.group()
def audit() -> None:
    """What a model does with its instructions.

    Example:  selfinstruct audit ablate builtin:natinst --model embedded -o runs/ablation
    """


@audit.command()
@click.argument("tasks", nargs=-1, required=True, metavar="TASKS...")
@click.option("--model", default="", metavar="SPEC", help="Whom to ask: embedded, hf:, openai:, a student's folder.")
@click.option("--base", default="", metavar="SPEC", help="What to tune instead, once for each arm, and then ask.")
@click.option("--arms", default="", metavar="LIST", help="Conditions, by commas; all if not given.")
@click.option("--instances", type=click.IntRange(0), default=100, show_default=True, help="Asked of each task; 0: all.")
@click.option("--shots", type=click.IntRange(1), default=2, show_default=True, help="Examples, in arms that show some.")
@click.option("--margin", type=click.FloatRange(0, 100, min_open=True), default=3.0, help="Points called equal; 3.")
@click.option(
    "--examples", multiple=True, type=click.IntRange(1), help="With --base: learned of each task; many: sweep."
)
@click.option(
    "--seeds", type=click.IntRange(1), default=1, show_default=True, help="With --base: students of each arm."
)
@click.option("--folds", type=click.IntRange(2), default=2, show_default=True, help="With --base: parts of the tasks.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), default=2.0, help="With --base; 2.")
@click.option("--template", default="chat", show_default=True, help="With --base: as of finetune.")
@renamed_option("--format", "--template")
@click.option("--from", "shape", default="", metavar="SHAPE", help="Force the layout of the tasks.")
@columns_option
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@run_options
def ablate(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Change the instructions of tasks and see what that costs a model: does it use them, or guess?

    TASKS are NatInst-V2 files, or any set in which instructions come back with several inputs.

    Example:  selfinstruct audit ablate builtin:natinst --model embedded --instances 10 -o runs/ablation

    Example:  selfinstruct audit ablate builtin:natinst --base embedded --examples 10 --arms original,empty -o runs/arms
    """
    if bool(given["model"]) == bool(given["base"]):
        raise click.UsageError("name a --model to ask or a --base to tune, not both and not neither")
    from selfinstruct.run import compose
    from selfinstruct.run.recipe import resolve
    from selfinstruct.run.tuning import served

    knobs: dict[str, Json] = {name: given[name] for name in ("instances", "shots", "margin")}
    conditions: list[Json] = [_condition(word) for word in given["arms"].split(",")] if given["arms"] else []
    if given["base"]:
        return _train(given, knobs, [str(condition) for condition in conditions])
    knobs |= {"model": "asked", **({"conditions": conditions} if conditions else {})}
    inputs = compose.inputs(given["tasks"], given["shape"], given["columns"])
    more: dict[str, Json] = {"publish": None, "seed": given["seed"]}
    models = {"asked": served(given["model"])}
    recipe = compose.recipe("ablate", inputs, [{"ablate": knobs}], models, more)
    return carry_out(resolve(recipe, given["changes"]), given, _tell, "ablation.json")


def _train(given: dict[str, Any], knobs: dict[str, Json], conditions: list[str]) -> int:
    """One student after the other; what is finished is read, so that a stop costs nothing."""
    from selfinstruct.audit.trained import TRAINABLE, trainings
    from selfinstruct.run import ablating

    folder: Path | None = given["output"]
    if folder is None:
        raise click.UsageError("arms that are trained need a folder: -o FOLDER")
    seeds = range(given["seed"], given["seed"] + given["seeds"])
    students = trainings(conditions or TRAINABLE, given["examples"] or (10,), seeds, given["folds"])
    tasks = ablating.read_tasks_of(given["tasks"], given["shape"], given["columns"])
    if given["dry_run"]:
        say(f"{len(students)} students would be tuned, of {len(tasks.tasks)} tasks, and asked; nothing is sent")
        return 0
    tuning: dict[str, Json] = {"epochs": given["epochs"], "template": given["template"]}
    codes = []
    for number, one in enumerate(students, 1):
        say(f"student {number} of {len(students)}: {one.name}", err=True)
        files = ablating.prepared(one, tasks, folder, given["folds"], given["shots"])
        resolved = ablating.resolved(one, given["base"], files, asking=knobs, tuning=tuning, changes=given["changes"])
        codes.append(carry_out(resolved, {**given, "output": folder / one.name}, None, "ablation.json"))
    say(ablating.published(students, folder, margin=given["margin"], seed=given["seed"]), err=True, end="")
    say(folder / "ablation.md")
    return max(codes)


def _condition(word: str) -> str:
    """As knobs spell it.

    >>> _condition(" wrong-pairing")
    'wrong_pairing'
    """
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _tell(finished: "Finished") -> None:
    from selfinstruct.audit.ablation_table import table

    told = json.loads((finished.folder / "ablation.json").read_text(encoding="utf-8"))
    say(table(told), err=True, end="")
