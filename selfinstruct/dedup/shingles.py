"""A text as the set of its runs of words, and how alike two such sets are."""

import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfinstruct.text import has_signs, one_line, words_and_signs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLAIN_WORD = re.compile(r"[A-Za-z0-9]")


def shingles(text: str, size: int) -> list[str]:
    """Every run of `size` words (`selfinstruct.text.words_and_signs`), each once, in order of appearance.

    A text of fewer words is one shingle, all of it; a text without words is one, itself on one line; an empty text has
    none. This is the definition; `near_kernel.sketch` hashes the same strings without making them.

    >>> shingles("Name a river. Name a river!", 3)
    ['name a river', 'a river name', 'river name a']
    >>> shingles("Why?", 3), shingles(" ?? ", 3), shingles(" ", 3)
    (['why'], ['??'], [])
    """
    cut = words_and_signs(text)
    if not cut:
        line = one_line(text)
        return [line] if line else []
    runs = (" ".join(cut[at : at + size]) for at in range(max(1, len(cut) - size + 1)))
    return list(dict.fromkeys(runs))


def jaccard(first: str, second: str, size: int = 3) -> float:
    """Shingles in both, out of the shingles in either; 0 where a text has none.

    >>> jaccard("Name a long river in Asia.", "name a long river in Africa")
    0.6
    """
    one, other = set(shingles(first, size)), set(shingles(second, size))
    return len(one & other) / len(one | other) if one and other else 0.0


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Texts as the compiled loops take them: their bytes end to end.

    The kernel lowers ASCII letters and cuts at what is neither letter nor digit, which on ASCII without signs such as
    those of C++ is just what `words_and_signs` does; other texts come in cut already, a space between words.
    """

    data: bytearray = field(default_factory=bytearray)
    ends: "array[int]" = field(default_factory=lambda: array("q", [0]))
    whole: bytearray = field(default_factory=bytearray)
    """1 where the bytes are one shingle as they stand: nothing in them is a word. 2 where they are cut already."""

    def __len__(self) -> int:
        """How many texts."""
        return len(self.whole)

    def add(self, text: str) -> None:
        """Append a text."""
        whole = 0
        if text.isascii() and not has_signs(text):
            if not _PLAIN_WORD.search(text):
                text, whole = one_line(text), 1
        else:
            cut = words_and_signs(text)
            text, whole = (" ".join(cut), 2) if cut else (one_line(text), 1)
        self.data.extend(text.encode("utf-8", "surrogatepass"))
        self.ends.append(len(self.data))
        self.whole.append(whole)

    def arrays(self) -> "tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]":
        """Bytes, where each text ends (with a 0 before), and which are whole."""
        import numpy as np

        data = np.frombuffer(self.data or b"\0", np.uint8)
        return data, np.frombuffer(self.ends, np.int64), np.frombuffer(self.whole or b"\0", np.uint8)
