"""The nearest other instruction by shared words: found through an index on rare words, so that it scales."""

from collections import Counter
from collections.abc import Sequence

from selfinstruct.fragment.sources import Source

_NEAREST = 3  # instructions that are called near
_RARE = 6  # words by which an instruction is looked up
_LONGEST = 64  # instructions looked at for each of them
_COMPARED = 48  # of all of these, those that share most are compared word by word


class Neighbours:
    """An index over the instructions of a split."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Time and memory grow in proportion to the number of words."""
        self._keys = [source.key for source in sources]
        words = [tuple(dict.fromkeys(key.split())) for key in self._keys]
        counts = Counter(word for own in words for word in own)
        self._words = [frozenset(own) for own in words]
        self._rarest = [
            sorted((word for word in own if counts[word] > 1), key=lambda word: (counts[word], word))[:_RARE]
            for own in words
        ]
        self._postings: dict[str, list[int]] = {}
        for place, rarest in enumerate(self._rarest):
            for word in rarest:
                self._postings.setdefault(word, []).append(place)
        self._found: dict[int, list[int]] = {}

    def nearest(self, place: int) -> list[int]:
        """Places of the few that share most words with this one (Jaccard), best first; none with the very same words.

        A word shared by very many is looked up in an evenly spread sample of them.
        """
        if place not in self._found:
            self._found[place] = self._nearest(place)
        return self._found[place]

    def _nearest(self, place: int) -> list[int]:
        votes: Counter[int] = Counter()
        for word in self._rarest[place]:
            votes.update(_spread(self._postings[word], place))
        able = [other for other in votes if self._keys[other] != self._keys[place]]
        able = sorted(able, key=lambda other: (-votes[other], other))[:_COMPARED]
        able.sort(key=lambda other: (-self._overlap(place, other), other))
        found: dict[str, int] = {}
        for other in able:
            found.setdefault(self._keys[other], other)
        return list(found.values())[:_NEAREST]

    def _overlap(self, place: int, other: int) -> float:
        shared = len(self._words[place] & self._words[other])
        return shared / (len(self._words[place]) + len(self._words[other]) - shared)


def _spread(places: list[int], around: int) -> list[int]:
    """All of them, or a sample that begins elsewhere for each who asks."""
    if len(places) <= _LONGEST:
        return places
    step = len(places) // _LONGEST
    return places[around % step :: step][:_LONGEST]
