"""Demonstrations drawn towards what the last student failed on."""

from collections.abc import Mapping, Sequence
from random import Random

from selfinstruct.records import Task

_NAMED = 0.5  # share of requests that name a kind: what is failed on is wanted more, and not alone


def draw(
    rng: Random,
    machine: Sequence[Task],
    seeds: Sequence[Task],
    demonstrations: int,
    from_machine: int,
    guidance: Mapping[str, float],
) -> list[Task]:
    """Demonstrations of one prompt, each task as likely as its weight says (1 where none is given), in any order.

    Human seeds fill what machine tasks leave, so that they stay at least as many as without guidance; where seeds are
    few there are no more machine tasks than seeds.
    """
    drawn = _weighted(rng, machine, min(from_machine, len(seeds)), guidance)
    drawn += _weighted(rng, seeds, demonstrations - len(drawn), guidance)
    rng.shuffle(drawn)
    return drawn


def kind(rng: Random, wanted: Mapping[str, float]) -> str:
    """The kind of task that a request names: for every other one a kind that is wanted, by weight; else none.

    >>> [kind(Random(number), {"tasks about rivers": 2.0}) for number in range(4)]
    ['', 'tasks about rivers', '', 'tasks about rivers']
    """
    if not wanted or rng.random() >= _NAMED:
        return ""
    return rng.choices(list(wanted), list(wanted.values()))[0]


def _weighted(rng: Random, tasks: Sequence[Task], count: int, guidance: Mapping[str, float]) -> list[Task]:
    """So many different tasks, drawn one after another by weight (Efraimidis and Spirakis, 2006)."""
    keys = [rng.random() ** (1.0 / guidance.get(task.id, 1.0)) for task in tasks]
    order = sorted(range(len(tasks)), key=lambda at: -keys[at])
    return [tasks[at] for at in order[: max(0, count)]]
