"""One run from a resolved recipe to a published folder: begun, walked, published, and how it ends."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from selfinstruct.atomic_files import room
from selfinstruct.errors import BadInput, NoRoom, Stopped
from selfinstruct.formats.input_files import place_in
from selfinstruct.records import Json, Task
from selfinstruct.report.page import page
from selfinstruct.run import stage_models
from selfinstruct.run.blame_and_lineage import ancestors_of
from selfinstruct.run.endpoints import Endpoints, hosted_by_name, located
from selfinstruct.run.fingerprint import fingerprint, identity
from selfinstruct.run.index_of_earlier_runs import Published, published
from selfinstruct.run.inputs import place_of
from selfinstruct.run.main_loop import SENTENCES, Walked, walk
from selfinstruct.run.progress_events import Spend, Unwatched, Watch
from selfinstruct.run.publish import REPORT, publish
from selfinstruct.run.recipe.keys import student_role
from selfinstruct.run.recipe.requirements import check_hub, check_needs
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.run.resume import HELD_OUT, SEEDS, claim, known_totals, read_mark, seeds_as_before
from selfinstruct.run.run_reader import run_folder
from selfinstruct.run.run_summary import run_summary
from selfinstruct.run.seeds_and_benchmarks import seeds_and_benchmarks as read_material
from selfinstruct.run.stage_runner import Runner
from selfinstruct.run.tone_judges import ask_loaded, hidden_states, judges_for, with_judges
from selfinstruct.store.atomic_writes import publish_bytes, publish_text, wants_folder
from selfinstruct.store.built_artifacts import files_of
from selfinstruct.store.journal import Journal
from selfinstruct.store.ledger import Ledger
from selfinstruct.store.lock import held, owning
from selfinstruct.store.reading import read_tasks
from selfinstruct.store.record_lines import json_line
from selfinstruct.store.run_folder import MARK, READ, STAGES_PART, RunFolder
from selfinstruct.store.task_file import MEMORY
from selfinstruct.version import __version__

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
    watch: Watch = field(default_factory=Unwatched)


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
    place = wants_folder(options.folder or Path("runs") / name)
    if not place.exists():
        check_hub(resolved)
    folder = RunFolder(place)
    before = None if options.fresh or not (place / MARK).exists() else read_mark(place / MARK)[0]
    earlier = published(resolved, own, name, before)
    same = {**alone, **earlier.counted}
    mark = fingerprint(same)
    backends = stage_models.backends_of(resolved)
    resolved = located(resolved, backends)
    endpoints = Endpoints(backends, folder, options.watch.notice)
    prices = stage_models.prices_of(resolved.recipe.limits, hosted_by_name(resolved.recipe, backends))
    begun = folder.journal.exists()
    if not begun:  # a name mistyped, or a port with nobody behind it, leaves the folder free for the right command
        endpoints.learn(stage_models.budget(resolved.recipe.limits), prices)
    _check_room(resolved, folder, options.watch.notice)
    with owning(place):
        known = known_totals(folder, fresh=options.fresh)
        claim(folder, resolved, same, known, fresh=options.fresh, retry_failed=options.retry_failed)
        material = material if options.fresh else seeds_as_before(place, material)
        publish_bytes(place / SEEDS, b"".join(json_line(task.as_json()) for task in material.seeds))
        if material.held_out:
            publish_bytes(place / HELD_OUT, b"".join(json_line(task.as_json()) for task in material.held_out))
        ledger = Ledger(folder.ledger, options.clock)
        ledger.tell(
            "started", fingerprint=mark, version=__version__, count=resolved.recipe.count, endpoints=endpoints.addresses
        )
        with contextlib.ExitStack() as opened:
            journal = opened.enter_context(
                Journal(folder.journal, options.clock, known=known, mend=options.fresh, tell=ledger.tell_totals)
            )
            opened.enter_context(_telling_of_lost(journal, folder))
            if begun:
                endpoints.learn(stage_models.budget(resolved.recipe.limits, journal.spent()), prices)
            endpoints.keep(journal)
            gates = opened.enter_context(stage_models.gates(resolved, journal, options.watch.notice, backends))
            runner = Runner(
                folder=folder,
                ledger=ledger,
                seed=resolved.recipe.seed,
                model_for=gates.model,
                release=gates.release,
                halt=gates.close,
                weights_for=partial(stage_models.weights_of, resolved.recipe),
                ask_loaded=ask_loaded,
                scorer_for=partial(stage_models.scorer_of, resolved.recipe),
                judges_for=judges_for,
                hidden_states=hidden_states(),
                index_for=earlier.index_for,
                benchmarks=material.benchmarks,
                ancestors=ancestors_of([given.path for given in resolved.recipe.inputs]),
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
                    ledger.tell(
                        "stopped",
                        reason=(stop.typed if isinstance(stop, Stopped) else str(stop)) or type(stop).__name__,
                        **_spend(journal),
                    )
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
    enough = by_instructions or len(walked.kept) >= wanted
    return Finished(
        folder=runner.folder.path,
        dataset=dataset,
        kept=len(walked.kept),
        target=None if by_instructions else wanted,
        reached=reached and enough,
        reason=SENTENCES[walked.reason] if enough or walked.reason != "target" else _TAKEN_OUT,
        note=walked.note,
        requests=journal.spent().answers,
        spend=_spent(journal),
        contaminated=sum(result.rejected.get("contaminated", 0) for _, result in runner.folder.finished_stages()),
    )


_TAKEN_OUT = "the rounds reached the target, and the stages after them took out the others"
_WRITTEN = 6
"""A run's folder is 3 to 6 times as large as its inputs while it works, the more the shorter the records are."""


def _check_room(resolved: Resolved, folder: RunFolder, notice: Callable[[str], None]) -> None:
    """NoRoom where the disk cannot hold what a run will write, told from the inputs before anything is written.

    Every record is written once at least, with an id and where it comes from: no run is smaller than its inputs.
    """
    places = [place_in(str(place_of(given.path))) for given in resolved.recipe.inputs]
    size = sum(file.stat().st_size for place in places for file in files_of(place))
    if not size or (folder.path / STAGES_PART / f"01-{READ}" / "DONE").exists():
        return
    there = next(path for path in (folder.path.absolute(), *folder.path.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    sizes = f"the inputs are {size / 1e6:,.1f} MB, a run may take {_WRITTEN} times that, {free / 1e6:,.1f} MB are free"
    if free < size:
        raise NoRoom(f"{folder.path}: {sizes}; nothing was written: make room or choose another disk with -o")
    if free < _WRITTEN * size:
        notice(f"{folder.path}: {sizes}; should they not suffice, make room and run the same command again")


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


def report_again(path: Path) -> Path:
    """Make the page of a finished run from its files; BadInput while it is unfinished or being worked on."""
    folder = run_folder(path)
    if held(path):
        raise BadInput("is being worked on", place=str(path), fix="wait until the run is at rest")
    same, _ = read_mark(path / MARK)
    resolved = resolve(read_yaml(folder.recipe))
    seeds = tuple(read_tasks(path / SEEDS))
    with owning(path):
        runner = Runner(folder=folder, ledger=Ledger(folder.ledger), seed=resolved.recipe.seed, model_for=None)
        walked = walk(resolved, runner, seeds, 1)
        story = run_summary(resolved, folder, walked, seeds, fingerprint(same))
        publish_text(path / REPORT, page(story))
    return path / REPORT


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
