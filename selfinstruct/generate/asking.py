"""Sends requests to a model lazily, and hands each answer back beside what it was asked for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from selfinstruct.records import Completion, Failure, Request
from selfinstruct.stage import Model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """What was asked about, and what came of it."""

    about: T
    reply: Completion | Failure


def ask(model: Model, subjects: Iterable[T], request: Callable[[T], Request]) -> Iterator[Asked[T]]:
    """One request for each subject, in order; only as far ahead as the model looks."""
    waiting: deque[T] = deque()

    def requests() -> Iterator[Request]:
        for subject in subjects:
            waiting.append(subject)
            yield request(subject)

    for reply in model.complete(requests()):
        yield Asked(waiting.popleft(), reply)
