"""`selfinstruct run RECIPE`."""

from pathlib import Path
from typing import Any

import click

from selfinstruct.cli.running import carry_out, run_options


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@run_options
def run(recipe: Path, **given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Do a whole recipe, or what is left of it.

    RECIPE is a YAML file, or the name of one that comes with the package: smoke, quickstart, self_instruct.

    Example:  selfinstruct run pipelines/smoke.yaml --set novelty.rouge_l_below=0.6 -o runs/smoke
    """
    from selfinstruct.pipeline.recipe import resolve
    from selfinstruct.pipeline.recipes import find_recipe
    from selfinstruct.pipeline.yaml_file import read_yaml

    return carry_out(resolve(read_yaml(find_recipe(recipe)), given["changes"]), given)
