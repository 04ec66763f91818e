"""What a verb prints at the end of a run: counts of records, scores of a tuned student, what feedback asks for."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinstruct.needs import OF_TOPIC
from selfinstruct.text.grammar import plural

if TYPE_CHECKING:
    from selfinstruct.run.execute import Finished
    from selfinstruct.run.recipe.resolved import Resolved


_NAMED = 6  # reasons that are named
Result = Mapping[str, Any]
"""A DONE file."""
_NOTHING = "nothing in particular (no kind with prompts enough to tell is failed on more than the rest)"


def records_report(finished: "Finished", resolved: "Resolved") -> Iterator[str]:
    """Lines about the records; none for a run that neither made nor read any, such as a score."""
    from selfinstruct.run.run_reader import load_run

    stages: list[tuple[str, Result]] = [
        (stage.name, stage.result.as_json()) for stage in load_run(finished.folder).stages
    ]
    note = f" ({finished.note})" if finished.note else ""
    if resolved.rounds:
        kept = plural(finished.kept, "task")
        if finished.target is not None:
            kept = f"{finished.kept:,} of {plural(finished.target, 'task')}"
        yield f"{kept} kept: {finished.reason}{note}"
        yield from _proposed(stages, resolved.rounds[0].name, _surplus(finished.folder))
    elif resolved.recipe.inputs:
        read = next((result for name, result in stages if name == resolved.once[0].name), None)
        received = finished.kept if read is None else read["kept"] + sum(read["rejected"].values())
        drawn = "drawn" if any(stage.needs.draws for stage in resolved.stages) else "kept"
        yield f"{finished.kept:,} of {received:,} records {drawn}{note}"
        gone = _reasons(stages)
        undrawn = gone.pop("not_drawn", 0)
        if undrawn:
            yield f"{undrawn:,} not drawn"
        if gone:
            yield f"{gone.total():,} rejected: {named(gone)}"
    for _, result in stages:
        yield from _measured(result["measured"])


def _surplus(folder: Path) -> int:
    """Tasks that passed every stage and were one too many."""
    from selfinstruct.store.ledger import read_ledger

    surpluses = [
        event.get("beyond_target") for event in read_ledger(folder / "ledger.jsonl") if event.get("event") == "finished"
    ]
    last = surpluses[-1] if surpluses else 0
    return last if isinstance(last, int) else 0


def _proposed(stages: Iterable[tuple[str, Result]], source: str, surplus: int) -> Iterator[str]:
    stages = list(stages)
    made = sum(result["kept"] + sum(result["rejected"].values()) for name, result in stages if name == source)
    gone = _reasons(stages)
    if surplus:
        gone["beyond_target"] += surplus
    if made:
        yield f"{made:,} proposed" + (f", {gone.total():,} rejected: {named(gone)}" if gone else "")
    topics = [result["measured"][OF_TOPIC] for _, result in stages if OF_TOPIC in result["measured"]]
    of = sum(topic["of"] for topic in topics)
    if of:
        on = sum(topic["on"] for topic in topics)
        yield f"topic, {topics[-1]['name']}: {on:,} of {of:,} proposals kept to it ({100 * on / of:.0f} %)"


def _measured(measured: Mapping[str, Any]) -> Iterator[str]:
    """What one stage did that counts of records do not say."""
    for kind in ("exact_duplicates", "near_duplicates"):
        counts = measured.get(kind) or {}
        if counts.get("with_another_answer"):
            removed, others = counts["removed"], counts["with_another_answer"]
            yield (
                f"{kind.replace('_', ' ')}: {removed:,} removed, {others:,} of them with another answer than the one "
                f"that stays ({counts['kept']}; --keep says which)"
            )
    scores = measured.get("before_after")
    if scores:
        before, after = (scores["characters"][when] for when in ("before", "after"))
        by = f", by {100 * (1 - after / before):.0f} % of their characters" if before else ""
        stay = Counter(scores["unchanged"])
        others = f"; the others stay: {named(stay)}" if stay else ""
        yield f"{scores['changed']:,} of {scores['replies']:,} replies shortened{by}{others}"


def _reasons(stages: Iterable[tuple[str, Result]]) -> Counter[str]:
    gone = Counter[str]()
    for _, result in stages:
        gone.update(result["rejected"])
    return gone


def named(counts: Mapping[str, int], most: int = _NAMED) -> str:
    """Counts by name, the largest first.

    >>> named({"short": 2, "code": 5, "torn": 1}, 2)
    '5 code, 2 short, 1 other'
    """
    order: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{count:,} {name}" for name, count in order[:most]]
    rest = sum(count for _, count in order[most:])
    return ", ".join([*parts, f"{rest:,} other"] if rest else parts)


def student_report(folder: Path) -> Iterator[str]:
    """IFS before and after tuning, and what feedback asks for: lines; none where the run tuned no student."""
    curve, score, feedback = (folder / name for name in ("curve.jsonl", "score.json", "feedback.json"))
    if not curve.is_file():
        return
    checks = [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()]
    if checks:
        first, last = checks[0], checks[-1]
        stopped = next((check["examples"] for check in checks if check["stop"]), None)
        end = "not stopped by its tone" if stopped is None else f"the rule stops it at {stopped}"
        yield f"student: IFS {_share(first)} before, {_share(last)} after {last['examples']} examples ({end})"
    if score.is_file():
        for entry in json.loads(score.read_text(encoding="utf-8"))["scores"]:
            said = f"  on other prompts, {entry['wrapper']}: {entry['model']} {_share(entry)}"
            by = f"by {judge}" if (judge := entry.get("judge", {}).get("version")) else ""
            yield " ".join(part for part in (said, _interval(entry), by) if part)
    if feedback.is_file():
        asks_for = json.loads(feedback.read_text(encoding="utf-8"))["asks_for"]
        yield "a next cycle would show more of: " + ("; ".join(asks_for) if asks_for else _NOTHING)


def _share(score: Mapping[str, Any]) -> str:
    from selfinstruct.tone.tone_metrics import IFS

    return "-" if score[IFS.key] is None else f"{score[IFS.key]:.3f}"


def _interval(score: Mapping[str, Any]) -> str:
    from selfinstruct.tone.tone_metrics import IFS

    interval = (score.get("intervals") or {}).get(IFS.key)
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
