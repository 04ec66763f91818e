"""Records of a finished run that the report shows to be read."""

import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from selfinstruct.curate.record_rules import chosen
from selfinstruct.records import Task
from selfinstruct.report.summary import PublishedExample, RejectedExample
from selfinstruct.stage import Stage
from selfinstruct.store.reading import read_lines
from selfinstruct.store.run_folder import StageFolder, StageResult

_PRIVATE = frozenset(rule.name for rule in chosen(("secrets", "personal_data")))
EXAMPLES = 12  # published and rejected records shown, each

Done: TypeAlias = tuple[str, Stage, StageFolder, StageResult]
"""Part, stage, folder and result of what is finished."""


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
    found: dict[str, Mapping[str, Any]] = {}
    for _, stage, place, _ in done:
        if stage.needs.novelty_below is not None:
            for line in read_lines(place.path / "kept.jsonl"):
                if line["instruction"] in wanted:
                    found[line["instruction"]] = line.get("evidence", {})
    return found


def rejected_examples(done: Iterable[Done]) -> tuple[RejectedExample, ...]:
    """A few of every reason, most frequent reasons first."""
    by_reason: dict[tuple[str, str], list[RejectedExample]] = {}
    totals: Counter[tuple[str, str]] = Counter()
    for _, stage, place, result in done:
        awaited = {
            reason: min(count, 3 - len(by_reason.get((stage.name, reason), ())))
            for reason, count in result.rejected.items()
        }
        totals.update({(stage.name, reason): count for reason, count in result.rejected.items()})
        for line in read_lines(place.path / "rejected.jsonl") if any(count > 0 for count in awaited.values()) else ():
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
