"""Which records are used, and which of the three splits each falls into: by lot, and by the instruction's words."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.fragment.sources import key_of, unusable
from selfinstruct.records import Task, digest

Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, order=True)
class Lot:
    """A record's place in the draw: records with the same instruction stand together."""

    key: str
    id: str
    place: int


@dataclass(frozen=True, slots=True)
class Draw:
    """What became of every record of a set: its split, or why it has none."""

    fates: Sequence[Split | str]
    """By place: a split, or `no_answer`, `no_words`, `too_long`, `not_drawn`."""

    def of(self, split: Split) -> list[int]:
        """Places of the split's records, in the order of the set."""
        return [place for place, fate in enumerate(self.fates) if fate == split]


def drawn(
    records: Iterable[Task], *, seed: int, at_most: int, words_at_most: int, validation: float, test: float
) -> Draw:
    """A split for each usable record, of at most `at_most` drawn by lot; the lots depend on seed and record alone.

    The shares are of records, and are met as nearly as keeping equal instructions together allows.
    """
    fates: list[Split | str] = []

    def lots() -> Iterator[Lot]:
        for place, task in enumerate(records):
            reason = unusable(task, words_at_most)
            fates.append(reason or "not_drawn")
            if not reason:
                yield Lot(digest("fragment", seed, key_of(task)), task.id, place)

    chosen = heapq.nsmallest(at_most, lots())
    for lot, split in zip(chosen, _splits(chosen, validation, test), strict=True):
        fates[lot.place] = split
    return Draw(fates)


def _splits(lots: Sequence[Lot], validation: float, test: float) -> list[Split]:
    """Test first, then validation, then train; a border moves to the nearer end of the group it would part."""
    ends = [0, *(at for at in range(1, len(lots)) if lots[at].key != lots[at - 1].key), len(lots)]
    first = _border(ends, len(lots) * test, full=test > 0)
    second = max(
        first, _border([end for end in ends if end >= first], first + len(lots) * validation, full=validation > 0)
    )
    return ["test" if at < first else "validation" if at < second else "train" for at in range(len(lots))]


def _border(ends: Sequence[int], wanted: float, *, full: bool) -> int:
    """The end nearest to what is wanted; not the first where something shall lie before it, if that leaves the rest."""
    able = [end for end in ends[1:-1] if end] if full and len(ends) > 2 else ends[:1]
    return min(able, key=lambda end: (abs(end - wanted), end))
