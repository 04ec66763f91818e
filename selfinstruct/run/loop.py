"""Walks the rounds until the target is reached, novelty dries up or the calls fail; then the stages; a loop again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from selfinstruct.errors import BadInput, RecordingEnded
from selfinstruct.records import Task
from selfinstruct.run.barren import Barren
from selfinstruct.run.cycles import Cycle, looked_at, stages_part
from selfinstruct.run.recipe import Resolved
from selfinstruct.run.runner import Runner
from selfinstruct.stage import Pool, RoundStart
from selfinstruct.store.kept_file import NO_INFLOW, Inflow
from selfinstruct.store.run_folder import STAGES_PART, StageFolder, StageResult, round_name
from selfinstruct.store.sealed import publish_sealed, read_sealed

Reason = Literal["target", "inputs", "dried_up", "unanswered", "unusable", "recording_ended", "plateau"]
PLAN = "plan.json"

SENTENCES: dict[Reason, str] = {
    "target": "the target is reached",
    "inputs": "all inputs are worked on",
    "dried_up": "novelty has dried up: many requests in a row gave nothing new",
    "unanswered": "most requests got no answer",
    "unusable": "many requests in a row gave nothing that could be used",
    "plateau": "the student's IFS no longer rises",
    "recording_ended": "the recording has no answer to the next prompts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What came of the walk."""

    reason: Reason
    note: str = ""
    kept: Sequence[Task]
    """What is published, in order; perhaps on disk."""
    surplus: tuple[Task, ...] = ()
    """What passed every stage beyond the target."""
    rounds: tuple[RoundStart, ...] = ()
    kept_by_round: tuple[int, ...] = ()
    cycles: tuple[Cycle, ...] = ()

    @property
    def stages_part(self) -> str:
        """Folder of the stages that came last."""
        return self.cycles[-1].part if self.cycles else STAGES_PART


@dataclass(slots=True)
class _Rounds:
    """What the rounds so far have come to."""

    pool: Pool
    starts: list[RoundStart] = field(default_factory=list)
    kept: list[Task] = field(default_factory=list)
    kept_by_round: list[int] = field(default_factory=list)
    barren: int = 0
    why_barren: Barren = field(default_factory=Barren)


def walk(
    resolved: Resolved, runner: Runner, seeds: Sequence[Task], per_round: int, held_out: Sequence[Task] = ()
) -> Walked:
    """Do the whole recipe; what is done already is read, not done again. `held_out` is compared with, never shown."""
    recipe = resolved.recipe
    if not resolved.rounds:
        return Walked(reason="inputs", kept=_once(resolved, runner, (), Pool(seeds, seen=held_out)))
    so_far, cycles, before = _Rounds(Pool(seeds, seen=held_out)), list[Cycle](), dict[str, Path]()
    while True:
        number, first = len(cycles) + 1, len(so_far.starts) + 1
        had = min(len(so_far.kept), recipe.count * (number - 1))
        reason, note = _go_round(resolved, runner, so_far, per_round, recipe.count * number, before)
        wanted = len(so_far.kept) if recipe.profile == "reference" else recipe.count * number
        kept: Sequence[Task] = so_far.kept[:wanted]
        part = stages_part(resolved, number, len(so_far.starts))
        built: dict[str, Path] = {}
        new, tasks = kept[had:], len(kept)
        if resolved.stages:
            kept = _once(resolved, runner, kept, so_far.pool, part=part, built=built, before=before)
        rounds = (first, len(so_far.kept_by_round))  # a recording may end within one
        cycle = looked_at(resolved, runner.folder, number=number, part=part, rounds=rounds, tasks=tasks, new=new)
        cycle = replace(cycle, decision=_decided(reason, cycle, recipe.cycles))
        cycles.append(cycle)
        if recipe.cycles > 1:
            runner.ledger.tell_once("cycle", round=part, **cycle.as_json())
        if number == recipe.cycles or reason != "target" or cycle.plateau:
            break
        before = built
    plateau = reason == "target" and cycle.plateau and number < recipe.cycles
    return Walked(
        reason="plateau" if plateau else reason,
        note=note,
        kept=kept,
        surplus=tuple(so_far.kept[wanted:]),
        rounds=tuple(so_far.starts),
        kept_by_round=tuple(so_far.kept_by_round),
        cycles=tuple(cycles),
    )


def _decided(reason: Reason, cycle: Cycle, cycles: int) -> str:
    """What becomes of the loop after a cycle."""
    if reason != "target":
        return f"stop: {SENTENCES[reason]}"
    if cycle.number == cycles:
        return "end: it was the last one asked for"
    return f"stop: {SENTENCES['plateau']}" if cycle.plateau else "go on"


def _go_round(
    resolved: Resolved, runner: Runner, so_far: _Rounds, per_round: int, count: int, before: Mapping[str, Path]
) -> tuple[Reason, str]:
    recipe = resolved.recipe
    while len(so_far.kept) < count:
        if so_far.barren >= recipe.stop.barren_requests:
            return so_far.why_barren.why()
        need = count - len(so_far.kept)
        # The released program sends whole batches; everybody else slows down before the target.
        requests = per_round if recipe.profile == "reference" else max(1, min(per_round, need // 4))
        number = len(so_far.starts) + 1
        so_far.starts.append(_start(runner, number, RoundStart(requests, len(so_far.pool.tasks))))
        try:
            _round(resolved, runner, so_far, number, before)
        except RecordingEnded as ended:
            if recipe.profile == "reference" and number > 1:
                return "recording_ended", str(ended)
            raise
    return "target", ""


def _start(runner: Runner, number: int, start: RoundStart) -> RoundStart:
    """What was decided when the round first began: a resumed run keeps to it, whatever its target is now."""
    plan = runner.folder.path / round_name(number) / PLAN
    if plan.exists():
        return _planned(plan)
    runner.refuse_to_make(round_name(number))
    publish_sealed(plan, {"requests": start.requests, "tasks": start.tasks})
    return start


def _planned(plan: Path) -> RoundStart:
    fix = f"delete {plan.parent} and the rounds after it, then run again: they are made again from the journal"
    found = read_sealed(plan, fix)
    requests, tasks = found.get("requests"), found.get("tasks")
    if type(requests) is not int or type(tasks) is not int or requests < 1 or tasks < 0:
        raise BadInput("damaged: not the plan of a round", place=str(plan), fix=fix)
    return RoundStart(requests, tasks)


def _round(resolved: Resolved, runner: Runner, so_far: _Rounds, number: int, before: Mapping[str, Path]) -> None:
    part, rounds = round_name(number), tuple(so_far.starts)
    inflow = NO_INFLOW
    seen: list[Task] = []
    said: list[StageResult] = []
    for position, stage in enumerate(resolved.rounds, 1):
        place, result = runner.run(
            stage, inflow, part=part, position=position, pool=so_far.pool, rounds=rounds, before=before
        )
        inflow = place.inflow(result, runner.memory)
        said.append(result)
        if stage.scope == "ordered":
            seen.extend(inflow.records)
    records = inflow.records
    so_far.pool = so_far.pool.after(records, seen)
    so_far.kept.extend(records)
    so_far.kept_by_round.append(len(records))
    runner.watch.round_done(number, len(so_far.kept))
    if records:
        so_far.barren, so_far.why_barren = 0, Barren()
        return
    so_far.barren += so_far.starts[-1].requests
    for stage, result in zip(resolved.rounds, said, strict=True):
        so_far.why_barren.add(stage, result)


def _once(
    resolved: Resolved,
    runner: Runner,
    records: Sequence[Task],
    pool: Pool,
    *,
    part: str = STAGES_PART,
    built: dict[str, Path] | None = None,
    before: Mapping[str, Path] = MappingProxyType({}),
) -> Sequence[Task]:
    """The stages that run once (in each cycle); `built` is filled with what they build."""
    rounds = (RoundStart(0, len(pool.tasks)),)
    built = {} if built is None else built
    inflow = Inflow(records)
    for position, stage in enumerate(resolved.once, 1):
        place, result = runner.run(
            stage,
            inflow,
            part=part,
            position=position,
            pool=pool,
            rounds=rounds,
            built=dict(built),
            before=before,
        )
        inflow = place.inflow(result, runner.memory)
        built.update({name: place.built(name) for name in result.built})
    return inflow.records


def results(runner: Runner) -> list[tuple[StageFolder, StageResult]]:
    """Every finished stage, in the order of the work."""
    found = ((place, place.result()) for place in runner.folder.stage_folders())
    return [(place, result) for place, result in found if result is not None]
