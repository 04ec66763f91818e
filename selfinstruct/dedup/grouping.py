"""Groups of texts that are too alike, directly or through others: exact, every pair is looked at.

Words or shingles are numbered from rare to frequent. In the order of the text, what two texts share is their longest
common subsequence, of which ROUGE-L is made; sorted, and each once, it is what their sets share, of which Jaccard
similarity is made. So one search finds both (prefix filter of AllPairs, Bayardo et al. 2007).
"""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from selfinstruct.dedup.novelty import _lists
from selfinstruct.dedup.rouge_index import Border, f_measure
from selfinstruct.dedup.rouge_index_compiled import call_compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPILED_FROM = 2_000
"""Texts from which compiling pays; below it RapidFuzz compares each with each."""
_PLAIN_ELEMENTS = 100_000
"""Words of all texts up to which it may: what it takes grows with the square of their length."""
_ROWS = 256  # compared with all others at a time
_BLOCK = 4_096  # texts joined in one compiled call, which no signal can interrupt
_FIRST_CHARACTER = 0xE000  # behind the surrogates, which are no characters


@dataclass(frozen=True, slots=True)
class SimilarityLimit:
    """From when on two texts are too alike."""

    least: Callable[[int], list[int]]
    """The longest sum of two lengths -> for each sum, how much they must at least have in common."""
    ordered: bool
    """Whether what they have in common must stand in the same order."""
    above: float = 0.0
    """ROUGE-L must also be above this, in floats."""


def rouge_l_above(border: float) -> SimilarityLimit:
    """ROUGE-L above the border, as the released Self-Instruct program decides it."""
    return SimilarityLimit(Border(border).least_common, ordered=True, above=border)


def jaccard_from(limit: float) -> SimilarityLimit:
    """Jaccard similarity of the limit and more: c / (m + n - c) reaches t where c reaches t (m + n) / (1 + t).

    >>> jaccard_from(0.8).least(10)
    [1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5]
    """
    exact = Fraction(str(limit))
    up, down = exact.numerator, exact.denominator + exact.numerator
    return SimilarityLimit(
        lambda longest: [max(1, -(-up * both // down)) for both in range(longest + 1)], ordered=False
    )


class Groups:
    """Numbers from 0 on, of which some belong together."""

    def __init__(self, count: int) -> None:
        """Begin with `count` groups of one number each."""
        self._parents = array("q", range(count))

    def root(self, number: int) -> int:
        """The one that stands for the group: its smallest number."""
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def join(self, one: int, other: int) -> None:
        """These two, and all that belong to either, belong together."""
        first, second = sorted((self.root(one), self.root(other)))
        self._parents[second] = first


def join_alike(
    groups: Groups, texts: Iterable[Sequence[str]], limit: SimilarityLimit, compiled_from: int = COMPILED_FROM
) -> None:
    """Join in `groups` the numbers of all texts that are too alike; a text is its words, or its shingles.

    A text without any is like no other. `compiled_from` texts on, compiled loops do it: the same, sooner.

    >>> groups = Groups(3)
    >>> join_alike(groups, ["name a river".split(), "a poem".split(), "name a long river".split()], rouge_l_above(0.7))
    >>> [groups.root(number) for number in range(3)]
    [0, 1, 0]
    """
    coded = _distinct(groups, texts, ordered=limit.ordered)
    if not len(coded.codes):
        return
    count = len(coded.numbers)
    plain = count < compiled_from and len(coded.codes) <= _PLAIN_ELEMENTS
    for one, other in _plain_pairs(coded, limit) if plain else _compiled_pairs(coded, limit):
        groups.join(coded.numbers[one], coded.numbers[other])


@dataclass(frozen=True, slots=True)
class _Coded:
    """Texts of which no two are the same."""

    numbers: Sequence[int]
    """By which the caller knows them."""
    codes: "NDArray[np.int32]"
    """Those of all texts end to end, rarest first."""
    starts: "NDArray[np.int64]"
    vocabulary: int


def _distinct(groups: Groups, texts: Iterable[Sequence[str]], *, ordered: bool) -> _Coded:
    """The texts as numbers; the same ones are joined here, so that they cost nothing later.

    A hash stands for a word: what comes of it rests on which are equal alone, not on what they are.
    """
    import numpy as np

    first: dict[bytes, int] = {}
    numbers, flat, starts = array("q"), array("q"), array("q", [0])
    for number, text in enumerate(texts):
        hashed = array("q", map(hash, text) if ordered else sorted(map(hash, dict.fromkeys(text))))
        if not hashed:
            continue
        same = first.setdefault(hashlib.blake2b(hashed.tobytes(), digest_size=16).digest(), number)
        if same != number:
            groups.join(same, number)
            continue
        numbers.append(number)
        flat.extend(hashed)
        starts.append(len(flat))
    everything = np.frombuffer(flat, np.int64) if flat else np.zeros(0, np.int64)
    distinct, inverse, counts = np.unique(everything, return_inverse=True, return_counts=True)
    ranks = np.empty(len(distinct), np.int32)
    ranks[np.argsort(counts, kind="stable")] = np.arange(len(distinct), dtype=np.int32)
    codes, places = ranks[inverse], np.array(starts, np.int64)
    if not ordered:
        both = np.repeat(np.arange(len(numbers), dtype=np.int64), np.diff(places)) << 32 | codes
        both.sort()
        codes = (both & 0xFFFFFFFF).astype(np.int32)
    return _Coded(numbers, codes, places, len(distinct))


def _plain_pairs(coded: _Coded, limit: SimilarityLimit) -> Iterable[tuple[int, int]]:
    """Each compared with each; a word travels as one character, which RapidFuzz is fastest with."""
    import numpy as np
    from rapidfuzz.distance import LCSseq
    from rapidfuzz.process import cdist

    lengths = np.diff(coded.starts)
    least = np.array(limit.least(2 * int(lengths.max())), np.int64)
    spelt = [chr(code + _FIRST_CHARACTER) for code in coded.codes.tolist()]
    texts = ["".join(spelt[start:stop]) for start, stop in zip(coded.starts[:-1], coded.starts[1:], strict=True)]
    for top in range(0, len(texts), _ROWS):
        rows = texts[top : top + _ROWS]
        common = cdist(rows, texts[top:], scorer=LCSseq.similarity, dtype=np.int32)
        enough = common >= least[lengths[top : top + _ROWS, None] + lengths[None, top:]]
        for one, other in np.argwhere(np.triu(enough, 1)).tolist():
            score = f_measure(int(common[one, other]), int(lengths[top + one]), int(lengths[top + other]))
            if score > limit.above:
                yield top + one, top + other


def _compiled_pairs(coded: _Coded, limit: SimilarityLimit) -> Iterable[tuple[int, int]]:
    """Each with the first of its group."""
    import numpy as np

    from selfinstruct.dedup import lcs_kernel, sweep_kernel

    count = len(coded.numbers)
    longest = int(np.diff(coded.starts).max())
    least = limit.least(2 * longest)
    row_of = np.zeros(coded.vocabulary, np.int32)
    all_shared = np.full(coded.vocabulary + 1, -1, np.int32)  # no word has a bit of its own in the signatures
    all_shared[-1] = 0
    signatures = np.zeros((2, count), np.uint64)
    call_compiled(lcs_kernel.sign, coded.codes, coded.starts, 0, count, all_shared, row_of, signatures)
    tables = (
        sweep_kernel.SweepTexts(
            coded.codes, coded.starts, np.ascontiguousarray(signatures.T), np.full(count, -1, np.int32)
        ),
        _lists(coded.codes, coded.starts, least, longest),
        sweep_kernel.RougeLimits(np.array(least, np.int64), limit.above),
        sweep_kernel.SweepScratch(row_of, np.full(count, -1, np.int32)),
    )
    parents = np.arange(count, dtype=np.int64)
    for first in range(0, count, _BLOCK):
        call_compiled(sweep_kernel.join, first, min(first + _BLOCK, count), *tables, parents)
    return ((int(parent), text) for text, parent in enumerate(parents.tolist()) if parent != text)
