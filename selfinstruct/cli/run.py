"""`selfinstruct run RECIPE`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from selfinstruct.cli.running import carry_out, publishing_options
from selfinstruct.cli.saying import say

if TYPE_CHECKING:
    from selfinstruct.run.arms import Arm


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@publishing_options
def run(recipe: Path, **given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Do a whole recipe, or what is left of it.

    RECIPE is a YAML file, or the name of one that comes with the package, such as smoke or quickstart; an unknown name
    lists all.

    Example:  selfinstruct run pipelines/smoke.yaml --set novelty.rouge_l_below=0.6 -o runs/smoke
    """
    from selfinstruct.run.arms import arms_of
    from selfinstruct.run.recipe import resolve
    from selfinstruct.run.recipes import find_recipe
    from selfinstruct.run.yaml_file import read_yaml

    file = read_yaml(find_recipe(recipe))
    arms = arms_of(file, given["changes"])
    return _carry_out(arms, given) if arms else carry_out(resolve(file, given["changes"]), given)


def _carry_out(arms: "Sequence[Arm]", given: dict[str, Any]) -> int:
    """One arm after the other; what is finished is read, so that a stop costs nothing."""
    from selfinstruct.run.arms import compare

    if given["output"] is None:
        raise click.UsageError("a recipe with arms needs a folder: -o FOLDER")
    codes = []
    for arm in arms:
        say(f"arm {arm.name}", err=True)
        codes.append(carry_out(arm.resolved, {**given, "output": given["output"] / arm.name}))
    if not given["dry_run"]:
        say(compare(arms, given["output"]), err=True)
        say(given["output"] / "arms.md")
    return max(codes)
