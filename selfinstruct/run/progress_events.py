"""Events that a run reports while it goes on, for a progress display; results never depend on it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, overload

from selfinstruct.records import Task
from selfinstruct.stage import Outcome


@dataclass(frozen=True, slots=True)
class Spend:
    """Money and tokens so far, all attempts of this run together."""

    cost: Decimal
    tokens: int
    unknown_prices: int


class Watch(Protocol):
    """Told of what happens, as it happens."""

    def begin(self, target: int | None, spend: Callable[[], Spend]) -> None:
        """The run starts; `target` is None where the inputs are the end."""

    def stage(self, part: str, stage: str, records: int) -> None:
        """A stage begins, with so many records before it; 0 where it makes its own."""

    def read(self) -> None:
        """The stage took one more record in hand; one that must see them all takes each several times."""

    def outcome(self, part: str, stage: str, outcome: Outcome) -> None:
        """A stage yielded an outcome."""

    def doing(self, what: str, done: int, of: int) -> None:
        """A stage that is long silent has done so many of so many; `of` is 0 where nobody knows."""

    def round_done(self, number: int, kept: int) -> None:
        """A round is whole, made now or found; `kept` counts all rounds so far."""

    def notice(self, line: str) -> None:
        """Something worth a line: a base URL, few seeds."""


class Watched(Sequence[Task]):
    """Records whose reading is told of."""

    def __init__(self, records: Sequence[Task], watch: Watch) -> None:
        """`records` may lie on disk."""
        self._records, self._watch = records, watch

    def __len__(self) -> int:
        """As many as there are."""
        return len(self._records)

    def __iter__(self) -> Iterator[Task]:
        """Each record, reported to the watch as it is taken."""
        for record in self._records:
            self._watch.read()
            yield record

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        """Looked up, which nobody is told of."""
        return self._records[index]


class Unwatched:
    """A watch that shows nothing: of runs that are called from Python or by tests."""

    def begin(self, target: int | None, spend: Callable[[], Spend]) -> None:
        """Shows nothing."""

    def stage(self, part: str, stage: str, records: int) -> None:
        """Shows nothing."""

    def read(self) -> None:
        """Shows nothing."""

    def outcome(self, part: str, stage: str, outcome: Outcome) -> None:
        """Shows nothing."""

    def doing(self, what: str, done: int, of: int) -> None:
        """Shows nothing."""

    def round_done(self, number: int, kept: int) -> None:
        """Shows nothing."""

    def notice(self, line: str) -> None:
        """Shows nothing."""
