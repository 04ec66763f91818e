"""`selfinstruct check`, `schema` and `init`."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "changes", multiple=True, metavar="STAGE.KNOB=VALUE", help="Change a recipe's value.")
@click.option("--explain", is_flag=True, help="Tell each knob of each stage: its value, its default, what it means.")
def check(recipe: Path, changes: tuple[str, ...], *, explain: bool) -> int:
    """Validate a recipe and print it with every knob written out.

    Example:  selfinstruct check pipelines/quickstart.yaml --explain
    """
    from selfinstruct.run.recipe import resolve
    from selfinstruct.run.recipes import find_recipe
    from selfinstruct.run.yaml_file import read_yaml

    resolved = resolve(read_yaml(find_recipe(recipe)), changes)
    if not explain:
        say(resolved.as_yaml(), end="")
        return 0
    from selfinstruct.run.schema import explained

    for line in explained(resolved):
        say(line)
    return 0


@click.command()
def schema() -> int:
    """The JSON Schema of recipes: every stage and knob with its type, its default and what it means.

    Editors complete and explain a recipe that names it in its first line, as those of `init` do.

    Example:  selfinstruct schema > recipe.schema.json
    """
    from selfinstruct.run.schema import schema_text

    say(schema_text(), end="")
    return 0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.Path(path_type=Path), metavar="FILE", help="Your seed tasks in place of ours.")
@click.option("--topic", default="", metavar="TEXT", help="What tasks are to be about, where the seeds do not tell.")
def init(folder: Path, seeds: Path | None, topic: str) -> int:
    """Make a starting folder: seed tasks, the recipes that use them, and what an editor needs to help with them.

    Example:  selfinstruct init my-domain --seeds mine.jsonl --topic "a boatyard"
    """
    from selfinstruct.run.recipes import start_folder
    from selfinstruct.run.schema import EDITOR_LINE, SCHEMA_FILE, schema_text

    for path in start_folder(folder, seeds, topic, beside={SCHEMA_FILE: schema_text()}, first_line=EDITOR_LINE):
        say(path)
    return 0
