"""What somebody who waits may be told while a run goes on; results never depend on it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

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

    def outcome(self, part: str, stage: str, outcome: Outcome) -> None:
        """A stage said something."""

    def round_done(self, number: int, kept: int) -> None:
        """A round is whole, made now or found; `kept` counts all rounds so far."""

    def notice(self, line: str) -> None:
        """Something worth a line: a base URL, few seeds."""


class Nobody:
    """Nobody waits."""

    def begin(self, target: int | None, spend: Callable[[], Spend]) -> None:
        """As in `Watch`."""

    def outcome(self, part: str, stage: str, outcome: Outcome) -> None:
        """As in `Watch`."""

    def round_done(self, number: int, kept: int) -> None:
        """As in `Watch`."""

    def notice(self, line: str) -> None:
        """As in `Watch`."""
