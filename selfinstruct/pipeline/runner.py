"""Runs one stage: hands it records and a bench, writes what it says, and checks that the sums close."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Protocol

from selfinstruct.errors import BadInput
from selfinstruct.pipeline.recipe import model_role
from selfinstruct.pipeline.watch import Nobody, Watch
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Failed, Kept, Model, Outcome, Pool, Rejected, RoundStart, Stage
from selfinstruct.store.ledger import Ledger
from selfinstruct.store.run_folder import CallCounts, RunFolder, StageFolder, StageResult

_CHUNK = 512  # records a worker gets at a time


class CountingModel(Model, Protocol):
    """A model that knows how often it was asked; `models.gate` makes them."""

    @property
    def requests(self) -> int:
        """Requests so far, answers from the journal among them."""

    @property
    def answered(self) -> int:
        """Answers so far."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """What stays the same from stage to stage."""

    folder: RunFolder
    ledger: Ledger
    seed: int
    model_for: Callable[[str, str], CountingModel] | None
    """Role and scope (round and stage) -> the model, for that stage alone; None: only what is there is read."""
    workers: int = 1
    watch: Watch = field(default_factory=Nobody)

    def refuse_to_make(self, what: str) -> None:
        """BadInput where this runner only reads."""
        if self.model_for is None:
            raise BadInput(f"unfinished: {what} is missing", place=str(self.folder.path), fix="run the recipe again")

    def run(
        self,
        stage: Stage,
        records: Sequence[Task],
        *,
        part: str,
        position: int,
        pool: Pool,
        rounds: tuple[RoundStart, ...],
    ) -> tuple[StageFolder, StageResult]:
        """Make the stage's outcomes, unless they are there and whole already."""
        place = self.folder.stage(part, position, stage.name)
        result = place.result()
        if result is None:
            self.refuse_to_make(f"{part}/{place.path.name}")
            result = self._make(stage, records, place, pool, rounds)
        else:
            place.verify(result)
        self.ledger.tell_once("stage", round=part, stage=place.path.name, **_summary(result))
        return place, result

    def _make(
        self, stage: Stage, records: Sequence[Task], place: StageFolder, pool: Pool, rounds: tuple[RoundStart, ...]
    ) -> StageResult:
        part = place.path.parent.name
        scope = f"{part}/{place.path.name}"
        role = model_role(stage)
        models = {} if role is None or self.model_for is None else {role: self.model_for(role, scope)}
        bench = Bench(
            pool=pool,
            models=models,
            scratch=self.folder.path / "scratch" / part / place.path.name,
            seed=self.seed,
            stage=stage.name,
            rounds=rounds,
        )
        outcomes = closed(self._outcomes(stage, records, bench, role), stage, len(records))

        def counts() -> CallCounts:
            asked = models.values()
            return CallCounts(sum(model.requests for model in asked), sum(model.answered for model in asked))

        return place.write(self._watched(outcomes, part, stage.name), len(records), counts)

    def _outcomes(self, stage: Stage, records: Sequence[Task], bench: Bench, role: str | None) -> Iterator[Outcome]:
        alone = stage.scope == "record" and role is None
        if not alone or self.workers == 1 or len(records) <= _CHUNK:
            return stage(records, bench)
        return in_processes(stage, records, bench, self.workers)

    def _watched(self, outcomes: Iterable[Outcome], part: str, name: str) -> Iterator[Outcome]:
        for outcome in outcomes:
            self.watch.outcome(part, name, outcome)
            yield outcome


def closed(outcomes: Iterable[Outcome], stage: Stage, received: int) -> Iterator[Outcome]:
    """Pass outcomes on, and refuse a stage that lost or invented a record: received = kept + rejected + failed."""
    fates = 0
    for outcome in outcomes:
        fates += isinstance(outcome, Kept | Rejected | Failed)
        yield outcome
    if stage.scope != "source" and fates != received:
        raise RuntimeError(f"stage '{stage.name}' took {received} records and accounted for {fates}")


def in_processes(stage: Stage, records: Sequence[Task], bench: Bench, workers: int) -> Iterator[Outcome]:
    """The outcomes of a `record` stage, made by several processes, in the order of the records."""
    chunks = [records[start : start + _CHUNK] for start in range(0, len(records), _CHUNK)]
    light = Bench(seed=bench.seed, stage=bench.stage, rounds=bench.rounds, scratch=bench.scratch)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        for outcomes in processes.map(_chunk, [(stage, chunk, light) for chunk in chunks]):
            yield from outcomes


def _chunk(work: tuple[Stage, Sequence[Task], Bench]) -> list[Outcome]:
    stage, records, bench = work
    return list(stage(records, bench))


def _summary(result: StageResult) -> dict[str, Json]:
    return {key: value for key, value in result.as_json().items() if key != "checksums"}
