"""Stage: how evenly a set uses its labels, and how it names people compared with its seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.curate.variety.labels import Labels
from selfinstruct.curate.variety.skew import People, roles, terms
from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Scope


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Measure label balance, demographic terms and gendered roles; every task passes unchanged.

    Words of the lists in `people_words.py` are counted in all texts; English only.
    """

    name: ClassVar[str] = "balance"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = NOTHING

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every task, then one measurement."""
        labels, people, seeds = Labels(), People(), People()
        for seed in bench.pool.seeds:
            seeds.add(seed)
        for task in records:
            labels.add(task)
            people.add(task)
            yield Kept(task)
        yield Measured(
            "balance",
            {
                "labels": labels.as_json(),
                "terms": terms(people, seeds),
                "roles": roles(people, seeds),
                "words": people.words,
                "seed_words": seeds.words,
            },
        )
