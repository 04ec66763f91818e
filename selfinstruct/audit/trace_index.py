"""From words to the training records that may have taught them: an index of every place of every word, and an order.

A list of places for each word, sorted once, finds exact runs and such that are like by array arithmetic: the places of
the rarest word of a run are looked at, and what stands beside them. No search engine is taken: those cut words in their
own ways, and every other room tells texts apart by `selfinstruct.text.words`; and SQLite's full-text index took six
times as long.
"""

import json
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinstruct.records import Json, Task, digest
from selfinstruct.static_embeddings import Embedder
from selfinstruct.text import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


TOP = 5
FOUND = 0.5
"""Overlap from which on a record is told as holding something like a span."""
_LOOKED = 50
LONGEST_RUN = 3
"""Words of the runs that two texts are compared by."""
_GAP = -1  # between two texts: no run goes across
_COMMON = 100_000  # places: what stands oftener says nothing of where a text comes from
_FILES = ("tokens", "texts", "order", "first")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanOrigin:
    """A training record that may have taught a span."""

    place: int
    """Index of the record in the set."""
    record: str
    """Id of the record."""
    overlap: float
    """How much of the span it holds, between 0 and 1 (trace_index.py)."""
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
        """An origin as a line of `trace.jsonl` has it."""
        return {
            "record": self.record,
            "overlap": self.overlap,
            "exact": self.exact,
            "concept": round(self.concept, 6),
            "group": self.group,
            "copies": self.copies,
        }


@dataclass(frozen=True, slots=True)
class NearText:
    """A text that shares runs of words."""

    text: int
    """Number of the text in the index."""
    overlap: float
    """How much of what was looked for it holds: 1 for all of its words and runs, the rare weighing most."""
    exact: bool
    """It holds all of it in one run."""


@dataclass(frozen=True, slots=True)
class WordIndex:
    """Every place of every word; `build` makes one."""

    known: dict[str, int]
    tokens: "NDArray[np.int32]"
    """All texts in a row, a word a number."""
    texts: "NDArray[np.int32]"
    """The number of the text at each place."""
    order: "NDArray[np.int32]"
    """Places sorted by their word."""
    first: "NDArray[np.int64]"
    """Where in `order` each word's places begin; one more at the end."""
    count: int
    """How many texts there are."""

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]]) -> "WordIndex":
        """From texts, each of several fields: a run of words lies within one field."""
        import numpy as np

        known: dict[str, int] = {}
        number = known.setdefault
        flat, lengths = array("i"), array("i")
        for fields in texts:
            before = len(flat)
            for field in fields:
                flat.extend([number(word, len(known)) for word in words(field)])
                flat.append(_GAP)
            lengths.append(len(flat) - before)
        tokens = np.frombuffer(flat, np.int32) if flat else np.zeros(0, np.int32)
        sizes = np.frombuffer(lengths, np.int32) if lengths else np.zeros(0, np.int32)
        order = np.argsort(tokens, kind="stable").astype(np.int32)
        counts = np.bincount(tokens[tokens >= 0], minlength=len(known))
        gaps = int((tokens < 0).sum())
        first = np.concatenate([[gaps], gaps + np.cumsum(counts)]).astype(np.int64)
        where = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        return cls(known, tokens, where, order, first, len(sizes))

    def save(self, folder: Path) -> None:
        """As files that are read a page at a time."""
        import numpy as np

        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            np.save(folder / f"{name}.npy", getattr(self, name))
        header = {"count": self.count, "words": list(self.known)}
        (folder / "words.json").write_text(json.dumps(header, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "WordIndex":
        """An index from the folder where `save` wrote it."""
        import numpy as np

        header = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _FILES]
        known = {word: at for at, word in enumerate(header["words"])}
        return cls(known, arrays[0], arrays[1], arrays[2], arrays[3], header["count"])

    def frequency(self, word: str) -> int:
        """How often a word occurs in all texts together.

        >>> WordIndex.build([["a river"], ["A lake, a sea"]]).frequency("a")
        3
        """
        at = self.known.get(word)
        return 0 if at is None else int(self.first[at + 1] - self.first[at])

    def holding(self, run: Sequence[str]) -> "NDArray[np.int32]":
        """The numbers of the texts that hold this run of words, in order, each once.

        >>> index = WordIndex.build([["The Ebro is long"], ["long is the Ebro", "river"], ["the river"]])
        >>> index.holding(["the", "ebro"]).tolist(), index.holding(["ebro", "river"]).tolist()
        ([0, 1], [])
        """
        import numpy as np

        numbers = [self.known.get(word, _GAP - 1) for word in run]
        if not numbers or min(numbers) < 0:
            return np.zeros(0, np.int32)
        rarest = min(range(len(run)), key=lambda at: self.first[numbers[at] + 1] - self.first[numbers[at]])
        begin, end = self.first[numbers[rarest]], self.first[numbers[rarest] + 1]
        places = np.asarray(self.order[begin:end], np.int64) - rarest
        places = places[(places >= 0) & (places + len(run) <= len(self.tokens))]
        for at, number in enumerate(numbers):
            if at != rarest:
                places = places[self.tokens[places + at] == number]
        return np.unique(self.texts[places])

    def near(self, text: str, most: int = 50) -> list[NearText]:
        """The texts that share most with this one: whole runs first, then by rare words and runs up to three words.

        >>> index = WordIndex.build([["the Ebro flows into the lake"], ["the Ebro flows"], ["a lake"]])
        >>> [(near.text, near.exact) for near in index.near("Ebro flows into the sea")]
        [(0, False), (1, False)]
        """
        import numpy as np

        said = words(text)
        if not said or not self.count:
            return []
        runs = dict.fromkeys(
            tuple(said[at : at + size]) for size in range(1, LONGEST_RUN + 1) for at in range(len(said) - size + 1)
        )
        scores, total = dict[int, float](), 0.0
        for run in runs:
            rarest = min(map(self.frequency, run))
            if rarest > (max(_COMMON // 10, self.count // 20) if len(run) == 1 else 10 * _COMMON):
                continue
            holders = self.holding(run)
            weight = max(0.0, float(np.log((self.count + 1) / (len(holders) + 0.5))))
            total += weight
            if len(holders) <= _COMMON:
                for number in holders.tolist():
                    scores[number] = scores.get(number, 0.0) + weight
        whole = set(self.holding(said).tolist())
        for number in whole:
            scores[number] = total
        order = sorted(scores, key=lambda number: (number not in whole, -scores[number], number))[:most]
        return [
            NearText(number, round(min(1.0, scores[number] / total), 6) if total else 1.0, number in whole)
            for number in order
        ]

    def rarity(self, word: str) -> float:
        """How much a word tells: the logarithm of texts over its places."""
        return max(0.0, math.log((self.count + 1) / (self.frequency(word) + 0.5)))


class Origins:
    """Looks spans up in a training set."""

    def __init__(self, tasks: Sequence[Task], index: WordIndex, embedder: Embedder | None = None) -> None:
        """`index` is of `texts_of` of the same tasks; without an embedder concepts are told by rare words."""
        self._tasks, self._index, self._embedder = tasks, index, embedder

    def of(self, span: str, about: str, most: int = TOP, least: float = FOUND) -> list[SpanOrigin]:
        """The likeliest records, best first; copies of one stand for it once.

        `about`: prompt and sentence around; `least`: overlap from which on a record is told at all.
        """
        near = [
            neighbour for neighbour in self._index.near(span, _LOOKED) if neighbour.exact or neighbour.overlap >= least
        ]
        groups: dict[str, list[int]] = {}
        for neighbour in near:
            groups.setdefault(group_of(self._tasks[neighbour.text]), []).append(neighbour.text)
        first = {places[0]: (mark, places) for mark, places in groups.items()}
        known = {neighbour.text: neighbour for neighbour in near}
        concepts = self._concepts(span, about, list(first))
        origins = [
            SpanOrigin(
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
        return sorted(origins, key=lambda origin: (-origin.rank, origin.place))[:most]

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
    norms = sizes[1:] * sizes[0]
    return [float(cosine) for cosine in np.where(norms > 0, both / np.where(norms > 0, norms, 1), 0.0)]


def fields_of(*texts: str) -> list[str]:
    """The fields of a text that say something."""
    return [text for text in chain(texts) if text.strip()]
