"""From words to the training records that may have taught them: looked up, then ordered by what they are about."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfinstruct.audit.word_index import WordIndex
from selfinstruct.records import Json, Task, digest
from selfinstruct.static_embeddings import Embedder
from selfinstruct.text import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOP = 5
FOUND = 0.5
"""Overlap from which on a record is told as holding something like a span."""
_LOOKED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A training record that may have taught a span."""

    place: int
    """Of the record in the set."""
    record: str
    """Its id."""
    overlap: float
    """How much of the span it holds, between 0 and 1 (word_index.py)."""
    exact: bool
    concept: float
    """How much it is about the same: cosine of what stands around, the words of the span left out."""
    group: str
    """The same for all copies of a record."""
    copies: int

    @property
    def rank(self) -> float:
        """What origins are ordered by."""
        return self.overlap + self.concept

    def as_json(self) -> dict[str, Json]:
        """With its numbers."""
        return {
            "record": self.record,
            "overlap": self.overlap,
            "exact": self.exact,
            "concept": round(self.concept, 6),
            "group": self.group,
            "copies": self.copies,
        }


class Origins:
    """Looks spans up in a training set."""

    def __init__(self, tasks: Sequence[Task], index: WordIndex, embedder: Embedder | None = None) -> None:
        """`index` is of `texts_of` of the same tasks; without an embedder concepts are told by rare words."""
        self._tasks, self._index, self._embedder = tasks, index, embedder

    def of(self, span: str, about: str, most: int = TOP, least: float = FOUND) -> list[Origin]:
        """The likeliest records, best first; copies of one stand for it once.

        `about`: prompt and sentence around; `least`: overlap from which on a record is told at all.
        """
        near = [one for one in self._index.near(span, _LOOKED) if one.exact or one.overlap >= least]
        groups: dict[str, list[int]] = {}
        for one in near:
            groups.setdefault(group_of(self._tasks[one.text]), []).append(one.text)
        first = {places[0]: (mark, places) for mark, places in groups.items()}
        known = {one.text: one for one in near}
        concepts = self._concepts(span, about, list(first))
        found = [
            Origin(
                place=place,
                record=self._tasks[place].id,
                overlap=known[place].overlap,
                exact=known[place].exact,
                concept=concept,
                group=first[place][0],
                copies=len(first[place][1]),
            )
            for place, concept in zip(first, concepts, strict=True)
        ]
        return sorted(found, key=lambda one: (-one.rank, one.place))[:most]

    def _concepts(self, span: str, about: str, places: Sequence[int]) -> list[float]:
        texts = ["\n".join(texts_of(self._tasks[place])) for place in places]
        aside = set(words(span))
        if self._embedder is None:
            mine = self._weighed(about, aside)
            return [_cosine(mine, self._weighed(text, aside)) for text in texts]
        rest = [" ".join(word for word in words(text) if word not in aside) for text in (about, *texts)]
        return _alike(self._embedder.encode(rest))

    def _weighed(self, text: str, aside: set[str]) -> dict[str, float]:
        counts = Counter(word for word in words(text) if word not in aside)
        return {word: (1 + math.log(count)) * self._index.rarity(word) for word, count in counts.items()}


def texts_of(task: Task) -> list[str]:
    """The fields of a record in which words are looked for."""
    pairs = [text for pair in task.instances for text in (pair.input, pair.output)]
    fields = (task.system, task.instruction, *pairs, *(turn.content for turn in task.later))
    return [text for text in fields if text.strip()]


def group_of(task: Task) -> str:
    """The same for records that say the same, whatever their ids, case and punctuation."""
    return digest("group", *(" ".join(words(text)) for text in texts_of(task)))[:16]


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    both = sum(value * other[word] for word, value in one.items() if word in other)
    size = math.sqrt(sum(value**2 for value in one.values()) * sum(value**2 for value in other.values()))
    return both / size if size else 0.0


def _alike(rows: "NDArray[Any]") -> list[float]:
    import numpy as np

    sizes = np.linalg.norm(rows, axis=1)
    both = rows[1:] @ rows[0]
    beside = sizes[1:] * sizes[0]
    return [float(one) for one in np.where(beside > 0, both / np.where(beside > 0, beside, 1), 0.0)]
