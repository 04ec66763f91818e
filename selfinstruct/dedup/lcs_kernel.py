"""Compiled loops of ROUGE-L: word signatures, bit-parallel LCS, and the scan for a nearest text.

Importing this module loads numba, so `rouge_index_compiled` does it when first used. A *text* is a run of word codes
inside one flat array: text `i` is `codes[starts[i]:starts[i + 1]]`.

Two facts make the comparisons exact and rare. (1) LCS <= overlap of the two word multisets. (2) If a signature flips
one bit per (word, occurrence), then the number of differing bits never exceeds the number of unshared elements, so
overlap <= (m + n - differing) / 2 (Sandes et al. 2017).
"""

import functools
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache

if TYPE_CHECKING:
    from numpy.typing import NDArray


P = ParamSpec("P")
R = TypeVar("R")
SIGNATURE_WORDS = 8
"""64-bit words of a pool text's signature; the scan below is unrolled for eight of them."""
_SLACK = np.float32(1e-5)
"""More than float32 rounding can move a bound."""
_STEP = np.float32(0.1)
"""The scan looks at bounds from the top, this much at a time."""


def compiled_inside(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled as part of whatever calls it."""
    return cast("Callable[P, R]", numba.njit(error_model="numpy")(function))


def compiled_once(function: Callable[P, R]) -> Callable[P, R]:
    """Compiled once a machine where numba finds a place for its cache, else once a process; gives up the GIL."""
    compiled: Any = numba.njit(error_model="numpy", nogil=True)(function)
    with suppress(RuntimeError):  # numba: "no locator available": nothing that the user may write in
        compiled._cache = _Cache(function)  # noqa: SLF001 - as `cache=True` does, but for the class
    return cast("Callable[P, R]", compiled)


class _Cache(FunctionCache):
    """Compiles anew, and writes over, what an earlier version of ours left there or what is damaged.

    numba unpickles an index before it looks whether that is fresh, which fails where a class has moved since; and for
    it a function is as fresh as its own file, though loops of the other files are compiled into it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file._source_stamp = (self._cache_file._source_stamp, kernels())  # noqa: SLF001 - numba's base

    def load_overload(self, sig: object, target_context: object) -> Any:  # noqa: ANN401 - numba's own
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # noqa: BLE001 - whatever damaged bytes make of pickle
            return None

    def save_overload(self, sig: object, data: object) -> None:
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError:
            raise
        except Exception:  # noqa: BLE001 - as above: the index is read before it is written
            self.flush()  # type: ignore[no-untyped-call]
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


@functools.cache
def kernels() -> str:
    """SHA-256 of all files of kernels."""
    files = sorted(Path(__file__).parent.glob("*_kernel.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@compiled_inside
def ones(word: np.uint64) -> np.int32:
    """Bits set; LLVM knows this idiom and emits the machine's population count."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int32((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled_inside
def score_of(common: int, candidate: int, other: int) -> float:
    """The reference float expression, operation for operation."""
    precision = common / other
    recall = common / candidate
    if precision + recall > 0:
        return 2 * precision * recall / (precision + recall)
    return 0.0


@compiled_once
def sign(
    codes: "NDArray[np.int32]",
    starts: "NDArray[np.int64]",
    first: int,
    last: int,
    own_bit: "NDArray[np.int32]",
    seen: "NDArray[np.int32]",
    signatures: "NDArray[np.uint64]",
) -> None:
    """Write the signatures of texts `first` to `last` into columns of `signatures` (64-bit words x texts).

    A word with `own_bit` >= 0 has that bit for its first occurrence; the rest share bits from `own_bit[-1]` on.
    `seen` is scratch, one zero per code, and is left zero.
    """
    shared = np.uint64(own_bit[-1])
    hashed = np.uint64(64 * signatures.shape[0]) - shared
    for text in range(first, last):
        signatures[:, text] = 0
        for at in range(starts[text], starts[text + 1]):
            code = codes[at]
            if seen[code] == 0 and own_bit[code] >= 0:
                bit = np.uint64(own_bit[code])
            else:
                mixed = np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)
                mixed += np.uint64(seen[code]) * np.uint64(0xD1B54A32D192ED03)
                mixed ^= mixed >> np.uint64(31)
                mixed *= np.uint64(0xDA942042E4DD58B5)
                mixed ^= mixed >> np.uint64(33)
                bit = shared + mixed % hashed
            seen[code] += 1
            signatures[bit >> np.uint64(6), text] ^= np.uint64(1) << (bit & np.uint64(63))
        for at in range(starts[text], starts[text + 1]):
            seen[codes[at]] = 0


@compiled_inside
def masks_of(query: "NDArray[np.int32]", row_of: "NDArray[np.int32]") -> "NDArray[np.uint64]":
    """Where each word of the query stands, a bit per position; `row_of[code]` is its row, 0 for words not in it."""
    masks = np.zeros((len(query) + 1, (len(query) + 63) // 64), np.uint64)
    rows = 0
    for at in range(len(query)):
        if row_of[query[at]] == 0:
            rows += 1
            row_of[query[at]] = rows
        masks[row_of[query[at]], at >> 6] |= np.uint64(1) << np.uint64(at & 63)
    return masks


@compiled_inside
def forget(query: "NDArray[np.int32]", row_of: "NDArray[np.int32]") -> None:
    """Leave `row_of` all zero again."""
    for at in range(len(query)):
        row_of[query[at]] = 0


@compiled_inside
def lcs(
    masks: "NDArray[np.uint64]",
    words: int,
    row_of: "NDArray[np.int32]",
    codes: "NDArray[np.int32]",
    start: int,
    stop: int,
    state: "NDArray[np.uint64]",
) -> int:
    """Length of the LCS of the query behind `masks` and one text (Hyyro 2004, blocks of 64 with carry)."""
    blocks = masks.shape[1]
    if blocks == 1:
        row = ~np.uint64(0)
        for at in range(start, stop):
            hit = row & masks[row_of[codes[at]], 0]  # row 0 is empty and changes nothing: cheaper than a branch
            row = (row + hit) | (row - hit)
        used = ~np.uint64(0) >> np.uint64(64 - words)
        return int(ones(~row & used))
    for block in range(blocks):
        state[block] = ~np.uint64(0)
    for at in range(start, stop):
        place = row_of[codes[at]]
        if place:
            carry = np.uint64(0)
            for block in range(blocks):
                row = state[block]
                hit = row & masks[place, block]
                half = row + hit
                whole = half + carry
                carry = np.uint64(half < row) | np.uint64(whole < half)
                state[block] = whole | (row - hit)
    length = 0
    for block in range(blocks - 1):
        length += int(ones(~state[block]))
    used = ~np.uint64(0) >> np.uint64(64 * blocks - words)
    return length + int(ones(~state[blocks - 1] & used))


@compiled_once
def commons(
    query: "NDArray[np.int32]",
    codes: "NDArray[np.int32]",
    starts: "NDArray[np.int64]",
    row_of: "NDArray[np.int32]",
    out: "NDArray[np.int32]",
) -> None:
    """LCS of the query (one word at least) with each of the first `len(out)` texts."""
    masks = masks_of(query, row_of)
    state = np.empty(masks.shape[1], np.uint64)
    for text in range(len(out)):
        out[text] = lcs(masks, len(query), row_of, codes, starts[text], starts[text + 1], state)
    forget(query, row_of)


@compiled_once
def nearest(
    query: "NDArray[np.int32]",
    mark: "NDArray[np.uint64]",
    signatures: "NDArray[np.uint64]",
    lengths: "NDArray[np.int32]",
    codes: "NDArray[np.int32]",
    starts: "NDArray[np.int64]",
    row_of: "NDArray[np.int32]",
    bounds: "NDArray[np.float32]",
) -> tuple[int, int]:
    """Position of the earliest of the most similar among the first `len(bounds)` texts, and its LCS; -1, 0 if none.

    `mark` is the query's signature. The first loop bounds every score from above; the second verifies from the
    highest bound down and ends where no bound reaches the best score found.
    """
    size = np.int32(len(query))
    mark0, mark1, mark2, mark3 = mark[0, 0], mark[1, 0], mark[2, 0], mark[3, 0]
    words0, words1, words2, words3 = signatures[0], signatures[1], signatures[2], signatures[3]
    mark4, mark5, mark6, mark7 = mark[4, 0], mark[5, 0], mark[6, 0], mark[7, 0]
    words4, words5, words6, words7 = signatures[4], signatures[5], signatures[6], signatures[7]
    for text in range(len(bounds)):
        differing = ones(words0[text] ^ mark0) + ones(words1[text] ^ mark1)
        differing += ones(words2[text] ^ mark2) + ones(words3[text] ^ mark3)
        differing += ones(words4[text] ^ mark4) + ones(words5[text] ^ mark5)
        differing += ones(words6[text] ^ mark6) + ones(words7[text] ^ mark7)
        total = size + lengths[text]
        shared = min(total - differing, 2 * min(size, lengths[text]))
        bounds[text] = np.float32(shared) / np.float32(total)
    masks = masks_of(query, row_of)
    state = np.empty(masks.shape[1], np.uint64)
    best, best_at, best_common = 0.0, -1, 0
    floor = _SLACK
    low = floor
    for text in range(len(bounds)):
        low = max(low, bounds[text])
    high = np.float32(2)
    low -= _STEP
    while high > floor:
        low = max(low, floor)
        for text in range(len(bounds)):
            if low <= bounds[text] < high and bounds[text] >= floor:
                common = lcs(masks, len(query), row_of, codes, starts[text], starts[text + 1], state)
                score = score_of(common, len(query), lengths[text])
                if score > best or (score == best and common and text < best_at):
                    best, best_at, best_common = score, text, common
                    floor = np.float32(best) - _SLACK
        high = low
        low -= _STEP
    forget(query, row_of)
    return best_at, best_common
