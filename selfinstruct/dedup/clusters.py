"""Which near-duplicates stay, in order of preference; how many would go at each threshold (the curve).

Greedy against the kept ones, not connected components: in a chain A ~ B ~ C with A unlike C, components would
remove C for its likeness to B, which is gone itself. Here each removed record names a kept one it was compared with.

Bands find nothing reliably below the threshold they were chosen for, so the curve does not use them. Each record of the
sample is compared with *all* records, by looking up every shingle in a table of the sample's shingles; it would go at
a threshold if a record that is preferred to it is so alike. That counts a little too many: in a chain the preferred
one may be gone itself.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfinstruct.dedup.minhash import HashedShingles
from selfinstruct.dedup.rouge_index_compiled import call_compiled
from selfinstruct.records import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selfinstruct.dedup.cluster_kernel import Meetings, Sample, Shelf, Turns, Verdicts


ROOM = 1 << 27
"""Shingle hashes held in memory, eight bytes each: 1 GiB. Texts beyond are read again when they must be compared."""
_FIRST_ROOM = 1 << 16
_TURNS = 1 << 12
"""Texts decided in one compiled call, which no signal can interrupt."""
SAMPLE = 2_000
"""Records; a share of one half is then known to within 1.1 percentage points (one standard error)."""
THRESHOLDS = tuple(percent / 100 for percent in range(30, 100, 5))
_LEAST = 100
"""Records in the sample, whatever the work."""
_WORK = 500
"""Entries of the table that an average record may meet: shingles shared by all would make each meet each."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """The fate of each record, by position."""

    neighbour: "NDArray[np.int32]"
    """The kept record that it duplicates, -1 for a kept one."""
    common: "NDArray[np.int32]"
    """Shingles shared with it."""
    score: "NDArray[np.float64]"
    """Jaccard similarity with it."""
    shingles: "NDArray[np.int32]"
    """Of each record."""
    compared: int
    """Pairs that were proposed and compared exactly."""


@dataclass(slots=True)
class Shelves:
    """Shingle hashes and band keys of the records, as they come in."""

    records: int
    bands: int
    room: int = ROOM
    keys: "NDArray[np.uint64]" = field(init=False)
    begins: "NDArray[np.int64]" = field(init=False)
    counts: "NDArray[np.int32]" = field(init=False)
    hashes: "NDArray[np.uint64]" = field(init=False)
    marks: "NDArray[np.uint64]" = field(init=False)
    filled: int = 0

    def __post_init__(self) -> None:
        """Room for the band keys of all, and shingles to begin with."""
        import numpy as np

        from selfinstruct.dedup import cluster_kernel

        self.marks = np.empty((self.records, cluster_kernel.MARK_WORDS), np.uint64)
        self.keys = np.empty((self.bands, self.records), np.uint64)
        self.begins = np.full(self.records, -1, np.int64)
        self.counts = np.zeros(self.records, np.int32)
        self.hashes = np.empty(min(self.room, _FIRST_ROOM), np.uint64)

    def add(self, first: int, texts: HashedShingles, signatures: "NDArray[np.uint32]", rows: int) -> None:
        """Texts whose positions begin at `first`; the ones there is room for stay in memory."""
        import numpy as np

        from selfinstruct.dedup import cluster_kernel, near_kernel

        last = first + len(texts.ends) - 1
        call_compiled(near_kernel.band_keys, signatures, rows, first, self.keys)
        call_compiled(cluster_kernel.mark, texts.hashes, texts.ends, first, self.marks)
        self.counts[first:last] = np.diff(texts.ends)
        fit = int(np.searchsorted(texts.ends, self.room - self.filled, "right")) - 1
        more = int(texts.ends[fit])
        if self.filled + more > len(self.hashes):
            # grown in place where the system can: two copies would double the peak
            self.hashes.resize(min(self.room, max(2 * len(self.hashes), self.filled + more)), refcheck=False)
        self.hashes[self.filled : self.filled + more] = texts.hashes[:more]
        self.begins[first : first + fit] = self.filled + texts.ends[:fit]
        self.filled += more


def clustered(
    shelves: Shelves,
    preferences: "NDArray[np.float64]",
    threshold: float,
    read_again: "Callable[[int], NDArray[np.uint64]]",
    workers: int = 2,
) -> Clusters:
    """Decide each record; lower `preferences` go first, the earlier of equals. Takes the band keys out of `shelves`.

    `read_again` gives the shingle hashes of a record that had no room. `workers` threads change only the time.
    """
    import numpy as np

    from selfinstruct.dedup import cluster_kernel, near_kernel

    count = shelves.records
    meetings = _meetings(shelves, workers)
    shelf = cluster_kernel.Shelf(shelves.hashes, shelves.begins, shelves.counts, shelves.marks)
    verdicts = cluster_kernel.Verdicts(np.full(count, -1, np.int32), np.zeros(count, np.int32), np.zeros(count))
    order = np.argsort(preferences, kind="stable")
    ranks = np.empty(count, np.int64)
    ranks[order] = np.arange(count)
    turns = cluster_kernel.Turns(order, ranks)
    table = np.empty(near_kernel.room_for(int(shelf.counts.max(initial=1))), np.uint64)
    stamps, entered = np.full(len(table), -1, np.int64), np.full(1, -1, np.int64)
    scratch = cluster_kernel.ClusterScratch(table, stamps, entered, np.zeros(1, np.int64))
    rank = 0
    while rank < count:
        last = min(rank + _TURNS, count)
        rank = call_compiled(cluster_kernel.settle, turns, rank, last, threshold, shelf, meetings, verdicts, scratch)
        if rank < last:
            scratch.compared[0] += _settle_one(rank, turns, threshold, shelf, meetings, verdicts, read_again)
            rank += 1
    return Clusters(verdicts.neighbour, verdicts.common, verdicts.score, shelves.counts, int(scratch.compared[0]))


def _meetings(shelves: Shelves, workers: int) -> "Meetings":
    """Buckets of two texts and more, numbered through all bands."""
    import numpy as np

    from selfinstruct.dedup import cluster_kernel

    buckets = np.empty((shelves.records, shelves.bands), np.int32)
    keys, shelves.keys = shelves.keys, shelves.keys[:0]
    sizes, free = [np.zeros(0, np.int32)], 0
    with ThreadPoolExecutor(workers) as threads:
        for band, order in enumerate(threads.map(np.argsort, keys)):
            of_band = np.empty(shelves.records // 2, np.int32)
            first, free = free, call_compiled(cluster_kernel.numbered, order, keys[band], band, free, buckets, of_band)
            sizes.append(of_band[: free - first].copy())
    # texts without shingles all have the same empty signature: they meet nobody
    buckets[shelves.counts == 0] = -1
    starts = np.concatenate(([0], np.cumsum(np.concatenate(sizes), dtype=np.int64)))
    return cluster_kernel.Meetings(
        buckets,
        np.stack((starts, starts), axis=1),
        np.empty((int(starts[-1]), 2), np.uint64),
        np.full(shelves.records, -1, np.int32),
    )


def _settle_one(
    rank: int,
    turns: "Turns",
    threshold: float,
    shelf: "Shelf",
    meetings: "Meetings",
    verdicts: "Verdicts",
    read_again: "Callable[[int], NDArray[np.uint64]]",
) -> int:
    """What the compiled loop does for one text, where shingles must be read again; returns how many it compared."""
    import numpy as np

    from selfinstruct.dedup import cluster_kernel

    def shingles(position: int) -> "NDArray[np.uint64]":
        begin = shelf.begins[position]
        return shelf.hashes[begin : begin + shelf.counts[position]] if begin >= 0 else read_again(position)

    text = int(turns.order[rank])
    own = shingles(text)
    met = call_compiled(cluster_kernel.met, text, threshold, shelf, meetings).tolist()
    best = (0.0, 0, -1, 0)
    for other in met:
        common = len(np.intersect1d(own, shingles(other), assume_unique=True))
        score = common / (len(own) + int(shelf.counts[other]) - common)
        if score >= threshold:
            best = max(best, (score, -int(turns.ranks[other]), other, common))
    verdicts.score[text], _, verdicts.neighbour[text], verdicts.common[text] = best
    if best[2] < 0:
        call_compiled(cluster_kernel.keep, text, shelf, meetings)
    return len(met)


@dataclass(frozen=True, slots=True)
class Curve:
    """A sample, and what it has met so far."""

    sample: "Sample"

    def meet(self, first: int, texts: HashedShingles, preferences: "NDArray[np.float64]") -> None:
        """Texts whose positions begin at `first`."""
        from selfinstruct.dedup import cluster_kernel

        call_compiled(cluster_kernel.meet, texts.hashes, texts.ends, first, preferences, self.sample)

    @property
    def size(self) -> int:
        """Records in the sample."""
        return len(self.sample.counts)

    def shares(self) -> dict[str, Json]:
        """Threshold -> share of the records that would go."""
        return {f"{at:g}": round(float((self.sample.best >= at).mean()), 6) for at in THRESHOLDS}


def curve(texts: HashedShingles, positions: "NDArray[np.int64]", preferences: "NDArray[np.float64]") -> Curve:
    """The sample as a table; only its first part where many share the same shingles."""
    import numpy as np

    from selfinstruct.dedup import cluster_kernel, near_kernel

    size = len(positions)
    counts = np.diff(texts.ends).astype(np.int32)
    members = np.repeat(np.arange(size, dtype=np.int32), counts)
    shingles = texts.hashes
    while True:
        distinct, lists = np.unique(shingles, return_inverse=True)
        list_sizes = np.bincount(lists, minlength=1)
        work = int((list_sizes.astype(np.int64) ** 2).sum()) // max(size, 1)
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
    call_compiled(cluster_kernel.enter, distinct, slots, chosen)
    ends = np.concatenate(([0], np.cumsum(list_sizes))).astype(np.int64)
    return Curve(
        cluster_kernel.Sample(slots, chosen, ends, members[by_list], counts, positions, preferences, np.zeros(size))
    )
