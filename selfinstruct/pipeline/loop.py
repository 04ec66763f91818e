"""Walks the rounds until the target is reached, novelty dries up or the calls fail; then the stages that run once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from selfinstruct.errors import BadInput
from selfinstruct.pipeline.recipe import Resolved
from selfinstruct.pipeline.runner import Runner
from selfinstruct.records import Task
from selfinstruct.stage import Pool, RoundStart
from selfinstruct.store.files import publish_text
from selfinstruct.store.reading import read_object
from selfinstruct.store.run_folder import StageFolder, StageResult, round_name

Reason = Literal["target", "inputs", "dried_up", "recording_ended"]
STAGES_PART = "stages"
PLAN = "plan.json"

SENTENCES: dict[Reason, str] = {
    "target": "the target is reached",
    "inputs": "all inputs are worked on",
    "dried_up": "novelty has dried up: many requests in a row gave nothing new",
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


@dataclass(slots=True)
class _Rounds:
    """What the rounds so far have come to."""

    pool: Pool
    starts: list[RoundStart] = field(default_factory=list)
    kept: list[Task] = field(default_factory=list)
    kept_by_round: list[int] = field(default_factory=list)
    barren: int = 0


def walk(
    resolved: Resolved, runner: Runner, seeds: Sequence[Task], per_round: int, held_out: Sequence[Task] = ()
) -> Walked:
    """Do the whole recipe; what is done already is read, not done again. `held_out` is compared with, never shown."""
    recipe = resolved.recipe
    if not resolved.rounds:
        return Walked(reason="inputs", kept=_once(resolved, runner, (), Pool(seeds, seen=held_out)))
    so_far = _Rounds(Pool(seeds, seen=held_out))
    reason, note = _go_round(resolved, runner, so_far, per_round)
    overshoots = recipe.profile == "reference"
    wanted = len(so_far.kept) if overshoots else recipe.count
    kept: Sequence[Task] = so_far.kept[:wanted]
    surplus = so_far.kept[wanted:]
    if resolved.stages:
        kept = _once(resolved, runner, kept, so_far.pool)
    return Walked(
        reason=reason,
        note=note,
        kept=kept,
        surplus=tuple(surplus),
        rounds=tuple(so_far.starts),
        kept_by_round=tuple(so_far.kept_by_round),
    )


def _go_round(resolved: Resolved, runner: Runner, so_far: _Rounds, per_round: int) -> tuple[Reason, str]:
    recipe = resolved.recipe
    while len(so_far.kept) < recipe.count:
        if so_far.barren >= recipe.stop.barren_requests:
            return "dried_up", ""
        need = recipe.count - len(so_far.kept)
        # The released program sends whole batches; everybody else slows down before the target.
        requests = per_round if recipe.profile == "reference" else max(1, min(per_round, need // 4))
        number = len(so_far.starts) + 1
        so_far.starts.append(_start(runner, number, RoundStart(requests, len(so_far.pool.tasks))))
        try:
            _round(resolved, runner, so_far, number)
        except BadInput as ended:
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
    publish_text(plan, json.dumps({"requests": start.requests, "tasks": start.tasks}) + "\n")
    return start


def _planned(plan: Path) -> RoundStart:
    fix = f"delete {plan.parent} and the rounds after it, then run again: they are made again from the journal"
    found = read_object(plan, fix)
    requests, tasks = found.get("requests"), found.get("tasks")
    if type(requests) is not int or type(tasks) is not int or requests < 1 or tasks < 0:
        raise BadInput("damaged: not the plan of a round", place=str(plan), fix=fix)
    return RoundStart(requests, tasks)


def _round(resolved: Resolved, runner: Runner, so_far: _Rounds, number: int) -> None:
    part, rounds = round_name(number), tuple(so_far.starts)
    records: Sequence[Task] = []
    seen: list[Task] = []
    for position, stage in enumerate(resolved.rounds, 1):
        place, result = runner.run(stage, records, part=part, position=position, pool=so_far.pool, rounds=rounds)
        records = place.kept(result.kept)
        if stage.scope == "ordered":
            seen.extend(records)
    so_far.pool = so_far.pool.after(records, seen)
    so_far.kept.extend(records)
    so_far.kept_by_round.append(len(records))
    runner.watch.round_done(number, len(so_far.kept))
    so_far.barren = 0 if records else so_far.barren + so_far.starts[-1].requests


def _once(resolved: Resolved, runner: Runner, records: Sequence[Task], pool: Pool) -> Sequence[Task]:
    rounds = (RoundStart(0, len(pool.tasks)),)
    built: dict[str, Path] = {}
    for position, stage in enumerate(resolved.once, 1):
        place, result = runner.run(
            stage, records, part=STAGES_PART, position=position, pool=pool, rounds=rounds, built=built
        )
        records = place.kept(result.kept)
        built.update({name: place.built(name) for name in result.built})
    return records


def results(runner: Runner) -> list[tuple[StageFolder, StageResult]]:
    """Every finished stage, in the order of the work."""
    found = ((place, place.result()) for place in runner.folder.stage_folders())
    return [(place, result) for place, result in found if result is not None]
