"""Numbers for words and characters: the same on every machine, in every process."""

import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_REMEMBERED = 1 << 16
_WORD = 1 << 32
"""Set in the number of every word, so that none is 0, which means "no word here"."""


@lru_cache(_REMEMBERED)
def word_number(word: str) -> int:
    """A number for a word, never 0; upper and lower case are one.

    >>> word_number("River") == word_number("river") != word_number("rivers")
    True
    """
    return zlib.crc32(word.lower().encode("utf-8", "surrogatepass")) | _WORD


def code_points(texts: Sequence[str], width: int) -> "NDArray[np.uint64]":
    """A row of `width` code points for each text, cut or filled with zeros; shape (texts, width).

    >>> code_points(["ab", "å"], 2).tolist()
    [[97, 98], [229, 0]]
    """
    import numpy as np

    joined = "".join(text[:width].ljust(width, "\0") for text in texts)
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
    return raw.reshape(len(texts), width).astype(np.uint64)


def scattered(numbers: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """Each number made into one that looks random, one to one (the finaliser of SplitMix64, Steele et al. 2014).

    >>> import numpy as np
    >>> f"{int(scattered(np.array([1], np.uint64))[0]):x}"
    '5692161d100b05e5'
    """
    import numpy as np

    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def combined(kind: int, *parts: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """One number for the parts in this order, element by element; different for each `kind`.

    >>> import numpy as np
    >>> one, two = np.array([5], np.uint64), np.array([7], np.uint64)
    >>> bool(combined(1, one, two) == combined(1, two, one)), bool(combined(1, one) == combined(2, one))
    (False, False)
    """
    import numpy as np

    number = np.full(1, (kind + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1, np.uint64)
    for part in parts:
        number = scattered(number + part) * np.uint64(0x9E3779B97F4A7C15)
    return number


def drawn(seed: int, count: int, below: int) -> "NDArray[np.int64]":
    """`count` numbers in 0..below-1, the same for the same seed wherever they are drawn.

    >>> drawn(7, 5, 10).tolist() == drawn(7, 9, 10).tolist()[:5]
    True
    """
    import numpy as np

    places = np.arange(count, dtype=np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 1) & (1 << 64) - 1)
    # the upper 32 bits, scaled: no modulo, hence no bias worth naming for fewer than a million
    return ((scattered(combined(0, places)) >> np.uint64(32)) * np.uint64(below) >> np.uint64(32)).astype(np.int64)
