"""How many records would go at each threshold: exact nearest neighbours of a seeded sample.

Bands find nothing reliably below the threshold they were chosen for, so the curve does not use them. Each record of the
sample is compared with *all* records, by looking up every shingle in a table of the sample's shingles; it would go at
a threshold if a record that is preferred to it is so alike. That counts a little too many: in a chain the preferred
one may be gone itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.dedup.compiled import settled
from selfinstruct.dedup.minhash import Hashed
from selfinstruct.records import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selfinstruct.dedup.cluster_kernel import Sample

SAMPLE = 2_000
"""Records; a share of one half is then known to within 1.1 percentage points (one standard error)."""
THRESHOLDS = tuple(percent / 100 for percent in range(30, 100, 5))
_LEAST = 100
"""Records in the sample, whatever the work."""
_WORK = 500
"""Entries of the table that an average record may meet: shingles shared by all would make each meet each."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A sample, and what it has met so far."""

    sample: "Sample"

    def meet(self, first: int, texts: Hashed, preferences: "NDArray[np.float64]") -> None:
        """Texts whose positions begin at `first`."""
        from selfinstruct.dedup import cluster_kernel

        settled(cluster_kernel.meet, texts.hashes, texts.ends, first, preferences, self.sample)

    @property
    def size(self) -> int:
        """Records in the sample."""
        return len(self.sample.counts)

    def shares(self) -> dict[str, Json]:
        """Threshold -> share of the records that would go."""
        return {f"{at:g}": round(float((self.sample.best >= at).mean()), 6) for at in THRESHOLDS}


def curve(texts: Hashed, positions: "NDArray[np.int64]", preferences: "NDArray[np.float64]") -> Curve:
    """The sample as a table; only its first part where many share the same shingles."""
    import numpy as np

    from selfinstruct.dedup import cluster_kernel, near_kernel

    size = len(positions)
    counts = np.diff(texts.ends).astype(np.int32)
    members = np.repeat(np.arange(size, dtype=np.int32), counts)
    shingles = texts.hashes
    while True:
        distinct, lists = np.unique(shingles, return_inverse=True)
        found = np.bincount(lists, minlength=1)
        work = int((found.astype(np.int64) ** 2).sum()) // max(size, 1)
        if work <= _WORK or size <= _LEAST:
            break
        size = max(_LEAST, size * _WORK // work)
        shingles = shingles[: texts.ends[size]]
    members, positions, preferences, counts = (
        members[: len(shingles)],
        positions[:size],
        preferences[:size],
        counts[:size],
    )
    by_list = np.argsort(lists, kind="stable")
    room = near_kernel.room_for(len(distinct))
    slots, chosen = np.zeros(room, np.uint64), np.full(room, -1, np.int32)
    settled(cluster_kernel.enter, distinct, slots, chosen)
    ends = np.concatenate(([0], np.cumsum(found))).astype(np.int64)
    return Curve(
        cluster_kernel.Sample(slots, chosen, ends, members[by_list], counts, positions, preferences, np.zeros(size))
    )
