"""The length of the longest common subsequence, by a way of its own."""

from collections.abc import Hashable, Sequence


def longest_common_subsequence(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Its length, by the bit-parallel recurrence of Hyyro (2004) on one big integer.

    >>> longest_common_subsequence("a b c d".split(), "b x d a".split())
    2
    """
    places: dict[Hashable, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    everywhere = (1 << len(first)) - 1
    row = everywhere
    for word in second:
        hit = row & places.get(word, 0)
        row = (row + hit | row - hit) & everywhere
    return len(first) - row.bit_count()
