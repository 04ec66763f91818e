"""Farthest-first selection on static embeddings (Gonzalez 1985): each next text is the one least like all before it."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.records import Task
from selfinstruct.static_embeddings import static_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 4096  # texts embedded at a time


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
        found = spread(_vectors(records, order, model), count)
        for rank, at in enumerate(order):
            nearest[at], similarity[at] = order[int(found.nearest[rank])], float(found.cosine[rank])
        for rank in found.taken:
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
    found: NDArray[np.float32] | None = None
    for places, texts in _texts(records, rank):
        rows = np.asarray(encoder.encode(texts), dtype=np.float32)
        if found is None:
            found = np.zeros((len(order), rows.shape[1]), dtype=np.float32)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        found[places] = rows / np.where(length > 0, length, 1)
    assert found is not None  # there is at least one record
    return found


def _texts(records: Sequence[Task], rank: dict[int, int]) -> Iterator[tuple[list[int], list[str]]]:
    places: list[int] = []
    texts: list[str] = []
    for at, task in enumerate(records):
        if at in rank:
            places.append(rank[at])
            texts.append(task.instruction)
        if len(texts) == _BATCH:
            yield places, texts
            places, texts = [], []
    if texts:
        yield places, texts
