"""Takes the published tasks of a run to a reader's sheet, and the filled sheet to its rates."""

from pathlib import Path

from selfinstruct.audit.review import agreement, rates, table
from selfinstruct.audit.sheet import Verdict, draw, read_sheet, sheet
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.run.run_reader import run_folder
from selfinstruct.spreadsheet import sheet_text
from selfinstruct.store.files import publish_bytes
from selfinstruct.store.reading import read_tasks


def empty_sheet(folder: Path, wanted: int, seed: int, place: Path) -> Path:
    """Write a sheet of randomly drawn tasks; never over one that exists, since somebody may have filled it in."""
    if place.exists():
        raise BadInput("exists already", place=str(place), fix="read it with --filled, or choose another name with -o")
    tasks = [task for task in _published(folder) if task.instances]
    if not tasks:
        raise BadInput("holds no task with an instance to read", place=str(folder), fix="let a run publish some")
    publish_bytes(place, sheet(draw(tasks, min(wanted, len(tasks)), seed)).encode("utf-8"))
    return place


def told(folder: Path, filled: Path, second: Path | None) -> str:
    """The rates of one reader, and the agreement of two."""
    tasks = _published(folder)
    first = _verdicts(filled, tasks)
    between = None if second is None else agreement(first, _verdicts(second, tasks))
    return table(rates(first), between)


def _published(folder: Path) -> list[Task]:
    path = run_folder(folder).path / "kept.jsonl"
    if not path.exists():
        raise BadInput("nothing is published yet", place=str(folder), fix="let the run come to its end")
    return list(read_tasks(path))


def _verdicts(path: Path, tasks: list[Task]) -> tuple[Verdict, ...]:
    return read_sheet(sheet_text(path, fix="name the sheet that `review` wrote"), str(path), tasks)
