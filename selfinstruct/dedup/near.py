"""Stage: of records that say nearly the same, the preferred one stays."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from selfinstruct.dedup import minhash
from selfinstruct.dedup.clusters import SAMPLE, Clusters, Curve, Shelves, clustered, curve
from selfinstruct.dedup.duplicate_records import (
    Keep,
    Over,
    begin_otherwise,
    compared_text,
    neighbour_and_answer,
    preference,
    refuse_unknown_keep,
    refuse_unknown_over,
    refuse_unmeasured,
)
from selfinstruct.dedup.minhash import Bands, TextBatch, chosen
from selfinstruct.errors import BadInput
from selfinstruct.needs import REDIS, IndexNeed, Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, PublishedIndex, PublishedRecord, Rejected, Scope
from selfinstruct.text import one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 4_096
"""Texts that the compiled loops take at once, or fewer:"""
_BATCH_BYTES = 1 << 23
_SHOWN = 1 << 14
"""Neighbours whose text stays in memory in case the next record has the same."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The record of an earlier run that one is most like: exact Jaccard, shingles in both, and of each."""

    published: PublishedRecord
    score: float
    common: int
    shingles: int


@dataclass(frozen=True, kw_only=True)
class Near:
    """Reject a record whose word shingles are nearly those of one that is kept.

    MinHash signatures (those of `datasketch`, see `minhash`) propose pairs, the exact Jaccard similarity of the shingle
    sets decides, and the removed record names the kept one that it was compared with. So none is removed wrongly (but
    for 64-bit hash collisions, some 1e-15 a pair); pairs missed: see `recall` in the measured `sketch`. Signs are no
    words: `2+2` and `2*2` are the same here, unless `over: record` lets the answers count. The system turn is not
    compared: shared by a whole set, it would make strangers alike.

    With an `index`, what earlier runs published is there already: a record so like one of it goes, whatever `keep`
    says, and nothing is compared with it. What this run publishes joins the index at its end.

    Evidence: `neighbour` (id), `neighbour_text`, `score`, `common`, `shingles` (of both), and where questions are
    compared `answer`: whether the one that stays answers the `same` or an`other` way; of a neighbour in the index
    `run`: the name of the run that published it. Memory: at most 700 bytes a record, and up to 1 GiB of shingles; texts
    whose shingles have no room are read again. The index needs its own, see `store.published_index`.
    """

    name: ClassVar[str] = "near"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    jaccard: float = 0.8
    """Shingles in both out of shingles in either, from which on it is too much; exactly this much is too much."""
    shingle_words: int = 3
    """Words of a shingle. A text of fewer words is one shingle."""
    over: Over = "instruction"
    """`instruction`: what is asked, inputs included; `response`: what is answered; `record`: both."""
    keep: Keep = "longest"
    """Of nearly the same: `longest` or `shortest` (characters of the whole record), `newest` (last in the input),
    `first`, or `best` (by `measure`); ties go to the earlier."""
    measure: str = ""
    """For `best`: the measure that an earlier stage gave the records; higher is better, none is worst."""
    num_perm: int = 128
    """Places of a signature: more find more, and cost more."""
    seed: int = 1
    """Of the permutations; 1 is the library's own."""
    index: str = ""
    """Where signatures of what runs published are kept: a folder, or `redis://HOST:PORT/DB#NAME` (a password in the
    variable REDIS_PASSWORD). Empty: this run knows of no other."""

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        refuse_unknown_over(self.over)
        refuse_unknown_keep(self.keep, self.measure)
        if not 0 < self.jaccard <= 1:
            raise BadInput(f"jaccard {self.jaccard} is not above 0 and at most 1", fix="write jaccard: 0.8")
        if self.shingle_words < 1:
            raise BadInput(f"shingle_words {self.shingle_words} is less than 1", fix="write shingle_words: 3")
        if not 1 <= self.num_perm <= 1 << 12:
            raise BadInput(f"num_perm {self.num_perm} is not within 1 and 4096", fix="write num_perm: 128")
        if not 0 <= self.seed < 1 << 32:
            raise BadInput(f"seed {self.seed} is not within 0 and 4294967295", fix="write seed: 1")
        chosen(self.jaccard, self.num_perm)
        if self.index and self.num_perm < 2:
            raise BadInput("an index needs two permutations or more", fix="write num_perm: 128")

    @property
    def needs(self) -> Needs:
        """The index of earlier runs where one is named; else nothing."""
        if not self.index:
            return Needs(hands_on="as_they_came")
        bands = self.bands if self.bands.bands > 1 else Bands(2, self.num_perm // 2)  # the library wants two at least
        return Needs(
            hands_on="as_they_came",
            extras=("redis",) if self.index.startswith(REDIS) else (),
            index=IndexNeed(
                place=self.index,
                over=self.over,
                shingle_words=self.shingle_words,
                num_perm=self.num_perm,
                seed=self.seed,
                bands=bands.bands,
                rows=bands.rows,
            ),
        )

    @property
    def bands(self) -> Bands:
        """Bands and rows of the signature, for the threshold."""
        return chosen(self.jaccard, self.num_perm)

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each record once, in order, after all were read."""
        yield Measured("sketch", self._sketch())
        if not len(records):
            return
        sampled = bench.random(0).sample(range(len(records)), min(SAMPLE, len(records)))
        clusters, similar, earlier = self._decided(records, sampled, bench.index if self.index else None)
        named = lru_cache(_SHOWN)(lambda position: neighbour_and_answer(records[position], self.over))
        others = 0
        for position, (task, twin) in enumerate(zip(records, clusters.neighbour.tolist(), strict=True)):
            if position in earlier:
                yield Rejected(task, "near_duplicate", _published_evidence(earlier[position]))
            elif twin < 0:
                yield Kept(task)
            else:
                evidence, answer = named(twin)
                answers: dict[str, Json] = {}
                if self.over == "instruction":
                    answer = compared_text(records[twin], "response") if answer is None else answer
                    other = _differ(answer, compared_text(task, "response"))
                    others += other
                    answers = {"answer": "other" if other else "same"}
                yield Rejected(task, "near_duplicate", {**evidence, **_compared(clusters, position, twin), **answers})
        conflicts: dict[str, Json] = {"with_another_answer": others} if self.over == "instruction" else {}
        yield Measured("near_duplicates", {**_summary(clusters), **conflicts, "kept": self.keep})
        if bench.index is not None and self.index:
            published: dict[str, Json] = {"records": len(bench.index), "removed": len(earlier)}
            yield Measured("published_before", published)
        empty = int((clusters.shingles == 0).sum()) - len(earlier)
        if empty:
            yield Measured("never_compared_for_want_of_text", empty)
        yield Measured("similarity_curve", similar.shares())
        method = "exact Jaccard of a seeded sample with all records: has a preferred one so alike"
        yield Measured("similarity_curve_basis", {"records": len(records), "sampled": similar.size, "method": method})

    def _sketch(self) -> dict[str, Json]:
        """Enough to make the same signatures with the library that has them too, and to know what they find."""
        return {
            "made_by": "selfinstruct, with signatures bit for bit those of datasketch 2",
            "scheme": minhash.SCHEME,
            "hashfunc": minhash.HASHFUNC,
            "seed": self.seed,
            "num_perm": self.num_perm,
            "shingle_words": self.shingle_words,
            "bands": self.bands.bands,
            "rows": self.bands.rows,
            "recall": self.bands.formula,
            "jaccard": self.jaccard,
            "recall_at_jaccard": round(self.bands.recall(self.jaccard), 6),
        }

    def _decided(
        self, records: Sequence[Task], sampled: Sequence[int], index: PublishedIndex | None
    ) -> tuple[Clusters, Curve, dict[int, Earlier]]:
        """Every record's fate, and the curve: one pass over the records, and the sample read before it.

        Those that an earlier run published have no shingles any more, so that they meet nobody.
        """
        import numpy as np

        bands, permuted = self.bands, minhash.permutations(self.num_perm, self.seed)
        prefer = preference(self.keep, self.measure)
        shelves = Shelves(len(records), bands.bands)
        preferences = np.empty(len(records))
        drawn, drawn_preferences = TextBatch(), list[float]()
        for position in sampled:
            task = records[position]
            drawn.add(compared_text(task, self.over))
            drawn_preferences.append(prefer(position, task))
        similar = curve(
            minhash.hashed(drawn, self.shingle_words), np.array(sampled, np.int64), np.array(drawn_preferences)
        )

        earlier: dict[int, Earlier] = {}

        def take(first: int, batch: TextBatch) -> None:
            texts = minhash.hashed(batch, self.shingle_words)
            signatures = minhash.signed(texts, permuted)
            shelves.add(first, texts, signatures, bands.rows)
            earlier.update(_met(index, first, texts, signatures, self.jaccard) if index is not None else {})
            similar.meet(first, texts, preferences[first : first + len(batch)])

        with ThreadPoolExecutor(1) as thread:  # compiled loops give up the GIL: one core reads, the other sketches
            taken: Future[None] | None = None
            first, batch = 0, TextBatch()
            for position, task in enumerate(records):
                preferences[position] = prefer(position, task)
                batch.add(compared_text(task, self.over))
                if len(batch) == _BATCH or len(batch.data) >= _BATCH_BYTES or position == len(records) - 1:
                    if taken:
                        taken.result()
                    taken = thread.submit(take, first, batch)
                    first, batch = position + 1, TextBatch()
            if taken:
                taken.result()
        if self.keep == "best" and not np.isfinite(preferences).any():
            refuse_unmeasured(self.name, self.measure)

        def read_again(position: int) -> "NDArray[np.uint64]":
            alone = TextBatch()
            alone.add(compared_text(records[position], self.over))
            return minhash.hashed(alone, self.shingle_words).hashes

        shelves.counts[list(earlier)] = 0
        return clustered(shelves, preferences, self.jaccard, read_again), similar, earlier


def _differ(one: str, other: str) -> bool:
    """Whether two answers are not the same, however they are spaced or capitalised."""
    if one == other:
        return False
    return begin_otherwise(one, other) or one_line(one).casefold() != one_line(other).casefold()


def _met(
    index: PublishedIndex, first: int, texts: minhash.HashedShingles, signatures: "NDArray[np.uint32]", jaccard: float
) -> Iterator[tuple[int, Earlier]]:
    """Of texts whose positions begin at `first`, those that an earlier run published."""
    for at, signature in enumerate(signatures):
        own = texts.hashes[texts.ends[at] : texts.ends[at + 1]]
        if len(own) and (earlier := _earlier(own, index.alike(signature), jaccard)) is not None:
            yield first + at, earlier


def _earlier(own: "NDArray[np.uint64]", proposed: Sequence[PublishedRecord], jaccard: float) -> Earlier | None:
    """The most alike of those that are so alike, the earliest published of equals."""
    import numpy as np

    best: Earlier | None = None
    for published in proposed:
        common = len(np.intersect1d(own, published.shingles, assume_unique=True))
        score = common / max(1, len(own) + len(published.shingles) - common)
        if score >= jaccard and (best is None or score > best.score):
            best = Earlier(published, score, common, len(own))
    return best


def _published_evidence(earlier: Earlier) -> dict[str, Json]:
    published = earlier.published
    return {
        "neighbour": published.record,
        "neighbour_text": published.text,
        "run": published.run,
        "score": earlier.score,
        "common": earlier.common,
        "shingles": [earlier.shingles, len(published.shingles)],
    }


def _compared(clusters: Clusters, position: int, twin: int) -> dict[str, Json]:
    return {
        "score": float(clusters.score[position]),
        "common": int(clusters.common[position]),
        "shingles": [int(clusters.shingles[position]), int(clusters.shingles[twin])],
    }


def _summary(clusters: Clusters) -> dict[str, Json]:
    """How the clusters came out: `sizes` counts them by how many they hold, the kept one too: 2, 3-4, 5-8, 9-16 ..."""
    import numpy as np

    removed = clusters.neighbour >= 0
    members = np.bincount(clusters.neighbour[removed]) + 1
    sizes = members[members > 1]
    doublings, counts = np.unique(np.ceil(np.log2(sizes)).astype(int), return_counts=True)
    spans = [f"{(1 << power - 1) + 1}-{1 << power}" if power > 1 else "2" for power in doublings.tolist()]
    return {
        "compared": clusters.compared,
        "removed": int(removed.sum()),
        "clusters": len(sizes),
        "largest": int(sizes.max(initial=0)),
        "sizes": dict(zip(spans, counts.tolist(), strict=True)),
    }
