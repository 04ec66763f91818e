"""Sheets that people fill in: tasks of a run, responses of a score, answers on four levels; and their results."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.audit.rating_sheet import SheetAnswer, rating_sheet, rating_table, read_ratings
from selfinstruct.audit.review_sheet import TaskReview, agreement, rates, read_sheet, table
from selfinstruct.audit.review_sheet import draw as draw_tasks
from selfinstruct.audit.review_sheet import sheet as task_sheet
from selfinstruct.csv_sheets import sheet_text
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.human_read_ifs import ReadDifference, ReadShare, read_shares
from selfinstruct.evaluate.human_read_sample import LEAST, ScoredResponse, by_side, draw, hash_of, scored_of
from selfinstruct.evaluate.human_read_sheet import Draw, draw_name, draw_of, drawn_to_read, filled, sheet
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.evaluate.score_files import Row
from selfinstruct.formats.json_lines import read_values
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.records import Json, Task
from selfinstruct.run.run_reader import run_folder
from selfinstruct.store.atomic_writes import publish_bytes, publish_text
from selfinstruct.store.reading import read_object, read_tasks

_SCORE = "score.json"
_SCORE_AGAIN = "name the folder that `selfinstruct score` wrote, with score.json and responses.jsonl"
_FIX = "run `selfinstruct score MODEL --suite user_oriented -o FOLDER` first, and name that folder"


def review_sheet(folder: Path, wanted: int, seed: int, place: Path) -> Path:
    """Write a sheet of randomly drawn tasks; never over one that exists, since somebody may have filled it in."""
    if place.exists():
        raise BadInput("exists already", place=str(place), fix="read it with --filled, or choose another name with -o")
    tasks = [task for task in _published_tasks(folder) if task.instances]
    if not tasks:
        raise BadInput("holds no task with an instance to read", place=str(folder), fix="let a run publish some")
    publish_bytes(place, task_sheet(draw_tasks(tasks, min(wanted, len(tasks)), seed)).encode("utf-8"))
    return place


def reviewed(folder: Path, filled: Path, second: Path | None) -> str:
    """The rates of one reader, and the agreement of two."""
    tasks = _published_tasks(folder)
    first = _verdicts(filled, tasks)
    between = None if second is None else agreement(first, _verdicts(second, tasks))
    return table(rates(first), between)


def _published_tasks(folder: Path) -> list[Task]:
    path = run_folder(folder).path / "kept.jsonl"
    if not path.exists():
        raise BadInput("nothing is published yet", place=str(folder), fix="let the run come to its end")
    return list(read_tasks(path))


def _verdicts(path: Path, tasks: list[Task]) -> tuple[TaskReview, ...]:
    return read_sheet(sheet_text(path, fix="name the sheet that `review` wrote"), str(path), tasks)


@dataclass(frozen=True, slots=True)
class ScoreFiles:
    """The files of one score: `score.json` and `responses.jsonl` of a folder, or those with a label before them."""

    folder: Path
    label: str
    """Empty, or with its dot, such as `dev.`."""

    def file(self, name: str) -> Path:
        """Path of one of the score's files."""
        return self.folder / f"{self.label}{name}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet to be filled in."""

    place: Path
    rows: int
    sides: int
    silent: int
    guide: Path


@dataclass(frozen=True, slots=True)
class FilledSheet:
    """A sheet that was filled in, and what it says."""

    place: Path
    """Path of `read.json`."""
    judge: str
    shares: tuple[ReadShare, ...]
    differences: tuple[ReadDifference, ...]
    page: dict[str, Json]


def score_sheet(named: Path, wanted: int, wrappers: Sequence[str], seed: int, output: Path | None) -> Sheet:
    """Draw so many responses of each model and wrapper to a sheet; never over one that exists: it may be filled in."""
    score = _score(named)
    place = output or score.file("read.csv")
    if place.exists():
        raise BadInput("exists already", place=str(place), fix="read it with --filled, or choose another name with -o")
    if wanted < LEAST:
        raise BadInput(
            f"{wanted} reads of a model say nothing", place="--read", fix=f"give {LEAST} at least, better 60"
        )
    score_json, scored = _score_json(score), _scored(score)
    sides = by_side(scored, wrappers)
    if not sides:
        known = ", ".join(dict.fromkeys(response.response.wrapper or "(none named)" for response in scored))
        raise BadInput("no response under these wrappers", place="--wrapper", fix=f"one of: {known}")
    drawn = [response for places in sides.values() for response in draw(scored, places, wanted, seed)]
    guide = builtin_seeds().with_name("reading_guide.md")
    made = drawn_to_read(
        scored,
        drawn,
        responses=hash_of(scored),
        wanted=wanted,
        seed=seed,
        tone=_tone_tokens(score_json, score),
        guide=_sha256(guide),
    )
    record: dict[str, Json] = {"score": _sha256(score.file(_SCORE)), **made.as_json()}
    publish_text(_drawn(score, made.name), as_page(record))
    publish_bytes(place, sheet(made, scored).encode("utf-8"))
    return Sheet(place, len(made.rows), len(sides), len(made.silent), guide)


def read_score_sheet(named: Path, sheet_file: Path) -> FilledSheet:
    """What a filled sheet says; writes `read.json` beside the score."""
    score = _score(named)
    text = sheet_text(sheet_file, fix="name the sheet that `score --read` wrote")
    score_json, scored = _score_json(score), _scored(score)
    made = _draw(score, text, sheet_file)
    if made.responses != hash_of(scored):
        what = f"drawn from other responses than {score.file('responses.jsonl')} holds"
        raise BadInput(
            what, place=str(sheet_file), fix="name the folder whose responses were read, or draw a new sheet"
        )
    read = filled(text, made, scored, str(sheet_file))
    shares, differences = read_shares(scored, by_side(scored), made, read)
    judge = score_json.get("judge")
    facts: dict[str, Json] = {
        "judge": judge,
        "score": _sha256(score.file(_SCORE)),
        "sheet": {"draw": made.name, "sha256": _sha256(sheet_file), "guide": made.guide},
        "models": [share.as_json() for share in shares],
        "differences": [difference.as_json() for difference in differences],
    }
    publish_text(score.file("read.json"), as_page(facts))
    version = judge.get("version") if isinstance(judge, dict) else ""
    return FilledSheet(score.file("read.json"), str(version or "the judge"), shares, differences, facts)


def _score(named: Path) -> ScoreFiles:
    """Of a folder, or of a file such as `dev.score.json`."""
    if named.name.endswith(_SCORE) and named.is_file():
        return ScoreFiles(named.parent, named.name.removesuffix(_SCORE))
    if not named.is_dir():
        raise BadInput("no such folder", place=str(named), fix=_SCORE_AGAIN)
    if not (named / _SCORE).is_file():
        labelled = sorted(file.name for file in named.glob(f"*.{_SCORE}"))
        fix = (
            f"name one of its scores: {', '.join(str(named / file) for file in labelled[:4])}"
            if labelled
            else _SCORE_AGAIN
        )
        raise BadInput(f"holds no {_SCORE}", place=str(named), fix=fix)
    return ScoreFiles(named, "")


def _score_json(score: ScoreFiles) -> dict[str, Any]:
    return read_object(score.file(_SCORE), _SCORE_AGAIN)


def _scored(score: ScoreFiles) -> list[ScoredResponse]:
    place = score.file("responses.jsonl")
    if not place.is_file():
        raise BadInput("no such file", place=str(place), fix=_SCORE_AGAIN)
    rows = []
    for line in read_values(place):
        if not isinstance(line.value, dict):
            raise BadInput("no object", place=line.place, fix=_SCORE_AGAIN)
        rows.append(Row(line.place, line.value))
    return list(scored_of(rows))


def _tone_tokens(score_json: dict[str, Any], score: ScoreFiles) -> int:
    tokens = score_json.get("tone_tokens")
    if not isinstance(tokens, int) or tokens < 1:
        raise BadInput(
            "says not from how many tokens the tone is told", place=str(score.file(_SCORE)), fix=_SCORE_AGAIN
        )
    return tokens


def _drawn(score: ScoreFiles, name: str) -> Path:
    return score.file(f"read-{name}.json")


def _draw(score: ScoreFiles, text: str, sheet_file: Path) -> Draw:
    record = _drawn(score, draw_name(text, str(sheet_file)))
    if not record.is_file():
        what = f"a sheet of another score: {record} is not there"
        raise BadInput(what, place=str(sheet_file), fix="name the folder from which `score --read` drew it")
    return draw_of(read_object(record, "draw a new sheet"), str(record))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def empty_rating_sheet(folder: Path, questions: int, seed: int, place: Path) -> Path:
    """Write a sheet of the answers to drawn questions; never over one that exists, for it may be filled in."""
    if place.exists():
        raise BadInput("exists already", place=str(place), fix="read it with --filled, or choose another name with -o")
    publish_bytes(place, rating_sheet(_answers(folder), questions, seed).encode("utf-8", "replace"))
    return place


def rating_results(folder: Path, filled: Path, second: Path | None) -> str:
    """How one reader rated each model, the agreement of two, and of judge models that rated the same answers.

    `rated.json` and `rated.jsonl` in the folder keep what the first reader said, so that `compare` has it as columns.
    """
    answers = _answers(folder)
    first, other = _read(filled, answers), None if second is None else _read(second, answers)
    levels = {answer.id: first[answer.id] for answer in answers if answer.id in first}
    lines = [
        {"measure": "user_oriented", **{key: row.get(key) for key in _KEPT_OF_ANSWERS}, "level": levels[name]}
        for name, row in _answer_lines(folder)
        if name in levels
    ]
    summary: dict[str, Json] = {"suite": "user_oriented", "judge": f"a reader ({filled.name})", "rated": len(lines)}
    publish_text(folder / "rated.jsonl", "".join(as_line(line) for line in lines))
    publish_text(folder / "rated.json", as_page(summary))
    return rating_table(answers, first, other, _judges(folder, answers))


_KEPT_OF_ANSWERS = ("id", "source", "model", "wrapper", "prompt", "response")


def _judges(folder: Path, answers: list[SheetAnswer]) -> dict[str, dict[str, str]]:
    """By judge the level of each answer, where judges of this folder gave any."""
    file = folder / "judged.jsonl"
    known = {(answer.model, answer.question, answer.text): answer.id for answer in answers}
    levels: dict[str, dict[str, str]] = {}
    for row in (read_value.value for read_value in read_values(file)) if file.is_file() else ():
        if isinstance(row, dict) and row.get("measure") == "user_oriented" and isinstance(row.get("level"), str):
            name = known.get((str(row.get("model")), str(row.get("id")), str(row.get("response"))))
            if name is not None:
                levels.setdefault(str(row.get("judge")), {})[name] = str(row["level"])
    return levels


def _answers(folder: Path) -> list[SheetAnswer]:
    return [_answer(row) for _, row in _answer_lines(folder)]


def _answer(row: Mapping[str, Any]) -> SheetAnswer:
    return SheetAnswer(*(str(row.get(key, "")) for key in ("model", "id", "prompt", "response")))


def _answer_lines(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every answer to a user-oriented task by the id that it has in a sheet."""
    file = folder / "suite.jsonl"
    if not file.is_file():
        raise BadInput("holds no answers of a suite", place=str(folder), fix=_FIX)
    lines = [line.value for line in read_values(file) if isinstance(line.value, dict)]
    answers = [(_answer(line).id, line) for line in lines if line.get("suite") == "user_oriented"]
    if not answers:
        raise BadInput("holds no answers to user-oriented tasks", place=str(file), fix=_FIX)
    return answers


def _read(path: Path, answers: list[SheetAnswer]) -> dict[str, str]:
    text = sheet_text(path, fix="name the sheet that `review --ratings` wrote")
    return read_ratings(text, str(path), answers)
