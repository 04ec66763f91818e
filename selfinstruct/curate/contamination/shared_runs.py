"""Words in a row that two texts share; words are numbers here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Run:
    """Words in a row that two texts share: where it begins in each, and its length."""

    mine: int
    theirs: int
    length: int


def shingles(numbers: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Every `size` words in a row.

    >>> shingles([1, 2, 3], 2)
    [(1, 2), (2, 3)]
    """
    return list(zip(*(numbers[start:] for start in range(size)), strict=False))


def hashed(numbers: Sequence[int], size: int) -> list[int]:
    """The shingles as 64-bit numbers; Python hashes tuples of whole numbers alike in every process.

    >>> hashed([1, 2, 3], 2) == hashed([1, 2, 3], 2), len(hashed([1], 2))
    (True, 0)
    """
    return list(map(hash, shingles(numbers, size)))


def runs(mine: list[tuple[int, ...]], theirs: list[tuple[int, ...]], size: int) -> Iterator[Run]:
    """All longest runs of two lists of shingles, in the order they end in `theirs`.

    >>> list(runs(shingles([1, 2, 3, 4], 2), shingles([9, 2, 3, 4, 9, 1, 2], 2), 2))
    [Run(mine=1, theirs=1, length=3), Run(mine=0, theirs=5, length=2)]
    """
    where: dict[tuple[int, ...], list[int]] = {}
    for place, gram in enumerate(mine):
        where.setdefault(gram, []).append(place)
    before: dict[int, int] = {}
    for end, gram in enumerate([*theirs, ()]):
        now = {place: before.get(place - 1, 0) + 1 for place in where.get(gram, ())}
        for place, length in before.items():
            if place + 1 not in now:
                yield Run(place - length + 1, end - length, length + size - 1)
        before = now


def covered(word: int, own: Sequence[bool], size: int) -> bool:
    """A shingle that is not the text's own lies over this word.

    >>> [covered(word, [False, True, True], 2) for word in range(4)]
    [True, True, False, False]
    """
    return not all(own[max(0, word - size + 1) : word + 1])
