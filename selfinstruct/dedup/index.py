"""The pool as a thing you can ask: what reads most like this text?"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from selfinstruct.dedup.argsort import argsort
from selfinstruct.dedup.border import f_measure
from selfinstruct.dedup.compiled import CompiledPool
from selfinstruct.dedup.plain import MOST_WORDS, PlainPool, f_measures
from selfinstruct.records import Task
from selfinstruct.text import one_line, program_words, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Words: TypeAlias = Literal["unicode", "program"]

COMPILED_FROM = 2_000
"""Texts in the pool from which compiling pays: loading numba and compiling costs seconds on a machine's first run, a
comparison with 2,000 texts by RapidFuzz a fraction of a millisecond."""


def _words_or_line(text: str) -> list[str]:
    """Words of any script; a text without any (`???`) is one word, itself, so that its copies are found."""
    return words(text) or [one_line(text)]


CUTTERS: Mapping[Words, Callable[[str], list[str]]] = {"unicode": _words_or_line, "program": program_words}
"""`program` cuts as `rouge_score` does: a text without a-z and 0-9 has no words, and nothing is similar to it."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The text of the pool with the highest ROUGE-L; the earliest if several have it."""

    id: str
    text: str
    rouge_l: float
    common: int
    """Words in common, in order."""
    words: tuple[int, int]
    """Words of the text asked about, words of this one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A text beside every text of the pool, as the released program reports it."""

    nearest: Nearest | None
    most_similar: Mapping[str, float] = field(default_factory=dict)
    """ROUGE-L by text, highest first."""
    average: float = 0.0
    """Mean ROUGE-L over the pool; 0 over an empty one."""


class RougeIndex:
    """Texts with their ids, in the order they came; it grows and never forgets.

    >>> index = RougeIndex()
    >>> index.add("a", "Name a river in Europe.")
    >>> index.nearest("Name a river in Asia.").common
    4
    """

    def __init__(self, words: Words = "unicode", compiled_from: int = COMPILED_FROM) -> None:
        self._cut = CUTTERS[words]
        self._compiled_from = compiled_from
        self._ids: list[str] = []
        self._texts: list[str] = []
        self._lengths = array("q")
        self._codes: dict[str, int] = {}
        self._pool: PlainPool | CompiledPool = PlainPool()

    @classmethod
    def over(cls, tasks: Sequence[Task], words: Words = "unicode") -> Self:
        """The index of these tasks' instructions, in their order."""
        index = cls(words)
        for task in tasks:
            index.add(task.id, task.instruction)
        return index

    def __len__(self) -> int:
        """How many texts."""
        return len(self._ids)

    def add(self, task_id: str, text: str) -> None:
        """Append a text."""
        codes = self._coded(text)
        if isinstance(self._pool, PlainPool) and len(self) >= self._compiled_from:
            self._pool = CompiledPool(self._pool.texts())
        self._pool.add(codes)
        self._ids.append(task_id)
        self._texts.append(text)
        self._lengths.append(len(codes))

    def has_words(self, text: str) -> bool:
        """False for a text that cannot be compared: nothing in it is a word to this index."""
        return bool(self._cut(text))

    def count_words(self, text: str) -> int:
        """How many words of it are compared."""
        return len(self._cut(text))

    def nearest(self, text: str) -> Nearest | None:
        """The exact nearest neighbour; None if no text shares a word with it."""
        codes = self._coded(text)
        return self._named(len(codes), *self._pool.nearest(codes))

    def scores(self, text: str) -> "NDArray[np.float64]":
        """ROUGE-L with every text, in the order they came."""
        return self._scored(self._coded(text))[1]

    def compare(self, text: str, k: int = 10) -> Comparison:
        """Nearest, the `k` most similar and the mean, in one pass over all pairs.

        Ties among the most similar fall as numpy's classic sort let them fall, and the mean is numpy's pairwise one:
        both are what the released program stores.
        """
        import numpy as np

        if not len(self):
            return Comparison(None)
        codes = self._coded(text)
        common, scores = self._scored(codes)
        at = int(np.argmax(scores))
        return Comparison(
            self._named(len(codes), at if common[at] else -1, int(common[at])),
            {self._texts[place]: float(scores[place]) for place in argsort(scores.tolist())[-k:][::-1]},
            float(np.mean(scores)),
        )

    def top(self, text: str, k: int = 10) -> Mapping[str, float]:
        """ROUGE-L of the `k` most similar texts, highest first: the program's `most_similar`."""
        return self.compare(text, k).most_similar

    def mean(self, text: str) -> float:
        """Mean ROUGE-L over the pool: the program's `avg_similarity_score`."""
        return self.compare(text).average

    def _coded(self, text: str) -> list[int]:
        codes = self._codes
        coded = [codes.setdefault(word, len(codes)) for word in self._cut(text)]
        if len(codes) > MOST_WORDS and isinstance(self._pool, PlainPool):
            self._pool = CompiledPool(self._pool.texts())
        return coded

    def _scored(self, codes: Sequence[int]) -> "tuple[NDArray[np.int32], NDArray[np.float64]]":
        """LCS and ROUGE-L with every text."""
        import numpy as np

        common = self._pool.commons(codes)
        return common, f_measures(common, len(codes), np.array(self._lengths, np.int64))

    def _named(self, length: int, at: int, common: int) -> Nearest | None:
        if at < 0:
            return None
        other = self._lengths[at]
        return Nearest(self._ids[at], self._texts[at], f_measure(common, length, other), common, (length, other))
