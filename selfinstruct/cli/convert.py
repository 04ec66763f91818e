"""`selfinstruct convert INPUT -o FILE`."""

from pathlib import Path
from typing import Any

import click

from selfinstruct.cli.running import columns_option, reasons
from selfinstruct.cli.saying import say


@click.command()
@click.argument("source", metavar="INPUT")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Ends in .jsonl, .json, .csv, .tsv, .parquet or .arrow."
)
@click.option("--explain", is_flag=True, help="Say how the input would be read, and why; write nothing.")
@click.option("--from", "shape", default="", metavar="SHAPE", help="Force the layout of the input.")
@columns_option
@click.option("--to", "layout", default="messages", show_default=True, metavar="LAYOUT", help="Layout of the output.")
@click.option("--first-turn", is_flag=True, help="Of conversations only the first turn.")
@click.option("--strict", is_flag=True, help="End at the first record that cannot be used (exit 2).")
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
    from selfinstruct.run.converting import convert as converted
    from selfinstruct.run.converting import explain_input

    if explain:
        for line in explain_input(source, shape=given["shape"], columns=given["columns"]):
            say(line)
        return 0
    if output is None:
        raise click.UsageError("name a file with -o, or say --explain")
    done = converted(source, output, **given)
    say(f"{done.rows:,} rows written, {reasons(done.rejected)}", err=True)
    if done.unlearned:
        say(f"answers marked as not to be learned: {done.unlearned:,}", err=True)
    if done.rejects is not None:
        say(f"rejected, with file and line: {done.rejects}", err=True)
    say(output)
    return 0
