"""`selfinstruct reconsider`."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say
from selfinstruct.text import shown


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--set", "changes", multiple=True, required=True, metavar="STAGE.KNOB=VALUE", help="Another threshold.")
@click.option("--most", type=click.IntRange(0), default=20, show_default=True, help="How many changes to print.")
def reconsider(folder: Path, changes: tuple[str, ...], most: int) -> int:
    """Decide again from stored evidence with other thresholds; no model is asked.

    Example:  selfinstruct reconsider runs/smoke --set novelty.rouge_l_below=0.5
    """
    from selfinstruct.run.reconsider import reconsider as decide_again

    result = decide_again(folder, changes)
    for change in result.changes[:most]:
        say(f"{change.before} -> {change.after}: {shown(change.instruction, 100)}")
    if len(result.changes) > most:
        say(f"... and {len(result.changes) - most:,} more in {result.folder / 'changes.json'}")
    say(f"kept {result.kept_before:,} -> {result.kept_after:,}", err=True)
    if result.unasked:
        say(f"{result.unasked:,} of them need answers this run never asked for: only a new run can tell", err=True)
    say(result.folder)
    return 0
