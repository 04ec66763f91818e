"""`selfinstruct compare`: scores side by side."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="[NAME=]FOLDER...")
@click.option("--against", default="", metavar="ROW", help="Differences in pairs against this row.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="A folder for compare.json, .txt, .md, .tex and .html."
)
@click.option("--markdown", is_flag=True, help="The table in Markdown.")
@click.option("--latex", is_flag=True, help="The table in LaTeX (booktabs).")
@click.option("--json", "as_json", is_flag=True, help="Say everything as JSON on stdout.")
def compare(
    folders: tuple[str, ...], against: str, output: Path | None, *, markdown: bool, latex: bool, as_json: bool
) -> int:
    """What folders of `score` hold, in one table with intervals: rows models, columns measures.

    A measure told by two judges, or on two sets of prompts, has a column for each.

    Example:  selfinstruct compare base=runs/base tuned=runs/suite --against base -o runs/table
    """
    import json

    from selfinstruct.evaluate.compare_text import as_latex, as_markdown, as_text
    from selfinstruct.run.comparing import compare as compared
    from selfinstruct.run.comparing import write_comparison

    if markdown + latex + as_json > 1:
        raise click.UsageError("one of --markdown, --latex and --json")
    told = compared(folders, against)
    for note in told.notes:
        say(f"note: {note}", err=True)
    if output is not None:
        write_comparison(told, output)
        say(f"page: {output / 'compare.html'}", err=True)
    if as_json:
        say(json.dumps(told.as_json(), ensure_ascii=False))
        return 0
    write = as_markdown if markdown else as_latex if latex else as_text
    say(write(told).rstrip("\n"))
    return 0
