"""Takes answers to user-oriented tasks to a reader's sheet, and the filled sheet to its table."""

from pathlib import Path

from selfinstruct.audit.rating_sheet import Answer, rating_sheet, rating_table, read_ratings
from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.formats.lines import read_values
from selfinstruct.store.files import publish_bytes

_MOST_BYTES = 256 << 20
_FIX = "run `selfinstruct score MODEL --suite user_oriented -o FOLDER` first, and name that folder"


def empty_rating_sheet(folder: Path, questions: int, seed: int, place: Path) -> Path:
    """Write a sheet of the answers to drawn questions; never over one that exists, for it may be filled in."""
    if place.exists():
        raise BadInput("exists already", place=str(place), fix="read it with --filled, or choose another name with -o")
    publish_bytes(place, rating_sheet(_answers(folder), questions, seed).encode("utf-8", "replace"))
    return place


def ratings_told(folder: Path, filled: Path, second: Path | None) -> str:
    """How one reader rated each model, the agreement of two, and of judge models that rated the same answers."""
    answers = _answers(folder)
    other = None if second is None else _read(second, answers)
    return rating_table(answers, _read(filled, answers), other, _judges(folder, answers))


def _judges(folder: Path, answers: list[Answer]) -> dict[str, dict[str, str]]:
    """By judge the level of each answer, where judges of this folder gave any."""
    file = folder / "judged.jsonl"
    known = {(one.model, one.question, one.text): one.id for one in answers}
    found: dict[str, dict[str, str]] = {}
    for row in (one.value for one in read_values(file)) if file.is_file() else ():
        if isinstance(row, dict) and row.get("measure") == "user_oriented" and isinstance(row.get("level"), str):
            name = known.get((str(row.get("model")), str(row.get("id")), str(row.get("response"))))
            if name is not None:
                found.setdefault(str(row.get("judge")), {})[name] = str(row["level"])
    return found


def _answers(folder: Path) -> list[Answer]:
    file = folder / "suite.jsonl"
    if not file.is_file():
        raise BadInput("holds no answers of a suite", place=str(folder), fix=_FIX)
    lines = [one.value for one in read_values(file) if isinstance(one.value, dict)]
    found = [
        Answer(*(str(one.get(key, "")) for key in ("model", "id", "prompt", "response")))
        for one in lines
        if one.get("suite") == "user_oriented"
    ]
    if not found:
        raise BadInput("holds no answers to user-oriented tasks", place=str(file), fix=_FIX)
    return found


def _read(path: Path, answers: list[Answer]) -> dict[str, str]:
    try:
        text = read_whole(path, _MOST_BYTES, fix="name the sheet that `review --ratings` wrote").decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BadInput("not UTF-8", place=str(path), fix="export the sheet as CSV in UTF-8") from fault
    return read_ratings(text, str(path), answers)
