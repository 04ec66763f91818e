"""The files that the released program writes are made of what stages declare, whatever they are called."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from selfinstruct.needs import Needs
from selfinstruct.records import Task
from selfinstruct.run.publish import INSTRUCTIONS, write_reference
from selfinstruct.stage import Bench, Kept, Outcome, Scope
from selfinstruct.store.run_folder import RunFolder
from tests.run.toys import Count, Sieve, resolved, walked


@dataclass(frozen=True, kw_only=True)
class Unlike:
    """Measures novelty under a name of its own."""

    name: ClassVar[str] = "unlike"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "ordered"
    needs: ClassVar[Needs] = Needs(novelty_below=0.7, hands_on="with_evidence")

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        del bench
        for task in records:
            yield Kept(task, {"most_similar": {"Name a river.": 0.5}, "avg_similarity_score": 0.25})


def accepted(folder: Path, *stages: object) -> list[dict[str, object]]:
    recipe = resolved(10, *stages)
    result = walked(folder, recipe, per_round=2)
    write_reference(recipe, RunFolder(folder), result)
    return [json.loads(line) for line in (folder / "reference" / INSTRUCTIONS).read_text().splitlines()]


def test_accepted_instructions_are_those_of_the_stage_that_measures_novelty(tmp_path: Path) -> None:
    rows = accepted(tmp_path, Count(), Sieve(by=2), Unlike())
    assert [row["request_idx"] for row in rows] == sorted(row["request_idx"] for row in rows)  # type: ignore[type-var]
    assert {json.dumps(row["most_similar"]) for row in rows} == {'{"Name a river.": 0.5}'}
    assert len(rows) >= 10


def test_without_such_a_stage_there_are_none(tmp_path: Path) -> None:
    assert accepted(tmp_path, Count(), Sieve(by=2)) == []
