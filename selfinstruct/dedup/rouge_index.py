"""The pool as an index to ask: what reads most like this text, by ROUGE-L? Borders, ties, and a pool still small.

A word travels as one character, which puts RapidFuzz on its fast string path: about 0.1 microseconds a pair.

ROUGE-L (Lin 2004) is the F-measure of the longest common subsequence: with L of m and n words in common, in order,
precision is L/n, recall L/m, and F the harmonic mean, 2L / (m + n). That of two texts alone is in `selfinstruct.text`.

The program takes its ten nearest neighbours from `np.argsort`, whose order among equals is an accident of the
algorithm. Newer NumPy sorts with vector instructions and breaks ties by processor, so the same run would differ from
machine to machine; the classic algorithm (median of three, insertion sort up to 16) gives one answer everywhere.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from selfinstruct.dedup.rouge_index_compiled import CompiledPool
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.text import one_line, program_words, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Words: TypeAlias = Literal["unicode", "program"]
COMPILED_FROM = 2_000
"""Texts in the pool from which compiling pays: loading numba and compiling costs seconds on a machine's first run, a
comparison with 2,000 texts by RapidFuzz a fraction of a millisecond."""
_SURROGATES = range(0xD800, 0xE000)
MOST_WORDS = 0x110000 - len(_SURROGATES)
"""Different words that fit into characters."""
Mode: TypeAlias = Literal["strict", "paper"]
_SMALL = 16  # pieces up to one more than this are sorted by insertion


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
class PoolComparison:
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

    def compare(self, text: str, k: int = 10) -> PoolComparison:
        """Nearest, the `k` most similar and the mean, in one pass over all pairs.

        Ties among the most similar fall as numpy's classic sort let them fall, and the mean is numpy's pairwise one:
        both are what the released program stores.
        """
        import numpy as np

        if not len(self):
            return PoolComparison(None)
        codes = self._coded(text)
        common, scores = self._scored(codes)
        at = int(np.argmax(scores))
        return PoolComparison(
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


class PlainPool:
    """Texts as lists of word codes, in the order they came."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def __len__(self) -> int:
        """How many texts."""
        return len(self._texts)

    def texts(self) -> list[list[int]]:
        """The word codes of every text."""
        return [[_code(character) for character in text] for text in self._texts]

    def add(self, codes: Sequence[int]) -> None:
        """Append a text."""
        self._texts.append(_characters(codes))

    def commons(self, codes: Sequence[int]) -> "NDArray[np.int32]":
        """LCS with every text, in words."""
        import numpy as np
        from rapidfuzz.distance import LCSseq
        from rapidfuzz.process import cdist

        if not self._texts:
            return np.zeros(0, np.int32)
        common: NDArray[np.int32]
        common = cdist([_characters(codes)], self._texts, scorer=LCSseq.similarity, dtype=np.int32)[0]
        return common

    def nearest(self, codes: Sequence[int]) -> tuple[int, int]:
        """Position of the earliest of the most similar texts, and its LCS; -1, 0 if no text shares a word."""
        import numpy as np

        lengths = np.fromiter(map(len, self._texts), np.int64, len(self._texts))
        common = self.commons(codes)
        scores = f_measures(common, len(codes), lengths)
        at = int(np.argmax(scores)) if len(scores) else -1
        return (at, int(common[at])) if at >= 0 and common[at] else (-1, 0)


def f_measures(common: "NDArray[np.int32]", candidate: int, lengths: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """`rouge_l.f_measure` for many at once: the same operations in the same order, so the same bits."""
    import numpy as np

    some = common > 0
    precision = np.divide(common, lengths, out=np.zeros(len(common)), where=some)
    recall = np.divide(common, candidate, out=np.zeros(len(common)), where=some)
    scores: NDArray[np.float64]
    scores = np.divide(2 * precision * recall, precision + recall, out=np.zeros(len(common)), where=some)
    return scores


def _characters(codes: Sequence[int]) -> str:
    return "".join(chr(code if code < _SURROGATES.start else code + len(_SURROGATES)) for code in codes)


def _code(character: str) -> int:
    code = ord(character)
    return code if code < _SURROGATES.start else code - len(_SURROGATES)


def f_measure(common: int, candidate: int, other: int) -> float:
    """ROUGE-L of `common` words in order out of two lengths, in the float operations of `rouge_score`.

    The order of operations decides at the border: both of these are 7/10.

    >>> f_measure(7, 10, 10), f_measure(7, 13, 7)
    (0.7, 0.7000000000000001)
    """
    if not common:
        return 0.0
    precision, recall = common / other, common / candidate
    return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True, slots=True)
class Border:
    """Where similar becomes too similar.

    `strict` is the released program: floats, rejected above the border, kept on it. `paper` is the paper's sentence:
    kept below the border, rejected on it, in whole numbers, so that no rounding takes part.

    >>> [Border(0.7, mode).is_crossed(7, 10, 10) for mode in ("strict", "paper")]
    [False, True]
    >>> [Border(0.7, mode).is_crossed(7, 13, 7) for mode in ("strict", "paper")]
    [True, True]
    """

    at: float = 0.7
    mode: Mode = "strict"

    def __post_init__(self) -> None:
        """Refuse a border that nothing, or everything, would cross."""
        if self.mode not in ("strict", "paper"):
            raise BadInput(f"mode {self.mode!r} is neither strict nor paper", fix="write mode: strict or mode: paper")
        if not 0 < self.at < 1 and (self.at, self.mode) != (1.0, "paper"):
            raise BadInput(
                f"rouge_l_below {self.at} lets everything or nothing through in mode {self.mode}",
                fix="give a number above 0 and below 1; 1.0 with mode: paper drops only identical texts",
            )

    def is_crossed(self, common: int, candidate: int, other: int) -> bool:
        """Too similar, given the LCS and the two lengths in words."""
        if not common:
            return False
        if self.mode == "strict":
            return f_measure(common, candidate, other) > self.at
        return 2 * common >= self._exact * (candidate + other)

    def least_common(self, longest: int) -> list[int]:
        """For every sum of two lengths up to `longest`, the smallest LCS that may cross.

        Exact for `paper`. For `strict` an LCS below it never crosses, one at it may have to be asked about.
        """
        exact = self._exact if self.mode == "paper" else self._exact - Fraction(1, 10**9)
        up, down = exact.numerator, 2 * exact.denominator
        return [max(1, -(-up * total // down)) for total in range(longest + 1)]

    @property
    def _exact(self) -> Fraction:
        """The border as it was written: 0.7 is seven tenths."""
        return Fraction(str(self.at))


def argsort(values: Sequence[float]) -> list[int]:
    """Places in ascending order of value.

    >>> argsort([0.5, 0.1, 0.5, 0.3])
    [1, 3, 0, 2]
    """
    places = list(range(len(values)))
    left, right, waiting = 0, len(values) - 1, list[tuple[int, int]]()
    while True:
        while right - left > _SMALL:
            low, high = _partition(values, places, left, right)
            if low - left < right - low:
                waiting.append((low + 1, right))
                right = low - 1
            else:
                waiting.append((left, low - 1))
                left = high
        _insertion(values, places, left, right)
        if not waiting:
            return places
        left, right = waiting.pop()


def _partition(values: Sequence[float], places: list[int], left: int, right: int) -> tuple[int, int]:
    """Part the piece around the median of its first, middle and last; where that ended up, and the place after."""
    middle = left + ((right - left) >> 1)
    for later, earlier in ((middle, left), (right, middle), (middle, left)):
        if values[places[later]] < values[places[earlier]]:
            _swap(places, later, earlier)
    pivot = values[places[middle]]
    up, down = left, right - 1
    _swap(places, middle, down)
    while True:
        up += 1
        while values[places[up]] < pivot:
            up += 1
        down -= 1
        while pivot < values[places[down]]:
            down -= 1
        if up >= down:
            break
        _swap(places, up, down)
    _swap(places, up, right - 1)
    return up, up + 1


def _insertion(values: Sequence[float], places: list[int], left: int, right: int) -> None:
    for start in range(left + 1, right + 1):
        place, at = places[start], start
        while at > left and values[place] < values[places[at - 1]]:
            places[at] = places[at - 1]
            at -= 1
        places[at] = place


def _swap(places: list[int], one: int, other: int) -> None:
    places[one], places[other] = places[other], places[one]
