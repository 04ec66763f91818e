"""What a run would send and cost, before anything is sent: exact for the first round, a labelled range for the rest."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, Backend, CallError
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.prices_and_budget import CostEstimate, Hosted, Price, estimate
from selfinstruct.needs import Needs
from selfinstruct.records import Completion, Failure, Request, Task
from selfinstruct.run.recipe.keys import built_name
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.seeds_and_benchmarks import SeedsAndBenchmarks, seeds_and_benchmarks
from selfinstruct.run.stage_models import backends_of, prices_of, requests_per_round
from selfinstruct.run.tone_judges import OF_THIS_RUN
from selfinstruct.stage import Bench, Kept, Pool, RoundStart, Stage, Traits, UntriedJudge

# Kept tasks per text that comes back: real runs lie between these, and nobody can know before asking.
_FEWEST_PER_TEXT, _MOST_PER_TEXT = 0.5, 6.0
_SAMPLE = 16  # seeds that stand in for the tasks of a later stage


class NotingModel:
    """A model that only takes note of what it is asked."""

    def __init__(self, name: str, traits: Traits) -> None:
        """Stands for the model of that name."""
        self.name, self.traits = name, traits
        self.noted: list[Request] = []

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Note every request; none is answered."""
        for request in requests:
            self.noted.append(request)
            yield Failure(request=f"{request.key(self.name)}.0", kind="not_sent", message="dry run")


class Unbuilt(NotingModel):
    """Stands for a model that a stage of the run will build."""

    in_flight, notice = 1, ""

    async def answer(self, request: Request) -> Answer:
        """CallError: a model that is not built yet answers nothing, and a plan asks it nothing."""
        raise CallError("not_built", f"{self.name} is not built yet: {request.purpose}", retry="never")

    async def close(self) -> None:
        """Nothing is open."""


def _to_be_built(resolved: Resolved) -> dict[str, Backend]:
    return {role: Unbuilt(spec, Traits()) for role, spec in resolved.recipe.specs.items() if built_name(spec)}


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What one stage would ask."""

    stage: str
    model: str
    sure: bool
    """True for the first round of requests, which is known exactly."""
    fewest: CostEstimate
    most: CostEstimate


def estimate_run(resolved: Resolved) -> tuple[PlanLine, ...]:
    """Every stage that asks a model; sends nothing, writes nothing.

    A loop may end after any of its cycles: the most is that of all of them.
    """
    starting = seeds_and_benchmarks(resolved, lambda _line: None)
    backends = {**backends_of(resolved, planned=True), **_to_be_built(resolved)}
    lines = []
    tasks = [Task(instruction=seed.instruction, provenance=seed.provenance) for seed in starting.seeds[:_SAMPLE]]
    entered, cycles = resolved.recipe.count, resolved.recipe.cycles
    if resolved.recipe.inputs:
        tasks, entered = _looked_into(resolved, None if _answers_inputs(resolved) else _SAMPLE)
    answers = 0  # that earlier stages would get, at most
    for stage in (*resolved.rounds, *resolved.stages):
        source = stage.scope == "source"
        requests = (
            max(1, min(requests_per_round(resolved.recipe, backends), resolved.recipe.count // 4)) if source else 1
        )
        noted = _noted(stage, () if source else tasks, backends, starting, requests, resolved.recipe.seed)
        thinking = resolved.recipe.limits.thinking_tokens or 0
        for role, plain in noted.items():
            asked = [replace(request, thinking_tokens=thinking) for request in plain]
            name, planned = backends[role].name, estimate(asked, price_of(resolved, backends[role]))
            if source:
                texts = sum(request.n for request in asked) / max(1, len(asked))
                lines.append(PlanLine(stage.name, name, sure=True, fewest=planned, most=planned))
                fewest = max(0, ceil(entered / (_MOST_PER_TEXT * texts)) - len(asked))
                most = max(0, ceil(entered * cycles / (_FEWEST_PER_TEXT * texts)) - len(asked))
                scaled = (_scaled(planned, fewest), _scaled(planned, most))
                lines.append(PlanLine(f"{stage.name}, later rounds", name, False, *scaled))
            elif stage.needs.asks_about_answers:
                most = len(asked) + stage.needs.asks_about_answers * answers
                lines.append(PlanLine(stage.name, name, False, planned, _scaled(planned, most)))
            elif _answers_inputs(resolved) or any(named in starting.benchmarks for named in _asked_of(stage.needs)):
                lines.append(
                    PlanLine(stage.name, name, cycles == 1, planned, _scaled(planned, cycles * planned.requests))
                )
            else:
                share = len(asked) / max(1, len(tasks))
                # Inputs are all there are; of proposals twice as many as are published may have to be asked about.
                # A stage of a later cycle gets the tasks of all cycles so far.
                every = cycles if stage in resolved.rounds else cycles * (cycles + 1) // 2
                most = ceil((1 if resolved.recipe.inputs else 2) * every * entered * share)
                fewest = ceil(entered * share)
                lines.append(PlanLine(stage.name, name, False, _scaled(planned, fewest), _scaled(planned, most)))
        answers += sum(map(len, noted.values()))
    return tuple(lines)


def _asked_of(needs: Needs) -> tuple[str, ...]:
    """Names of the prompts that a stage asks, whatever its records are."""
    return (*needs.prompts, *(suite.path for suite in needs.suites))


def _answers_inputs(resolved: Resolved) -> bool:
    """Whether all that is asked is what the inputs ask, just as they are read."""
    return bool(resolved.recipe.inputs) and [stage.needs.asks_inputs for stage in resolved.stages] == [True]


def _looked_into(resolved: Resolved, most: int | None) -> tuple[list[Task], int]:
    """The first tasks of the inputs, or all of them, and how many there are in all."""
    tasks: list[Task] = []
    count = 0
    for outcome in resolved.once[0]((), Bench(seed=resolved.recipe.seed)):
        if isinstance(outcome, Kept):
            count += 1
            tasks += [outcome.record] if most is None or len(tasks) < most else []
    return tasks, count


def price_of(resolved: Resolved, backend: Backend) -> Price | None:
    """The price of a model; None where nobody knows."""
    base_url = backend.base_url if isinstance(backend, Hosted) else ""
    return prices_of(resolved.recipe.limits).of(backend.name, base_url)


def _noted(
    stage: Stage,
    tasks: Sequence[Task],
    backends: Mapping[str, Backend],
    starting: SeedsAndBenchmarks,
    requests: int,
    seed: int,
) -> dict[str, list[Request]]:
    """What the stage would ask each of its models; nothing that it builds is kept."""
    models = {role: NotingModel(backends[role].name, backends[role].traits) for role in stage.needs.models}
    if not models:
        return {}
    judge = stage.needs.judge
    with TemporaryDirectory() as scratch, contextlib.suppress(BadInput):  # a stage may refuse to go on without answers
        bench = Bench(
            pool=Pool(starting.seeds, seen=starting.held_out),
            models=models,
            judges={} if judge is None else dict.fromkeys((OF_THIS_RUN, judge.named), _NoJudge()),
            benchmarks=starting.benchmarks,
            scratch=Path(scratch),
            seed=seed,
            stage=stage.name,
            rounds=(RoundStart(requests, 0),),
        )
        for _ in stage(tasks, bench):
            pass
    return {role: model.noted for role, model in models.items()}


class _NoJudge(UntriedJudge):
    """Stands where a judge would: there is nothing to judge."""

    version = "none"
    threshold = 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> Sequence[float]:
        """None are asked for."""
        return [0.0] * len(pairs)


def _scaled(planned: CostEstimate, requests: int) -> CostEstimate:
    """The same kind of requests, that many of them."""
    share = Decimal(requests) / max(1, planned.requests)
    return CostEstimate(
        requests=requests,
        prompt_tokens_likely=round(planned.prompt_tokens_likely * share),
        prompt_tokens_most=round(planned.prompt_tokens_most * share),
        completion_tokens_most=round(planned.completion_tokens_most * share),
        cost_least=None if planned.cost_least is None else planned.cost_least * share,
        cost_most=None if planned.cost_most is None else planned.cost_most * share,
    )


def unset_variables(resolved: Resolved) -> tuple[str, ...]:
    """A line for each endpoint that lacks its key or a header: the plan does without, the run will not."""
    made = {backend.name: backend for backend in backends_of(resolved, planned=True).values()}
    lacking = ((name, backend.lacking) for name, backend in made.items() if isinstance(backend, OpenAICompatible))
    return tuple(
        f"{name}: not set in the environment, and the run itself will need it: {', '.join(names)}"
        for name, names in lacking
        if names
    )


def as_table(lines: Sequence[PlanLine]) -> str:
    """For people: what is known, and what is a range."""
    if not lines:
        return "no model is asked, so nothing is sent and nothing is paid"
    head = f"{'stage':<24} {'model':<20} {'requests':>13} {'prompt tokens':>17}"
    head += f" {'completion at most':>19} {'US dollars':>21}"
    rows = [head]
    for line in lines:
        fewest, most = line.fewest, line.most
        rows.append(
            f"{line.stage:<24} {line.model[:20]:<20} {_span(fewest.requests, most.requests):>13} "
            f"{_span(fewest.prompt_tokens_likely, most.prompt_tokens_likely):>17} {most.completion_tokens_most:>19,} "
            f"{_dollars(fewest, most):>21}" + ("  exact" if line.sure else "  a range")
        )
    open_ended = "" if all(line.sure for line in lines) else "; a range depends on how much of the answers is new"
    rows.append(f"nothing was sent{open_ended}")
    return "\n".join(rows)


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"


def _dollars(fewest: CostEstimate, most: CostEstimate) -> str:
    if fewest.cost_least is None or most.cost_most is None:
        return "unknown"
    return "0" if not most.cost_most else f"{fewest.cost_least:.4f}-{most.cost_most:.4f}"
