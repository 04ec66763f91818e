"""Checks a split: the most alike records on its two sides, found by brute force, whatever way it was made."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from selfinstruct.dedup.index import RougeIndex
from selfinstruct.dedup.shingles import shingles
from selfinstruct.dedup.text_fields import Over, compared_text
from selfinstruct.records import Json, Task


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records, and how alike they are."""

    score: float
    test: str
    """Id."""
    train: str

    def as_json(self) -> dict[str, Json]:
        """Part of what is measured."""
        return {"score": self.score, "test": self.test, "train": self.train}


@dataclass(slots=True)
class SplitCheck:
    """Records of the test split, to be met by those of the other."""

    over: Over
    shingle_words: int
    jaccard: Pair | None = None
    """The most alike pair so far; None where nothing is shared."""
    rouge_l: Pair | None = None
    _index: RougeIndex = field(default_factory=RougeIndex)
    _ids: list[str] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)
    _having: dict[str, list[int]] = field(default_factory=dict)

    def hold(self, tests: Iterable[Task]) -> None:
        """Records of the test split."""
        for task in tests:
            cut = shingles(compared_text(task, self.over), self.shingle_words)
            for shingle in cut:
                self._having.setdefault(shingle, []).append(len(self._ids))
            self._ids.append(task.id)
            self._sizes.append(len(cut))
            self._index.add(task.id, task.instruction)

    def meet(self, task: Task) -> None:
        """A record of the other split, compared with all of them, exactly."""
        cut = shingles(compared_text(task, self.over), self.shingle_words)
        common = Counter(number for shingle in cut for number in self._having.get(shingle, ()))
        for number, shared in common.items():
            score = shared / (len(cut) + self._sizes[number] - shared)
            if self.jaccard is None or score > self.jaccard.score:
                self.jaccard = Pair(score, self._ids[number], task.id)
        nearest = self._index.nearest(task.instruction)
        if nearest is not None and (self.rouge_l is None or nearest.rouge_l > self.rouge_l.score):
            self.rouge_l = Pair(nearest.rouge_l, nearest.id, task.id)


def split_check(tests: Sequence[Task], others: Iterable[Task], over: Over, shingle_words: int) -> SplitCheck:
    """The check done."""
    found = SplitCheck(over, shingle_words)
    found.hold(tests)
    for task in others:
        found.meet(task)
    return found
