"""Indexes of what earlier runs published: frozen when a run begins, asked by its stages, grown when it publishes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from selfinstruct.dedup import minhash
from selfinstruct.dedup.duplicate_records import compared_text, neighbour_evidence
from selfinstruct.dedup.minhash import TextBatch, hashed, signed
from selfinstruct.errors import BadInput
from selfinstruct.needs import REDIS, IndexNeed
from selfinstruct.records import Json, Task, digest
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.stage import PublishedIndex, Stage
from selfinstruct.store.published_index import FolderIndex, IndexEntry, IndexStore, Publication, snapshot
from selfinstruct.store.redis_index import RedisIndex

_BATCH = 1_024


@dataclass(frozen=True, slots=True)
class Published:
    """The indexes of a run, by place, and what of them counts for it."""

    stores: Mapping[str, IndexStore]
    needs: Mapping[str, IndexNeed]
    own: str
    """The run's fingerprint without this."""
    name: str
    frozen: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def index_for(self, stage: Stage) -> PublishedIndex | None:
        """What a stage compares with."""
        need = stage.needs.index
        return None if need is None else self.stores[need.place].opened(self.frozen[need.place])

    @property
    def counted(self) -> dict[str, Json]:
        """For the run's identity: what it is compared with."""
        return {_key(place): list(ids) for place, ids in self.frozen.items()}

    def publish(self, kept: Sequence[Task]) -> None:
        """Put what the run published into each index; once, however often it is said."""
        for place, store in self.stores.items():
            publication = Publication(digest(self.own, *(task.id for task in kept)), self.own, self.name)
            store.publish(publication, _entries(kept, self.needs[place]))


def published(resolved: Resolved, own: str, name: str, before: Mapping[str, Json] | None) -> Published:
    """The indexes that a recipe names; BadInput for one that is none, or was made otherwise.

    `own`: fingerprint of the run without them, for the same command again is the same run and not its own duplicate.
    `before`: identity of the run that goes on; None: it begins now.
    """
    needs: dict[str, IndexNeed] = {}
    for stage in (*resolved.rounds, *resolved.stages):
        need = stage.needs.index
        if need is not None and needs.setdefault(need.place, need) != need:
            what = "two stages want it with other knobs"
            raise BadInput(what, place=f"index {need.place}", fix="give each stage an index of its own")
    stores = {place: _store(need) for place, need in needs.items()}
    frozen: dict[str, Sequence[str]] = {}
    for place, store in stores.items():
        there = store.publications()
        known = None if before is None else before.get(_key(place))
        frozen[place] = [str(identity) for identity in known] if isinstance(known, list) else snapshot(there, own)
    return Published(stores, needs, own, name, frozen)


def _key(place: str) -> str:
    return f"published.{place}"


def _store(need: IndexNeed) -> IndexStore:
    return RedisIndex(need) if need.place.startswith(REDIS) else FolderIndex(need)


def _entries(kept: Iterable[Task], need: IndexNeed) -> Iterator[IndexEntry]:
    permuted = minhash.permutations(need.num_perm, need.seed)
    waiting = iter(kept)
    while tasks := list(islice(waiting, _BATCH)):
        batch = TextBatch()
        for task in tasks:
            batch.add(compared_text(task, need.over))
        texts = hashed(batch, need.shingle_words)
        signatures = signed(texts, permuted).astype("<u4")
        for at, task in enumerate(tasks):
            text = str(neighbour_evidence(task, need.over)["neighbour_text"])
            shown = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
            shingles = texts.hashes[texts.ends[at] : texts.ends[at + 1]].astype("<u8").tobytes()
            yield IndexEntry(task.id, shown, signatures[at].tobytes(), shingles)
