"""Runs one stage: hands it records and a bench, writes its outcomes, and checks that the sums close."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from selfinstruct import plugins
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.records import Json, Task
from selfinstruct.run.cycle_result import guidance, wanted
from selfinstruct.run.progress_events import Unwatched, Watch, Watched
from selfinstruct.run.run_cost import Billed, merged
from selfinstruct.stage import (
    AskLoaded,
    Bench,
    Built,
    Failed,
    HiddenStates,
    Kept,
    Measured,
    Model,
    Outcome,
    Pool,
    PublishedIndex,
    Rejected,
    RoundStart,
    Stage,
    TokenScorer,
    Tone,
    Weights,
    none_known,
)
from selfinstruct.store.kept_file import Inflow
from selfinstruct.store.ledger import Ledger
from selfinstruct.store.run_folder import CallCounts, RunFolder, StageFolder, StageResult
from selfinstruct.store.task_file import MEMORY
from selfinstruct.text import shown

_CHUNK = 512  # records a worker gets at a time


class CountingModel(Model, Protocol):
    """A model that knows how often it was asked; `models.gate` makes them."""

    @property
    def requests(self) -> int:
        """Requests so far, answers from the journal among them."""

    @property
    def answered(self) -> int:
        """Answers so far."""


def _no_scorer(role: str) -> TokenScorer:
    raise BadInput(f"no scorer '{role}'", fix="run the recipe again")


def _no_judges(stage: Stage, built: Mapping[str, Path]) -> Mapping[str, Tone]:
    del stage, built
    return {}


def _no_weights(role: str, built: Mapping[str, Path]) -> Weights:
    del built
    raise BadInput(f"no weights of '{role}'", fix="run the recipe again")


def _no_index(stage: Stage) -> None:
    if stage.needs.index is not None:
        raise BadInput(f"no index for '{stage.name}'", fix="run the recipe again")


@dataclass(frozen=True, kw_only=True)
class Runner:
    """What stays the same from stage to stage."""

    folder: RunFolder
    ledger: Ledger
    seed: int
    model_for: Callable[[str, str, Mapping[str, Path]], CountingModel] | None
    """Role, scope (round and stage) and what was built -> the model, for that stage alone; None: only what is there is
    read."""
    release: Callable[[], None] = field(default=lambda: None)
    """Called when a stage has ended: models that were made for it alone may go."""
    alone: bool = True
    """Whether stages run one at a time; else their models stay, and whoever runs them tells the ledger in order."""
    halt: Callable[[], None] = field(default=lambda: None)
    """Called when the run is broken off while stages wait for answers: none will come."""
    scorer_for: Callable[[str], TokenScorer] = field(default=_no_scorer)
    """Role -> what measures how likely a text is."""
    judges_for: Callable[[Stage, Mapping[str, Path]], Mapping[str, Tone]] = field(default=_no_judges)
    """Stage and what earlier ones built -> the judges of tone that it may use."""
    weights_for: Callable[[str, Mapping[str, Path]], Weights] = field(default=_no_weights)
    """Role and what was built -> weights to be trained, for stages that name a base."""
    hidden_states: HiddenStates | None = None
    """What a small model makes of replies, for stages that learn from it."""
    ask_loaded: AskLoaded | None = None
    """Asks a model in memory, for stages that check the one that they train."""
    index_for: Callable[[Stage], PublishedIndex | None] = field(default=_no_index)
    """What earlier runs published, for stages that compare with it."""
    benchmarks: Mapping[str, Sequence[Task]] = field(default_factory=dict)
    """By the path the recipe gives: for stages that name them."""
    ancestors: Callable[[Task], Sequence[str]] = field(default=none_known)
    """What a record of the inputs was made of, for stages that tell it."""
    student: str = ""
    """Role that teaches in the rounds once it is there; empty: none does."""
    teacher: str = ""
    """Role that it takes over where tasks and their answers are made. Who classes or rates them stays."""
    workers: int = 1
    memory: int = MEMORY
    """Bytes that the records between two stages may take."""
    watch: Watch = field(default_factory=Unwatched)

    def refuse_to_make(self, what: str) -> None:
        """BadInput where this runner only reads."""
        if self.model_for is None:
            raise BadInput(f"unfinished: {what} is missing", place=str(self.folder.path), fix="run the recipe again")

    def run(
        self,
        stage: Stage,
        inflow: Inflow,
        *,
        part: str,
        position: int,
        pool: Pool,
        rounds: tuple[RoundStart, ...],
        built: Mapping[str, Path] = MappingProxyType({}),
        before: Mapping[str, Path] = MappingProxyType({}),
    ) -> tuple[StageFolder, StageResult]:
        """Make the stage's outcomes, unless they are there and whole already.

        `built`: by earlier stages of this walk; `before`: by the cycle before this one.
        """
        place = self.folder.stage(part, position, stage.name)
        received, result = len(inflow.records), place.result()
        if result is None:
            self.refuse_to_make(f"{part}/{place.path.name}")
            try:
                result = self._make(stage, inflow, place, pool, rounds, built, before)
            finally:
                if self.alone:
                    self.release()
        else:
            place.verify(result)
            if result.received != received:
                what = f"made of {result.received:,} records, and {received:,} come in now"
                raise BadInput(what, place=str(place.path), fix="delete this folder and those after it, then run again")
        if self.alone:
            self.tell(place, result)
        return place, result

    def tell(self, place: StageFolder, result: StageResult) -> None:
        """Let the ledger say what a stage came to, once."""
        self.ledger.tell_once("stage", round=place.path.parent.name, stage=place.path.name, **_summary(result))

    def _make(
        self,
        stage: Stage,
        inflow: Inflow,
        place: StageFolder,
        pool: Pool,
        rounds: tuple[RoundStart, ...],
        built: Mapping[str, Path],
        before: Mapping[str, Path],
    ) -> StageResult:
        records = inflow.records
        part = place.path.parent.name
        scope = f"{part}/{place.path.name}"
        made = {**before, **built}
        asked = (
            {}
            if self.model_for is None
            else {
                role: self.model_for(self._asked(role, stage, part, before), scope, made) for role in stage.needs.models
            }
        )
        billed = {role: Billed(model) for role, model in asked.items()}
        judges = self.judges_for(stage, built)
        bench = Bench(
            pool=pool,
            models=billed,
            judges=judges,
            scorers=self._scorers(stage),
            weights=self._weights(stage, made),
            hidden_states=self.hidden_states if stage.needs.hidden_states else None,
            ask_loaded=self.ask_loaded if stage.needs.checks else None,
            benchmarks={name: self.benchmarks[name] for name in stage.needs.sets if name in self.benchmarks},
            ancestors=self.ancestors if stage.needs.lineage else none_known,
            index=self.index_for(stage),
            built=built,
            before=before,
            guidance=guidance(before) if stage.scope == "source" else {},
            wanted=wanted(before) if stage.scope == "source" else {},
            scratch=self.folder.path / "scratch" / part / place.path.name,
            doing=self.watch.doing,
            notice=self.watch.notice,
            seed=self.seed,
            stage=stage.name,
            rounds=rounds,
        )
        self.watch.stage(part, stage.name, len(records))
        read = Watched(records, self.watch)
        outcomes = self._outcomes(stage, read, bench)

        def counts() -> CallCounts:
            if not asked:
                return CallCounts()
            requests, answered = (
                sum(getattr(model, name) for model in asked.values()) for name in ("requests", "answered")
            )
            return CallCounts(requests, answered, merged([model.bill() for model in billed.values()]))

        watched = closed(outcomes, stage, len(records), partial(self.watch.outcome, part, stage.name))
        return place.write(watched, len(records), counts, before=inflow, memory=self.memory)

    def _asked(self, role: str, stage: Stage, part: str, before: Mapping[str, Path]) -> str:
        """The role that answers for another: from the second cycle on the student for the teacher, where it teaches."""
        taught = stage.needs.answers == "records" and part.startswith("round-")
        taken = self.student and role == self.teacher and before and taught
        return self.student if taken else role

    def _scorers(self, stage: Stage) -> Mapping[str, TokenScorer]:
        role = stage.needs.scorer
        return {role: self.scorer_for(role)} if role else {}

    def _weights(self, stage: Stage, built: Mapping[str, Path]) -> Mapping[str, Weights]:
        return {role: self.weights_for(role, built) for role in stage.needs.weights}

    def _outcomes(self, stage: Stage, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        if stage.scope != "record" or bench.models or bench.scorers or bench.weights:
            return outcomes_of(stage, records, bench)
        workers = 1 if len(records) <= _CHUNK else self.workers
        return in_chunks(stage, records, bench, workers)


_FATES = (Kept, Rejected, Failed)


def _ignore(outcome: Outcome) -> None:
    del outcome


def outcomes_of(stage: Stage, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
    """What a stage yields; an exception in one of others is BadInput with the record, the file and the line."""
    if not plugins.is_foreign(stage):
        yield from stage(records, bench)
        return
    try:
        for outcome in stage(records, bench):
            yield _checked(outcome, stage)
    except SelfInstructError:
        raise
    except Exception as fault:
        raise plugins.raised(fault, f"stage '{stage.name}'", plugins.MEND_STAGE) from fault


def _checked(outcome: object, stage: Stage) -> Outcome:
    if isinstance(outcome, Kept | Rejected | Failed | Measured | Built):
        return outcome
    what = f"yielded {shown(repr(outcome), 60)}, which is no outcome"
    raise BadInput(what, place=f"stage '{stage.name}'", fix=f"{_OUTCOMES}; {plugins.MEND_STAGE}")


_OUTCOMES = "yield Kept, Rejected or Failed once for each record"


def closed(
    outcomes: Iterable[Outcome], stage: Stage, received: int, tell: Callable[[Outcome], None] = _ignore
) -> Iterator[Outcome]:
    """Pass outcomes on, telling of each, and refuse a stage that lost or invented a record.

    Received = kept + rejected + failed.
    """
    fates = 0
    for outcome in outcomes:
        fates += isinstance(outcome, _FATES)
        tell(outcome)
        yield outcome
    if stage.scope != "source" and fates != received:
        what = f"took {received} records and accounted for {fates}"
        if plugins.is_foreign(stage):
            fix = f"{_OUTCOMES}; {plugins.MEND_STAGE}"
            raise BadInput(what, place=f"stage '{stage.name}'", fix=fix)
        raise RuntimeError(f"stage '{stage.name}' {what}")


def in_chunks(stage: Stage, records: Sequence[Task], bench: Bench, workers: int) -> Iterator[Outcome]:
    """The outcomes of a `record` stage in the order of the records, the same for any number of processes.

    Chunks are the same too, and what was measured of each is added up: such a stage measures counts and sums alone.
    """
    measured: dict[str, Json] = {}
    chunks = _chunks(records)
    made = (
        (list(outcomes_of(stage, chunk, bench)) for chunk in chunks)
        if workers == 1
        else _spread(stage, chunks, bench, workers)
    )
    for outcomes in made:
        for outcome in outcomes:
            if isinstance(outcome, Measured):
                measured[outcome.name] = _added(measured.get(outcome.name), outcome.value)
            else:
                yield outcome
    yield from (Measured(name, value) for name, value in measured.items())


def _added(value: Json, other: Json) -> Json:
    """Numbers added, mappings key by key; of anything else the first."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {
            key: _added(value.get(key), other.get(key)) for key in (*value, *(key for key in other if key not in value))
        }
    if value is None or isinstance(value, bool | str | list):
        return other if value is None else value
    return value + other if isinstance(value, int | float) and isinstance(other, int | float) else value


def _spread(stage: Stage, chunks: Iterable[list[Task]], bench: Bench, workers: int) -> Iterator[list[Outcome]]:
    light = Bench(
        seed=bench.seed, stage=bench.stage, rounds=bench.rounds, scratch=bench.scratch, benchmarks=bench.benchmarks
    )
    processes = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(stage, light)
    )
    with processes:
        waiting: deque[Future[list[Outcome]]] = deque()
        for chunk in chunks:
            waiting.append(processes.submit(_chunk, chunk))
            if len(waiting) > 2 * workers:  # enough to keep them busy, and no more in memory than that
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _chunks(records: Iterable[Task]) -> Iterator[list[Task]]:
    waiting = iter(records)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk


_here: list[tuple[Stage, Bench]] = []  # of a worker: what it was begun with


def _begin(stage: Stage, bench: Bench) -> None:
    """Hand a worker once what all its chunks need."""
    _here[:] = [(stage, bench)]


def _chunk(records: Sequence[Task]) -> list[Outcome]:
    [(stage, bench)] = _here
    return list(outcomes_of(stage, records, bench))


def _summary(result: StageResult) -> dict[str, Json]:
    return {key: value for key, value in result.as_json().items() if key != "checksums"}
