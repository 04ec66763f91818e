"""One run from a resolved recipe to a published folder: who owns it, whether it is the same run, and how it ends."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from selfinstruct import __version__
from selfinstruct.errors import BadInput, NoRoom, Stopped
from selfinstruct.formats.sources import place_in
from selfinstruct.records import Json, Task
from selfinstruct.report.page import page
from selfinstruct.run import wiring
from selfinstruct.run.endpoints import FILE as ENDPOINTS
from selfinstruct.run.endpoints import Endpoints, hosted_by_name, located
from selfinstruct.run.fingerprint import fingerprint, identity, refuse_difference
from selfinstruct.run.fingerprint import told as seed_told
from selfinstruct.run.inputs import place_of
from selfinstruct.run.judges import ask_loaded, hidden_states, judges_for, with_judges
from selfinstruct.run.loop import SENTENCES, Walked, results, walk
from selfinstruct.run.material import Material
from selfinstruct.run.material import material as read_material
from selfinstruct.run.publish import REPORT, publish
from selfinstruct.run.published import Published, published
from selfinstruct.run.recipe import Resolved, resolve
from selfinstruct.run.recipe_keys import student_role
from selfinstruct.run.requirements import check_hub, check_needs
from selfinstruct.run.rounds import PLAN
from selfinstruct.run.run_reader import run_folder
from selfinstruct.run.run_summary import run_summary
from selfinstruct.run.runner import Runner
from selfinstruct.run.tracing import ancestors_of
from selfinstruct.run.watch import Nobody, Spend, Watch
from selfinstruct.run.yaml_file import read_yaml
from selfinstruct.store.built import files_of
from selfinstruct.store.files import publish_bytes, publish_text
from selfinstruct.store.journal import Journal
from selfinstruct.store.journal_file import Totals, holds_answers
from selfinstruct.store.ledger import Ledger, last_totals, restart_ledger
from selfinstruct.store.lines import json_line
from selfinstruct.store.lock import held, owning
from selfinstruct.store.reading import publish_sealed, read_sealed, read_tasks
from selfinstruct.store.run_folder import MARK, STAGES_PART, RunFolder, StageResult
from selfinstruct.store.task_file import MEMORY
from selfinstruct.whole_files import room

SEEDS, HELD_OUT = "seeds.jsonl", "holdout_seeds.jsonl"

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run, as opposed to what."""

    folder: Path | None = None
    """None: `runs/NAME-FINGERPRINT`."""
    fresh: bool = False
    retry_failed: bool = False
    workers: int = 1
    memory: int = MEMORY
    """Bytes that the records between two stages may take; no result depends on it."""
    clock: Clock = lambda: datetime.now(UTC)
    watch: Watch = field(default_factory=Nobody)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that came to its end."""

    folder: Path
    dataset: Path
    """The published set, or kept.jsonl where the recipe publishes none."""
    kept: int
    target: int | None
    reached: bool
    reason: str
    note: str
    requests: int
    spend: Spend
    contaminated: int = 0
    """Records that held some of a benchmark."""

    @property
    def exit_code(self) -> int:
        """1 when the target was not reached, or there was none and nothing was accepted."""
        return 0 if self.reached else 1


def execute(resolved: Resolved, options: Options) -> Finished:
    """Do the run, or what is left of it."""
    resolved = with_judges(resolved, options.folder)
    check_needs(resolved)
    material = read_material(resolved, options.watch.notice)
    alone = identity(resolved, (*material.seeds, *material.held_out), material.contents)
    own = fingerprint(alone)  # the folder of a run does not change with what others publish meanwhile
    name = f"{resolved.recipe.name}-{own[:8]}"
    place = options.folder or Path("runs") / name
    if not place.exists():
        check_hub(resolved)
    folder = RunFolder(place)
    before = None if options.fresh or not (place / MARK).exists() else _read_mark(place / MARK)[0]
    earlier = published(resolved, own, name, before)
    same = {**alone, **earlier.counted}
    mark = fingerprint(same)
    backends = wiring.backends_of(resolved)
    resolved = located(resolved, backends)
    endpoints = Endpoints(backends, folder, options.watch.notice)
    prices = wiring.prices_of(resolved.recipe.limits, hosted_by_name(resolved.recipe, backends))
    begun = folder.journal.exists()
    if not begun:  # a name mistyped, or a port with nobody behind it, leaves the folder free for the right command
        endpoints.learn(wiring.budget(resolved.recipe.limits), prices)
    _check_room(resolved, folder, options.watch.notice)
    with owning(place):
        told = _last_totals(folder, options)
        _claim(folder, resolved, same, options, told)
        material = material if options.fresh else _as_before(place, material)
        publish_bytes(place / SEEDS, b"".join(json_line(task.as_json()) for task in material.seeds))
        if material.held_out:
            publish_bytes(place / HELD_OUT, b"".join(json_line(task.as_json()) for task in material.held_out))
        ledger = Ledger(folder.ledger, options.clock)
        ledger.tell(
            "started", fingerprint=mark, version=__version__, count=resolved.recipe.count, endpoints=endpoints.addresses
        )
        with contextlib.ExitStack() as opened:
            journal = opened.enter_context(
                Journal(folder.journal, options.clock, told=told, mend=options.fresh, tell=ledger.tell_totals)
            )
            opened.enter_context(_telling_of_lost(journal, folder))
            if begun:
                endpoints.learn(wiring.budget(resolved.recipe.limits, journal.spent()), prices)
            endpoints.keep(journal)
            gates = opened.enter_context(wiring.gates(resolved, journal, options.watch.notice, backends))
            runner = Runner(
                folder=folder,
                ledger=ledger,
                seed=resolved.recipe.seed,
                model_for=gates.model,
                release=gates.release,
                halt=gates.close,
                weights_for=partial(wiring.weights_of, resolved.recipe),
                ask_loaded=ask_loaded,
                scorer_for=partial(wiring.scorer_of, resolved.recipe),
                judges_for=judges_for,
                hidden_states=hidden_states(),
                index_for=earlier.index_for,
                benchmarks=material.benchmarks,
                ancestors=ancestors_of([one.path for one in resolved.recipe.inputs]),
                student=student_role(resolved.recipe),
                teacher=next(iter(resolved.rounds[0].needs.models), "") if resolved.rounds else "",
                workers=options.workers,
                memory=options.memory,
                watch=options.watch,
            )
            options.watch.begin(resolved.recipe.count if resolved.rounds else None, lambda: _spent(journal))
            try:
                per_round, lag = gates.requests_per_round(), gates.lag()
                walked = walk(resolved, runner, material.seeds, per_round, material.held_out, lag=lag)
            except (Stopped, KeyboardInterrupt) as stop:
                with suppress(NoRoom):  # what stopped the run is what a person must know
                    ledger.tell("stopped", reason=str(stop) or type(stop).__name__, **_spend(journal))
                raise
            finished = _finish(resolved, runner, walked, journal, material.seeds, mark, earlier)
            ledger.tell("stopped", reason="finished", **_spend(journal))
    return finished


def _finish(
    resolved: Resolved,
    runner: Runner,
    walked: Walked,
    journal: Journal,
    seeds: tuple[Task, ...],
    mark: str,
    earlier: Published,
) -> Finished:
    dataset = publish(resolved, runner, walked, seeds, mark)
    earlier.publish(walked.kept)
    shutil.rmtree(runner.folder.path / "scratch", ignore_errors=True)
    runner.ledger.tell_once(
        "finished", count=len(walked.kept), reason=walked.reason, note=walked.note, beyond_target=len(walked.surplus)
    )
    recipe = resolved.recipe
    # The released program counts accepted instructions; what became of their instances is another matter.
    by_instructions = recipe.profile == "reference" or not resolved.rounds
    wanted = recipe.count * max(1, len(walked.cycles))
    reached = walked.reason in ("target", "plateau") if resolved.rounds else bool(walked.kept) or not recipe.inputs
    return Finished(
        folder=runner.folder.path,
        dataset=dataset,
        kept=len(walked.kept),
        target=None if by_instructions else wanted,
        reached=reached and (by_instructions or len(walked.kept) >= wanted),
        reason=SENTENCES[walked.reason],
        note=walked.note,
        requests=journal.spent().answers,
        spend=_spent(journal),
        contaminated=sum(result.rejected.get("contaminated", 0) for _, result in results(runner)),
    )


_WRITTEN = 8
"""A run's folder is 3 to 8 times as large as its inputs, the more the shorter the records are."""


def _check_room(resolved: Resolved, folder: RunFolder, notice: Callable[[str], None]) -> None:
    """NoRoom where the disk cannot hold what a run will write, told from the inputs before anything is written.

    Every record is written once at least, with an id and where it comes from: no run is smaller than its inputs.
    """
    places = [place_in(str(place_of(one.path))) for one in resolved.recipe.inputs]
    size = sum(file.stat().st_size for place in places for file in files_of(place))
    if not size or (folder.path / STAGES_PART / "01-read" / "DONE").exists():
        return
    there = next(path for path in (folder.path.absolute(), *folder.path.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    told = f"the inputs are {size / 1e6:,.1f} MB, a run may take {_WRITTEN} times that, {free / 1e6:,.1f} MB are free"
    if free < size:
        raise NoRoom(f"{folder.path}: {told}; nothing was written: make room or choose another disk with -o")
    if free < _WRITTEN * size:
        notice(f"{folder.path}: {told}; should they not suffice, make room and run the same command again")


@contextmanager
def _telling_of_lost(journal: Journal, folder: RunFolder) -> Iterator[None]:
    """What is said of a full disk tells of the answers that came when they could not be written down any more."""
    try:
        yield
    except NoRoom as stop:
        journal.close()
        lost = journal.unrecorded()
        if not lost.answers:
            if not lost.size:
                raise
            raise NoRoom(f"{stop} ({room(folder.path, lost.size)})") from stop
        what = f"{lost.answers:,} answers came and could not be written down: they are asked for, and paid for, again"
        raise NoRoom(f"{stop}; {what} ({room(folder.path, lost.size)})") from stop


def _last_totals(folder: RunFolder, options: Options) -> Totals:
    """What the ledger tells of the journal; nothing where a damaged one is to be made anew."""
    try:
        return last_totals(folder.ledger)
    except BadInput:
        if options.fresh:
            return Totals()
        raise


def _claim(folder: RunFolder, resolved: Resolved, same: dict[str, Json], options: Options, told: Totals) -> None:
    """Make the folder this run's, or refuse because it is another's."""
    mark = folder.path / MARK
    if options.fresh:
        _clear(folder, told)
    elif mark.exists():
        if resolved.unrepeatable and _begun(folder, told):
            what = f"cannot be resumed: nothing can find {', '.join(resolved.unrepeatable)} again"
            fix = "choose another folder, or --fresh to make it again (the journal is kept)"
            raise BadInput(what, place=str(folder.path), fix=fix)
        old, before = _read_mark(mark)
        if old != same and not _begun(folder, told):
            _clear(folder, told)
            before = 0
        else:
            refuse_difference(old, same, str(folder.path))
        if resolved.rounds and resolved.recipe.count < before:
            refuse_difference({"count": before}, {"count": resolved.recipe.count}, str(folder.path))
        if resolved.rounds and resolved.recipe.count > before:
            _forget_after_rounds(folder)
    elif any(path.name not in {".lock", ".owner"} for path in folder.path.iterdir()):
        raise BadInput("is not empty and holds no run", place=str(folder.path), fix="choose another folder with -o")
    if options.retry_failed:
        _forget_failed(folder)
    claim: dict[str, Json] = {"same": same, "count": resolved.recipe.count}
    publish_sealed(mark, claim)
    publish_text(folder.recipe, resolved.as_yaml())


def _as_before(place: Path, material: Material) -> Material:
    """The seeds by the ids under which this run knows them: of a renamed file they would be others."""
    try:
        before = [tuple(read_tasks(place / name)) if (place / name).exists() else () for name in (SEEDS, HELD_OUT)]
    except BadInput:
        return material  # damaged, and written again from the file they were read from
    seeds, held_out = before
    same = sorted(map(seed_told, seeds + held_out)) == sorted(map(seed_told, material.seeds + material.held_out))
    return replace(material, seeds=seeds, held_out=held_out) if same else material


def _begun(folder: RunFolder, told: Totals) -> bool:
    """Whether there is anything to lose: a stage that is done, an answer, work of a stage that was broken off."""
    scratch = folder.path / "scratch"
    work = scratch.is_dir() and any(path.is_file() for path in scratch.rglob("*"))
    done = any((place.path / "DONE").exists() for place in folder.stage_folders())
    return work or done or told.answers > 0 or holds_answers(folder.journal)


def _read_mark(mark: Path) -> tuple[dict[str, Json], int]:
    """The identity and the highest target of the run that claimed the folder."""
    fix = "use `run` with --fresh: the journal is kept"
    found = read_sealed(mark, fix)
    same, count = found.get("same"), found.get("count")
    if not isinstance(same, dict) or type(count) is not int:
        raise BadInput("damaged: no identity of a run", place=str(mark), fix=fix)
    return same, count


def report_again(path: Path) -> Path:
    """Make the page of a finished run from its files; BadInput while it is unfinished or being worked on."""
    folder = run_folder(path)
    if held(path):
        raise BadInput("is being worked on", place=str(path), fix="wait until the run is at rest")
    same, _ = _read_mark(path / MARK)
    resolved = resolve(read_yaml(folder.recipe))
    seeds = tuple(read_tasks(path / SEEDS))
    with owning(path):
        runner = Runner(folder=folder, ledger=Ledger(folder.ledger), seed=resolved.recipe.seed, model_for=None)
        walked = walk(resolved, runner, seeds, 1)
        story = run_summary(resolved, folder, walked, seeds, fingerprint(same))
        publish_text(path / REPORT, page(story))
    return path / REPORT


def _clear(folder: RunFolder, told: Totals) -> None:
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
    restart_ledger(folder.ledger, told)
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
    first = next((at for at, told in enumerate(results) if told is not None and _has_failed(told)), len(places))
    for place in reversed(places[first:]):
        if place.path.parent != places[first].path.parent:
            (place.path.parent / PLAN).unlink(missing_ok=True)
        place.forget()


def _has_failed(told: StageResult) -> bool:
    """Of records, or of questions beside them."""
    return bool(told.failed) or told.requests > told.answered


def _spent(journal: Journal) -> Spend:
    totals = journal.spent()
    return Spend(totals.cost, totals.tokens, totals.unknown_prices)


def _spend(journal: Journal) -> dict[str, Json]:
    spent = journal.spent()
    return {
        "cost": str(spent.cost),
        "tokens": spent.tokens,
        "unconfirmed_cost": str(spent.unconfirmed_cost),
        "unconfirmed_tokens": spent.unconfirmed_tokens,
        "unknown_prices": spent.unknown_prices,
    }
