"""Stage: where the student does not answer, and what the next cycle is to show more of."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Any, ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.feedback_prompt_kinds import Subjects, counted, kinds_of, subjects
from selfinstruct.needs import OF_FEEDBACK, Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Scope
from selfinstruct.stats import LEVEL, Estimate, paired_difference, rule_of_three
from selfinstruct.tone.tone_metrics import IFS

FILE = "feedback.json"
_FORM = "form"
_FEWEST = 2  # sources that a gain with an interval takes
_TOLD = 6  # cells named as what the next cycle asks for


@dataclass(frozen=True, slots=True)
class _Answered:
    """A prompt of the last score, and what became of it."""

    prompt: str
    source: str
    whole: bool
    sample: int
    answers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptKindScore:
    """One kind of prompt, and how the student did on it."""

    feature: str
    cell: str
    prompts: int
    failures: int
    factor: float
    """How much more often than others its like will be shown; 1 where too few prompts are in it, or outside it."""
    steers: bool

    def as_json(self) -> dict[str, Json]:
        """A line of `cells`."""
        share = self.failures / self.prompts
        facts: dict[str, Json] = {"feature": self.feature, "cell": self.cell, "prompts": self.prompts}
        return {**facts, "failures": self.failures, "share": share, "factor": self.factor, "steers": self.steers}


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """Weigh demonstrations by how often the student fails on prompts like them; every record passes unchanged.

    Half of the next cycle's requests also name such a kind of task, the others none, so that no kind is all there is.

    A cell (a kind of prompt: label or text, verb, verb and object, length, subject) steers only where `least` prompts
    are in it and as many are not, for a kind that nearly all belong to has none to be compared with; its share of
    failures is shrunk towards the mean of all as if it had `least` prompts more of that. Says too whether IFS still
    rose since the cycle before: the loop stops where the upper one-sided 95 % bound of the paired gain is below
    `epsilon`, which takes 99 instructions or more.
    """

    name: ClassVar[str] = "feedback"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    label: str = ""
    """Of the `score` whose responses are read; its prompts must be those of `dev`, for what steers is not reported."""
    least: int = 30
    """Different prompts that a cell needs to steer, and that must lie outside it."""
    clusters: int = 8
    """Subjects that prompts are sorted into."""
    most: float = 3.0
    """The largest weight of a demonstration, and the inverse of the smallest."""
    epsilon: float = 0.03
    """The gain in IFS below which the loop stops."""
    steer: bool = True
    """False: everything is measured and told, and nothing steers; for the loop against itself."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(reads_before=True, feeds_back=True, label=self.label)

    def __post_init__(self) -> None:
        """Refuse knobs that steer nothing, or backwards."""
        if self.least < 1 or self.clusters < 1 or self.most < 1:
            raise BadInput("least, clusters or most below 1", place=f"stage {self.name}", fix="leave them out")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every record, then the weights and the numbers."""
        yield from map(Kept, records)
        name = f"{self.label}.responses.jsonl" if self.label else "responses.jsonl"
        if name not in bench.built:
            raise BadInput(f"no {name} of this run", place="stage feedback", fix="put `score` before it")
        answered = _read(bench.built[name])
        topics = subjects([answer.prompt for answer in answered if answer.whole], self.clusters)
        cells = self._cells(answered, topics)
        factors = {(cell.feature, cell.cell): cell.factor for cell in cells if cell.steers and self.steer}
        weights = {task.id: self._weight(task, topics, factors) for task in (*bench.pool.seeds, *bench.pool.tasks)}
        gain, most = _gain(answered, _read(bench.before[name]), bench.seed) if name in bench.before else (None, None)
        sources = len({answer.source for answer in answered})
        if gain is not None and rule_of_three(sources) >= self.epsilon:
            bench.notice(
                f"feedback: {sources} instructions were asked: too few to show that IFS rises by less than "
                f"{self.epsilon:g}, so the loop cannot end for that; knob `first` of that score asks more"
            )
        failed = sum(not answer.answers for answer in answered)
        wanted: dict[str, Json] = {what: cell.factor for cell in cells if cell.factor > 1 and (what := _kind(cell))}
        facts: dict[str, Json] = {
            "prompts": len(answered),
            "failures": failed,
            IFS.key: 1 - failed / len(answered),
            "cells": [cell.as_json() for cell in cells],
            "asks_for": _asked_for(cells),
            "wanted": wanted,
            "steers": self.steer,
            "weighed": sum(weight != 1 for weight in weights.values()),
            "gain": gain.as_json() if gain else None,
            "plateau": most is not None and most < self.epsilon,
        }
        bench.scratch.mkdir(parents=True, exist_ok=True)
        file = bench.scratch / FILE
        file.write_text(
            json.dumps({**facts, "weights": weights}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        yield Built(FILE, file)
        yield Measured(OF_FEEDBACK, facts)

    def _cells(self, answered: Sequence[_Answered], topics: Subjects) -> list[PromptKindScore]:
        texts = {answer.source: answer.prompt for answer in answered if answer.whole}
        first = {answer.source: answer.sample for answer in reversed(answered)}
        outcomes = []
        for answer in answered:  # a cut prompt belongs where its whole one does
            cells = kinds_of(texts.get(answer.source, answer.prompt), topics)
            outcomes.append(({**cells, _FORM: "whole" if answer.whole else "cut"}, not answer.answers))
        mean = sum(failed for _, failed in outcomes) / len(outcomes)
        made = []
        once = [
            cells for cells, answer in zip(outcomes, answered, strict=True) if answer.sample == first[answer.source]
        ]
        different = counted(once)
        for (feature, cell), (prompts, failures) in counted(outcomes).items():
            shrunk = (failures + self.least * mean) / (prompts + self.least)
            inside = different[feature, cell][0]
            steers = feature != _FORM and min(inside, len(once) - inside) >= self.least and mean > 0
            factor = shrunk / mean if steers else 1.0
            made.append(
                PromptKindScore(
                    feature=feature, cell=cell, prompts=prompts, failures=failures, factor=factor, steers=steers
                )
            )
        return sorted(made, key=lambda cell: (-cell.factor, -cell.prompts, cell.feature, cell.cell))

    def _weight(self, task: Task, topics: Subjects, factors: Mapping[tuple[str, str], float]) -> float:
        """The geometric mean of the factors of its cells, to the power of how many steer; within the bounds."""
        cells = kinds_of(task.instruction, topics, is_classification=task.is_classification)
        product = exp(sum(log(factors.get(cell, 1.0)) for cell in cells.items()))
        return round(min(self.most, max(1 / self.most, product)), 6)


def _read(file: Path) -> list[_Answered]:
    """The responses of the first model under its first wrapper."""
    with file.open(encoding="utf-8") as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    first = (rows[0]["model"], rows[0]["wrapper"])
    return [
        _Answered(row["prompt"], row["source"], row["whole"], row.get("sample") or 0, row["answer_like"])
        for row in rows
        if (row["model"], row["wrapper"]) == first
    ]


def _gain(now: Sequence[_Answered], before: Sequence[_Answered], seed: int) -> tuple[Estimate | None, float | None]:
    """IFS now minus IFS before on the prompts of both, with an interval by source; and its one-sided upper bound."""
    old = {(answer.source, answer.prompt, answer.whole, answer.sample): answer.answers for answer in before}
    rows: dict[str, list[int]] = {}
    for answer in now:
        asked = (answer.source, answer.prompt, answer.whole, answer.sample)
        if asked in old:
            row = rows.setdefault(answer.source, [0, 0])
            row[0] += answer.answers - old[asked]
            row[1] += 1
    if len(rows) < _FEWEST:
        return None, None
    change, asked = zip(*rows.values(), strict=True)
    most = paired_difference(change, asked, level=2 * LEVEL - 1, seed=seed)
    return paired_difference(change, asked, seed=seed), None if most is None else most.high


def _kind(cell: PromptKindScore) -> str:
    """As a request for new tasks may name it; empty where it cannot."""
    if cell.feature == "asks":
        return "classification tasks that name their possible labels" if cell.cell == "for a label" else ""
    said = {
        "verb": f"tasks that begin with the word {cell.cell}",
        "verb and object": f"tasks of the kind: {cell.cell}",
        "length": f"tasks of {cell.cell}",
        "topic": f"tasks about {cell.cell}",
    }
    return said.get(cell.feature, "")


def _asked_for(cells: Sequence[PromptKindScore]) -> list[Json]:
    """In words, the cells that the next cycle shows more of."""
    more = [cell for cell in cells if cell.steers and cell.factor > 1]
    return [
        f"{_kind(cell) or f'tasks that ask {cell.cell}'}: {cell.failures} of {cell.prompts} not answered"
        for cell in more[:_TOLD]
    ]
