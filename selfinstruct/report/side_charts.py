"""Drawings of things side by side: two dots joined by a line, and shares of a whole, a row for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.report.drawing import FAINT, INK, KEPT, REJECTED, draw
from selfinstruct.report.json_values import Estimate
from selfinstruct.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 40
"""Rows of a drawing; more stand in the table beside it."""
_NAME = 26  # letters of a name that a row has room for
_UPPER, _LOWER = -0.17, 0.2  # lanes of a row, from its middle downwards


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One row: two shares that belong together, and perhaps one more with its interval."""

    name: str
    under: str = ""
    """Second line of the name."""
    first: float | None
    second: float | None
    mark: Estimate | None = None

    @property
    def known(self) -> bool:
        """There is something to draw."""
        return self.first is not None or self.second is not None or self.mark is not None


def pairs(name: str, label: str, drawn: Sequence[Pair], *, low: float = 0.0) -> str:
    """Two dots of each row joined by a line; below them, where there is one, the mark on its interval.

    Shares between `low` and 1; what is not known is not drawn.
    """
    told = [one for one in drawn if one.known][:MOST]
    if not told:
        return ""
    two_lines = any(one.under for one in told) or any(one.mark for one in told)

    def paint(axes: "Axes") -> None:
        for row, one in enumerate(told):
            lane = row + (_UPPER if one.mark else 0)
            if one.first is not None and one.second is not None:
                axes.plot((one.first, one.second), (lane, lane), color=FAINT, linewidth=2.5, zorder=2)
            for value, colour in ((one.first, REJECTED), (one.second, KEPT)):
                if value is not None:
                    axes.plot(value, lane, color=colour, marker="o", markersize=8.5, markeredgewidth=0, zorder=3)
            if one.mark:
                _mark(axes, one.mark, row + _LOWER)
        axes.set_yticks(range(len(told)), [_named(one) for one in told])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(len(told) - 0.5, -0.5)
        margin = (1 - low) * 0.025
        axes.set_xlim(low - margin, 1 + margin)
        axes.grid(visible=False, axis="y")

    return draw(name, label, 36 + (40 if two_lines else 26) * len(told), paint)


def shares(name: str, label: str, drawn: Sequence[tuple[str, Sequence[int]]], colours: Sequence[str]) -> str:
    """A bar for each row, divided by its counts, all of the same length."""
    told = [(who, counts) for who, counts in drawn if sum(counts)][:MOST]
    if not told:
        return ""

    def paint(axes: "Axes") -> None:
        for row, (_, counts) in enumerate(told):
            left, whole = 0.0, sum(counts)
            for count, colour in zip(counts, colours, strict=True):
                width = 100 * count / whole
                axes.barh(row, width, left=left, height=0.58, color=colour)
                left += width
        axes.set_yticks(range(len(told)), [shown(who, _NAME) or "(no name)" for who, _ in told])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(len(told) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of replies")
        axes.grid(visible=False)

    return draw(name, label, 52 + 28 * len(told), paint)


def _mark(axes: "Axes", mark: Estimate, lane: float) -> None:
    if mark.low is not None and mark.high is not None:
        axes.plot((mark.low, mark.high), (lane, lane), color=INK, linewidth=1.5, zorder=2)
        for end in (mark.low, mark.high):
            axes.plot((end, end), (lane - 0.07, lane + 0.07), color=INK, linewidth=1.5, zorder=2)
    axes.plot(mark.value, lane, color=INK, marker="D", markersize=5.5, markeredgewidth=0, zorder=3)


def _named(one: Pair) -> str:
    name = shown(one.name, _NAME) or "(no name)"
    return f"{name}\n{shown(one.under, _NAME)}" if one.under else name
