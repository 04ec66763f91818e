"""Reads a finished run folder into what the report page and the card are drawn from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from selfinstruct import __version__
from selfinstruct.models.hosted import HostedModel
from selfinstruct.records import Task
from selfinstruct.report.summary import Count, Measure, RoundCount, RunSummary, StageCount, Texts
from selfinstruct.run.billing import spending
from selfinstruct.run.loop import SENTENCES, Walked
from selfinstruct.run.recipe import Resolved
from selfinstruct.run.recipe_keys import student_role
from selfinstruct.run.summary_cycles import cycle_counts
from selfinstruct.run.summary_examples import Done, published_examples, rejected_examples
from selfinstruct.stage import Stage
from selfinstruct.store.reading import read_lines
from selfinstruct.store.run_folder import RunFolder, largest_first, round_name

AGAIN = "selfinstruct run recipe.yaml -o ANOTHER_FOLDER"  # the same words, however and wherever the run was started


@dataclass(slots=True)
class _Sum:
    """One stage, all rounds together."""

    received: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: int = 0


def run_summary(
    resolved: Resolved,
    folder: RunFolder,
    walked: Walked,
    seeds: Sequence[Task],
    mark: str,
) -> RunSummary:
    """The run as plain values."""
    done = list(_finished(resolved, folder, walked))
    failures = _failures(done)
    reached = walked.reason == "target"
    return RunSummary(
        name=resolved.recipe.name,
        fingerprint=mark,
        version=__version__,
        models=_models(resolved),
        seeds=len(seeds),
        target=resolved.recipe.count * max(1, len(walked.cycles)) if resolved.rounds else None,
        published=len(walked.kept),
        stopped_because=SENTENCES[walked.reason] + (f": {walked.note}" if walked.note and not reached else ""),
        stages=_stage_counts(resolved, done, walked),
        rounds=_rounds(resolved, folder, walked, done),
        topic=next((str(one["name"]) for part, *_ in done for one in _of_topic(part, done)), ""),
        threshold=_threshold(resolved),
        machine=Texts.of(walked.kept),
        human=Texts.of(seeds),
        finish_reasons=_counts(_finish_reasons(done)),
        failures=_counts(failures),
        spending=spending((one[1].name, one[3]) for one in _finished(resolved, folder, walked, every=True)),
        measured=tuple(_measured(done, walked.stages_part)),
        cycles=cycle_counts(resolved, folder, walked),
        published_examples=published_examples(walked.kept, done),
        rejected_examples=rejected_examples(done),
        command=AGAIN,
        recipe=resolved.as_yaml(),
        addresses=_addresses(resolved),
    )


def _models(resolved: Resolved) -> tuple[str, ...]:
    """Specs of those whose words are in the records, or decide of them; where nobody's are, of all that are named."""
    told = resolved.recipe.specs
    makers = [
        role
        for needs in (stage.needs for stage in (*resolved.rounds, *resolved.once))
        if needs.answers != "numbers"
        for role in needs.models
    ]
    makers += [student_role(resolved.recipe)]
    return tuple(dict.fromkeys(told[role] for role in makers if role in told)) or tuple(dict.fromkeys(told.values()))


def _addresses(resolved: Resolved) -> tuple[tuple[str, str], ...]:
    """Of the models that were asked over a network, each once."""
    hosted = [model for model in resolved.recipe.models.values() if isinstance(model, HostedModel) and model.base_url]
    return tuple(dict.fromkeys((model.spec, model.base_url) for model in hosted))


def _measured(done: Iterable[Done], once: str) -> Iterator[Measure]:
    """Of the stages that run once: what a round measures speaks of that round alone."""
    for part, stage, _, result in done:
        if part == once:
            label = stage.needs.label
            yield from (Measure(stage.name, name, value, label) for name, value in result.measured.items())


def _finished(resolved: Resolved, folder: RunFolder, walked: Walked, *, every: bool = False) -> Iterable[Done]:
    """Part, stage, folder and result of everything that counts, in order.

    Of a loop the stages of its last cycle, for they have all records; with `every`, for what was paid, of each cycle.
    """
    parts = [(round_name(number), resolved.rounds) for number in range(1, len(walked.rounds) + 1)]
    last = [cycle.part for cycle in walked.cycles] if every and walked.cycles else [walked.stages_part]
    for part, stages in [*parts, *((part, resolved.once) for part in last)]:
        for position, stage in enumerate(stages, 1):
            place = folder.stage(part, position, stage.name)
            result = place.result()
            if result is not None:
                yield part, stage, place, result


def _stage_counts(resolved: Resolved, done: Sequence[Done], walked: Walked) -> tuple[StageCount, ...]:
    """The stages of the rounds, the target where some were beyond it, the stages that ran once."""
    in_rounds = [one for one in done if one[0] != walked.stages_part]
    once = [one for one in done if one[0] == walked.stages_part]
    return (*_summed(resolved.rounds, in_rounds), *_target(walked), *_summed(resolved.once, once))


def _summed(stages: Sequence[Stage], done: Iterable[Done]) -> tuple[StageCount, ...]:
    """One count for each place in the list: a stage may stand there twice."""
    sums = {f"{position:02d}-{stage.name}": _Sum() for position, stage in enumerate(stages, 1)}
    for _, stage, place, result in done:
        total = sums[place.path.name]
        rejected = sum(result.rejected.values())
        source = stage.scope == "source"
        total.received += result.kept + rejected if source else result.received
        total.kept += result.kept
        total.rejected.update(result.rejected)
        total.failed += 0 if source else sum(result.failed.values())
    return tuple(
        StageCount(
            name=name.partition("-")[2],
            received=total.received,
            kept=total.kept,
            rejected=_counts(total.rejected),
            failed=total.failed,
        )
        for name, total in sums.items()
    )


def _target(walked: Walked) -> tuple[StageCount, ...]:
    """The last door of the rounds: what passed all of them and was one too many."""
    if not walked.surplus:
        return ()
    received, surplus = sum(walked.kept_by_round), len(walked.surplus)
    return (
        StageCount(
            name="target",
            received=received,
            kept=received - surplus,
            rejected=(Count("beyond_target", surplus),),
        ),
    )


def _of_topic(part: str, done: Iterable[Done]) -> Iterator[Mapping[str, Any]]:
    """What stages of a round measured of the topic."""
    for where, _, _, result in done:
        told = result.measured.get("topic")
        if where == part and isinstance(told, dict):
            yield told


def _rounds(resolved: Resolved, folder: RunFolder, walked: Walked, done: Sequence[Done]) -> tuple[RoundCount, ...]:
    counts = []
    for number, (start, kept) in enumerate(zip(walked.rounds, walked.kept_by_round, strict=False), 1):
        part = round_name(number)
        source = folder.stage(part, 1, resolved.rounds[0].name).result()
        near: dict[str, list[float]] = {"kept": [], "rejected": []}
        for position, stage in enumerate(resolved.rounds, 1):
            if stage.needs.novelty_below is not None:
                place = folder.stage(part, position, stage.name)
                for fate, found in near.items():
                    found.extend(_rouge_l(read_lines(place.path / f"{fate}.jsonl")))
        counts.append(
            RoundCount(
                number=number,
                requests=start.requests,
                candidates=0 if source is None else source.kept + sum(source.rejected.values()),
                kept=kept,
                nearest_kept=tuple(near["kept"]),
                nearest_rejected=tuple(near["rejected"]),
                on_topic=sum(told["on"] for told in _of_topic(part, done)),
                told_of_topic=sum(told["of"] for told in _of_topic(part, done)),
            )
        )
    return tuple(counts)


def _rouge_l(lines: Iterable[Mapping[str, Any]]) -> Iterable[float]:
    for line in lines:
        value = line.get("evidence", {}).get("rouge_l")
        if isinstance(value, int | float):
            yield float(value)


def _threshold(resolved: Resolved) -> float | None:
    for stage in (*resolved.rounds, *resolved.stages):
        if stage.needs.novelty_below is not None:
            return stage.needs.novelty_below
    return None


def _failures(done: Iterable[Done]) -> Counter[str]:
    failures: Counter[str] = Counter()
    for _, _, _, result in done:
        failures.update(result.failed)
    return failures


def _finish_reasons(done: Iterable[Done]) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for _, _, _, result in done:
        reasons.update(result.bill.finish_reasons)
    return reasons


def _counts(counts: Mapping[str, int]) -> tuple[Count, ...]:
    return tuple(Count(name, count) for name, count in largest_first(counts).items())
