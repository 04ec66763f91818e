"""`selfinstruct blame` and `forget`: which records taught a sentence, and a set without them."""

from typing import Any

import click

from selfinstruct.cli.run_and_report import columns_option, publishing_options, run_and_report
from selfinstruct.cli.terminal import say, say_json
from selfinstruct.cli.verb import VerbCommand
from selfinstruct.records import Json
from selfinstruct.text import shown

_DATA = click.option("--data", required=True, multiple=True, metavar="DATA", help="The training set: a run or any set.")
_FROM = click.option("--from", "layout", default="", metavar="LAYOUT", help="Force the layout of the set.")


@click.command(cls=VerbCommand)
@click.argument("text")
@_DATA
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Records told, at most.")
@_FROM
@columns_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def blame(text: str, data: tuple[str, ...], top: int, layout: str, columns: str, *, as_json: bool) -> int:
    """Which training records taught this sentence, and what were they made of?

    Exit code 1 where no record holds anything like it.

    Example:  selfinstruct blame "The Ebro flows into the Baltic Sea." --data runs/first
    """
    from selfinstruct.run.blame_and_lineage import blame as blamed_for

    blamed = blamed_for(text, data, layout, columns, top=top)
    if as_json:
        rows = [
            {**source.origin.as_json(), **source.task.as_json(), "ancestors": list(source.ancestors)}
            for source in blamed
        ]
        say_json({"text": text, "records": rows})
        return 0 if blamed else 1
    if not blamed:
        say("no record holds anything like it", err=True)
        return 1
    for source in blamed:
        how = "word for word" if source.origin.exact else f"{source.origin.overlap:.0%} of its words and runs"
        copies = f", {source.origin.copies} copies" if source.origin.copies > 1 else ""
        say(f"{source.origin.record[:12]}  {how}, about the same {source.origin.concept:.2f}{copies}")
        say(f"    instruction: {shown(source.task.instruction, 200)}")
        for pair in source.task.instances[:3]:
            say(f"    output: {shown(pair.output, 200)}")
        for line in source.ancestors[:12]:
            say(f"    from {shown(line, 160)}")
    return 0


@click.command(cls=VerbCommand)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@_DATA
@_FROM
@columns_option
@publishing_options
def forget(**given: Any) -> int:  # noqa: ANN401 - click hands options over by name
    """Drop records or seeds from a set, with all that was made of them, and say what went.

    An ID may be shortened to its first six characters. Of a run folder every stage is looked at.

    Example:  selfinstruct forget 3f9a2c81 --data runs/first -o runs/without
    """
    from selfinstruct.run.blame_and_lineage import below, lineage_of
    from selfinstruct.run.recipe import verb_recipes
    from selfinstruct.run.recipe.resolve import resolve

    descendants = below(given["ids"], lineage_of(given["data"]))
    lineage: dict[str, Json] = {record_id: list(parents) for record_id, parents in descendants.items()}
    knobs: dict[str, Json] = {"ids": list(given["ids"]), **({"lineage": lineage} if lineage else {})}
    inputs = verb_recipes.inputs(given["data"], given["layout"], given["columns"])
    recipe = verb_recipes.recipe("forget", inputs, [{"forget": knobs}], {}, {})
    return run_and_report(resolve(recipe, given["changes"]), given)
