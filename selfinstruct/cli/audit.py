"""`selfinstruct audit`: what did the tuning really do?"""

import json
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.running import carry_out, columns_option, run_options
from selfinstruct.cli.saying import say
from selfinstruct.records import Json

if TYPE_CHECKING:
    from selfinstruct.pipeline.run import Finished


@click.group()
def audit() -> None:
    """What a model does with its instructions.

    Example:  selfinstruct audit ablate builtin:natinst --model embedded -o runs/ablation
    """


@audit.command()
@click.argument("tasks", nargs=-1, required=True, metavar="TASKS...")
@click.option("--model", required=True, metavar="SPEC", help="Whom to ask: embedded, hf:, openai:, a student's folder.")
@click.option("--arms", default="", metavar="LIST", help="Conditions, by commas; all if not given.")
@click.option("--instances", type=click.IntRange(0), default=100, show_default=True, help="Of each task; 0: all.")
@click.option("--shots", type=click.IntRange(1), default=2, show_default=True, help="Examples, in arms that show some.")
@click.option("--margin", type=click.FloatRange(0, 100, min_open=True), default=3.0, help="Points called equal; 3.")
@click.option("--from", "shape", default="", metavar="SHAPE", help="Force the layout of the tasks.")
@columns_option
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@run_options
def ablate(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Change the instructions of tasks and see what that costs a model: does it use them, or guess?

    TASKS are NatInst-V2 files, or any set in which instructions come back with several inputs.

    Example:  selfinstruct audit ablate builtin:natinst --model embedded --instances 10 -o runs/ablation
    """
    from selfinstruct.pipeline import compose_sets
    from selfinstruct.pipeline.recipe import resolve
    from selfinstruct.pipeline.tuning import served

    knobs: dict[str, Json] = {"model": "asked", **{name: given[name] for name in ("instances", "shots", "margin")}}
    if given["arms"]:
        knobs["conditions"] = [_condition(word) for word in given["arms"].split(",")]
    inputs = compose_sets.inputs(given["tasks"], given["shape"], given["columns"])
    more: dict[str, Json] = {"publish": None, "seed": given["seed"]}
    models = {"asked": served(given["model"])}
    recipe = compose_sets.recipe("ablate", inputs, [{"ablate": knobs}], models, more)
    return carry_out(resolve(recipe, given["changes"]), given, _tell, "ablation.json")


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
