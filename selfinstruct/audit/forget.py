"""Stage: drop records, and all that was made of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import shown

SHORTEST = 6
"""Characters of an id that are enough."""


@dataclass(frozen=True, kw_only=True)
class Forget:
    """Reject the named records and their descendants, as `forgotten`, each with the way from what was named.

    A record descends from those that its provenance names as parents: what it was made of, and the demonstrations that
    were shown. Of those that are not in the set `lineage` tells the parents.
    """

    name: ClassVar[str] = "forget"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"

    ids: tuple[str, ...]
    """Of records or seeds; the first six characters are enough, where they are one record's alone. A user's own `id`
    will do as well."""
    lineage: Mapping[str, tuple[str, ...]] | None = None
    """Parents of records that are not in the set, by id; `selfinstruct forget` reads them from a run folder."""

    @property
    def needs(self) -> Needs:
        """No model and no file; what stays is handed on as it came."""
        return Needs(hands_on="as_they_came")

    def __post_init__(self) -> None:
        """Refuse an empty list of ids, or an id that is no text."""
        if not self.ids or any(not isinstance(identity, str) or not identity.strip() for identity in self.ids):
            raise BadInput("no id", place="stage forget: ids", fix="name some; they stand in kept.jsonl")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each record, kept or forgotten."""
        del bench
        parents = {task.id: task.provenance.parents for task in records}
        parents = {**{child: tuple(of) for child, of in (self.lineage or {}).items()}, **parents}
        named = {identity: named_by(identity, parents, records) for identity in self.ids}
        roots = {root: identity for identity, root in named.items()}
        ways: dict[str, tuple[str, ...]] = {}
        gone, counts = 0, dict.fromkeys(self.ids, 0)
        for task in records:
            way = way_from(task.id, roots, parents, ways)
            if not way:
                yield Kept(task)
                continue
            gone += 1
            counts[roots[way[0]]] += 1
            yield Rejected(task, "forgotten", {"named": way[0], "way": [*way]})
        yield Measured("forget", {"forgotten": gone, "by": {**counts}})


def named_by(identity: str, parents: Mapping[str, tuple[str, ...]], records: Sequence[Task]) -> str:
    """The full id of what is named; BadInput for none, or several."""
    known = dict.fromkeys((*parents, *(parent for of in parents.values() for parent in of)))
    matches = [full_id for full_id in known if full_id.startswith(identity)] if len(identity) >= SHORTEST else []
    matches += [task.id for task in records if task.extra.get("id") == identity and task.id not in matches]
    if len(matches) == 1:
        return matches[0]
    what = f"'{shown(identity, 80)}' names {len(matches) or 'no'} record{'s' if len(matches) != 1 else ''} of the set"
    short = f"give at least {SHORTEST} characters of an id" if len(identity) < SHORTEST else "ids stand in kept.jsonl"
    raise BadInput(what, place="forget", fix=f"such as {matches[0]} and {matches[1]}" if matches else short)


def way_from(
    identity: str,
    roots: Mapping[str, str],
    parents: Mapping[str, tuple[str, ...]],
    known: dict[str, tuple[str, ...]],
) -> tuple[str, ...]:
    """Ids from what was named to this record; empty where it descends from none of them.

    >>> way_from("c", {"a": "a"}, {"b": ("a",), "c": ("b", "x")}, {})
    ('a', 'b', 'c')
    """
    stack = [identity]
    while stack:
        current = stack[-1]
        waiting = [up for up in parents.get(current, ()) if up not in known and up not in roots and up not in stack]
        if current not in roots and waiting:
            stack.append(waiting[0])
            continue
        stack.pop()
        above = [up for up in parents.get(current, ()) if up in roots or known.get(up)]
        way = (current,) if current in roots else (*(known.get(above[0]) or (above[0],)), current) if above else ()
        known[current] = way
    return known[identity]
