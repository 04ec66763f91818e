"""Whose folder is it, and where does its run go on? Claimed, resumed, begun anew (`--fresh`), failed calls asked again.

A run's mark says what makes it the same run (`fingerprint.py`) and its highest target. Only one process works on a
folder at a time: that is `store/lock.py`.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.run.endpoints import FILE as ENDPOINTS
from selfinstruct.run.fingerprint import refuse_difference
from selfinstruct.run.fingerprint import without_id as seed_told
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.rounds import PLAN
from selfinstruct.run.seeds_and_benchmarks import SeedsAndBenchmarks
from selfinstruct.store.atomic_writes import publish_text
from selfinstruct.store.journal_file import JournalTotals, holds_answers
from selfinstruct.store.ledger import last_totals, restart_ledger
from selfinstruct.store.reading import publish_sealed, read_sealed, read_tasks
from selfinstruct.store.run_folder import MARK, STAGES_PART, RunFolder
from selfinstruct.store.stage_result import StageResult

SEEDS, HELD_OUT = "seeds.jsonl", "holdout_seeds.jsonl"


def claim(
    folder: RunFolder,
    resolved: Resolved,
    same: dict[str, Json],
    known: JournalTotals,
    *,
    fresh: bool = False,
    retry_failed: bool = False,
) -> None:
    """Make the folder this run's, or refuse because it is another's: resume it, begin anew, or raise its target.

    `same`: what makes two runs the same run; `known`: what the ledger says of the journal.
    """
    mark = folder.path / MARK
    if fresh:
        _clear(folder, known)
    elif mark.exists():
        if resolved.unrepeatable and _begun(folder, known):
            what = f"cannot be resumed: nothing can find {', '.join(resolved.unrepeatable)} again"
            fix = "choose another folder, or --fresh to make it again (the journal is kept)"
            raise BadInput(what, place=str(folder.path), fix=fix)
        old, before = read_mark(mark)
        if old != same and not _begun(folder, known):
            _clear(folder, known)
            before = 0
        else:
            refuse_difference(old, same, str(folder.path))
        if resolved.rounds and resolved.recipe.count < before:
            refuse_difference({"count": before}, {"count": resolved.recipe.count}, str(folder.path))
        if resolved.rounds and resolved.recipe.count > before:
            _forget_after_rounds(folder)
    elif any(path.name not in {".lock", ".owner"} for path in folder.path.iterdir()):
        raise BadInput("is not empty and holds no run", place=str(folder.path), fix="choose another folder with -o")
    if retry_failed:
        _forget_failed(folder)
    publish_sealed(mark, {"same": same, "count": resolved.recipe.count})
    publish_text(folder.recipe, resolved.as_yaml())


def known_totals(folder: RunFolder, *, fresh: bool) -> JournalTotals:
    """What the ledger tells of the journal; nothing where a damaged one is to be made anew."""
    try:
        return last_totals(folder.ledger)
    except BadInput:
        if fresh:
            return JournalTotals()
        raise


def seeds_as_before(place: Path, material: SeedsAndBenchmarks) -> SeedsAndBenchmarks:
    """The seeds by the ids under which this run knows them: of a renamed file they would be others."""
    try:
        before = [tuple(read_tasks(place / name)) if (place / name).exists() else () for name in (SEEDS, HELD_OUT)]
    except BadInput:
        return material  # damaged, and written again from the file they were read from
    seeds, held_out = before
    same = sorted(map(seed_told, seeds + held_out)) == sorted(map(seed_told, material.seeds + material.held_out))
    return replace(material, seeds=seeds, held_out=held_out) if same else material


def _begun(folder: RunFolder, known: JournalTotals) -> bool:
    """Whether there is anything to lose: a stage that is done, an answer, work of a stage that was broken off."""
    scratch = folder.path / "scratch"
    work = scratch.is_dir() and any(path.is_file() for path in scratch.rglob("*"))
    done = any((place.path / "DONE").exists() for place in folder.stage_folders())
    return work or done or known.answers > 0 or holds_answers(folder.journal)


def read_mark(mark: Path) -> tuple[dict[str, Json], int]:
    """The identity and the highest target of the run that claimed the folder."""
    fix = "use `run` with --fresh: the journal is kept"
    sealed = read_sealed(mark, fix)
    same, count = sealed.get("same"), sealed.get("count")
    if not isinstance(same, dict) or type(count) is not int:
        raise BadInput("damaged: no identity of a run", place=str(mark), fix=fix)
    return same, count


def _clear(folder: RunFolder, known: JournalTotals) -> None:
    """Remove everything but the journal, what it was last told to hold, and what says whose folder this is.

    Killed on the way, it stays a run's, and the money stays counted.
    """
    # What endpoints can do stays with the journal: what was asked, and so what is found there, depends on it.
    kept = {
        MARK,
        ".lock",
        ".owner",
        ENDPOINTS,
        folder.journal.name,
        f"{folder.journal.name}-wal",
        f"{folder.journal.name}-shm",
    }
    foreign = folder.path.exists() and any(folder.path.iterdir()) and not (folder.path / MARK).exists()
    if foreign and any(path.name not in kept for path in folder.path.iterdir()):
        raise BadInput(
            "holds no run, so nothing in it is removed", place=str(folder.path), fix="choose another with -o"
        )
    restart_ledger(folder.ledger, known)
    for path in folder.path.iterdir():
        if path.name in {*kept, folder.ledger.name}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _forget_after_rounds(folder: RunFolder) -> None:
    """Make the stages after the rounds unfinished: they saw the records of a lower target."""
    for place in folder.stage_folders():
        if place.path.parent.name == STAGES_PART:
            place.forget()


def _forget_failed(folder: RunFolder) -> None:
    """Make the first stage with failed calls unfinished, and all that it led to: rounds after it begin anew.

    That stage comes last: killed on the way, the next try finds it again.
    """
    places = folder.stage_folders()
    results = (place.result() for place in places)
    first = next((at for at, result in enumerate(results) if result is not None and _has_failed(result)), len(places))
    for place in reversed(places[first:]):
        if place.path.parent != places[first].path.parent:
            (place.path.parent / PLAN).unlink(missing_ok=True)
        place.forget()


def _has_failed(result: StageResult) -> bool:
    """Of records, or of questions beside them."""
    return bool(result.failed) or result.requests > result.answered
