"""What stages say of records: checked, counted, and of `record` stages chunk by chunk, in one process or in several."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context

from selfinstruct import plugins
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.records import Json, Task
from selfinstruct.stage import FATES, Bench, Built, Failed, Kept, Measured, Outcome, Rejected, Stage
from selfinstruct.store.run_folder import StageWriting
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural

_CHUNK = 512  # records a worker gets at a time


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
        fates += isinstance(outcome, FATES)
        tell(outcome)
        yield outcome
    if stage.scope != "source":
        refuse_lost(stage, received, fates)


def refuse_lost(stage: Stage, received: int, fates: int) -> None:
    """Refuse a stage that lost or invented a record: BadInput where others wrote it."""
    if fates == received:
        return
    what = f"took {plural(received, 'record')} and accounted for {fates}"
    if plugins.is_foreign(stage):
        fix = f"{_OUTCOMES}; {plugins.MEND_STAGE}"
        raise BadInput(what, place=f"stage '{stage.name}'", fix=fix)
    raise RuntimeError(f"stage '{stage.name}' {what}")


def in_chunks(stage: Stage, records: Sequence[Task], bench: Bench, workers: int) -> Iterator[Outcome]:
    """The outcomes of a `record` stage in the order of the records, the same for any number of processes.

    Chunks are the same too, and what was measured of each is added up: such a stage measures counts and sums alone.
    """
    measured: dict[str, Json] = {}
    for [passed] in by_chunk(StageChain((stage,), (True,)), records, (bench,), workers):
        for outcome in passed.outcomes:
            if isinstance(outcome, Measured):
                measured[outcome.name] = added(measured.get(outcome.name), outcome.value)
            else:
                yield outcome
    yield from (Measured(name, value) for name, value in measured.items())


def added(value: Json, other: Json) -> Json:
    """Numbers added, mappings key by key; of anything else the first."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {
            key: added(value.get(key), other.get(key)) for key in (*value, *(key for key in other if key not in value))
        }
    if value is None or isinstance(value, bool | str | list):
        return other if value is None else value
    return value + other if isinstance(value, int | float) and isinstance(other, int | float) else value


@dataclass(frozen=True, slots=True)
class StageChain:
    """`record` stages that a chunk of records goes through one after the other."""

    stages: tuple[Stage, ...]
    lasting: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Passed:
    """What one stage of a neighbours said of a chunk."""

    received: int
    outcomes: list[Outcome]
    handed_on: int = 0
    """Records that it kept with nothing beside them, and that nobody writes down: they are not among the outcomes."""


def _through(neighbours: StageChain, chunk: Sequence[Task], benches: Sequence[Bench]) -> list[Passed]:
    said, records, last = list[Passed](), chunk, len(neighbours.stages) - 1
    for at, (stage, bench) in enumerate(zip(neighbours.stages, benches, strict=True)):
        received, outcomes = len(records), list(outcomes_of(stage, records, bench))
        if at == last:
            said.append(Passed(received, outcomes))
            break
        kept = [outcome for outcome in outcomes if isinstance(outcome, Kept)]
        records = [outcome.record for outcome in kept]
        if neighbours.lasting[at]:
            said.append(Passed(received, outcomes))
            continue
        noted = [outcome for outcome in outcomes if not isinstance(outcome, Kept) or outcome.evidence]
        said.append(Passed(received, noted, len(outcomes) - len(noted)))
    return said


def kept_of(outcomes: Iterable[Outcome], writing: StageWriting) -> Iterator[Task]:
    """The records that a source keeps, when it has been written down what it said."""
    for outcome in outcomes:
        writing.add(outcome)
        if isinstance(outcome, Kept):
            yield outcome.record


def by_chunk(
    neighbours: StageChain, records: Iterable[Task], benches: Sequence[Bench], workers: int
) -> Iterator[list[Passed]]:
    """Of each chunk what the stages of the neighbours said, in the order of the records."""
    chunks = _chunks(records)
    first, second = next(chunks, None), next(chunks, None) if workers > 1 else None
    chunks = chain((chunk for chunk in (first, second) if chunk is not None), chunks)
    if second is None:  # nothing to share out
        for chunk in chunks:
            yield _through(neighbours, chunk, benches)
        return
    light = [
        Bench(
            seed=bench.seed, stage=bench.stage, rounds=bench.rounds, scratch=bench.scratch, benchmarks=bench.benchmarks
        )
        for bench in benches
    ]
    processes = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(neighbours, light)
    )
    with processes:
        waiting: deque[Future[list[Passed]]] = deque()
        for chunk in chunks:
            waiting.append(processes.submit(_chunk, chunk))
            if len(waiting) > 2 * workers:  # enough to keep them busy, and no more in memory than that
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _light(bench: Bench) -> Bench:
    """What of it another process may have."""
    return Bench(
        seed=bench.seed, stage=bench.stage, rounds=bench.rounds, scratch=bench.scratch, benchmarks=bench.benchmarks
    )


def _chunks(records: Iterable[Task]) -> Iterator[list[Task]]:
    waiting = iter(records)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk


_here: list[tuple[StageChain, Sequence[Bench]]] = []  # of a worker: what it was begun with


def _begin(neighbours: StageChain, benches: Sequence[Bench]) -> None:
    """Hand a worker once what all its chunks need."""
    _here[:] = [(neighbours, benches)]


def _chunk(records: Sequence[Task]) -> list[Passed]:
    [(neighbours, benches)] = _here
    return _through(neighbours, records, benches)
