"""Stage: marks records for training and testing so that none of one is nearly one of the other, and checks it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, TypeAlias

from selfinstruct.dedup.duplicate_records import Over, compared_text, refuse_unknown_over
from selfinstruct.dedup.grouping import Groups, jaccard_from, join_alike, rouge_l_above
from selfinstruct.dedup.minhash import shingles
from selfinstruct.dedup.rouge_index import CUTTERS, RougeIndex
from selfinstruct.errors import BadInput
from selfinstruct.needs import NOTHING, OF_SPLIT, Needs
from selfinstruct.records import Json, Task, digest
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Scope

Mark: TypeAlias = Literal["train", "test"]
CHECKED = 1_000
"""Records of the test split that are compared with every other at the end, or all where there are fewer."""
_LARGEST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class Split:
    """Mark every record `split: train` or `split: test` among its extra fields; all pass, and keep their ids.

    Records that are near-duplicates (Jaccard similarity of shingles, as in the stage `near`) or too alike for novelty
    (ROUGE-L of instructions) stay together, and so do those that are so through others. A hash of the run's seed and
    of the smallest id among them decides: neither the order of the records nor how many there are. Groups too large to
    be tested on (more than the share of all records) are for training.

    Measured: how many of each, and the most alike pair found across, by a comparison of its own.
    """

    name: ClassVar[str] = "split"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = NOTHING

    test: float = 0.1
    """Share of the records that is for testing, about; at least one where two do not hang together."""
    jaccard: float = 0.8
    """Shingles in both out of shingles in either, from which on two records stay together."""
    shingle_words: int = 3
    """Words of a shingle. A text of fewer words is one shingle."""
    over: Over = "instruction"
    """What shingles are made of. `instruction`: what is asked, inputs included; `response`; `record`: both."""
    rouge_l_below: float = 0.7
    """Instructions whose ROUGE-L is above it stay together; 0: not compared, for sets of one shared instruction."""
    seed: int | None = None
    """Draws what is for testing, where runs of several seeds are to share one split; empty: the run's own."""

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        refuse_unknown_over(self.over)
        if not 0 < self.test <= _LARGEST_SHARE:
            raise BadInput(f"test {self.test} is not above 0 and at most {_LARGEST_SHARE}", fix="write test: 0.1")
        if not 0 < self.jaccard <= 1:
            raise BadInput(f"jaccard {self.jaccard} is not above 0 and at most 1", fix="write jaccard: 0.8")
        if self.shingle_words < 1:
            raise BadInput(f"shingle_words {self.shingle_words} is less than 1", fix="write shingle_words: 3")
        if self.rouge_l_below and not 0 < self.rouge_l_below < 1:
            raise BadInput(f"rouge_l_below {self.rouge_l_below} is not within 0 and 1", fix="write rouge_l_below: 0.7")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each record once, in order, after all were read."""
        groups = self._groups(records)
        ids = [task.id for task in records]
        smallest: dict[int, str] = {}
        sizes: Counter[int] = Counter()
        for number, task_id in enumerate(ids):
            root = groups.root(number)
            smallest[root] = min(task_id, smallest.get(root, task_id))
            sizes[root] += 1
        too_large = {root for root, size in sizes.items() if size > max(1.0, self.test * len(ids))}
        seed = bench.seed if self.seed is None else self.seed
        draws = {root: _draw(seed, smallest[root]) for root in sizes if root not in too_large}
        tested = _drawn(draws, self.test, others=bool(too_large))
        for number, task in enumerate(records):
            yield Kept(_marked(task, "test" if groups.root(number) in tested else "train"))
        for_test = [number for number in range(len(ids)) if groups.root(number) in tested]
        yield Measured(
            OF_SPLIT,
            {
                "train": len(ids) - len(for_test),
                "test": len(for_test),
                "groups": len(sizes),
                "groups_of_several": sum(size > 1 for size in sizes.values()),
                "largest_group": max(sizes.values(), default=0),
                "groups_too_large_to_test": len(too_large),
                "limits": self._limits(),
                **self._check(records, for_test),
            },
        )

    def _groups(self, records: Sequence[Task]) -> Groups:
        groups = Groups(len(records))
        cut = (shingles(compared_text(task, self.over), self.shingle_words) for task in records)
        join_alike(groups, cut, jaccard_from(self.jaccard))
        if self.rouge_l_below:
            words = (CUTTERS["unicode"](task.instruction) for task in records)
            join_alike(groups, words, rouge_l_above(self.rouge_l_below))
        return groups

    def _limits(self) -> dict[str, Json]:
        return {
            "jaccard": self.jaccard,
            "shingle_words": self.shingle_words,
            "over": self.over,
            "rouge_l_below": self.rouge_l_below,
        }

    def _check(self, records: Sequence[Task], for_test: Sequence[int]) -> dict[str, Json]:
        """The most alike across the split; a RuntimeError where that is above the limits, which cannot be."""
        step = max(1, -(-len(for_test) // CHECKED))
        shown = for_test[::step]
        tests = frozenset(for_test)
        others = (task for number, task in enumerate(records) if number not in tests)
        check = split_check([records[number] for number in shown], others, self.over, self.shingle_words)
        if check.jaccard and check.jaccard.score >= self.jaccard:
            raise RuntimeError(f"near-duplicates across the split: {check.jaccard}")
        if self.rouge_l_below and check.rouge_l and check.rouge_l.score > self.rouge_l_below:
            raise RuntimeError(f"alike instructions across the split: {check.rouge_l}")
        return {
            "checked": len(shown),
            "highest_across": {
                "jaccard": check.jaccard.as_json() if check.jaccard else None,
                "rouge_l": check.rouge_l.as_json() if check.rouge_l else None,
            },
        }


def _draw(seed: int, smallest: str) -> float:
    """Between 0 and 1, for a group."""
    return int(digest("split", seed, smallest)[:13], 16) / 16**13


def _drawn(draws: dict[int, float], share: float, *, others: bool) -> set[int]:
    """The groups below the share; at least one, and where there are no `others`, not all."""
    ranked = sorted(draws, key=lambda root: draws[root])
    tested = sum(draws[root] < share for root in ranked)
    most = len(ranked) if others else len(ranked) - 1
    return set(ranked[: min(max(1, tested), max(0, most))])


def _marked(task: Task, mark: Mark) -> Task:
    """With the mark; what stood there before, and says something else, stays as `given_split`."""
    before = task.extra.get("split")
    given = {} if before in (None, mark) or "given_split" in task.extra else {"given_split": before}
    return replace(task, extra={**task.extra, **given, "split": mark})


@dataclass(frozen=True, slots=True)
class SimilarPair:
    """Two records, and how alike they are."""

    score: float
    test: str
    """Id of the record."""
    train: str

    def as_json(self) -> dict[str, Json]:
        """Part of what is measured."""
        return {"score": self.score, "test": self.test, "train": self.train}


@dataclass(slots=True)
class TestRecords:
    """Records of the test split, to be met by those of the other."""

    over: Over
    shingle_words: int
    jaccard: SimilarPair | None = None
    """The most alike pair so far; None where nothing is shared."""
    rouge_l: SimilarPair | None = None
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
                self.jaccard = SimilarPair(score, self._ids[number], task.id)
        nearest = self._index.nearest(task.instruction)
        if nearest is not None and (self.rouge_l is None or nearest.rouge_l > self.rouge_l.score):
            self.rouge_l = SimilarPair(nearest.rouge_l, nearest.id, task.id)


def split_check(tests: Sequence[Task], others: Iterable[Task], over: Over, shingle_words: int) -> TestRecords:
    """The highest Jaccard and ROUGE-L between test records and all others."""
    check = TestRecords(over, shingle_words)
    check.hold(tests)
    for task in others:
        check.meet(task)
    return check
