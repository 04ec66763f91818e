"""`selfinstruct fragment`, `train-judge`, `finetune`: what is learned from a set: a judge of tone, a student."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.run_and_report import columns_option, renamed_option, run_and_report, run_options
from selfinstruct.cli.terminal import say, with_interval
from selfinstruct.cli.verb import VerbCommand
from selfinstruct.records import Json
from selfinstruct.text.grammar import plural

if TYPE_CHECKING:
    from selfinstruct.run.execute import Finished


_METRICS = ("accuracy", "f1", "auroc", "ece")  # the line of a set; all of them are in the judge's folder
_KNOBS = ("engine", "method", "template", "stop", "judge", "epochs", "learning_rate", "train_on", "merge")


@click.command(cls=VerbCommand)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the inputs.")
@columns_option
@click.option(
    "--labels",
    type=click.Choice(["balanced", "paper"]),
    default="paper",
    show_default=True,
    help="1:1, or the paper's 1:2.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@run_options
def fragment(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Cut instructions and responses into labelled pairs, from which a judge of tone learns.

    Example:  selfinstruct fragment pairs.jsonl -o runs/fragments
    """
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    inputs = verb_recipes.inputs(given["inputs"], given["layout"], given["columns"])
    stages: list[Json] = [{"fragment": {"labels": given["labels"]}}]
    recipe = verb_recipes.recipe("fragment", inputs, stages, {}, {"publish": None, "seed": given["seed"]})
    return run_and_report(resolve(recipe, given["changes"]), given)


@click.command("train-judge", cls=VerbCommand)
@click.argument("fragments", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The judge's folder.")
@click.option("--backend", default="linear", show_default=True, help="linear: seconds, NumPy; encoder: extra `train`.")
@click.option("--encoder", default="", metavar="NAME", help="For encoder: a Hub name or folder.")
@click.option("--response-only", is_flag=True, help="Judge the response alone, as the paper does.")
@click.option(
    "--held-out", default="", metavar="NAME", help="Of the sets in FOLDER, one not to train but to measure on."
)
def train_judge(
    fragments: Path, output: Path, backend: str, encoder: str, held_out: str, *, response_only: bool
) -> int:
    """Train the response tone classifier on fragments, and measure it.

    Example:  selfinstruct train-judge runs/fragments -o runs/judge
    """
    from selfinstruct.run.score_without_run import train_judge as train

    judge = train(fragments, output, backend=backend, encoder=encoder, pair_aware=not response_only, held_out=held_out)
    for name, metrics in judge.items():
        say(
            f"{name}: {', '.join(_metric(metric, metrics[metric]) for metric in _METRICS if metrics.get(metric))}",
            err=True,
        )
    say(f"all numbers: {output / 'metrics.json'}, {output / 'README.md'}", err=True)
    say(output)
    return 0


def _metric(name: str, metrics: Mapping[str, Any]) -> str:
    return f"{name} {with_interval(metrics.get('value'), (metrics.get('low'), metrics.get('high')))}"


@click.command(cls=VerbCommand)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--base", required=True, metavar="SPEC", help="embedded, gemma, hf:NAME, gguf:PATH or a folder.")
@click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the inputs.")
@columns_option
@click.option(
    "--method",
    type=click.Choice(["lora", "full"]),
    default="lora",
    show_default=True,
    help="An adapter, or all weights.",
)
@click.option("--engine", type=click.Choice(["selfinstruct", "trl"]), default="selfinstruct", help="Who trains.")
@click.option("--template", default="chat", show_default=True, help="chat, tags, alpaca, ifs or self_instruct.")
@renamed_option("--format", "--template")
@click.option(
    "--stop",
    type=click.Choice(["ifs", "loss", "none"]),
    default="ifs",
    show_default=True,
    help="When IFS has settled, when the loss on the test split no longer falls, or at the end.",
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
    from selfinstruct.run import student_files, training_processes
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    knobs: dict[str, Json] = {"base": "base", **{name: given[name] for name in _KNOBS}}
    inputs = verb_recipes.inputs(given["inputs"], given["layout"], given["columns"])
    more: dict[str, Json] = {"publish": None, "seed": given["seed"]}
    recipe = verb_recipes.recipe("finetune", inputs, verb_recipes.finetune(knobs), {"base": given["base"]}, more)
    resolved = resolve(recipe, given["changes"])
    if training_processes.ran_as_worker(resolved, given["output"], fresh=given["fresh"]):
        return 0
    if given["preview"]:
        say(student_files.preview(resolved))
        return 0
    if given["gguf"]:
        student_files.gguf_form(given["base"])  # a refusal belongs before the training
    return run_and_report(resolved, given, partial(_tell, gguf_of=given["base"] if given["gguf"] else ""), "student")


def _tell(finished: "Finished", gguf_of: str) -> None:
    """Where the student is, and as what it can be used."""
    import json

    from selfinstruct.run import student_files

    folder = finished.folder
    training = json.loads((folder / "student" / "training.json").read_text(encoding="utf-8"))
    seen, records = training["training"]["examples_seen"], training["data"]["records"]
    say(
        f"student: tuned on {plural(records, 'record')}, {plural(seen, 'example')} "
        f"seen (use it as hf:{folder / 'student'})",
        err=True,
    )
    if gguf_of:
        say(f"as GGUF: gguf:{student_files.gguf_of(folder, gguf_of)}", err=True)
