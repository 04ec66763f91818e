"""Runs one stage: hands it records and a bench, writes its outcomes, and checks that the sums close."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.run.cycle_result import guidance, wanted
from selfinstruct.run.progress_events import Unwatched, Watch, Watched
from selfinstruct.run.record_chunks import (
    StageChain,
    added,
    by_chunk,
    closed,
    in_chunks,
    kept_of,
    outcomes_of,
    refuse_lost,
)
from selfinstruct.run.run_cost import Billed, CountingModel, merged
from selfinstruct.stage import (
    AskLoaded,
    Bench,
    HiddenStates,
    Kept,
    Measured,
    Outcome,
    Pool,
    PublishedIndex,
    RoundStart,
    Stage,
    TokenScorer,
    Tone,
    Weights,
    none_known,
)
from selfinstruct.store.kept_file import NO_INFLOW, Inflow
from selfinstruct.store.ledger import Ledger
from selfinstruct.store.run_folder import RunFolder, StageFolder
from selfinstruct.store.stage_result import CallCounts, StageResult
from selfinstruct.store.task_file import MEMORY
from selfinstruct.text.grammar import plural


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

    def run(  # noqa: PLR0913 - what a stage is given, each by name
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
        held: bool = False,
    ) -> tuple[StageFolder, StageResult]:
        """Make the stage's outcomes, unless they are there and whole already.

        `built`: by earlier stages of this walk; `before`: by the cycle before this one; `held`: what is kept is handed
        on and not written down.
        """
        place = self.folder.stage(part, position, stage.name)
        received, result = len(inflow.records), place.result()
        if result is None:
            self.refuse_to_make(f"{part}/{place.path.name}")
            try:
                bench = self.bench(stage, place, pool, rounds, built, before)
                result = self._make(stage, inflow, place, bench, self._aside(place) if held else None)
            finally:
                if self.alone:
                    self.release()
        else:
            place.verify(result)
            if result.received != received:
                what = f"made of {plural(result.received, 'record')}, and {received:,} come in now"
                raise BadInput(what, place=str(place.path), fix="delete this folder and those after it, then run again")
        if self.alone:
            self.tell(place, result)
        return place, result

    def tell(self, place: StageFolder, result: StageResult) -> None:
        """Let the ledger say what a stage came to, once."""
        self.ledger.tell_once("stage", round=place.path.parent.name, stage=place.path.name, **_summary(result))

    def run_in_one_pass(
        self,
        stages: Sequence[Stage],
        places: Sequence[StageFolder],
        inflow: Inflow,
        benches: Sequence[Bench],
        lasting: Sequence[bool],
    ) -> None:
        """Make what several stages say, each record going through all of them: a source first, if any, then `record`.

        `lasting` says which of them write what they keep; of the others the last holds it for whoever comes next.
        """
        part, names = places[0].path.parent.name, " + ".join(stage.name for stage in stages)
        with ExitStack() as opened:
            writings = [
                opened.enter_context(
                    place.writing(
                        before=inflow if at == 0 else NO_INFLOW,
                        memory=self.memory,
                        held=None if writes or at < len(stages) - 1 else self._aside(place),
                        passed=not writes and at < len(stages) - 1,
                    )
                )
                for at, (place, writes) in enumerate(zip(places, lasting, strict=True))
            ]
            self.watch.stage(part, names, len(inflow.records))
            first = stages[0].scope == "source"
            records: Iterable[Task] = Watched(inflow.records, self.watch)
            if first:
                records = kept_of(outcomes_of(stages[0], inflow.records, benches[0]), writings[0])
            report = partial(self.watch.outcome, part, names)
            received = [0] * len(stages)
            group = StageChain(tuple(stages[first:]), tuple(lasting[first:]))
            for passed in by_chunk(group, records, benches[first:], self.workers):
                for at, result in enumerate(passed, int(first)):
                    received[at] += result.received
                    writings[at].kept += result.handed_on
                    for outcome in result.outcomes:
                        if isinstance(outcome, Measured):
                            before = writings[at].measured.get(outcome.name)
                            writings[at].add(Measured(outcome.name, added(before, outcome.value)))
                            continue
                        writings[at].add(outcome)
                        if at == len(stages) - 1 or not isinstance(outcome, Kept):
                            report(outcome)
            for stage, place, writing, came in zip(stages, places, writings, received, strict=True):
                if stage.scope != "source":
                    refuse_lost(stage, came, writing.fates)
                self.tell(place, writing.finish(came, CallCounts()))

    def bench(
        self,
        stage: Stage,
        place: StageFolder,
        pool: Pool,
        rounds: tuple[RoundStart, ...],
        built: Mapping[str, Path],
        before: Mapping[str, Path],
    ) -> Bench:
        """All that the stage may reach for."""
        part = place.path.parent.name
        made = {**before, **built}
        scope = f"{part}/{place.path.name}"
        asked = (
            {}
            if self.model_for is None
            else {
                role: self.model_for(self._answering_role(role, stage, part, before), scope, made)
                for role in stage.needs.models
            }
        )
        return Bench(
            pool=pool,
            models={role: Billed(model) for role, model in asked.items()},
            judges=self.judges_for(stage, built),
            scorers=self._scorers(stage),
            weights=self._weights(stage, made),
            hidden_states=self.hidden_states if stage.needs.hidden_states else None,
            ask_loaded=self.ask_loaded if stage.needs.checks else None,
            benchmarks={name: self.benchmarks[name] for name in stage.needs.sets if name in self.benchmarks},
            ancestors=self.ancestors if stage.needs.lineage else none_known,
            index=self.index_for(stage),
            built=built,
            before=before if stage.needs.reads_before else {},
            guidance=guidance(before) if stage.scope == "source" else {},
            wanted=wanted(before) if stage.scope == "source" else {},
            scratch=self.folder.path / "scratch" / part / place.path.name,
            doing=self.watch.doing,
            notice=self.watch.notice,
            seed=self.seed,
            stage=stage.name,
            rounds=rounds,
        )

    def _aside(self, place: StageFolder) -> Path:
        """Where records lie that a stage only hands on, and memory cannot hold."""
        return self.folder.path / "scratch" / place.path.parent.name / f"{place.path.name}.jsonl"

    def _make(self, stage: Stage, inflow: Inflow, place: StageFolder, bench: Bench, held: Path | None) -> StageResult:
        records = inflow.records
        part = place.path.parent.name
        asked = [model for model in bench.models.values() if isinstance(model, Billed)]
        self.watch.stage(part, stage.name, len(records))
        outcomes = self._outcomes(stage, Watched(records, self.watch), bench)

        def counts() -> CallCounts:
            if not asked:
                return CallCounts()
            requests, answered = sum(model.requests for model in asked), sum(model.answered for model in asked)
            return CallCounts(requests, answered, merged([model.bill() for model in asked]))

        watched = closed(outcomes, stage, len(records), partial(self.watch.outcome, part, stage.name))
        return place.write(watched, len(records), counts, before=inflow, memory=self.memory, held=held)

    def _answering_role(self, role: str, stage: Stage, part: str, before: Mapping[str, Path]) -> str:
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
        return in_chunks(stage, records, bench, self.workers)


def _summary(result: StageResult) -> dict[str, Json]:
    return {key: value for key, value in result.as_json().items() if key != "checksums"}
