"""`selfinstruct check` and `init`."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--set", "changes", multiple=True, metavar="STAGE.KNOB=VALUE", help="Change a recipe's value.")
def check(recipe: Path, changes: tuple[str, ...]) -> int:
    """Validate a recipe and print it with every knob written out.

    Example:  selfinstruct check pipelines/quickstart.yaml
    """
    from selfinstruct.run.recipe import resolve
    from selfinstruct.run.recipes import find_recipe
    from selfinstruct.run.yaml_file import read_yaml

    say(resolve(read_yaml(find_recipe(recipe)), changes).as_yaml(), end="")
    return 0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seeds", type=click.Path(path_type=Path), metavar="FILE", help="Your seed tasks in place of ours.")
@click.option("--topic", default="", metavar="TEXT", help="What tasks are to be about, where the seeds do not tell.")
def init(folder: Path, seeds: Path | None, topic: str) -> int:
    """Make a starting folder: seed tasks, and the recipes that use them.

    Example:  selfinstruct init my-domain --seeds mine.jsonl --topic "a boatyard"
    """
    from selfinstruct.run.recipes import start_folder

    for path in start_folder(folder, seeds, topic):
        say(path)
    return 0
