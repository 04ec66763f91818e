"""The stages that run once: which go together in one pass over the records, and which write down what they keep.

Neighbours that look at each record alone, and ask no model, take it from hand to hand: it is parsed once and written
when it leaves them. A stage that hands on what came in as it came writes no `kept.jsonl`, for what it kept is what the
stages behind it rejected, failed at and kept: as far as the next file. A `set`, an `ordered` or a model stage writes
it, and so does the last. Where a run is broken off it goes on behind the last such file, and does again what stood
between: nothing of that was paid for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from selfinstruct import plugins
from selfinstruct.records import Task
from selfinstruct.run.stage_runner import Runner
from selfinstruct.stage import Pool, RoundStart, Stage
from selfinstruct.store.kept_file import Inflow


@dataclass(frozen=True, slots=True)
class StagesOnce:
    """A walk through the stages of one folder, and what all of them are given."""

    stages: Sequence[Stage]
    runner: Runner
    part: str
    pool: Pool
    rounds: tuple[RoundStart, ...]
    before: Mapping[str, Path]

    def run(self, inflow: Inflow, built: dict[str, Path]) -> Sequence[Task]:
        """Do what is not done; what is kept in the end. `built` is filled with what the stages build."""
        begin = self._begin()
        for group in groups(self.stages):
            go = self._one_pass if len(group) > 1 and begin <= group[0] else self._in_turn
            inflow = go(group, inflow, built)
        return inflow.records

    def _begin(self) -> int:
        """The first stage to be made; those from there on that say they are done are undone."""
        places = [self.runner.folder.stage(self.part, at, stage.name) for at, stage in enumerate(self.stages, 1)]
        results = [place.result() for place in places]
        missing = next((at for at, result in enumerate(results) if result is None), len(places))
        if missing == len(places):
            return missing
        self.runner.refuse_to_make(f"{self.part}/{places[missing].path.name}")
        begin = missing
        for group in reversed(groups(self.stages)):
            handed = begin > 0 and (result := results[begin - 1]) is not None and not result.lasting
            if group[0] <= begin <= group[-1] or (handed and begin - 1 == group[-1]):
                begin = group[0]
        for place in reversed(places[begin:]):
            place.undo()
        return begin

    def _in_turn(self, group: range, inflow: Inflow, built: dict[str, Path]) -> Inflow:
        for at in group:
            place, result = self.runner.run(
                self.stages[at],
                inflow,
                part=self.part,
                position=at + 1,
                pool=self.pool,
                rounds=self.rounds,
                built=dict(built),
                before=self.before,
                held=not lasting(self.stages, at),
            )
            inflow = place.inflow(result, self.runner.memory)
            built.update({name: place.built(name) for name in result.built})
        return inflow

    def _one_pass(self, group: range, inflow: Inflow, built: dict[str, Path]) -> Inflow:
        stages = [self.stages[at] for at in group]
        places = [self.runner.folder.stage(self.part, at + 1, self.stages[at].name) for at in group]
        benches = [
            self.runner.bench(stage, place, self.pool, self.rounds, dict(built), self.before)
            for stage, place in zip(stages, places, strict=True)
        ]
        self.runner.run_in_one_pass(stages, places, inflow, benches, [lasting(self.stages, at) for at in group])
        result = places[-1].result()
        assert result is not None
        return places[-1].inflow(result, self.runner.memory)


def groups(stages: Sequence[Stage]) -> list[range]:
    """Positions of the stages that records go through in one pass: most stages are alone."""
    ranges = list[range]()
    for at, stage in enumerate(stages):
        joins = bool(ranges) and _alone(stage, "record") and _alone(stages[at - 1], "record", "source")
        ranges.append(range(ranges.pop().start if joins else at, at + 1))
    return ranges


def lasting(stages: Sequence[Stage], at: int) -> bool:
    """Whether the stage writes down what it keeps."""
    stage = stages[at]
    if at == len(stages) - 1 or stages[at + 1].needs.hands_on == "changed":
        return True
    return not (_alone(stage, "source") or (_alone(stage, "record") and stage.needs.hands_on != "changed"))


def _alone(stage: Stage, *scopes: str) -> bool:
    """It looks at each record alone, and needs nothing but it."""
    needs = stage.needs
    asks = needs.models or needs.scorer or needs.weights or needs.judge or needs.hidden_states or needs.checks
    return stage.scope in scopes and not asks and not plugins.is_foreign(stage)
