"""Yield, spend and time left, on stderr; quiet without a terminal."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click

from selfinstruct.pipeline.watch import Spend
from selfinstruct.stage import Failed, Kept, Outcome, Rejected


class ProgressLine:
    """One line that moves; what must be read stands above it."""

    def __init__(self) -> None:
        """Nothing is shown before `begin`."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total} kept"),
            TextColumn("{task.fields[made]} made, {task.fields[failed]} failed, {task.fields[spend]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=self._console, disable=not sys.stderr.isatty(), transient=True)
        self._task = self._progress.add_task("starting", total=None, made=0, failed=0, spend="")
        self._spend: Callable[[], Spend] | None = None
        self._made = self._failed = 0
        self._told = 0.0

    def __enter__(self) -> Self:
        """Show it."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def begin(self, target: int | None, spend: Callable[[], Spend]) -> None:
        """As in `Watch`."""
        self._spend = spend
        self._progress.update(self._task, total=target)

    def outcome(self, part: str, stage: str, outcome: Outcome) -> None:
        """As in `Watch`."""
        if stage == "propose" and isinstance(outcome, Kept | Rejected):
            self._made += 1
        self._failed += isinstance(outcome, Failed)
        now = time.monotonic()
        if now - self._told > 0.2:  # the eye needs no more, and counting money reads the journal
            self._told = now
            self._progress.update(
                self._task, description=f"{part} {stage}", made=self._made, failed=self._failed, spend=self._spent()
            )

    def round_done(self, number: int, kept: int) -> None:
        """As in `Watch`."""
        del number
        self._progress.update(self._task, completed=kept, made=self._made, failed=self._failed, spend=self._spent())

    def notice(self, line: str) -> None:
        """As in `Watch`."""
        click.echo(line, err=True)

    def _spent(self) -> str:
        return "" if self._spend is None else money(self._spend())


def money(spend: Spend) -> str:
    """Dollars and tokens as a person reads them; an unknown price is never 0.

    >>> from decimal import Decimal
    >>> money(Spend(Decimal("0.0123"), 4500, 0)), money(Spend(Decimal(0), 4500, 3))
    ('$0.0123, 4,500 tokens', 'price unknown, 4,500 tokens')
    """
    if spend.unknown_prices:
        known = f"over ${spend.cost}, " if spend.cost else ""
        return f"{known}price unknown, {spend.tokens:,} tokens"
    return f"${spend.cost.normalize():f}, {spend.tokens:,} tokens"
