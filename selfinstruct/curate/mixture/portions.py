"""How much each source gives to a mixture: whole rows or tokens, from sizes, weights, caps and a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is known of a source, in rows or in tokens."""

    size: int
    weight: float = 1.0
    cap: int | None = None

    @property
    def there(self) -> int:
        """As much of it as may go in."""
        return self.size if self.cap is None else min(self.size, self.cap)

    @property
    def times(self) -> Fraction:
        """The weight as it was written: 0.29 of 100 is 29."""
        return Fraction(str(self.weight))


def portions(shares: Sequence[Share], budget: int | None = None) -> list[int]:
    """Each source gives its weight of itself, up to its cap; a budget lowers all in proportion.

    >>> portions([Share(size=100, weight=0.5), Share(size=30)])
    [50, 30]
    >>> portions([Share(size=100, weight=0.5), Share(size=30)], budget=40)
    [25, 15]
    """
    wanted = [min(share.times * share.size, Fraction(share.there)) for share in shares]
    whole = sum(wanted, Fraction(0))
    if budget is None or whole <= budget:
        return [int(part) for part in wanted]
    return _rounded([part * budget / whole for part in wanted])


def equal_portions(shares: Sequence[Share], budget: int | None = None) -> list[int]:
    """Each source gives the same, times its weight: its part of the budget, or without one what all can give.

    A source that has less gives what it has, and the others no more for it.

    >>> equal_portions([Share(size=100), Share(size=30)]), equal_portions([Share(size=100), Share(size=30)], budget=90)
    ([30, 30], [45, 30])
    >>> equal_portions([Share(size=100, weight=2), Share(size=30)])
    [60, 30]
    """
    asked = [share for share in shares if share.weight and share.there]
    if not asked:
        return [0] * len(shares)
    if budget is None:
        unit = min(share.there / share.times for share in asked)
    else:
        unit = budget / sum((share.times for share in asked), Fraction(0))
    return _rounded([min(unit * share.times, Fraction(share.there)) for share in shares])


def _rounded(parts: Sequence[Fraction]) -> list[int]:
    """Whole numbers with the same sum, rounded down: what is left goes to the largest fractions, first come first."""
    floors = [int(part) for part in parts]
    left = int(sum(parts, Fraction(0))) - sum(floors)
    order = sorted(range(len(parts)), key=lambda index: floors[index] - parts[index])
    for index in order[:left]:
        floors[index] += 1
    return floors
