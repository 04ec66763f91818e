"""The loop of a run: rounds until the target, dried-up novelty or failing calls end them; then stages; then cycles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from selfinstruct.records import Task
from selfinstruct.run.cycle_result import Cycle, looked_at, stages_part
from selfinstruct.run.fused_stages import StagesOnce
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.rounds import Reason, RoundPace, Rounds, go_on
from selfinstruct.run.stage_runner import Runner
from selfinstruct.stage import Pool, RoundStart
from selfinstruct.store.kept_file import Inflow
from selfinstruct.store.run_folder import STAGES_PART

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


def walk(
    resolved: Resolved,
    runner: Runner,
    seeds: Sequence[Task],
    per_round: int,
    held_out: Sequence[Task] = (),
    *,
    lag: int = 0,
) -> Walked:
    """Do the whole recipe; what is done already is read, not done again. `held_out` is compared with, never shown.

    `per_round`, `lag`: as in `rounds.go_on`.
    """
    recipe = resolved.recipe
    if not resolved.rounds:
        return Walked(reason="inputs", kept=_once(resolved, runner, (), Pool(seeds, seen=held_out)))
    so_far, cycles, before = Rounds(Pool(seeds, seen=held_out)), list[Cycle](), dict[str, Path]()
    while True:
        number, first = len(cycles) + 1, len(so_far.starts) + 1
        had = min(len(so_far.kept), recipe.count * (number - 1))
        pace = RoundPace(per_round, 0 if recipe.cycles > 1 or recipe.profile == "reference" else lag)
        reason, note = go_on(resolved, runner, so_far, pace, recipe.count * number, before)
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
    walk = StagesOnce(resolved.once, runner, part, pool, rounds, before)
    return walk.run(Inflow(records), {} if built is None else built)
