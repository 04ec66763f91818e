"""One cycle of the loop: rounds, stages, a student's score, and what it means for the next."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from selfinstruct.needs import OF_FEEDBACK
from selfinstruct.records import Json, Task
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.store.reading import read_lines
from selfinstruct.store.run_folder import STAGES_PART, RunFolder, round_name
from selfinstruct.store.stage_result import StageResult
from selfinstruct.text import words
from selfinstruct.tone.tone_metrics import IFS

WEIGHTS = "feedback.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """What a cycle came to, and what was decided at its end."""

    number: int
    part: str
    """Folder of its stages."""
    rounds: tuple[int, int]
    """First and last round; the last below the first where none was needed."""
    tasks: int
    """Tasks it was to be worked with, those of the cycles before it among them."""
    nearest: float | None
    """Mean ROUGE-L of its new tasks with their nearest neighbours; rising: it says the same again."""
    distinct_2: float | None
    """Of all word pairs in its new instructions, the share of different ones; falling: the set collapses."""
    feedback: Mapping[str, Json]
    """What the stage of that name measured; empty where there was none."""
    decision: str = ""
    """What became of the loop."""

    @property
    def plateau(self) -> bool:
        """IFS no longer rose in this cycle."""
        return self.feedback.get("plateau") is True

    def as_json(self) -> dict[str, Json]:
        """As the ledger has it."""
        facts = {name: self.feedback.get(name) for name in (IFS.key, "gain", "plateau", "asks_for", "steers")}
        first, last = self.rounds
        numbers: dict[str, Json] = {"cycle": self.number, "rounds": [first, last], "tasks": self.tasks}
        return {**numbers, "nearest": self.nearest, "distinct_2": self.distinct_2, **facts, "decision": self.decision}


def stages_part(resolved: Resolved, cycle: int, rounds: int) -> str:
    """Where the stages of a cycle go: of a recipe without a loop simply `stages`.

    >>> from selfinstruct.run.recipe.resolve import resolve
    >>> from selfinstruct.run.recipe.yaml_file import parse_yaml
    >>> recipe = resolve(parse_yaml(b"{name: a, models: {teacher: embedded}, rounds: [propose]}", "a"))
    >>> stages_part(recipe, 1, 12)
    'stages'
    """
    return STAGES_PART if resolved.recipe.cycles == 1 else f"stages-{cycle:05d}-after-{rounds:05d}"


def guidance(before: Mapping[str, Path]) -> dict[str, float]:
    """The weights of demonstrations that the last cycle found; none in the first.

    Where feedback does not steer all weigh the same, and are drawn in the same way: on and off differ in nothing else.
    """
    if WEIGHTS not in before:
        return {}
    weights = json.loads(before[WEIGHTS].read_text(encoding="utf-8"))
    return {name: float(weight) if weights["steers"] else 1.0 for name, weight in weights["weights"].items()}


def wanted(before: Mapping[str, Path]) -> dict[str, float]:
    """The kinds of task that the last cycle's feedback asks for; none in the first, none where it does not steer."""
    if WEIGHTS not in before:
        return {}
    weights = json.loads(before[WEIGHTS].read_text(encoding="utf-8"))
    return {name: float(weight) for name, weight in weights.get("wanted", {}).items()} if weights["steers"] else {}


def looked_at(
    resolved: Resolved,
    folder: RunFolder,
    *,
    number: int,
    part: str,
    rounds: tuple[int, int],
    tasks: int,
    new: Sequence[Task],
) -> Cycle:
    """Read a finished cycle."""
    return Cycle(
        number=number,
        part=part,
        rounds=rounds,
        tasks=tasks,
        nearest=_nearest(resolved, folder, rounds),
        distinct_2=_distinct_2(task.instruction for task in new),
        feedback=_feedback(resolved, folder, part),
    )


def _feedback(resolved: Resolved, folder: RunFolder, part: str) -> Mapping[str, Json]:
    for position, stage in enumerate(resolved.once, 1):
        if stage.needs.feeds_back:
            result: StageResult | None = folder.stage(part, position, stage.name).result()
            feedback = None if result is None else result.measured.get(OF_FEEDBACK)
            if isinstance(feedback, dict):
                return feedback
    return {}


def _nearest(resolved: Resolved, folder: RunFolder, rounds: tuple[int, int]) -> float | None:
    scores: list[float] = []
    for number in range(rounds[0], rounds[1] + 1):
        for position, stage in enumerate(resolved.rounds, 1):
            if stage.needs.novelty_below is not None:
                place = folder.stage(round_name(number), position, stage.name)
                scores += nearest_rouge_l(read_lines(place.path / "kept.jsonl"))
    return fmean(scores) if scores else None


def nearest_rouge_l(lines: Iterable[Mapping[str, Any]]) -> Iterator[float]:
    """ROUGE-L of each record with its nearest neighbour, as `novelty` put it beside the records of a file."""
    values = (line.get("evidence", {}).get("rouge_l") for line in lines)
    return (float(value) for value in values if isinstance(value, int | float))


def _distinct_2(texts: Iterable[str]) -> float | None:
    total, seen = 0, dict[tuple[str, str], None]()
    for text in texts:
        pairs = list(pairwise(words(text)))
        total += len(pairs)
        seen.update(dict.fromkeys(pairs))
    return len(seen) / total if total else None
