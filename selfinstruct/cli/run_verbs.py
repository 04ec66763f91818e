"""`selfinstruct run RECIPE` and `generate`: a whole recipe, or seed tasks that become a published set."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.run_and_report import publishing_options, run_and_report
from selfinstruct.cli.terminal import say
from selfinstruct.cli.verb import VerbCommand

if TYPE_CHECKING:
    from selfinstruct.run.recipe_arms import Arm


@click.command(cls=VerbCommand)
@click.argument("recipe", type=click.Path(path_type=Path))
@publishing_options
def run(recipe: Path, **given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Do a whole recipe, or what is left of it.

    RECIPE is a YAML file, or the name of one that comes with the package, such as smoke or quickstart; an unknown name
    lists all.

    Example:  selfinstruct run pipelines/smoke.yaml --set novelty.rouge_l_below=0.6 -o runs/smoke
    """
    from selfinstruct.run.recipe.builtin_recipes import find_recipe
    from selfinstruct.run.recipe.resolve import resolve
    from selfinstruct.run.recipe.yaml_file import read_yaml
    from selfinstruct.run.recipe_arms import arms_of

    file = read_yaml(find_recipe(recipe))
    arms = arms_of(file, given["changes"])
    return _run_verb(arms, given) if arms else run_and_report(resolve(file, given["changes"]), given)


def _run_verb(arms: "Sequence[Arm]", given: dict[str, Any]) -> int:
    """One arm after the other; what is finished is read, so that a stop costs nothing."""
    from selfinstruct.run.recipe_arms import compare

    if given["output"] is None:
        raise click.UsageError("a recipe with arms needs a folder: -o FOLDER")
    codes = []
    for arm in arms:
        say(f"arm {arm.name}", err=True)
        codes.append(run_and_report(arm.resolved, {**given, "output": given["output"] / arm.name}))
    if not given["dry_run"]:
        say(compare(arms, given["output"]), err=True)
        say(given["output"] / "arms.md")
    return max(codes)


@click.command(cls=VerbCommand)
@click.option("--seeds", default="builtin", help="A set of seed tasks; ours if not given.")
@click.option("--columns", default="", metavar="ROLE=COLUMN,...", help="Which column of the seeds is what.")
@click.option(
    "--topic",
    default="auto",
    metavar="TEXT",
    help="What tasks are about; auto: what the seeds share, if anything; none.",
)
@click.option(
    "--model",
    required=True,
    metavar="SPEC",
    help="embedded, gemma, gguf:PATH, hf:NAME_OR_FOLDER, openai:NAME, ollama:, vllm:, llamacpp:, openrouter:NAME, "
    "replay:PATH, scripted:FILE.",
)
@click.option("--count", type=click.IntRange(1), default=100, show_default=True, help="Tasks to publish, exactly.")
@click.option(
    "--style",
    type=click.Choice(["self_instruct", "alpaca"]),
    default="self_instruct",
    help="Instructions alone, or whole tasks at once.",
)
@click.option(
    "--profile",
    type=click.Choice(["default", "reference"]),
    default="default",
    help="reference: the released program's decisions.",
)
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Seed of all randomness.")
@click.option(
    "--until",
    type=click.Choice(["instructions", "classify", "instances", "publish"]),
    default="publish",
    help="Stop after this step.",
)
@click.option("--holdout-seeds", type=click.IntRange(1), metavar="N", help="Seeds kept aside to measure a student on.")
@click.option(
    "--test-share",
    type=click.FloatRange(0, 0.5),
    default=0.1,
    show_default=True,
    help="Of the set, for testing: none of it is nearly in the rest.",
)
@click.option("--requests-per-round", type=click.IntRange(1), help="Requests that see the same pool.")
@click.option("--max-cost", type=str, metavar="DOLLARS", help="Never spend more.")
@click.option("--max-total-tokens", type=click.IntRange(1), help="Never use more tokens.")
@click.option("--prices", metavar="FILE", help="Dollars per million tokens, for models nobody else knows.")
@publishing_options
def generate(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Make new tasks from seed tasks, with reasons for every one that is dropped.

    Example:  selfinstruct generate --seeds seeds.jsonl --model embedded --count 100 -o runs/mine
    """
    from selfinstruct.errors import BadInput
    from selfinstruct.formats.aliases import Roles
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    limits = {key: given[key] for key in ("max_cost", "max_total_tokens", "prices") if given[key] is not None}
    knobs = {
        key: given[key]
        for key in ("topic", "count", "seed", "holdout_seeds", "requests_per_round")
        if given[key] is not None
    }
    if given["columns"]:
        if given["seeds"] == "builtin":
            raise BadInput("columns of no seeds", place="--columns", fix="add --seeds FILE, or leave it away")
        knobs["seeds_columns"] = dict(Roles.parse(given["columns"]).given)
    recipe = verb_recipes.generate(
        name="generate",
        seeds=given["seeds"],
        model=given["model"],
        style=given["style"],
        profile=given["profile"],
        until=given["until"],
        test_share=given["test_share"],
        knobs={**knobs, "limits": limits},
    )
    return run_and_report(resolve(recipe, given["changes"]), given)
