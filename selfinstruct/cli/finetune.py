"""`selfinstruct finetune`: a set and a base become a student."""

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.running import carry_out, columns_option, renamed_option, run_options
from selfinstruct.cli.saying import say
from selfinstruct.records import Json

if TYPE_CHECKING:
    from selfinstruct.run.run import Finished

_KNOBS = ("method", "template", "stop", "judge", "epochs", "learning_rate", "train_on", "merge")


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--base", required=True, metavar="SPEC", help="embedded, gemma, hf:NAME, gguf:PATH or a folder.")
@click.option("--from", "shape", default="", metavar="SHAPE", help="Force the layout of the inputs.")
@columns_option
@click.option(
    "--method",
    type=click.Choice(["lora", "full"]),
    default="lora",
    show_default=True,
    help="An adapter, or all weights.",
)
@click.option("--template", default="chat", show_default=True, help="chat, tags, alpaca, ifs or self_instruct.")
@renamed_option("--format", "--template")
@click.option(
    "--stop",
    type=click.Choice(["ifs", "none"]),
    default="ifs",
    show_default=True,
    help="When IFS has settled, or at the end.",
)
@click.option("--train-on", is_flag=True, help="Train to the end, and tell where it would have stopped.")
@click.option("--judge", default="", metavar="NAME", help="ifs-v2-linear (by default), ifs-v2, ifs-v1, or a folder.")
@click.option(
    "--epochs",
    type=click.FloatRange(0, min_open=True),
    default=2.0,
    show_default=True,
    help="Times each example is seen.",
)
@click.option("--learning-rate", type=click.FloatRange(0), default=0.0, help="0: what suits the method.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@click.option("--preview", is_flag=True, help="Show three examples and what is learned of them; train nothing.")
@click.option("--merge", is_flag=True, help="Write base and adapter as one model, which loads anywhere.")
@click.option("--gguf", is_flag=True, help="Also write student.gguf, to serve in the embedded engine.")
@run_options
def finetune(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Tune a base on a set; stop where its tone has settled.

    Example:  selfinstruct finetune runs/first --base embedded -o runs/student
    """
    from selfinstruct.run import compose, tuning
    from selfinstruct.run.recipe import resolve

    knobs: dict[str, Json] = {"base": "base", **{name: given[name] for name in _KNOBS}}
    inputs = compose.inputs(given["inputs"], given["shape"], given["columns"])
    more: dict[str, Json] = {"publish": None, "seed": given["seed"]}
    recipe = compose.recipe("finetune", inputs, tuning.stages(knobs), {"base": given["base"]}, more)
    resolved = resolve(recipe, given["changes"])
    if given["preview"]:
        say(tuning.preview(resolved))
        return 0
    if given["gguf"]:
        tuning.gguf_form(given["base"])  # a refusal belongs before the training
    return carry_out(resolved, given, partial(_tell, gguf_of=given["base"] if given["gguf"] else ""), "student")


def _tell(finished: "Finished", gguf_of: str) -> None:
    """Where the student is, and as what it can be used."""
    import json

    from selfinstruct.run import tuning

    folder = finished.folder
    told = json.loads((folder / "student" / "training.json").read_text(encoding="utf-8"))
    seen, records = told["training"]["examples_seen"], told["data"]["records"]
    say(f"student: tuned on {records:,} records, {seen:,} examples seen (use it as hf:{folder / 'student'})", err=True)
    if gguf_of:
        say(f"as GGUF: gguf:{tuning.gguf_of(folder, gguf_of)}", err=True)
