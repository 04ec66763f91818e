"""The border above which ROUGE-L is too much, in numbers of words, so that an index need not compute most of it.

ROUGE-L (Lin 2004) is the F-measure of the longest common subsequence: with L of m and n words in common, in order,
precision is L/n, recall L/m, and F the harmonic mean, 2L / (m + n). That of two texts alone is in `selfinstruct.text`.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput

Mode: TypeAlias = Literal["strict", "paper"]


def f_measure(common: int, candidate: int, other: int) -> float:
    """ROUGE-L of `common` words in order out of two lengths, in the float operations of `rouge_score`.

    The order of operations decides at the border: both of these are 7/10.

    >>> f_measure(7, 10, 10), f_measure(7, 13, 7)
    (0.7, 0.7000000000000001)
    """
    if not common:
        return 0.0
    precision, recall = common / other, common / candidate
    return 2 * precision * recall / (precision + recall)


@dataclass(frozen=True, slots=True)
class Border:
    """Where similar becomes too similar.

    `strict` is the released program: floats, rejected above the border, kept on it. `paper` is the paper's sentence:
    kept below the border, rejected on it, in whole numbers, so that no rounding takes part.

    >>> [Border(0.7, mode).is_crossed(7, 10, 10) for mode in ("strict", "paper")]
    [False, True]
    >>> [Border(0.7, mode).is_crossed(7, 13, 7) for mode in ("strict", "paper")]
    [True, True]
    """

    at: float = 0.7
    mode: Mode = "strict"

    def __post_init__(self) -> None:
        """Refuse a border that nothing, or everything, would cross."""
        if self.mode not in ("strict", "paper"):
            raise BadInput(f"mode {self.mode!r} is neither strict nor paper", fix="write mode: strict or mode: paper")
        if not 0 < self.at < 1 and (self.at, self.mode) != (1.0, "paper"):
            raise BadInput(
                f"rouge_l_below {self.at} lets everything or nothing through in mode {self.mode}",
                fix="give a number above 0 and below 1; 1.0 with mode: paper drops only identical texts",
            )

    def is_crossed(self, common: int, candidate: int, other: int) -> bool:
        """Too similar, given the LCS and the two lengths in words."""
        if not common:
            return False
        if self.mode == "strict":
            return f_measure(common, candidate, other) > self.at
        return 2 * common >= self._exact * (candidate + other)

    def least_common(self, longest: int) -> list[int]:
        """For every sum of two lengths up to `longest`, the smallest LCS that may cross.

        Exact for `paper`. For `strict` an LCS below it never crosses, one at it may have to be asked about.
        """
        exact = self._exact if self.mode == "paper" else self._exact - Fraction(1, 10**9)
        up, down = exact.numerator, 2 * exact.denominator
        return [max(1, -(-up * total // down)) for total in range(longest + 1)]

    @property
    def _exact(self) -> Fraction:
        """The border as it was written: 0.7 is seven tenths."""
        return Fraction(str(self.at))
