"""`selfinstruct show`, `why` and `report`."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say, say_json
from selfinstruct.text import shown

FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@click.command()
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
        say_json({**facts, "stages": {one.path: one.result.as_json() for one in run.stages}, "last": dict(last_event)})
        return 0
    stages = [(shown(one.path), one.result) for one in run.stages]
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


@click.command()
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


@click.command()
@FOLDER
def report(folder: Path) -> int:
    """Make the HTML page of a run again and print its path.

    Example:  selfinstruct report runs/smoke
    """
    from selfinstruct.run.run import report_again

    say(report_again(folder))
    return 0
