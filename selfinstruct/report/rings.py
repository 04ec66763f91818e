"""Two rings: names within, and around each what goes with it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.report.drawing import INK, KEPT, draw
from selfinstruct.report.summary import Count
from selfinstruct.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Ring:
    """A piece of the inner ring, and the pieces around it."""

    name: str
    count: int
    around: tuple[Count, ...]


def rings(name: str, label: str, pieces: Sequence[Ring]) -> str:
    """Two rings: names within, what goes with each around it; what nothing names stays plain."""
    if not pieces:
        return ""
    inner = [piece.count for piece in pieces]
    shades = [0.85 if at % 2 else 0.6 for at in range(len(pieces))]
    outer: list[tuple[str, int, float]] = []
    for piece, shade in zip(pieces, shades, strict=True):
        named = [(one.name, one.count, shade * 0.65) for one in piece.around if one.count]
        outer += [*named, ("", max(0, piece.count - sum(count for _, count, _ in named)), 0.08)]

    def paint(axes: "Axes") -> None:
        for sizes, radius, tints in (
            ([count for _, count, _ in outer], 1.0, [tint for *_, tint in outer]),
            (inner, 0.66, shades),
        ):
            wedges = axes.pie(sizes, radius=radius, startangle=90, counterclock=False, wedgeprops={"width": 0.32})[0]
            for wedge, tint in zip(wedges, tints, strict=True):
                wedge.set(facecolor=KEPT, alpha=tint, linewidth=0)
        _around(axes, [(piece.name, piece.count) for piece in pieces], 0.5)
        _around(axes, [(said, count) for said, count, _ in outer], 0.84)
        axes.set_axis_off()

    return draw(name, label, 420, paint)


def _around(axes: "Axes", pieces: Sequence[tuple[str, int]], radius: float) -> None:
    """Names in their pieces of a ring, where there is room for them."""
    whole = sum(count for _, count in pieces)
    at = 0.0
    for said, count in pieces:
        turn = (at + count / 2) / whole
        at += count
        if said and count / whole > 0.018:
            angle = 90 - 360 * turn
            upright = angle if -90 <= angle <= 90 else angle + 180
            where = (radius * math.cos(math.radians(angle)), radius * math.sin(math.radians(angle)))
            axes.text(*where, shown(said, 12), ha="center", va="center", rotation=upright, color=INK, fontsize=8)
