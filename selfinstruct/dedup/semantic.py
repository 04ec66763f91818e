"""Stage: of records that mean nearly the same by their embeddings, the preferred one stays (extra [semantic])."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from selfinstruct.dedup.duplicate_records import (
    Keep,
    Over,
    compared_text,
    neighbour_evidence,
    preference,
    refuse_unknown_keep,
    refuse_unknown_over,
    refuse_unmeasured,
)
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.static_embeddings import Embedder, static_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BLOCK = 1_024
"""Texts embedded, and compared with the kept ones, at once."""
_STRIP = 1 << 16
"""Kept vectors in one product of matrices."""
_SLACK = 1e-4
"""More than float32 rounding moves a cosine: what comes so close is computed again, exactly rounded."""
_SHOWN = 1 << 14


@dataclass(frozen=True, slots=True)
class Alike:
    """The fate of each record, by position."""

    neighbour: "NDArray[np.int64]"
    """The kept record that it is too close to, -1 for a kept one."""
    cosine: "NDArray[np.float64]"
    compared: "NDArray[np.bool_]"
    """False where the vector is zero."""


@dataclass(frozen=True, kw_only=True)
class Semantic:
    """Reject a record whose static embedding (model2vec) is nearly that of one that is kept.

    Each record is compared with all kept ones, so the time grows with the square of the set: minutes for 100,000, too
    long for millions. A threshold means something else for each model: look at what is rejected before you trust one.

    Evidence: `neighbour` (id), `neighbour_text` and `score`, the cosine. Memory: four bytes a dimension and record.
    """

    name: ClassVar[str] = "semantic"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = Needs(extras=("semantic",), hands_on="as_they_came")

    embedder: str
    """A folder with a model2vec model: `model.safetensors`, `tokenizer.json` and `config.json`."""
    cosine: float = 0.9
    """From which on it is too much."""
    over: Over = "instruction"
    """`instruction`: what is asked, inputs included; `response`: what is answered; `record`: both."""
    keep: Keep = "longest"
    """Of nearly the same: `longest`, `newest`, `first`, or `best` (by `measure`); ties go to the earlier."""
    measure: str = ""
    """For `best`: the measure that an earlier stage gave the records; higher is better, none is worst."""

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        refuse_unknown_over(self.over)
        refuse_unknown_keep(self.keep, self.measure)
        if not 0 < self.cosine <= 1:
            raise BadInput(f"cosine {self.cosine} is not above 0 and at most 1", fix="write cosine: 0.9")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each record once, in order, after all were read."""
        del bench
        embedder = static_model(self.embedder, "embedder")
        if not len(records):
            return
        duplicates = self.decided(records, embedder)
        named = lru_cache(_SHOWN)(lambda position: neighbour_evidence(records[position], self.over))
        for position, (task, twin) in enumerate(zip(records, duplicates.neighbour.tolist(), strict=True)):
            if twin < 0:
                yield Kept(task)
            else:
                score = round(float(duplicates.cosine[position]), 6)
                yield Rejected(task, "semantic_duplicate", {**named(twin), "score": score})
        yield Measured("embedding", {"embedder": Path(self.embedder).name, "cosine": self.cosine})
        strangers = int((~duplicates.compared).sum())
        if strangers:
            yield Measured("never_compared_for_want_of_known_words", strangers)

    def decided(self, records: Sequence[Task], embedder: Embedder) -> Alike:
        """Every record's fate, by any embedder."""
        import numpy as np

        prefer = preference(self.keep, self.measure)
        preferences = np.array([prefer(position, task) for position, task in enumerate(records)])
        if self.keep == "best" and not np.isfinite(preferences).any():
            refuse_unmeasured(self.name, self.measure)
        return alike(_embedded(records, self.over, embedder), preferences, self.cosine)


def _embedded(records: Sequence[Task], over: Over, embedder: Embedder) -> "NDArray[np.float32]":
    import numpy as np

    blocks, texts = [], []
    for task in records:
        texts.append(compared_text(task, over))
        if len(texts) == _BLOCK:
            blocks.append(np.asarray(embedder.encode(texts), np.float32))
            texts = []
    if texts:
        blocks.append(np.asarray(embedder.encode(texts), np.float32))
    return np.concatenate(blocks)


def alike(vectors: "NDArray[np.float32]", preferences: "NDArray[np.float64]", threshold: float) -> Alike:
    """Greedy in order of preference (lower first, the earlier of equals), each against all kept before it.

    The neighbour is the closest kept one. Products of float32 matrices propose, sums without rounding decide, so that
    the result does not depend on how a machine multiplies matrices.
    """
    import numpy as np

    order = np.argsort(preferences, kind="stable")
    duplicates = Alike(np.full(len(order), -1, np.int64), np.zeros(len(order)), np.any(vectors != 0, axis=1))
    rows = vectors[order]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(lengths == 0, 1, lengths)
    kept: list[int] = []  # positions; their vectors move to the front of `rows`, which is behind them already
    for first in range(0, len(order), _BLOCK):
        block = rows[first : first + _BLOCK].copy()
        close = _close(block, rows[: len(kept)], threshold - _SLACK)
        within = block @ block.T >= threshold - _SLACK
        here: list[int] = []  # rows of the block that are kept, with their place among all kept
        before = len(kept)
        for row, position in enumerate(order[first : first + _BLOCK].tolist()):
            if not duplicates.compared[position]:
                continue
            proposed = [*close(row), *(before + place for place, other in enumerate(here) if within[row, other])]
            scored = [(_cosine(vectors[position], vectors[kept[place]]), -place) for place in proposed]
            best = max(scored, default=(0.0, 0))
            if best[0] >= threshold:
                duplicates.neighbour[position], duplicates.cosine[position] = kept[-best[1]], best[0]
            else:
                rows[len(kept)] = block[row]
                kept.append(position)
                here.append(row)
    return duplicates


def _close(
    block: "NDArray[np.float32]", kept: "NDArray[np.float32]", threshold: float
) -> Callable[[int], Iterator[int]]:
    """Row of the block -> places of the kept vectors that may be close enough."""
    import numpy as np

    places: list[list[int]] = [[] for _ in block]
    for first in range(0, len(kept), _STRIP):
        rows, columns = np.nonzero(block @ kept[first : first + _STRIP].T >= threshold)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            places[row].append(first + column)
    return lambda row: iter(places[row])


def _cosine(one: "NDArray[np.float32]", other: "NDArray[np.float32]") -> float:
    first, second = one.astype(float), other.astype(float)
    product = math.fsum((first * second).tolist())
    return product / math.sqrt(math.fsum((first * first).tolist()) * math.fsum((second * second).tolist()))
