"""A small pool: every text is compared with every other by RapidFuzz, so nothing has to be compiled first.

A word travels as one character, which puts RapidFuzz on its fast string path: about 0.1 microseconds a pair.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SURROGATES = range(0xD800, 0xE000)
MOST_WORDS = 0x110000 - len(_SURROGATES)
"""Different words that fit into characters."""


class PlainPool:
    """Texts as lists of word codes, in the order they came."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def __len__(self) -> int:
        """How many texts."""
        return len(self._texts)

    def texts(self) -> list[list[int]]:
        """The word codes of every text."""
        return [[_code(character) for character in text] for text in self._texts]

    def add(self, codes: Sequence[int]) -> None:
        """Append a text."""
        self._texts.append(_characters(codes))

    def commons(self, codes: Sequence[int]) -> "NDArray[np.int32]":
        """LCS with every text, in words."""
        import numpy as np
        from rapidfuzz.distance import LCSseq
        from rapidfuzz.process import cdist

        if not self._texts:
            return np.zeros(0, np.int32)
        common: NDArray[np.int32]
        common = cdist([_characters(codes)], self._texts, scorer=LCSseq.similarity, dtype=np.int32)[0]
        return common

    def nearest(self, codes: Sequence[int]) -> tuple[int, int]:
        """Position of the earliest of the most similar texts, and its LCS; -1, 0 if no text shares a word."""
        import numpy as np

        lengths = np.fromiter(map(len, self._texts), np.int64, len(self._texts))
        common = self.commons(codes)
        scores = f_measures(common, len(codes), lengths)
        at = int(np.argmax(scores)) if len(scores) else -1
        return (at, int(common[at])) if at >= 0 and common[at] else (-1, 0)


def f_measures(common: "NDArray[np.int32]", candidate: int, lengths: "NDArray[np.int64]") -> "NDArray[np.float64]":
    """`rouge_l.f_measure` for many at once: the same operations in the same order, so the same bits."""
    import numpy as np

    some = common > 0
    precision = np.divide(common, lengths, out=np.zeros(len(common)), where=some)
    recall = np.divide(common, candidate, out=np.zeros(len(common)), where=some)
    scores: NDArray[np.float64]
    scores = np.divide(2 * precision * recall, precision + recall, out=np.zeros(len(common)), where=some)
    return scores


def _characters(codes: Sequence[int]) -> str:
    return "".join(chr(code if code < _SURROGATES.start else code + len(_SURROGATES)) for code in codes)


def _code(character: str) -> int:
    code = ord(character)
    return code if code < _SURROGATES.start else code - len(_SURROGATES)
