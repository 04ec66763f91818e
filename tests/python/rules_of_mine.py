"""What a user brings: a rule, a stage as a class and one as a function."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import selfinstruct as si
from selfinstruct.stage import Scope


def no_poems(task: si.Task) -> str:
    return "a poem" if "poem" in task.instruction else ""


def raises(task: si.Task) -> str:
    raise ZeroDivisionError(task.instruction)


@dataclass(frozen=True, kw_only=True)
class Shorter(si.Stage):
    """Keeps instructions of at most so many characters."""

    name: ClassVar[str] = "shorter"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"

    than: int = 40

    def __call__(self, records: Sequence[si.Task], bench: si.Bench) -> Iterator[si.Outcome]:
        del bench
        for task in records:
            yield si.Kept(task) if len(task.instruction) <= self.than else si.Rejected(task, "long")


def even(records: Sequence[si.Task], bench: si.Bench) -> Iterator[si.Outcome]:
    """Keeps every other record."""
    del bench
    for number, task in enumerate(records):
        yield si.Rejected(task, "odd") if number % 2 else si.Kept(task)
