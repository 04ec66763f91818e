"""What a sample in which nothing happened cannot rule out (the rule of three: about three in so many)."""

_ONE_SIDED = 1 - 0.95


def unseen(sources: int, chance: float = _ONE_SIDED) -> float:
    """Upper bound of a share of which so many sources show nothing; it is above that with this chance.

    >>> round(unseen(30), 3), round(unseen(99), 3)
    (0.095, 0.03)
    """
    return 1.0 - float(chance ** (1 / sources))
