"""Yield, spend and time left, on stderr; quiet without a terminal."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from selfinstruct.cli.terminal import say
from selfinstruct.run.progress_events import Spend
from selfinstruct.stage import FATES, Failed, Outcome

_EVERY = 30.0  # seconds between two lines where there is no terminal


class ProgressLine:
    """One line that moves; what must be read stands above it."""

    def __init__(self) -> None:
        """Nothing is shown before `begin`."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True)
        self._piped = not sys.stderr.isatty()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[done]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=self._console, disable=self._piped, transient=True)
        self._task = self._progress.add_task("starting", total=None, done="")
        self._spend: Callable[[], Spend] | None = None
        self._made = self._failed = 0
        self._shown_at = 0.0
        self._said = time.monotonic()
        self._name, self._makes = "", False
        self._target: int | None = None
        self._records = self._reads = self._outcomes = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Show the progress line."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def begin(self, target: int | None, spend: Callable[[], Spend]) -> None:
        """The run starts; `target` is None where the inputs are the end."""
        self._spend = spend
        self._target = target
        self._tell(total=target)

    def stage(self, part: str, stage: str, records: int) -> None:
        """A stage begins, with so many records before it; 0 where it makes its own."""
        self._name, self._makes = f"{part} {stage}", not records and self._target is not None
        self._records, self._reads, self._outcomes, self._began = records, 0, 0, time.monotonic()
        if self._target is None:
            self._progress.reset(self._task, total=records or None)
            self._tell()

    def read(self) -> None:
        """The stage took one more record in hand; one that must see them all takes each several times."""
        self._reads += 1
        if self._target is None and not self._reads % 256:
            self._tell_rows()

    def outcome(self, part: str, stage: str, outcome: Outcome) -> None:
        """A stage yielded an outcome."""
        self._outcomes += isinstance(outcome, FATES)
        if self._makes and isinstance(outcome, FATES) and not isinstance(outcome, Failed):
            self._made += 1
        self._failed += isinstance(outcome, Failed)
        if self._target is None:
            if not self._outcomes % 256:
                self._tell_rows()
            return
        now = time.monotonic()
        of = f" of {self._records:,}" if self._records else ""
        failed = f", {self._failed:,} failed" if self._failed else ""
        so_far = f"{self._made:,} proposed so far{failed}"
        self._now_and_then(
            now, f"{part} {stage}: {so_far if self._makes else f'{self._outcomes:,}{of} records done; {so_far}'}"
        )
        if now - self._shown_at > 0.2:  # the eye needs no more
            self._shown_at = now
            self._tell(description=f"{part} {stage}")

    def _tell_rows(self) -> None:
        """Rows and their rate; before a stage that must see them all says anything, what it has read."""
        now = time.monotonic()
        if now - self._shown_at > 0.2:
            self._shown_at = now
            rows = self._outcomes or self._reads % max(1, self._records)
            rate = (self._outcomes or self._reads) / max(1e-9, now - self._began)
            known = f" of {self._records:,}" if self._records else ""
            self._now_and_then(now, f"{self._name}: {rows:,}{known} rows")
            doing = self._name if self._outcomes or not self._records else f"{self._name}, reading"
            self._tell(description=f"{doing}, {rate:,.0f} rows/s", completed=rows)

    def doing(self, what: str, done: int, of: int) -> None:
        """A stage that is long silent has done so many of so many; `of` is 0 where nobody knows."""
        now = time.monotonic()
        if now - self._shown_at < 0.2 and done < of:
            return
        self._shown_at = now
        self._now_and_then(now, f"{self._name}: {what}" + (f" {done:,} of {of:,}" if of else ""))
        description = (
            f"{self._name}, {what}" if not of or self._target is None else f"{self._name}, {what} {done:,} of {of:,}"
        )
        if self._target is None:
            self._tell(description=description, total=of or None, completed=done)
        else:
            self._tell(description=description)

    def round_done(self, number: int, kept: int) -> None:
        """A round is whole, made now or found; `kept` counts all rounds so far."""
        del number
        self._tell(completed=kept)

    def notice(self, line: str) -> None:
        """Something worth a line: a base URL, few seeds."""
        self._said = time.monotonic()
        say(line, err=True)

    def _now_and_then(self, now: float, line: str) -> None:
        """Into a pipe or a log, where no line can move, a line every half minute: silence looks like death."""
        if self._piped and now - self._said >= _EVERY:
            self._said = now
            say(line, err=True)

    def _tell(self, **changes: Any) -> None:  # noqa: ANN401 - what rich takes
        """Show changes, and beside the bar only what is known: no total that nobody knows, no zeroes at the start."""
        self._progress.update(self._task, **changes)
        [shown] = self._progress.tasks
        at = f"{shown.completed:,.0f}"
        known = f"{at} of {shown.total:,.0f}" if shown.total is not None else at if shown.completed else ""
        parts = [
            known,
            f"{self._made:,} made" if self._made else "",
            f"{self._failed:,} failed" if self._failed else "",
        ]
        self._progress.update(self._task, done=", ".join(filter(None, (*parts, self._spent()))))

    def _spent(self) -> str:
        spend = None if self._spend is None else self._spend()
        return money(spend) if spend is not None and spend.tokens else ""


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
