"""The index that outlives a run, in Redis: for one that many machines share, or that memory does not hold.

The bands are the library's own tables (datasketch's MinHashLSH with its Redis storage, byte ids, nothing pickled), so
that an index has the bands of whoever made it; beside them a hash each of sketch, publications and entries. A
publication is named last, when all of it is there; killed before, the next try writes the same again.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from selfinstruct.errors import BadInput, Stopped
from selfinstruct.needs import IndexNeed
from selfinstruct.stage import PublishedIndex, PublishedRecord
from selfinstruct.store.failpoints import failpoint
from selfinstruct.store.published_index import (
    IndexEntry,
    Publication,
    gone,
    hash_entry,
    record_of,
    refuse_other,
    sketch,
    sketch_of,
    tables,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PASSWORD, USER = "REDIS_PASSWORD", "REDIS_USERNAME"
"""Variables of the environment; an address with a password in it would be written into recipes."""
_GROUP = 1_000


class RedisIndex:
    """An index under one name in one database."""

    def __init__(self, need: IndexNeed) -> None:
        """Ask nothing yet; BadInput for an address that is none."""
        self.need, self.place = need, need.place
        address = _address(need.place)
        self._name = f"selfinstruct:{unquote(address.fragment) or 'near'}"
        self._knobs: dict[str, Any] = {
            "host": address.hostname,
            "port": address.port or 6379,
            "db": int(address.path.strip("/") or 0),
            "username": os.environ.get(USER) or None,
            "password": os.environ.get(PASSWORD) or None,
            "socket_timeout": 60,
            "socket_connect_timeout": 10,
        }

    def publications(self) -> Sequence[Publication]:
        """All, the earliest first; BadInput where nobody answers."""
        with _asking(self.place, first=True):
            client = self._client()
            made = client.get(self._key("sketch"))
            if made is None:
                return ()
            refuse_other(self.place, _object(made, self.place), self._sketch())
            return tuple(
                publication for _, publication, _ in sorted(self._publications(client), key=lambda entry: entry[0])
            )

    def opened(self, frozen: Sequence[str]) -> PublishedIndex:
        """The tables as they are; what is not among these publications is passed over."""
        with _asking(self.place):
            client = self._client()
            known = {
                publication.id: (publication.name, records) for _, publication, records in self._publications(client)
            }
            if any(publication_id not in known for publication_id in frozen):
                raise gone(self.place)
            return _RedisTables(
                self.place,
                client,
                self._key("entries"),
                self._tables(),
                self.need,
                {publication_id: known[publication_id][0] for publication_id in frozen},
                sum(known[publication_id][1] for publication_id in frozen),
            )

    def publish(self, publication: Publication, entries: Iterable[IndexEntry]) -> None:
        """Entries and bands first, and what names them last."""
        with _asking(self.place):
            client = self._client()
            client.set(self._key("sketch"), json.dumps(self._sketch()), nx=True)
            refuse_other(self.place, _object(client.get(self._key("sketch")), self.place), self._sketch())
            failpoint("before publishing to redis")
            if client.hexists(self._key("publications"), publication.id):
                return
            into, count = self._tables(), 0
            with into.insertion_session(_GROUP) as session:
                for entry in entries:
                    key = f"{publication.id}:{count}".encode()
                    client.hset(self._key("entries"), key, _packed(entry))
                    if entry.shingles:
                        import numpy as np

                        signature = np.frombuffer(entry.signature, "<u4")
                        session.insert(key, sketch(signature, self.need), check_duplication=False)
                    count += 1
            failpoint("within publishing to redis")
            fields = {
                "sequence": client.incr(self._key("sequence")),
                "run": publication.run,
                "name": publication.name,
                "records": count,
            }
            client.hsetnx(self._key("publications"), publication.id, json.dumps(fields))
        failpoint("after publishing to redis")

    def _publications(self, client: Any) -> Iterator[tuple[int, Publication, int]]:  # noqa: ANN401 - of an extra
        for name, text in client.hgetall(self._key("publications")).items():
            publication = _object(text, self.place)
            yield (
                publication["sequence"],
                Publication(name.decode(), publication["run"], publication["name"]),
                publication["records"],
            )

    def _sketch(self) -> dict[str, Any]:
        return {**sketch_of(self.need), "bands": self.need.bands, "rows": self.need.rows}

    def _tables(self) -> Any:  # noqa: ANN401 - a library without types
        config = {"type": "redis", "basename": self._key("bands").encode(), "redis": self._knobs}
        return tables(self.need, storage_config=config, prepickle=False)

    def _client(self) -> Any:  # noqa: ANN401 - of an extra
        import redis

        return redis.Redis(**self._knobs)

    def _key(self, what: str) -> str:
        return f"{self._name}:{what}"


class _RedisTables:
    """The tables of a database, as far as publications count."""

    def __init__(
        self,
        place: str,
        client: Any,  # noqa: ANN401 - of an extra
        entries: str,
        tables: Any,  # noqa: ANN401 - a library without types
        need: IndexNeed,
        frozen: dict[str, str],
        records: int,
    ) -> None:
        """`frozen`: id of each publication that counts, and the name of its run, in order."""
        self._place, self._client, self._entries, self._tables, self._need = place, client, entries, tables, need
        self._frozen, self._records = frozen, records
        self._order = {publication_id: at for at, publication_id in enumerate(frozen)}

    def __len__(self) -> int:
        return self._records

    def alike(self, signature: "NDArray[np.uint32]") -> Sequence[PublishedRecord]:
        """The earliest published first."""
        with _asking(self._place):
            met = []
            for key in self._tables.query(sketch(signature, self._need)) if self._frozen else ():
                publication, _, ordinal = key.decode().partition(":")
                if publication in self._order:
                    met.append((self._order[publication], int(ordinal), key))
            met.sort()
            rows = self._client.hmget(self._entries, [key for _, _, key in met]) if met else ()
        names = list(self._frozen.values())
        entries = []
        for (order, _, _), row in zip(met, rows, strict=True):
            if row is None:
                raise gone(self._place)
            entries.append(record_of(names[order], _unpacked(row, self._place)))
        return entries


def _packed(entry: IndexEntry) -> bytes:
    """A checksum, a line of JSON, then signature and shingles."""
    head = json.dumps([entry.record, entry.text, len(entry.signature)]).encode()
    made = sha256()
    hash_entry(made, entry)
    return made.digest() + head + b"\n" + entry.signature + entry.shingles


def _unpacked(row: bytes, place: str) -> IndexEntry:
    try:
        head, _, rest = row[32:].partition(b"\n")
        record, text, size = json.loads(head)
        entry, made = IndexEntry(record, text, rest[:size], rest[size:]), sha256()
        hash_entry(made, entry)
    except (ValueError, TypeError) as fault:
        raise _damaged(place) from fault
    if made.digest() != row[:32]:
        raise _damaged(place)
    return entry


def _object(text: bytes, place: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, TypeError) as fault:
        raise _damaged(place) from fault
    if not isinstance(value, dict):
        raise _damaged(place)
    return value


def _damaged(place: str) -> BadInput:
    return BadInput("damaged: something in it is not as it was written", place=place, fix="name another index")


def _address(place: str) -> SplitResult:
    try:
        address = urlsplit(place)
        right = bool(address.hostname) and (address.path.strip("/") or "0").isdigit() and (address.port or 1) > 0
    except ValueError:
        right = False
    if not right:
        raise BadInput("is no address of an index", place=place, fix="write redis://HOST:PORT/DB#NAME")
    if address.username or address.password:
        fix = f"leave it out of the address, and set {PASSWORD} (and {USER}) in the environment"
        raise BadInput("an address with a password is written into recipes", place="redis://...", fix=fix)
    return address


@contextmanager
def _asking(place: str, *, first: bool = False) -> Iterator[None]:
    """The client's faults in one line: before anything is done wrong input, later something to be resumed."""
    import redis

    try:
        yield
    except redis.RedisError as fault:
        what = str(fault) or type(fault).__name__
        if first:
            raise BadInput(what, place=place, fix="see that Redis runs there, or name a folder") from fault
        raise Stopped(f"{place}: {what}; see that Redis runs there, then run the same command again") from fault
