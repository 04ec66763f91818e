"""How much of a response stands in its instruction already: pattern copying (Ghosh et al. 2024, finding B)."""

from collections.abc import Sequence


def copied(response: Sequence[str], given: Sequence[str], size: int = 3) -> float:
    """Share of the response's n-grams of `size` words that occur in what was given, counting each time.

    A response with fewer words is one n-gram of its own length.

    >>> copied("the long river is long".split(), "where is the long river".split())
    0.3333333333333333
    >>> copied(["river"], ["a", "river"]), copied([], ["a"]), copied(["a", "b", "c"], [])
    (1.0, 0.0, 0.0)
    """
    if not response or not given:
        return 0.0
    size = min(size, len(response))
    present = set(_ngrams(given, size))
    found = _ngrams(response, size)
    return sum(map(present.__contains__, found)) / len(found)


def _ngrams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*[words[start:] for start in range(size)], strict=False))
