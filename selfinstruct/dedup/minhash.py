"""Shingles of a text, their MinHash signatures (`datasketch`'s own, bit for bit), and the bands they are cut into.

Scheme `affine32` of datasketch 2: the hash of a shingle goes through the finalizer of MurmurHash3, then each
permutation is h -> a h + b mod 2^32 with odd a. The 32-bit `hashfunc` is the low half of XXH64 (seed 0) of the
shingle's UTF-8, so

    datasketch.MinHash(num_perm=128, seed=1, hashfunc=lambda data: xxhash.xxh64_intdigest(data) & 0xFFFFFFFF)

updated with `shingles(text, 3)` has the hash values that `signatures` gives (Broder 1997).

Two texts whose shingles have Jaccard similarity J agree in one place of their signatures with probability J, in all
`rows` places of a band with J^rows, in at least one of `bands` bands with 1 - (1 - J^rows)^bands (Broder 1997;
Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
"""

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfinstruct.dedup.rouge_index_compiled import call_compiled
from selfinstruct.errors import BadInput
from selfinstruct.text import has_signs, one_line, words_and_signs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_PLAIN_WORD = re.compile(r"[A-Za-z0-9]")
LEAST_RECALL = 0.99
"""Of pairs that are just alike enough, at least this share must meet; of pairs more alike, more do."""
SCHEME = "affine32"
HASHFUNC = "low 32 bits of XXH64 (seed 0) of the UTF-8 of the words joined by one space"


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


@dataclass(frozen=True, slots=True)
class Bands:
    """`bands` times `rows` places of a signature."""

    bands: int
    rows: int

    def recall(self, jaccard: float) -> float:
        """The probability that two texts so alike are proposed.

        >>> round(Bands(21, 6).recall(0.8), 4), round(Bands(9, 13).recall(0.8), 4)
        (0.9983, 0.3988)
        """
        return 1.0 - (1.0 - jaccard**self.rows) ** self.bands

    @property
    def formula(self) -> str:
        """Recall as a person may check it."""
        return f"1 - (1 - J^{self.rows})^{self.bands}"


def chosen(jaccard: float, num_perm: int) -> Bands:
    """The longest bands (the fewest strangers meet) that keep `LEAST_RECALL` at the threshold itself.

    >>> chosen(0.8, 128)
    Bands(bands=21, rows=6)
    """
    for rows in range(num_perm, 0, -1):
        bands = Bands(num_perm // rows, rows)
        if bands.recall(jaccard) >= LEAST_RECALL:
            return bands
    raise BadInput(
        f"{num_perm} permutations cannot find {LEAST_RECALL:.0%} of the pairs at Jaccard {jaccard}",
        place="stage near, knob 'num_perm'",
        fix="use more permutations (128) or a higher jaccard",
    )


@dataclass(frozen=True, slots=True)
class HashedShingles:
    """Distinct 64-bit hashes of the shingles of some texts, end to end."""

    hashes: "NDArray[np.uint64]"
    ends: "NDArray[np.int64]"
    """Where each text's end, with a 0 before."""


@dataclass(frozen=True, slots=True)
class Permutations:
    """h -> factor * h + term mod 2^32, for each place of a signature."""

    factors: "NDArray[np.uint32]"
    terms: "NDArray[np.uint32]"


def permutations(num_perm: int, seed: int) -> Permutations:
    """Those of datasketch's `affine32` for that seed, drawn from NumPy's classic generator."""
    import numpy as np

    draw = np.random.RandomState(seed)  # the library's generator: with a newer one its sketches could not be compared
    factors = draw.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return Permutations(factors, draw.randint(0, 1 << 32, num_perm, dtype=np.uint32))


def hashed(batch: TextBatch, shingle_words: int) -> HashedShingles:
    """The shingles of each text of the batch."""
    import numpy as np

    from selfinstruct.dedup import near_kernel

    data, text_ends, whole = batch.arrays()
    hashes = np.empty(len(batch.data) // 2 + len(batch) + 1, np.uint64)  # a word and the gap after it: two bytes
    ends = np.zeros(len(batch) + 1, np.int64)
    call_compiled(near_kernel.sketch, data, text_ends, whole, shingle_words, hashes, ends)
    return HashedShingles(hashes[: ends[-1]], ends)


def signed(texts: HashedShingles, permuted: Permutations) -> "NDArray[np.uint32]":
    """Signatures, a row a text; one without shingles has the highest value everywhere, as in the library."""
    import numpy as np

    from selfinstruct.dedup import near_kernel

    rows = np.empty((len(texts.ends) - 1, len(permuted.factors)), np.uint32)
    call_compiled(near_kernel.sign, texts.hashes, texts.ends, permuted.factors, permuted.terms, rows)
    return rows


def signatures(
    texts: Iterable[str], *, shingle_words: int = 3, num_perm: int = 128, seed: int = 1
) -> "NDArray[np.uint32]":
    """The hash values of `datasketch.MinHash` for each text, a row each.

    >>> signatures(["Name a river."], num_perm=4).tolist()
    [[4010626312, 615309270, 4172530126, 2242990640]]
    """
    batch = TextBatch()
    for text in texts:
        batch.add(text)
    return signed(hashed(batch, shingle_words), permutations(num_perm, seed))
