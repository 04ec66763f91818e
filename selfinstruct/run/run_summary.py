"""Reads a finished run folder into what the report page and the card are drawn from: stages, cycles, examples, cost."""

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from selfinstruct.curate.rules.rule_tables import chosen
from selfinstruct.models.hosted import HostedModel
from selfinstruct.needs import OF_TONE, OF_TOPIC
from selfinstruct.records import Task
from selfinstruct.report.json_values import ShownEstimate, estimate_beside, estimate_in, number_in, texts_in
from selfinstruct.report.summary import (
    Count,
    CycleCount,
    PublishedExample,
    RejectedExample,
    RoundCount,
    RunSummary,
    StageCount,
    StageMeasure,
    TextFigures,
)
from selfinstruct.run.cycle_result import Cycle, nearest_rouge_l
from selfinstruct.run.main_loop import SENTENCES, Walked
from selfinstruct.run.recipe.keys import student_role
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.run_cost import spending
from selfinstruct.run.run_reader import FinishedStage, Run
from selfinstruct.stage import Stage
from selfinstruct.store.reading import read_lines
from selfinstruct.store.run_folder import RunFolder, round_name
from selfinstruct.store.stage_result import largest_first
from selfinstruct.tone.tone_metrics import IFS
from selfinstruct.version import __version__

AGAIN = "selfinstruct run recipe.yaml -o ANOTHER_FOLDER"  # the same words, however and wherever the run was started
_PRIVATE = frozenset(rule.name for rule in chosen(("secrets", "personal_data")))
EXAMPLES = 12  # published and rejected records shown, each
Done: TypeAlias = tuple[Stage, FinishedStage]
"""A stage of the recipe, and one of the times that it came to its end."""


@dataclass(slots=True)
class _StageTotal:
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
    run = Run(folder)
    done = list(_finished(resolved, run, walked))
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
        rounds=_rounds(walked, done),
        topic=next((str(topic["name"]) for topic in _of_topic(done)), ""),
        threshold=_threshold(resolved),
        machine=TextFigures.of(walked.kept),
        human=TextFigures.of(seeds),
        finish_reasons=_counts(_finish_reasons(done)),
        failures=_counts(failures),
        spending=spending(
            (finished.name, finished.result) for _, finished in _finished(resolved, run, walked, every=True)
        ),
        measured=tuple(_measured(done, walked.stages_part)),
        cycles=cycle_counts(resolved, run, walked),
        published_examples=published_examples(walked.kept, done),
        rejected_examples=rejected_examples(done),
        command=AGAIN,
        recipe=resolved.as_yaml(),
        addresses=_addresses(resolved),
    )


def _models(resolved: Resolved) -> tuple[str, ...]:
    """Specs of those whose words are in the records, or decide of them; where nobody's are, of all that are named."""
    specs = resolved.recipe.specs
    makers = [
        role
        for needs in (stage.needs for stage in (*resolved.rounds, *resolved.once))
        if needs.answers != "numbers"
        for role in needs.models
    ]
    makers += [student_role(resolved.recipe)]
    return tuple(dict.fromkeys(specs[role] for role in makers if role in specs)) or tuple(dict.fromkeys(specs.values()))


def _addresses(resolved: Resolved) -> tuple[tuple[str, str], ...]:
    """Of the models that were asked over a network, each once."""
    hosted = [model for model in resolved.recipe.models.values() if isinstance(model, HostedModel) and model.base_url]
    return tuple(dict.fromkeys((model.spec, model.base_url) for model in hosted))


def _measured(done: Iterable[Done], once: str) -> Iterator[StageMeasure]:
    """Of the stages that run once: what a round measures speaks of that round alone."""
    for stage, finished in done:
        if finished.part == once:
            label = stage.needs.label
            yield from (
                StageMeasure(stage.name, name, value, label) for name, value in finished.result.measured.items()
            )


def _finished(resolved: Resolved, run: Run, walked: Walked, *, every: bool = False) -> Iterator[Done]:
    """Every finished stage that counts, in order.

    Of a loop the stages of its last cycle, for they have all records; with `every`, for what was paid, of each cycle.
    """
    by_path = {finished.path: finished for finished in run.stages}
    parts = [(round_name(number), resolved.rounds) for number in range(1, len(walked.rounds) + 1)]
    last = [cycle.part for cycle in walked.cycles] if every and walked.cycles else [walked.stages_part]
    for part, stages in [*parts, *((part, resolved.once) for part in last)]:
        for position, stage in enumerate(stages, 1):
            if finished := by_path.get(f"{part}/{position:02d}-{stage.name}"):
                yield stage, finished


def _stage_counts(resolved: Resolved, done: Sequence[Done], walked: Walked) -> tuple[StageCount, ...]:
    """The stages of the rounds, the target where some were beyond it, the stages that ran once."""
    in_rounds = [(stage, finished) for stage, finished in done if finished.part != walked.stages_part]
    once = [(stage, finished) for stage, finished in done if finished.part == walked.stages_part]
    return (*_summed(resolved.rounds, in_rounds), *_target(walked), *_summed(resolved.once, once))


def _summed(stages: Sequence[Stage], done: Iterable[Done]) -> tuple[StageCount, ...]:
    """One count for each place in the list: a stage may stand there twice."""
    sums = {f"{position:02d}-{stage.name}": _StageTotal() for position, stage in enumerate(stages, 1)}
    for stage, finished in done:
        total, result = sums[finished.folder], finished.result
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


def _of_topic(done: Iterable[Done]) -> Iterator[Mapping[str, Any]]:
    """What stages measured of the topic."""
    for _, finished in done:
        topic = finished.result.measured.get(OF_TOPIC)
        if isinstance(topic, dict):
            yield topic


def _rounds(walked: Walked, done: Iterable[Done]) -> tuple[RoundCount, ...]:
    by_part: dict[str, list[Done]] = {}
    for stage, finished in done:
        by_part.setdefault(finished.part, []).append((stage, finished))
    counts = []
    for number, (start, kept) in enumerate(zip(walked.rounds, walked.kept_by_round, strict=False), 1):
        here = by_part.get(round_name(number), [])
        made = next((finished.result for _, finished in here if finished.position == 1), None)
        near: dict[str, list[float]] = {"kept": [], "rejected": []}
        for stage, finished in here:
            if stage.needs.novelty_below is not None:
                for fate, scores in near.items():
                    scores.extend(nearest_rouge_l(read_lines(finished.place.path / f"{fate}.jsonl")))
        counts.append(
            RoundCount(
                number=number,
                requests=start.requests,
                candidates=0 if made is None else made.kept + sum(made.rejected.values()),
                kept=kept,
                nearest_kept=tuple(near["kept"]),
                nearest_rejected=tuple(near["rejected"]),
                on_topic=sum(topical["on"] for topical in _of_topic(here)),
                told_of_topic=sum(topical["of"] for topical in _of_topic(here)),
            )
        )
    return tuple(counts)


def _threshold(resolved: Resolved) -> float | None:
    for stage in (*resolved.rounds, *resolved.stages):
        if stage.needs.novelty_below is not None:
            return stage.needs.novelty_below
    return None


def _failures(done: Iterable[Done]) -> Counter[str]:
    failures: Counter[str] = Counter()
    for _, finished in done:
        failures.update(finished.result.failed)
    return failures


def _finish_reasons(done: Iterable[Done]) -> Counter[str]:
    reasons: Counter[str] = Counter()
    for _, finished in done:
        reasons.update(finished.result.bill.finish_reasons)
    return reasons


def _counts(counts: Mapping[str, int]) -> tuple[Count, ...]:
    return tuple(Count(name, count) for name, count in largest_first(counts).items())


def cycle_counts(resolved: Resolved, run: Run, walked: Walked) -> tuple[CycleCount, ...]:
    """Every cycle with what was decided at its end; none for a recipe that is walked once."""
    if resolved.recipe.cycles == 1:
        return ()
    return tuple(_cycle(resolved, run, cycle) for cycle in walked.cycles)


def _cycle(resolved: Resolved, run: Run, cycle: Cycle) -> CycleCount:
    feedback = cycle.feedback
    steers = feedback.get("steers")
    return CycleCount(
        number=cycle.number,
        rounds=cycle.rounds,
        tasks=cycle.tasks,
        nearest=cycle.nearest,
        distinct_2=cycle.distinct_2,
        ifs=_ifs(resolved, run, cycle),
        gain=estimate_in(feedback.get("gain")),
        decision=cycle.decision,
        asks_for=texts_in(feedback.get("asks_for")),
        steers=steers if isinstance(steers, bool) else None,
    )


def _ifs(resolved: Resolved, run: Run, cycle: Cycle) -> ShownEstimate | None:
    """As feedback read it, with the interval from the score whose responses it read."""
    value = number_in(cycle.feedback.get(IFS.key))
    if value is None:
        return None
    label = next((stage.needs.label for stage in resolved.once if stage.needs.feeds_back), "")
    by_path = {finished.path: finished.result.measured for finished in run.stages}
    for position, stage in enumerate(resolved.once, 1):
        if stage.needs.scores and stage.needs.label == label:
            score = by_path.get(f"{cycle.part}/{position:02d}-{stage.name}", {}).get(OF_TONE)
            estimate = estimate_beside(score, IFS.key) if isinstance(score, dict) else None
            # another score may have written over the responses: then the numbers differ, and the interval is not ours
            if estimate is not None and abs(estimate.value - value) < 1e-9:
                return estimate
    return ShownEstimate(value)


def published_examples(kept: Sequence[Task], done: Sequence[Done]) -> tuple[PublishedExample, ...]:
    """Evenly spread over the set, with their nearest neighbours."""
    step = max(1, len(kept) // EXAMPLES)
    picked = kept[::step][:EXAMPLES]
    nearest = _nearest_by_text(done, {task.instruction for task in picked})
    shown = []
    for task in picked:
        pair = task.instances[0] if task.instances else None
        evidence = nearest.get(task.instruction, {})
        shown.append(
            PublishedExample(
                id=task.id,
                instruction=task.instruction,
                input=pair.input if pair else "",
                output=pair.output if pair else "",
                nearest=str(evidence.get("text", "")),
                rouge_l=evidence.get("rouge_l"),
            )
        )
    return tuple(shown)


def _nearest_by_text(done: Iterable[Done], wanted: Container[str]) -> dict[str, Mapping[str, Any]]:
    lines: dict[str, Mapping[str, Any]] = {}
    for stage, finished in done:
        if stage.needs.novelty_below is not None:
            for line in read_lines(finished.place.path / "kept.jsonl"):
                if line["instruction"] in wanted:
                    lines[line["instruction"]] = line.get("evidence", {})
    return lines


def rejected_examples(done: Iterable[Done]) -> tuple[RejectedExample, ...]:
    """A few of every reason, most frequent reasons first."""
    by_reason: dict[tuple[str, str], list[RejectedExample]] = {}
    totals: Counter[tuple[str, str]] = Counter()
    for stage, finished in done:
        result = finished.result
        awaited = {
            reason: min(count, 3 - len(by_reason.get((stage.name, reason), ())))
            for reason, count in result.rejected.items()
        }
        totals.update({(stage.name, reason): count for reason, count in result.rejected.items()})
        for line in finished.place.lines("rejected") if any(count > 0 for count in awaited.values()) else ():
            reason = line["reason"]
            if awaited[reason] > 0:
                awaited[reason] -= 1
                by_reason.setdefault((stage.name, reason), []).append(_one_turned(stage.name, line))
                if not any(count > 0 for count in awaited.values()):
                    break
    order = sorted(by_reason, key=lambda reason: (-totals[reason], reason))
    picked = [by_reason[reason][turn] for turn in range(3) for reason in order if turn < len(by_reason[reason])]
    return tuple(picked[:EXAMPLES])


def _one_turned(stage: str, line: Mapping[str, Any]) -> RejectedExample:
    evidence = dict(line.get("evidence", {}))
    said = (choice["text"] for choice in line.get("choices", ()))
    text = line.get("instruction") or line.get("text") or next(said, "")
    if line["reason"] in _PRIVATE:
        text = "(not shown: it holds what the rule found; see rejected.jsonl)"
    near, rouge_l = evidence.pop("neighbour_text", ""), evidence.pop("rouge_l", None)
    if not near and rouge_l is not None:  # of `novelty`; elsewhere `text` is the record's own
        near = evidence.pop("text", "")
    evidence.pop("nearest", None)
    evidence.pop("most_similar", None)
    return RejectedExample(
        id=line["id"],
        stage=stage,
        reason=line["reason"],
        text=text,
        nearest=near if isinstance(near, str) else "",
        rouge_l=rouge_l if isinstance(rouge_l, float) else None,
        evidence=json.dumps(evidence, ensure_ascii=False) if evidence else "",
    )
