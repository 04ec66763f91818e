"""Reads a finished run folder into the story that the report page and the card tell."""

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from selfinstruct import __version__
from selfinstruct.curate.record_rules import chosen
from selfinstruct.pipeline.billing import spending
from selfinstruct.pipeline.loop import SENTENCES, Walked
from selfinstruct.pipeline.recipe import Resolved
from selfinstruct.records import Task
from selfinstruct.report.story import (
    Count,
    Measure,
    Published,
    RoundCount,
    StageCount,
    Story,
    Texts,
    Turned,
)
from selfinstruct.stage import Stage
from selfinstruct.store.reading import read_lines
from selfinstruct.store.run_folder import RunFolder, StageFolder, StageResult, largest_first, round_name

AGAIN = "selfinstruct run recipe.yaml -o ANOTHER_FOLDER"  # the same words, however and wherever the run was started
_PRIVATE = frozenset(rule.name for rule in chosen(("secrets", "personal_data")))
EXAMPLES = 12  # published and rejected records shown, each


@dataclass(slots=True)
class _Sum:
    """One stage, all rounds together."""

    received: int = 0
    kept: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    failed: int = 0


def tell(
    resolved: Resolved,
    folder: RunFolder,
    walked: Walked,
    seeds: Sequence[Task],
    mark: str,
) -> Story:
    """The run as plain values."""
    done = list(_finished(resolved, folder, walked))
    failures = _failures(done)
    reached = walked.reason == "target"
    return Story(
        name=resolved.recipe.name,
        fingerprint=mark,
        version=__version__,
        models=tuple(dict.fromkeys(resolved.recipe.models.values())),
        seeds=len(seeds),
        target=resolved.recipe.count * max(1, len(walked.cycles)) if resolved.rounds else None,
        published=len(walked.kept),
        stopped_because=SENTENCES[walked.reason] + (f": {walked.note}" if walked.note and not reached else ""),
        stages=_stage_counts(resolved, done, walked),
        rounds=_rounds(resolved, folder, walked),
        threshold=_threshold(resolved),
        machine=Texts.of(walked.kept),
        human=Texts.of(seeds),
        finish_reasons=_counts(_finish_reasons(done)),
        failures=_counts(failures),
        spending=spending((stage.name, result) for _, stage, _, result in done),
        measured=tuple(_measured(done, walked.stages_part)),
        published_examples=_published(walked.kept, done),
        rejected_examples=_turned(done),
        command=AGAIN,
        recipe=resolved.as_yaml(),
    )


def _measured(done: Iterable["Done"], once: str) -> Iterator[Measure]:
    """Of the stages that run once: what a round measures speaks of that round alone."""
    for part, stage, _, result in done:
        if part == once:
            yield from (Measure(stage.name, name, value) for name, value in result.measured.items())


Done = tuple[str, Stage, StageFolder, StageResult]


def _finished(resolved: Resolved, folder: RunFolder, walked: Walked) -> Iterable[Done]:
    """Part, stage, folder and result of everything that counts, in order; of a loop the stages of its last cycle."""
    parts = [(round_name(number), resolved.rounds) for number in range(1, len(walked.rounds) + 1)]
    for part, stages in [*parts, (walked.stages_part, resolved.once)]:
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


def _rounds(resolved: Resolved, folder: RunFolder, walked: Walked) -> tuple[RoundCount, ...]:
    counts = []
    for number, (start, kept) in enumerate(zip(walked.rounds, walked.kept_by_round, strict=False), 1):
        part = round_name(number)
        source = folder.stage(part, 1, resolved.rounds[0].name).result()
        near: dict[str, list[float]] = {"kept": [], "rejected": []}
        for position, stage in enumerate(resolved.rounds, 1):
            if stage.name == "novelty":
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
        value = getattr(stage, "rouge_l_below", None)
        if isinstance(value, float):
            return value
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


def _published(kept: Sequence[Task], done: Sequence[Done]) -> tuple[Published, ...]:
    """Evenly spread over the set, with their nearest neighbours."""
    step = max(1, len(kept) // EXAMPLES)
    picked = kept[::step][:EXAMPLES]
    nearest = _nearest_by_text(done, {task.instruction for task in picked})
    shown = []
    for task in picked:
        pair = task.instances[0] if task.instances else None
        evidence = nearest.get(task.instruction, {})
        shown.append(
            Published(
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
    found: dict[str, Mapping[str, Any]] = {}
    for _, stage, place, _ in done:
        if stage.name == "novelty":
            for line in read_lines(place.path / "kept.jsonl"):
                if line["instruction"] in wanted:
                    found[line["instruction"]] = line.get("evidence", {})
    return found


def _turned(done: Iterable[Done]) -> tuple[Turned, ...]:
    """A few of every reason, most frequent reasons first."""
    by_reason: dict[tuple[str, str], list[Turned]] = {}
    totals: Counter[tuple[str, str]] = Counter()
    for _, stage, place, _ in done:
        for line in read_lines(place.path / "rejected.jsonl"):
            reason = (stage.name, line["reason"])
            totals[reason] += 1
            if len(by_reason.setdefault(reason, [])) < 3:
                by_reason[reason].append(_one_turned(stage.name, line))
    order = sorted(by_reason, key=lambda reason: (-totals[reason], reason))
    picked = [by_reason[reason][turn] for turn in range(3) for reason in order if turn < len(by_reason[reason])]
    return tuple(picked[:EXAMPLES])


def _one_turned(stage: str, line: Mapping[str, Any]) -> Turned:
    evidence = dict(line.get("evidence", {}))
    said = (choice["text"] for choice in line.get("choices", ()))
    text = line.get("instruction") or line.get("text") or next(said, "")
    if line["reason"] in _PRIVATE:
        text = "(not shown: it holds what the rule found; see rejected.jsonl)"
    near, rouge_l = evidence.pop("neighbour_text", evidence.pop("text", "")), evidence.pop("rouge_l", None)
    evidence.pop("nearest", None)
    evidence.pop("most_similar", None)
    return Turned(
        id=line["id"],
        stage=stage,
        reason=line["reason"],
        text=text,
        nearest=near if isinstance(near, str) else "",
        rouge_l=rouge_l if isinstance(rouge_l, float) else None,
        evidence=json.dumps(evidence, ensure_ascii=False) if evidence else "",
    )


def _counts(counts: Mapping[str, int]) -> tuple[Count, ...]:
    return tuple(Count(name, count) for name, count in largest_first(counts).items())
