"""Temporary."""
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Outcome, Scope
@dataclass(frozen=True, kw_only=True)
class Classify:
    name: ClassVar[str] = "classify"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"
    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        for task in records:
            yield Kept(task.grown("classify", is_classification=False))
