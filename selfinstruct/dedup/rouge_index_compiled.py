"""The index of a large pool: bounds from word signatures choose the few texts that compiled loops compare."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_OWN_BITS = 128
"""The most frequent words have a bit of their own in a signature, so nothing else can be mistaken for them: as good as
twice the bits without (benchmarks/NOTES.md)."""


class CompiledPool:
    """Texts as lists of word codes, in the order they came."""

    def __init__(self, texts: Iterable[Sequence[int]] = ()) -> None:
        import numpy as np

        from selfinstruct.dedup import lcs_kernel

        self._kernel = lcs_kernel
        self._count = 0
        self._next_count = 0
        """At this many texts the frequent words are chosen anew: at every doubling."""
        self._codes = np.zeros(1 << 10, np.int32)
        self._starts = np.zeros(1 << 6, np.int64)
        self._lengths = np.zeros(1 << 6, np.int32)
        self._signatures = np.zeros((lcs_kernel.SIGNATURE_WORDS, 1 << 6), np.uint64)
        self._bounds = np.zeros(1 << 6, np.float32)
        self._row_of = np.zeros(1 << 10, np.int32)
        self._own_bit = np.full((1 << 10) + 1, -1, np.int32)
        self._own_bit[-1] = 0
        for text in texts:
            self._append(text)
        self._choose_own_bits()

    def __len__(self) -> int:
        """How many texts."""
        return self._count

    def add(self, codes: Sequence[int]) -> None:
        """Append a text."""
        self._append(codes)
        if self._count >= self._next_count:
            self._choose_own_bits()
        else:
            self._sign(self._count - 1)

    def commons(self, codes: Sequence[int]) -> "NDArray[np.int32]":
        """LCS with every text, in words."""
        import numpy as np

        out = np.zeros(self._count, np.int32)
        if codes:
            self._make_room_for_words(codes)
            query = np.array(codes, np.int32)
            call_compiled(self._kernel.commons, query, self._codes, self._starts, self._row_of, out)
        return out

    def nearest(self, codes: Sequence[int]) -> tuple[int, int]:
        """Position of the earliest of the most similar texts, and its LCS; -1, 0 if no text shares a word."""
        import numpy as np

        if not codes:
            return -1, 0
        self._make_room_for_words(codes)
        query = np.array(codes, np.int32)
        mark = np.zeros((len(self._signatures), 1), np.uint64)
        ends = np.array([0, len(query)], np.int64)
        call_compiled(self._kernel.sign, query, ends, 0, 1, self._own_bit, self._row_of, mark)
        at, common = call_compiled(
            self._kernel.nearest,
            query,
            mark,
            self._signatures,
            self._lengths,
            self._codes,
            self._starts,
            self._row_of,
            self._bounds[: self._count],
        )
        return int(at), int(common)

    def _append(self, codes: Sequence[int]) -> None:
        self._make_room_for_words(codes)
        start = int(self._starts[self._count])
        stop = start + len(codes)
        self._codes = _with_room(self._codes, stop)
        self._starts = _with_room(self._starts, self._count + 2)
        self._lengths = _with_room(self._lengths, self._count + 1)
        self._bounds = _with_room(self._bounds, self._count + 1)
        self._signatures = _with_room(self._signatures, self._count + 1)
        self._codes[start:stop] = codes
        self._starts[self._count + 1] = stop
        self._lengths[self._count] = len(codes)
        self._count += 1

    def _make_room_for_words(self, codes: Sequence[int]) -> None:
        """Every code has a row and a bit; the last entry of `_own_bit` is the number of bits given away."""
        import numpy as np

        most = max(codes, default=0) + 1
        if most > len(self._row_of):
            given = self._own_bit[-1]
            self._row_of = np.zeros(2 * most, np.int32)
            own = np.full(2 * most + 1, -1, np.int32)
            own[: len(self._own_bit) - 1] = self._own_bit[:-1]
            own[-1] = given
            self._own_bit = own

    def _choose_own_bits(self) -> None:
        import numpy as np

        counts = np.bincount(self._codes[: self._starts[self._count]], minlength=1)
        frequent = np.argsort(-counts, kind="stable")[:_OWN_BITS]
        self._own_bit[:] = -1
        self._own_bit[frequent] = np.arange(len(frequent))
        self._own_bit[-1] = len(frequent)
        self._next_count = max(64, 2 * self._count)
        self._sign(0)

    def _sign(self, first: int) -> None:
        call_compiled(
            self._kernel.sign,
            self._codes,
            self._starts,
            first,
            self._count,
            self._own_bit,
            self._row_of,
            self._signatures,
        )


def call_compiled(function: Any, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the compiled function takes and gives
    """The result of a compiled function, also where its first call cannot save what was compiled.

    numba stores the machine code before it runs it. A full or failing disk must not stop a run over a cache: the code
    is in memory by then, so that the second call finds it.
    """
    try:
        return function(*arguments)
    except OSError:
        return function(*arguments)


def _with_room(array: "NDArray[Any]", columns: int) -> "NDArray[Any]":
    """The array, or a copy of twice the width if it has fewer columns."""
    import numpy as np

    if columns <= array.shape[-1]:
        return array
    wider = np.zeros((*array.shape[:-1], 2 * columns), array.dtype)
    wider[..., : array.shape[-1]] = array
    return wider
