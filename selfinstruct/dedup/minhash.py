"""Signatures that are `datasketch`'s own, bit for bit, made a batch of texts at a time.

Scheme `affine32` of datasketch 2: the hash of a shingle goes through the finalizer of MurmurHash3, then each
permutation is h -> a h + b mod 2^32 with odd a. The 32-bit `hashfunc` is the low half of XXH64 (seed 0) of the
shingle's UTF-8, so

    datasketch.MinHash(num_perm=128, seed=1, hashfunc=lambda data: xxhash.xxh64_intdigest(data) & 0xFFFFFFFF)

updated with `shingles(text, 3)` has the hash values that `signatures` gives (Broder 1997).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.dedup.compiled import settled
from selfinstruct.dedup.shingles import TextBatch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEME = "affine32"
HASHFUNC = "low 32 bits of XXH64 (seed 0) of the UTF-8 of the words joined by one space"


@dataclass(frozen=True, slots=True)
class Hashed:
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


def hashed(batch: TextBatch, shingle_words: int) -> Hashed:
    """The shingles of each text of the batch."""
    import numpy as np

    from selfinstruct.dedup import near_kernel

    data, text_ends, whole = batch.arrays()
    hashes = np.empty(len(batch.data) // 2 + len(batch) + 1, np.uint64)  # a word and the gap after it: two bytes
    ends = np.zeros(len(batch) + 1, np.int64)
    settled(near_kernel.sketch, data, text_ends, whole, shingle_words, hashes, ends)
    return Hashed(hashes[: ends[-1]], ends)


def signed(texts: Hashed, permuted: Permutations) -> "NDArray[np.uint32]":
    """Signatures, a row a text; one without shingles has the highest value everywhere, as in the library."""
    import numpy as np

    from selfinstruct.dedup import near_kernel

    rows = np.empty((len(texts.ends) - 1, len(permuted.factors)), np.uint32)
    settled(near_kernel.sign, texts.hashes, texts.ends, permuted.factors, permuted.terms, rows)
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
