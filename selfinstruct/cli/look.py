"""`selfinstruct show`, `why` and `report`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from selfinstruct.cli.saying import say, say_json
from selfinstruct.text import shown

if TYPE_CHECKING:
    from selfinstruct.run.look import Station

FOLDER = click.argument("folder", type=click.Path(path_type=Path))


@click.command()
@FOLDER
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(folder: Path, *, as_json: bool) -> int:
    """Tell what a run folder holds: each stage's sums, and whether somebody works on it.

    Example:  selfinstruct show runs/smoke
    """
    from selfinstruct.run.look import show as look_at

    look = look_at(folder)
    if as_json:
        facts = {"running": look.running, "published": look.published, "unfinished": list(look.unfinished)}
        say_json({**facts, "stages": dict(look.stages), "last": dict(look.last)})
        return 0
    stages = [(shown(name), result) for name, result in look.stages]
    width = max((len(name) for name, _ in stages), default=5)
    say(f"{'stage':<{width}}  received      kept  rejected    failed")
    for name, result in stages:
        rejected, failed = sum(result["rejected"].values()), sum(result["failed"].values())
        say(f"{name:<{width}}  {result['received']:>8,}  {result['kept']:>8,}  {rejected:>8,}  {failed:>8,}")
        for reason, count in result["rejected"].items():
            say(f"{'':<{width}}  {'':>18}  {count:>8,}  {shown(reason)}")
    for name in look.unfinished:
        say(f"{shown(name):<{width}}  unfinished")
    state = "is being worked on" if look.running else "is at rest"
    what = "tasks published" if (folder / "dataset").is_dir() else "records at its end"  # a training publishes no set
    count = "nothing published yet" if look.published is None else f"{look.published:,} {what}"
    last = shown(str(look.last.get("reason") or look.last.get("event", "nothing")))
    say(f"{folder} {state}; {count}; the diary ends with: {last}")
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
    from selfinstruct.run.look import why as life_of

    life = life_of(folder, identity)
    if as_json:
        stations = [{"stage": s.stage, "fate": s.fate, **s.line} for s in life.stations]
        say_json({"stations": stations, "demonstrations": list(life.demonstrations)})
        return 0
    for task in life.demonstrations:
        origin = "seed" if task.get("human") else "task"
        say(f"shown {origin} {shown(str(task['id'])[:12])}  {shown(str(task.get('instruction', '')), 90)}")
    for station in life.stations:
        _tell(station)
    return 0


def _tell(station: "Station") -> None:
    line = station.line
    head = f"{station.stage}: {station.fate}" + (f" ({line['reason']})" if "reason" in line else "")
    say(f"{shown(head, 200)}  {shown(station.id[:12])}")
    if "instruction" in line:
        say(f"    instruction: {shown(line['instruction'], 300)}")
        for pair in line["instances"]:
            say(f"    input: {shown(pair['input'], 200)}\n    output: {shown(pair['output'], 200)}")
    provenance = line.get("provenance", {})
    if provenance.get("request"):
        model, prompt, request = (shown(str(provenance.get(key)), 120) for key in ("model", "prompt", "request"))
        say(f"    asked {model} with {prompt}: {request[:12]}…")
    for name, value in line.get("evidence", {}).items():
        told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        say(f"    {shown(name)}: {shown(told, 200)}")


@click.command()
@FOLDER
def report(folder: Path) -> int:
    """Make the HTML page of a run again and print its path.

    Example:  selfinstruct report runs/smoke
    """
    from selfinstruct.run.run import report_again

    say(report_again(folder))
    return 0
