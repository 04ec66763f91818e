"""Where in a large set do these words stand? An index of every place of every word, exact runs and such that are like.

A list of places for each word, sorted once, answers both questions by array arithmetic: the places of the rarest word
of a run are looked at, and what stands beside them. No search engine is taken: those cut words in their own ways, and
every other room tells texts apart by `selfinstruct.text.words`; and SQLite's full-text index took six times as long.
"""

import json
import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from selfinstruct.text import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_RUN = 3
"""Words of the runs that two texts are compared by."""
_GAP = -1  # between two texts: no run goes across
_COMMON = 100_000  # places: what stands oftener says nothing of where a text comes from
_FILES = ("tokens", "texts", "order", "first")


@dataclass(frozen=True, slots=True)
class Near:
    """A text that shares runs of words."""

    text: int
    """Its number."""
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
    """Texts."""

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
        told = {"count": self.count, "words": list(self.known)}
        (folder / "words.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "WordIndex":
        """What `save` wrote."""
        import numpy as np

        told = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _FILES]
        known = {word: at for at, word in enumerate(told["words"])}
        return cls(known, arrays[0], arrays[1], arrays[2], arrays[3], told["count"])

    def frequency(self, word: str) -> int:
        """Places where it stands.

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

    def near(self, text: str, most: int = 50) -> list[Near]:
        """The texts that share most with this one: whole runs first, then by rare words and runs up to three words.

        >>> index = WordIndex.build([["the Ebro flows into the lake"], ["the Ebro flows"], ["a lake"]])
        >>> [(one.text, one.exact) for one in index.near("Ebro flows into the sea")]
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
            found = self.holding(run)
            weight = max(0.0, float(np.log((self.count + 1) / (len(found) + 0.5))))
            total += weight
            if len(found) <= _COMMON:
                for one in found.tolist():
                    scores[one] = scores.get(one, 0.0) + weight
        whole = set(self.holding(said).tolist())
        for one in whole:
            scores[one] = total
        order = sorted(scores, key=lambda one: (one not in whole, -scores[one], one))[:most]
        return [Near(one, round(min(1.0, scores[one] / total), 6) if total else 1.0, one in whole) for one in order]

    def rarity(self, word: str) -> float:
        """How much a word tells: the logarithm of texts over its places."""
        return max(0.0, math.log((self.count + 1) / (self.frequency(word) + 0.5)))


def fields_of(*texts: str) -> list[str]:
    """The fields of a text that say something."""
    return [text for text in chain(texts) if text.strip()]
