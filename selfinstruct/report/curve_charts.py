"""Drawings of curves: several lines with their intervals over examples seen, or over cycles."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

from selfinstruct.report.drawing import FAINT, GRID, INK, draw
from selfinstruct.report.json_values import Estimate
from selfinstruct.report.phrases import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICKS = 7  # of an axis, at most
_APART = 0.09  # of the axis' width, at least between two of them


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: places and what was measured there."""

    colour: str
    points: Sequence[tuple[float, Estimate]]


@dataclass(frozen=True, slots=True)
class Across:
    """The axis below: places from left to right, with what is written there."""

    name: str
    ticks: Sequence[tuple[float, str]]


def place_of(examples: float, first: float) -> float:
    """Where so many examples stand on the axis: each doubling is one step, and 0 is one step before the first check.

    >>> [place_of(seen, 64) for seen in (0, 64, 128, 1024)]
    [0.0, 1.0, 2.0, 5.0]
    """
    return 1 + log2(examples / first) if examples >= first else examples / first


def examples_seen(checks: Sequence[int]) -> Across:
    """The axis of a training: ticks where checks were, as far as there is room."""
    first = next((seen for seen in checks if seen > 0), 1)
    return Across(
        "examples seen, doubling from step to step", [(place_of(seen, first), number(seen)) for seen in checks]
    )


def lines(
    name: str,
    label: str,
    drawn: Sequence[Line],
    across: Across,
    *,
    up: str,
    share: bool = False,
    stop: float | None = None,
) -> str:
    """The curves; an interval is a band. `share`: the upright axis goes from 0 to 1; `stop`: where a dashed line is."""
    told = [line for line in drawn if line.points]
    if not told:
        return ""

    def paint(axes: "Axes") -> None:
        for line in told:
            where = [at for at, _ in line.points]
            bands = [(at, one.low, one.high) for at, one in line.points if one.low is not None and one.high is not None]
            if bands:
                at, low, high = zip(*bands, strict=True)
                axes.fill_between(at, low, high, color=line.colour, alpha=0.16, linewidth=0)
            height = [one.value for _, one in line.points]
            axes.plot(where, height, color=line.colour, marker="o", markersize=5, markeredgewidth=0)
        _upright(axes, across, up)
        if share:
            axes.set_ylim(0, 1.02)
        else:
            top = max(one.high if one.high is not None else one.value for line in told for _, one in line.points)
            axes.set_ylim(0, top * 1.12 or 1)
        if stop is not None:
            axes.axvline(stop, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))

    return draw(name, label, 230, paint)


def _upright(axes: "Axes", across: Across, up: str) -> None:
    from matplotlib.ticker import MaxNLocator

    places = [at for at, _ in across.ticks]
    margin = max(0.02 * (places[-1] - places[0]), 0.02)
    axes.set_xlim(places[0] - margin, places[-1] + margin)
    axes.set_xlabel(across.name)
    axes.set_title(up, loc="left", fontsize=11, color=FAINT)
    axes.grid(visible=False, axis="x")
    axes.axhline(0, color=GRID, linewidth=1.5)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xticks(*_with_room(across.ticks))


def _with_room(ticks: Sequence[tuple[float, str]]) -> tuple[list[float], list[str]]:
    """As many of them as can be read, the last one always."""
    width = ticks[-1][0] - ticks[0][0]
    apart = max(_APART * width, width / _TICKS * 0.7)
    chosen = [ticks[-1]]
    for at, said in reversed(ticks[:-1]):
        if chosen[-1][0] - at >= apart:
            chosen.append((at, said))
    return [at for at, _ in chosen], [said for _, said in chosen]
