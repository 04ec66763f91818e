"""Stage: keep what a measure prefers, or a varied part: farthest-first on embeddings (Gonzalez 1985), by verbs."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, inf, isfinite
from typing import TYPE_CHECKING, ClassVar, Literal

from selfinstruct.curate.variety.diversity import Parser, reader
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.static_embeddings import static_model
from selfinstruct.text import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MADE_BY = {"rating": "rate", "ifd": "difficulty", "loss_given_instruction": "difficulty", "loss_alone": "difficulty"}
"""Stages by what they measure; every other measure is that of `measure`."""
_BATCH = 2048  # instructions that a parser is given at a time
_VECTORS_AT_ONCE = 4096  # texts embedded at a time


@dataclass(frozen=True, slots=True)
class Picked:
    """Which records are kept, by place, and what can be said of the others."""

    kept: bytearray
    bound: float | None = None
    """The measure of the last that was kept, where the measure decides alone."""
    nearest: "array[int] | None" = None
    """The place of the kept record that each one is most like; -1 for none."""
    similarity: Sequence[float] = ()
    """The cosine to it."""


@dataclass(frozen=True, kw_only=True)
class Select:
    """Keep some tasks by a measure that an earlier stage took; the others are rejected as `not_selected`.

    `threshold` keeps what lies within `at_least` and `at_most`; `top` the first `count`, or `share`, by the measure;
    `diverse` as many, but spread: first the best of each cell, then the second best of each, and so on. A cell is a
    root verb with its object; with `cells: embedding` there are no cells, and each next task is the one farthest from
    all taken before (it takes a folder of static embeddings, and the measure decides only where to begin).
    Among equals the earlier record wins. A task without the measure is rejected as `not_measured`.
    """

    name: ClassVar[str] = "select"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    by: str = "rating"
    """Name of the measure."""
    how: Literal["threshold", "top", "diverse"] = "threshold"
    """`threshold`, `top` or `diverse`: see above."""
    at_least: float | None = None
    """For `threshold`; 4.5 is AlpaGasus' for `rating`."""
    at_most: float | None = None
    """For `threshold`."""
    count: int | None = None
    """For `top` and `diverse`: tasks to keep."""
    share: float | None = None
    """For `top` and `diverse`: share to keep of those that are measured, rounded up."""
    prefer: Literal["high", "low"] = "high"
    """For `top` and `diverse`: which end of the measure."""
    cells: Literal["verbs", "embedding"] = "verbs"
    """For `diverse`."""
    parser: Parser = "rule"
    """For `cells: verbs`; not `auto` by default: what is kept should not depend on what is installed."""
    embedding: str = ""
    """For `cells: embedding`: a folder with a model2vec model, or its name on the Hub (extra `semantic`)."""

    def __post_init__(self) -> None:
        """Refuse knobs that contradict one another; bounds that are missing are told when the stage begins."""
        wrong = _contradiction(self)
        if wrong:
            raise BadInput(wrong, place="stage select", fix="see the knobs of `select`")

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        if self.how != "diverse":
            return Needs(hands_on="with_evidence")
        extras = ("semantic",) if self.cells == "embedding" else ("nlp",) if self.parser == "spacy" else ()
        return Needs(extras=extras, hands_on="with_evidence")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each task once, in order; then how many were kept, and the bound."""
        del bench
        self._check_bounds()
        values = array("d", (_value(task, self.by) for task in records))
        measured = sum(map(isfinite, values))
        if len(values) and not measured:
            stage = MADE_BY.get(self.by, "measure")
            raise BadInput(
                f"no task has the measure '{shown(self.by)}'",
                place="stage select, knob 'by'",
                fix=f"put the stage `{stage}` before it",
            )
        picked = self._picked(records, values, measured)
        for place, task in enumerate(records):
            if picked.kept[place]:
                yield Kept(task, {"by": self.by, "value": values[place]})
            elif not isfinite(values[place]):
                yield Rejected(task, "not_measured", {"by": self.by, "stage": MADE_BY.get(self.by, "measure")})
            else:
                yield Rejected(task, "not_selected", self._evidence(records, values, picked, place))
        kept = sum(picked.kept)
        summary: dict[str, Json] = {
            "by": self.by,
            "how": self.how,
            "kept": kept,
            "of": len(values),
            "measured": measured,
        }
        yield Measured("selected", summary | ({} if picked.bound is None else {"bound": picked.bound}))

    def _check_bounds(self) -> None:
        if self.how == "threshold" and self.at_least is None and self.at_most is None:
            raise BadInput("no threshold", place="stage select", fix="give at_least, at_most or both")
        if self.how != "threshold" and (self.count is None) == (self.share is None):
            raise BadInput(f"how many {self.how} should keep", place="stage select", fix="give either count or share")

    def _picked(self, records: Sequence[Task], values: Sequence[float], measured: int) -> Picked:
        if self.how == "threshold":
            low, high = _or(self.at_least, -inf), _or(self.at_most, inf)
            return Picked(bytearray(isfinite(value) and low <= value <= high for value in values))
        many = min(measured, ceil(measured * self.share) if self.share is not None else self.count or 0)
        sign = -1.0 if self.prefer == "high" else 1.0
        order = sorted((at for at, value in enumerate(values) if isfinite(value)), key=lambda at: sign * values[at])
        if self.how == "diverse" and self.cells == "embedding":
            return farthest_first(records, order, many, self.embedding)
        if self.how == "diverse":
            order = _in_turn(order, _cells(records, self.parser))
        kept = bytearray(len(values))
        for at in order[:many]:
            kept[at] = 1
        return Picked(kept, bound=values[order[many - 1]] if many and self.how == "top" else None)

    def _evidence(
        self, records: Sequence[Task], values: Sequence[float], picked: Picked, place: int
    ) -> dict[str, Json]:
        evidence: dict[str, Json] = {"by": self.by, "value": values[place]}
        if self.how == "threshold":
            low = self.at_least is not None and values[place] < self.at_least
            return evidence | {"bound": self.at_least if low else self.at_most}
        if picked.nearest is not None and picked.nearest[place] >= 0:
            neighbour = records[picked.nearest[place]]
            evidence |= {"neighbour": neighbour.id, "neighbour_text": shown(neighbour.instruction, 200)}
            evidence |= {"score": picked.similarity[place]}
        return evidence | {"bound": picked.bound}


def _contradiction(stage: Select) -> str:
    if stage.count is not None and stage.count < 1:
        return f"count: {stage.count} keeps nothing"
    if stage.share is not None and not 0 < stage.share <= 1:
        return f"share: {stage.share} is not above 0 and at most 1"
    if stage.at_least is not None and stage.at_most is not None and stage.at_least > stage.at_most:
        return f"at_least: {stage.at_least} is above at_most: {stage.at_most}"
    if stage.how == "diverse" and stage.cells == "embedding" and not stage.embedding:
        return "cells: embedding without embedding: FOLDER"
    choices = {"how": ("threshold", "top", "diverse"), "prefer": ("high", "low"), "cells": ("verbs", "embedding")}
    for knob, known in choices.items():
        if getattr(stage, knob) not in known:
            return f"{knob}: {getattr(stage, knob)!r} is none of {', '.join(known)}"
    return ""


def _value(task: Task, by: str) -> float:
    """Not a number where the task was not measured."""
    value = task.measures.get(by)
    return float(value) if value is not None else float("nan")


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


def _cells(records: Sequence[Task], parser: Parser) -> "array[int]":
    """The number of each task's verb and object, in order of appearance; those without a verb share one."""
    numbers: dict[object, int] = {}
    cells = array("l")
    roots = reader(parser).roots
    batch: list[str] = []
    for task in records:
        batch.append(task.instruction)
        if len(batch) == _BATCH:
            cells.extend(numbers.setdefault(root, len(numbers)) for root in roots(batch))
            batch = []
    cells.extend(numbers.setdefault(root, len(numbers)) for root in roots(batch))
    return cells


def _in_turn(order: Sequence[int], cells: Sequence[int]) -> list[int]:
    """The first of each cell, then the second of each; within a turn in the given order."""
    seen: dict[int, int] = {}
    turns = []
    for at in order:
        seen[cells[at]] = turn = seen.get(cells[at], -1) + 1
        turns.append(turn)
    return [at for _, at in sorted(zip(turns, order, strict=True), key=lambda pair: pair[0])]


@dataclass(frozen=True, slots=True)
class Spread:
    """Rows that lie far from one another."""

    taken: list[int]
    """In the order in which they were taken."""
    nearest: "NDArray[np.int64]"
    """For every row the taken one it is most like; itself for a taken one, unless an earlier one is as near."""
    cosine: "NDArray[np.float32]"
    """For every row the cosine to it."""


def farthest_first(records: Sequence[Task], order: Sequence[int], count: int, model: str) -> Picked:
    """Begin with the first of `order`, then take what is least like all taken; among equals the earlier in `order`.

    Time grows with records x count, memory with records x dimensions in 4 bytes.
    """
    kept = bytearray(len(records))
    nearest = array("l", [-1]) * len(records)
    similarity = array("d", [0.0]) * len(records)
    if order and count:
        picked = spread(_vectors(records, order, model), count)
        for rank, at in enumerate(order):
            nearest[at], similarity[at] = order[int(picked.nearest[rank])], float(picked.cosine[rank])
        for rank in picked.taken:
            kept[order[rank]] = 1
    return Picked(kept, nearest=nearest, similarity=similarity)


def spread(vectors: "NDArray[np.float32]", count: int) -> Spread:
    """As many rows as asked for, the first of them first; every row has length one."""
    import numpy as np  # loaded late: most verbs never select

    like = np.full(len(vectors), -np.inf, dtype=np.float32)
    best = np.zeros(len(vectors), dtype=np.int64)
    free = np.ones(len(vectors), dtype=bool)
    taken: list[int] = []
    for _ in range(min(count, len(vectors))):
        place = int(np.argmin(np.where(free, like, np.inf)))
        taken.append(place)
        free[place] = False
        cosine = vectors @ vectors[place]
        nearer = cosine > like
        best[nearer], like[nearer] = place, cosine[nearer]
    return Spread(taken, best, like)


def _vectors(records: Sequence[Task], order: Sequence[int], model: str) -> "NDArray[np.float32]":
    """Of the instructions, in the given order, each of length one."""
    import numpy as np

    encoder = static_model(model, "embedding", hub=True)
    rank = {at: place for place, at in enumerate(order)}
    vectors: NDArray[np.float32] | None = None
    for places, texts in _texts(records, rank):
        rows = np.asarray(encoder.encode(texts), dtype=np.float32)
        if vectors is None:
            vectors = np.zeros((len(order), rows.shape[1]), dtype=np.float32)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        vectors[places] = rows / np.where(length > 0, length, 1)
    assert vectors is not None  # there is at least one record
    return vectors


def _texts(records: Sequence[Task], rank: dict[int, int]) -> Iterator[tuple[list[int], list[str]]]:
    places: list[int] = []
    texts: list[str] = []
    for at, task in enumerate(records):
        if at in rank:
            places.append(rank[at])
            texts.append(task.instruction)
        if len(texts) == _VECTORS_AT_ONCE:
            yield places, texts
            places, texts = [], []
    if texts:
        yield places, texts
