"""Stage: keep an instruction only if nothing in the pool reads like it (ROUGE-L); the same for one large list.

`select` is greedy novelty of one large list at once, when nothing but the list is in the pool.
Words are numbered from rare to frequent, known here in advance, so that each text is looked for only in the lists of
its rarest words. Blocks of texts are looked up in what was kept before them, by several threads; then, in order, in
what is kept within the block. That is one-by-one greedy, whatever the number of threads.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from selfinstruct.dedup.rouge_index import CUTTERS, Border, Mode, Nearest, RougeIndex, Words
from selfinstruct.dedup.rouge_index_compiled import call_compiled
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Evidence, Kept, Measured, Outcome, Rejected, Scope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selfinstruct.dedup.sweep_kernel import Lists


LONGEST = 1 << 20
"""Characters of an instruction that is compared: the time for a pair grows with the product of both lengths."""
MOST_WORDS = 1 << 17
"""Words of it: of two that long a pair takes under half a second, of all that fit into the characters ten."""
_BLOCK = 4_096
"""Texts looked up at a time; part of the result, since it decides which of several neighbours is found."""
_MARK_WORDS = 2
"""64-bit words of a signature here: at high thresholds 128 bits leave little more to compare than 256."""


@dataclass(frozen=True, kw_only=True)
class Novelty:
    """Greedy, in order, against the pool and all kept before it (Self-Instruct 2.2).

    Evidence, kept or rejected: `nearest` (id), `text`, `rouge_l`, `common` (LCS in words) and `words` (both lengths):
    enough to decide again, exactly, in either mode. It is measured against the pool as it stood then.
    """

    name: ClassVar[str] = "novelty"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "ordered"

    rouge_l_below: float = 0.7
    """Self-Instruct's threshold."""
    mode: Mode = "strict"
    """`strict`: as the released program, in floats, keeps exactly 0.7. `paper`: in whole numbers, rejects it."""
    words: Words = "unicode"
    """`program`: as the released program, only a-z and 0-9 make words, so other scripts are never compared."""
    reference: bool = False
    """Also record the program's `most_similar` and `avg_similarity_score`; compares every pair."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(novelty_below=self.rouge_l_below, hands_on="with_evidence")

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        Border(self.rouge_l_below, self.mode)
        if self.words not in CUTTERS:
            raise BadInput(f"words {self.words!r} is none of {', '.join(CUTTERS)}", fix="write words: unicode")

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Each task once, kept or rejected, in order."""
        index = bench.pool.index(f"{bench.stage or self.name}/{self.words}", self._index)
        wordless = 0
        for task in records:
            if len(task.instruction) > LONGEST:
                yield Rejected(task, "too_long", {"characters": len(task.instruction), "limit": LONGEST})
                continue
            if len(task.instruction) > MOST_WORDS and (count := index.count_words(task.instruction)) > MOST_WORDS:
                lengths = {"characters": len(task.instruction), "word_count": count, "most_words": MOST_WORDS}
                yield Rejected(task, "too_long", lengths)
                continue
            evidence = self._measure(index, task.instruction)
            if self.objects(evidence):
                yield Rejected(task, "too_similar", evidence)
                continue
            wordless += not index.has_words(task.instruction)
            index.add(task.id, task.instruction)
            yield Kept(task, evidence)
        if wordless:
            yield Measured("never_compared_for_want_of_words", wordless)

    def objects(self, evidence: Evidence) -> bool:
        """Too similar, by what was measured.

        >>> on_the_border = {"common": 7, "words": [10, 10]}
        >>> Novelty().objects(on_the_border), Novelty(mode="paper").objects(on_the_border)
        (False, True)
        """
        if "characters" in evidence:  # it was too long to be compared
            return True
        common, lengths = evidence["common"], evidence["words"]
        if not (isinstance(common, int) and isinstance(lengths, list)):
            raise BadInput("the evidence of novelty holds no `common` and `words`", fix="run the stage again")
        candidate, other = (int(str(length)) for length in lengths)
        return Border(self.rouge_l_below, self.mode).is_crossed(common, candidate, other)

    def _index(self, tasks: Iterable[Task]) -> RougeIndex:
        return RougeIndex.over(tuple(tasks), self.words)

    def _measure(self, index: RougeIndex, text: str) -> dict[str, Json]:
        if not self.reference:
            return _shown(index.nearest(text))
        comparison = index.compare(text)
        return {
            **_shown(comparison.nearest),
            "most_similar": dict(comparison.most_similar),
            "avg_similarity_score": comparison.average,
        }


def _shown(nearest: Nearest | None) -> dict[str, Json]:
    """As evidence; null where nothing shares a word."""
    if nearest is None:
        return {"nearest": None, "text": None, "rouge_l": 0.0, "common": 0, "words": [0, 0]}
    return {
        "nearest": nearest.id,
        "text": nearest.text,
        "rouge_l": nearest.rouge_l,
        "common": nearest.common,
        "words": list(nearest.words),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What the greedy pass kept."""

    neighbour: "NDArray[np.int32]"
    """For each text a kept one that is too similar to it (not always the nearest), -1 if it was kept."""

    @property
    def kept(self) -> "NDArray[np.int64]":
        """Positions of the kept texts, ascending."""
        import numpy as np

        return np.flatnonzero(self.neighbour < 0)


def select(
    texts: Iterable[str],
    *,
    rouge_l_below: float = 0.7,
    mode: Mode = "strict",
    words: Words = "unicode",
    workers: int = 1,
) -> Selection:
    """The texts kept one by one in order, each compared with all kept before: exactly what the stage `Novelty` keeps.

    `workers` threads change the time, not the result.

    >>> select(["Name a river.", "Name a river!", "Write a poem about rivers."]).kept.tolist()
    [0, 2]
    """
    border = Border(rouge_l_below, mode)
    codes, starts, vocabulary = _by_rarity(*_coded(texts, words))
    import numpy as np

    count = len(starts) - 1
    neighbour = np.full(count, -1, np.int32)
    if not count or not vocabulary:
        return Selection(neighbour)
    tables = _Tables(border, codes, starts, vocabulary, neighbour, workers)
    with ThreadPoolExecutor(workers) as threads:
        for first in range(0, count, _BLOCK):
            last = min(first + _BLOCK, count)
            cuts = [first + (last - first) * part // workers for part in range(workers + 1)]
            if first:
                list(threads.map(tables.look_up, range(workers), cuts[:-1], cuts[1:]))
            tables.settle(first, last)
    return Selection(neighbour)


class _Tables:
    """The arrays of one pass, and the two things done with them."""

    def __init__(
        self,
        border: Border,
        codes: "NDArray[np.int32]",
        starts: "NDArray[np.int64]",
        vocabulary: int,
        neighbour: "NDArray[np.int32]",
        workers: int,
    ) -> None:
        import numpy as np

        from selfinstruct.dedup import lcs_kernel, sweep_kernel

        count = len(neighbour)
        longest = int(np.diff(starts).max())
        least = border.least_common(2 * longest)
        signatures = np.zeros((_MARK_WORDS, count), np.uint64)
        all_shared = np.full(vocabulary + 1, -1, np.int32)
        all_shared[-1] = 0
        rows = [np.zeros(vocabulary, np.int32) for _ in range(workers)]
        call_compiled(lcs_kernel.sign, codes, starts, 0, count, all_shared, rows[0], signatures)
        self._sweep = sweep_kernel
        self._scratch = [sweep_kernel.SweepScratch(row_of, np.full(count, -1, np.int32)) for row_of in rows]
        self._tables = (
            sweep_kernel.SweepTexts(codes, starts, np.ascontiguousarray(signatures.T), neighbour),
            _lists(codes, starts, least, longest),
            sweep_kernel.RougeLimits(np.array(least, np.int64), border.at if border.mode == "strict" else 0.0),
        )

    def look_up(self, worker: int, first: int, last: int) -> None:
        """Compare with everything kept in earlier blocks."""
        call_compiled(self._sweep.look_up, first, last, *self._tables, self._scratch[worker])

    def settle(self, first: int, last: int) -> None:
        """Compare with what is kept in this block, in order, and keep."""
        call_compiled(self._sweep.settle, first, last, *self._tables, self._scratch[0])


def _coded(texts: Iterable[str], words: Words) -> "tuple[array[int], array[int]]":
    """Word codes in order of first appearance, and where each text starts."""
    cut = CUTTERS[words]
    codes: dict[str, int] = {}
    flat, starts = array("i"), array("q", [0])
    for text in texts:
        flat.extend([codes.setdefault(word, len(codes)) for word in cut(text)])
        starts.append(len(flat))
    return flat, starts


def _by_rarity(flat: "array[int]", starts: "array[int]") -> "tuple[NDArray[np.int32], NDArray[np.int64], int]":
    """The same with words renumbered, rarest first, and the number of words."""
    import numpy as np

    old = np.frombuffer(flat, np.int32) if flat else np.zeros(0, np.int32)
    counts = np.bincount(old)
    new = np.empty(len(counts), np.int32)
    new[np.argsort(counts, kind="stable")] = np.arange(len(counts), dtype=np.int32)
    return new[old], np.array(starts, np.int64), len(counts)


def _prefixes(least: Sequence[int], longest: int) -> list[int]:
    """For each length, how many of its rarest words must contain one that any too similar text has among its own.

    Two texts of m and n words that overlap in `a` share one of the rarest m - a + 1 and n - a + 1; the smallest `a`
    that can matter belongs to the shortest text that can still be too similar.
    """
    prefixes = []
    shortest = 0
    for length in range(longest + 1):
        while shortest < length and shortest < least[length + shortest]:
            shortest += 1
        prefixes.append(max(0, length - least[length + shortest] + 1))
    return prefixes


def _bands(longest: int) -> list[int]:
    """The shortest length of each band: one length each at first, then half as many again each time; and the end."""
    edges = [0]
    while edges[-1] <= longest:
        edges.append(max(edges[-1] + 1, edges[-1] * 3 // 2))
    return edges


def _lists(codes: "NDArray[np.int32]", starts: "NDArray[np.int64]", least: Sequence[int], longest: int) -> "Lists":
    """Empty lists with room for every text under each of its rarest words; a word that stands alone needs none."""
    import numpy as np

    from selfinstruct.dedup import sweep_kernel

    lengths = np.diff(starts)
    owner = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    both = owner << 32 | codes
    both.sort()
    rest = starts[owner + 1] - np.arange(len(both))
    prefixes = np.array(_prefixes(least, longest), np.int64)[lengths]
    chosen = rest > (lengths - prefixes)[owner]
    chosen[1:] &= both[1:] != both[:-1]
    alone = int((np.bincount(codes) == 1).sum())  # the rarest have the lowest codes
    rare = (both & 0xFFFFFFFF).astype(np.int32) - np.int32(alone)
    del both
    chosen &= rare >= 0
    rare, rest, owner = rare[chosen], rest[chosen].astype(np.int32), owner[chosen]
    rare_starts = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=len(lengths)))))
    shortest = np.array(_bands(longest), np.int32)
    band_of = (np.searchsorted(shortest, np.arange(longest + 1), "right") - 1).astype(np.int32)
    bands = len(shortest) - 1
    rows = rare.astype(np.int64) * bands + band_of[lengths][owner]
    room = np.bincount(rows, minlength=1)
    return sweep_kernel.Lists(
        rare,
        rest,
        rare_starts.astype(np.int64),
        band_of,
        shortest,
        (np.cumsum(room) - room).astype(np.int64),
        np.zeros(len(room), np.int32),
        np.zeros((len(rare), 3), np.int32),
        np.zeros((len(rare), _MARK_WORDS), np.uint64),
    )
