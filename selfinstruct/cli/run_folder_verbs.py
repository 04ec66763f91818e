"""`selfinstruct show`, `why`, `report`, `review`, `reconsider`: what is done with the folder of a run."""

from pathlib import Path

import click

from selfinstruct.cli.terminal import say, say_json
from selfinstruct.cli.verb import VerbCommand
from selfinstruct.text import shown

FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@click.command(cls=VerbCommand)
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(folder: Path, *, as_json: bool) -> int:
    """Tell what a run folder holds: each stage's sums, and whether somebody works on it.

    Example:  selfinstruct show runs/smoke
    """
    from selfinstruct.run.run_reader import load_run

    run = load_run(folder)
    last_event = run.ledger[-1] if run.ledger else {}
    if as_json:
        facts = {"running": run.running, "published": run.published, "unfinished": list(run.unfinished)}
        say_json(
            {**facts, "stages": {stage.path: stage.result.as_json() for stage in run.stages}, "last": dict(last_event)}
        )
        return 0
    stages = [(shown(stage.path), stage.result) for stage in run.stages]
    width = max((len(name) for name, _ in stages), default=5)
    say(f"{'stage':<{width}}  received      kept  rejected    failed")
    for name, result in stages:
        rejected, failed = sum(result.rejected.values()), sum(result.failed.values())
        say(f"{name:<{width}}  {result.received:>8,}  {result.kept:>8,}  {rejected:>8,}  {failed:>8,}")
        for reason, count in result.rejected.items():
            say(f"{'':<{width}}  {'':>18}  {count:>8,}  {shown(reason)}")
    for name in run.unfinished:
        say(f"{shown(name):<{width}}  unfinished")
    state = "is being worked on" if run.running else "is at rest"
    what = "tasks published" if (folder / "dataset").is_dir() else "records at its end"  # a training publishes no set
    published = "nothing published yet" if run.published is None else f"{run.published:,} {what}"
    last = shown(str(last_event.get("reason") or last_event.get("event", "nothing")))
    say(f"{folder} {state}; {published}; the diary ends with: {last}")
    return 0


@click.command(cls=VerbCommand)
@click.argument("identity", metavar="ID")
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def why(identity: str, folder: Path, *, as_json: bool) -> int:
    """Tell the life of one record: what it was shown, what each stage said, how it ended.

    ID may be shortened to the first characters that are its own.

    Example:  selfinstruct why 3f9a2c81 runs/smoke
    """
    from selfinstruct.run.run_reader import load_run

    life = load_run(folder).why(identity)
    if as_json:
        stations = [{"stage": s.stage, "fate": s.fate, **s.line} for s in life.stations]
        say_json({"stations": stations, "demonstrations": list(life.demonstrations)})
        return 0
    for line in life.lines():
        say(line)
    return 0


@click.command(cls=VerbCommand)
@FOLDER
def report(folder: Path) -> int:
    """Make the HTML page of a run again and print its path.

    Example:  selfinstruct report runs/smoke
    """
    from selfinstruct.run.execute import report_again

    say(report_again(folder))
    return 0


@click.command(cls=VerbCommand)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--n", "wanted", type=click.IntRange(1), default=200, show_default=True, help="Tasks to read.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Which tasks are drawn.")
@click.option("--filled", type=click.Path(path_type=Path), help="A sheet somebody filled in: print its rates.")
@click.option("--second", type=click.Path(path_type=Path), help="A second reader's sheet: print their agreement.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The empty sheet; FOLDER/review.csv if not given."
)
@click.option("--ratings", is_flag=True, help="Rate answers of `score --suite user_oriented`, A to D.")
def review(
    folder: Path,
    *,
    wanted: int,
    seed: int,
    filled: Path | None,
    second: Path | None,
    output: Path | None,
    ratings: bool,
) -> int:
    """Draw a sheet of tasks to judge by hand; with --filled, read it back and print the paper's four rates.

    Example:  selfinstruct review runs/smoke --n 100 -o sheet.csv

    Example:  selfinstruct review runs/smoke --filled sheet.csv

    Example:  selfinstruct review runs/suite --ratings
    """
    if ratings:
        from selfinstruct.run.human_sheets import empty_rating_sheet, rating_results

        if filled is not None:
            say(rating_results(folder, filled, second))
        else:
            say(empty_rating_sheet(folder, wanted, seed, output or folder / "ratings.csv"))
        return 0
    from selfinstruct.run.human_sheets import review_sheet, reviewed

    if filled is not None:
        say(reviewed(folder, filled, second))
        return 0
    say(review_sheet(folder, wanted, seed, output or folder / "review.csv"))
    return 0


@click.command(cls=VerbCommand)
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
