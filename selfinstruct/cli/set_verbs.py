"""`selfinstruct curate`, `simplify`, `verify`, `mix`, `convert`: sets that exist, in one pass with reasons."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from selfinstruct.cli.run_and_report import columns_option, publishing_options, reasons, run_and_report
from selfinstruct.cli.terminal import say
from selfinstruct.cli.verb import VerbCommand
from selfinstruct.records import Json
from selfinstruct.text.grammar import plural

if TYPE_CHECKING:
    from selfinstruct.run.execute import Finished


Verb = TypeVar("Verb", bound=Callable[..., Any])


def set_options(verb: Verb) -> Verb:
    """What the verbs that read sets share."""
    for option in reversed(
        (
            click.argument("inputs", nargs=-1, required=True, metavar="INPUT..."),
            click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the inputs."),
            columns_option,
            click.option("--format", "published", default="messages", show_default=True, help="Layout of the result."),
            click.option("--first-turn", is_flag=True, help="Publish only the first turn of conversations."),
            click.option("--strict", is_flag=True, help="End at the first unusable record (exit 2)."),
        )
    ):
        verb = option(verb)
    return publishing_options(verb)


@click.command(cls=VerbCommand)
@set_options
@click.option("--rules", default="curate", show_default=True, help="Rules or sets of rules, comma-separated; or none.")
@click.option("--exact", is_flag=True, help="Remove exact duplicates (after normalising).")
@click.option("--near-duplicates", type=click.FloatRange(0.05, 1), metavar="J", help="Remove from this Jaccard on.")
@click.option(
    "--keep",
    type=click.Choice(["first", "newest", "shortest", "longest"]),
    help="Which of duplicates stays; else of exact ones the first, of near ones the longest.",
)
@click.option("--index", metavar="FOLDER", help="What earlier runs published there counts, too (J: 0.8, if not given).")
@click.option("--novelty", type=click.FloatRange(0.05, 1), metavar="T", help="Keep instructions below this ROUGE-L.")
@click.option(
    "--against",
    multiple=True,
    metavar="FILE",
    help="Benchmark that must not be in the set; layouts: alpaca, messages, sharegpt, prompt_completion, natinst, "
    "self_instruct, tags, text, records; or ifs-v1, objecqa-v1.",
)
@click.option("--against-columns", default="", metavar="ROLE=COLUMN,...", help="The same for the benchmarks.")
@click.option(
    "--test-share", type=click.FloatRange(0, 0.5), default=0.0, help="For testing: none of it is nearly in the rest."
)
@click.option("--fail-on-contamination", is_flag=True, help="Exit 1 when the set held any of it.")
def curate(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Clean any sets: rules, exact and near duplicates, decontamination; every removal has its reason.

    Example:  selfinstruct curate alpaca.json dump.jsonl.gz --exact --near-duplicates 0.8 -o runs/clean
    """
    from selfinstruct.errors import BadInput
    from selfinstruct.run.recipe import verb_recipes

    if given["against_columns"] and not given["against"]:
        raise BadInput("columns of no benchmark", place="--against-columns", fix="add --against FILE, or leave it away")
    knobs = {"jaccard": given["near_duplicates"], "index": given["index"]}
    near: dict[str, Json] = {name: value for name, value in knobs.items() if value}
    stages = verb_recipes.curate(
        rules=[name.strip() for name in given["rules"].split(",") if name.strip()],
        exact=given["exact"],
        near=near or None,
        keep=given["keep"],
        novelty=given["novelty"],
        against=given["against"],
        against_columns=given["against_columns"],
        test_share=given["test_share"],
    )
    return _run_verb("curate", stages, given)


@click.command(cls=VerbCommand)
@set_options
@click.option("--model", default="", metavar="SPEC", help="Who rewrites; small models leave it to the rules.")
@click.option("--rules-only", is_flag=True, help="Ask no model.")
def simplify(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Shorten responses to what is helpful and factual; a rewrite that fails a check leaves the original.

    Example:  selfinstruct simplify runs/clean/kept.jsonl --rules-only -o runs/short
    """
    from selfinstruct.run.recipe import verb_recipes

    model = "" if given["rules_only"] else given["model"]
    return _run_verb("simplify", verb_recipes.simplify(model=model), given, {"rewriter": model} if model else {})


@click.command(cls=VerbCommand)
@set_options
@click.option("--model", default="", metavar="SPEC", help="Who answers again and judges; without one only computing.")
def verify(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Drop outputs that can be shown to be wrong: sums, JSON, code, labels, languages, counts.

    Example:  selfinstruct verify runs/clean/kept.jsonl -o runs/right
    """
    from selfinstruct.run.recipe import verb_recipes

    model = given["model"]
    return _run_verb("verify", verb_recipes.verify(model=model), given, {"verifier": model} if model else {})


@click.command(cls=VerbCommand)
@click.argument("recipe", type=click.Path(path_type=Path))
@publishing_options
def mix(recipe: Path, **given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Mix sets by weights, caps or budgets: a recipe with `inputs` and a `mix` stage.

    Example:  selfinstruct mix pipelines/camels_human.yaml -o runs/mixture
    """
    from selfinstruct.errors import BadInput
    from selfinstruct.run.recipe.builtin_recipes import find_recipe
    from selfinstruct.run.recipe.resolve import resolve
    from selfinstruct.run.recipe.yaml_file import read_yaml

    path = find_recipe(recipe)
    if path.suffix not in {".yaml", ".yml"}:
        fix = f"write a recipe with `inputs: [{recipe.name}, ...]` and `stages: [mix]`, or join sets by `curate`"
        raise BadInput("is no recipe (YAML), and perhaps a set", place=str(recipe), fix=fix)
    resolved = resolve(read_yaml(path), given["changes"])
    if not any(stage.needs.draws for stage in resolved.stages):
        raise BadInput("mixes nothing: no `mix` among its stages", place=str(path), fix="add `- mix` under `stages`")
    return run_and_report(resolved, given, _tell_mixture)


def _tell_mixture(finished: "Finished") -> None:
    """The columns of table 1 of the Camels paper, on stderr."""
    from rich.console import Console
    from rich.table import Table

    from selfinstruct.run.run_reader import load_run

    for stage in load_run(finished.folder).stages:
        rows: Any = stage.result.measured.get("mixture", [])
        table = Table("source", "rows", "drawn", "tokens", "turns", "prompt", "completion", box=None)
        for row in rows:
            means = (row[f"mean_{name}"] for name in ("turns", "prompt_tokens", "completion_tokens"))
            counts = (f"{row[name]:,}" for name in ("rows", "drawn", "tokens"))
            table.add_row(row["source"], *counts, *("" if mean is None else f"{mean:,.1f}" for mean in means))
        if rows:
            Console(stderr=True, markup=False, width=120).print(table)


def _run_verb(name: str, stages: Sequence[Json], given: dict[str, Any], models: dict[str, str] | None = None) -> int:
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    publish: dict[str, Json] = {"format": given["published"], "first_turn": given["first_turn"]}
    inputs = verb_recipes.inputs(given["inputs"], given["layout"], given["columns"])
    knobs: dict[str, Json] = {"strict": given["strict"], "publish": publish}
    recipe = verb_recipes.recipe(name, inputs, stages, models or {}, knobs)
    return run_and_report(resolve(recipe, given["changes"]), given)


@click.command(cls=VerbCommand)
@click.argument("source", metavar="INPUT")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Ends in .jsonl, .json, .csv, .tsv, .parquet or .arrow."
)
@click.option("--explain", is_flag=True, help="Say how the input would be read, and why; write nothing.")
@click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the input.")
@columns_option
@click.option("--to", "to", default="messages", show_default=True, metavar="LAYOUT", help="Layout of the output.")
@click.option("--first-turn", is_flag=True, help="Of conversations only the first turn.")
@click.option("--strict", is_flag=True, help="End at the first unusable record (exit 2).")
@click.option(
    "--seed", type=click.IntRange(0), default=42, show_default=True, help="For the templates of self_instruct."
)
def convert(source: str, output: Path | None, *, explain: bool, **given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """One layout or file format into another; the user's own fields stay.

    LAYOUT: messages, sharegpt, alpaca, prompt_completion, tags, self_instruct, seeds, natinst. A .csv or .tsv is data
    and holds every text as it is; a spreadsheet takes one that begins with = for a formula (not in sheets of `review`).

    Example:  selfinstruct convert dump.parquet --to sharegpt -o dump.jsonl.gz

    Example:  selfinstruct convert questions.csv --explain
    """
    from selfinstruct.run.convert import convert as converted
    from selfinstruct.run.convert import explain_input

    if explain:
        for line in explain_input(source, layout=given["layout"], columns=given["columns"]):
            say(line)
        return 0
    if output is None:
        raise click.UsageError("name a file with -o, or say --explain")
    done = converted(source, output, **given)
    say(f"{plural(done.rows, 'row')} written, {reasons(done.rejected)}", err=True)
    if done.unlearned:
        say(f"answers marked as not to be learned: {done.unlearned:,}", err=True)
    if done.rejects is not None:
        say(f"rejected, with file and line: {done.rejects}", err=True)
    say(output)
    return 0
