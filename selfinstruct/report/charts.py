"""The charts of what was measured: curves, things side by side, rings; None when there is nothing to draw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from selfinstruct.report.drawing import (
    FAINT,
    INK,
    KEPT,
    REJECTED,
    WIDTH,
    Axis,
    Chart,
    Dot,
    Frame,
    Path,
    Point,
    Shape,
    Wedge,
    Word,
    framed,
    named_rows,
    row_name,
    sheet,
    spread,
    stacked,
    through,
    ticks,
)
from selfinstruct.report.json_values import ShownEstimate
from selfinstruct.report.number_words import number
from selfinstruct.report.summary import Count
from selfinstruct.text import shown

MOST_PAIRS = 40
"""Rows of a chart of pairs or shares; more stand in the table beside it."""
_COVERS = 0.02  # nearer than this a dot would hide the other, which is drawn larger then
_UPPER, _LOWER = -0.17, 0.2  # lanes of a row, from its middle downwards


def curve(label: str, points: Sequence[tuple[float, float]], *, across: str, up: str) -> Chart | None:
    """A line through points; shares on the upright axis."""
    if not points:
        return None
    ordered = sorted(points)
    low, high = ordered[0][0], ordered[-1][0]
    margin = (high - low) * 0.03 or 0.5
    highest = max(0.02, *(height for _, height in ordered))
    frame, shapes = framed(
        Axis(low - margin, high + margin, ticks(low, high), across),
        Axis(0, highest * 1.1, ticks(0, highest), up),
    )
    return sheet(label, [*shapes, *through([(frame.x(at), frame.y(height)) for at, height in ordered], KEPT)], 230)


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One curve: places and what was measured there."""

    colour: str
    points: Sequence[tuple[float, ShownEstimate]]


def place_of(examples: float, first: float) -> float:
    """Where so many examples stand on the axis: each doubling is one step, and 0 is one step before the first check.

    >>> [place_of(seen, 64) for seen in (0, 64, 128, 1024)]
    [0.0, 1.0, 2.0, 5.0]
    """
    return 1 + math.log2(examples / first) if examples >= first else examples / first


def examples_seen(checks: Sequence[int]) -> Axis:
    """The axis of a training: ticks where checks were, as far as there is room."""
    first = next((seen for seen in checks if seen > 0), 1)
    places = [(place_of(seen, first), number(seen)) for seen in checks]
    return places_axis(places, "examples seen, doubling from step to step")


def places_axis(places: Sequence[tuple[float, str]], name: str) -> Axis:
    """An axis from the first place to the last, with words at as many as there is room for."""
    low, high = places[0][0], places[-1][0]
    margin = max(0.02 * (high - low), 0.02)
    return Axis(low - margin, high + margin, spread(places, 0.85 * WIDTH, low, high), name)


def lines(
    label: str, drawn: Sequence[ChartLine], across: Axis, *, up: str, share: bool = False, stop: float | None = None
) -> Chart | None:
    """The curves; an interval is a band. `share`: the upright axis goes from 0 to 1; `stop`: where a dashed line is."""
    measured = [line for line in drawn if line.points]
    if not measured:
        return None
    every = [estimate for line in measured for _, estimate in line.points]
    top = 1.0 if share else max(estimate.value if estimate.high is None else estimate.high for estimate in every) or 1.0
    bottom = min(0.0, *(estimate.value if estimate.low is None else estimate.low for estimate in every), 0.0)
    upright = Axis(bottom, top * (1.02 if share else 1.12), ticks(bottom, top), up)
    frame, shapes = framed(across, upright)
    for line in measured:
        bands = [
            (at, estimate.low, estimate.high)
            for at, estimate in line.points
            if estimate.low is not None and estimate.high is not None
        ]
        if len(bands) > 1:
            upper = [(frame.x(at), frame.y(high)) for at, _, high in bands]
            lower = [(frame.x(at), frame.y(low)) for at, low, _ in reversed(bands)]
            shapes.append(Path([*upper, *lower], line.colour, filled=True, opacity=0.16))
        for at, low, high in bands if len(bands) == 1 else ():
            shapes.append(Path(((frame.x(at), frame.y(low)), (frame.x(at), frame.y(high))), line.colour, opacity=0.4))
        shapes += through([(frame.x(at), frame.y(estimate.value)) for at, estimate in line.points], line.colour)
    if stop is not None:
        shapes.append(frame.upright(stop))
    return sheet(label, shapes, 230)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartPair:
    """One row: two shares that belong together, and perhaps one more with its interval."""

    name: str
    under: str = ""
    """Second line of the name."""
    first: float | None
    second: float | None
    mark: ShownEstimate | None = None

    @property
    def known(self) -> bool:
        """Whether there is something to draw."""
        return self.first is not None or self.second is not None or self.mark is not None


def pairs(label: str, drawn: Sequence[ChartPair]) -> Chart | None:
    """Two dots of each row joined by a line; below them, or alone, where there is one, the mark on its interval.

    Shares between 0 and 1, or wider where a value lies outside; what is not known is not drawn.
    """
    rows = [pair for pair in drawn if pair.known][:MOST_PAIRS]
    if not rows:
        return None
    values = [value for pair in rows for value in (pair.first, pair.second, *_ends(pair.mark)) if value is not None]
    low, high = min(0.0, *values), max(1.0, *values)
    margin = (high - low) * 0.025
    dots = any(pair.first is not None or pair.second is not None for pair in rows)
    two_lines = any(pair.under for pair in rows) or (dots and any(pair.mark for pair in rows))
    row = 40.0 if two_lines else 26.0
    names = [row_name(pair.name) + (f"\n{row_name(pair.under)}" if pair.under else "") for pair in rows]
    frame, shapes = named_rows(names, row, Axis(low - margin, high + margin, ticks(low, high)), below=20.0)
    for place, pair in enumerate(rows):
        lane = frame.y(place + (_UPPER if pair.mark else 0))
        if pair.first is not None and pair.second is not None:
            shapes.append(Path(((frame.x(pair.first), lane), (frame.x(pair.second), lane)), FAINT, 2.5))
        covered = pair.first is not None and pair.second is not None and abs(pair.first - pair.second) < _COVERS
        for value, colour, radius in ((pair.first, REJECTED, 6.6 if covered else 4.4), (pair.second, KEPT, 4.4)):
            if value is not None:
                shapes.append(Dot(frame.x(value), lane, radius, colour))
        if pair.mark:
            shapes += _interval(frame, pair.mark, frame.y(place + (_LOWER if two_lines else 0)))
    return sheet(label, shapes, row * len(rows) + 20)


def shares(label: str, drawn: Sequence[tuple[str, Sequence[int]]], colours: Sequence[str]) -> Chart | None:
    """A bar for each row, divided by its counts, all of the same length."""
    rows = [(who, counts) for who, counts in drawn if sum(counts)][:MOST_PAIRS]
    if not rows:
        return None
    axis = Axis(0, 100, ticks(0, 100), "% of replies")
    frame, shapes = named_rows([row_name(who) for who, _ in rows], 28.0, axis, below=36.0)
    for row, (_, counts) in enumerate(rows):
        parts = [(100 * count / sum(counts), colour) for count, colour in zip(counts, colours, strict=True)]
        shapes += stacked(frame, row, parts, 16.0)
    return sheet(label, shapes, 28.0 * len(rows) + 36)


@dataclass(frozen=True, slots=True)
class Ring:
    """A piece of the inner ring, and the pieces around it."""

    name: str
    count: int
    around: tuple[Count, ...]


def two_rings(label: str, pieces: Sequence[Ring]) -> Chart | None:
    """Names within, what goes with each around it; what nothing names stays plain."""
    pieces = [piece for piece in pieces if piece.count > 0]
    if not pieces:
        return None
    inner = [(piece.name, piece.count, 0.85 if at % 2 else 0.6) for at, piece in enumerate(pieces)]
    outer: list[tuple[str, int, float]] = []
    for piece, (_, _, shade) in zip(pieces, inner, strict=True):
        named = [(neighbour.name, neighbour.count, shade * 0.65) for neighbour in piece.around if neighbour.count > 0]
        outer += [*named, ("", max(0, piece.count - sum(count for _, count, _ in named)), 0.08)]
    radius = 195.0
    middle = (WIDTH / 2, radius + 5)
    shapes = [*_ring(outer, middle, radius, 0.68 * radius), *_ring(inner, middle, 0.66 * radius, 0.34 * radius)]
    return sheet(label, shapes, 2 * radius + 10)


def _ring(pieces: Sequence[tuple[str, int, float]], middle: Point, radius: float, hole: float) -> list[Shape]:
    """Pieces clockwise from the top, then names in those with room for one."""
    whole = sum(count for _, count, _ in pieces)
    drawn: list[Shape] = []
    names: list[Shape] = []
    at = 0.0
    for name, count, opacity in pieces:
        start, end = at / whole, min((at + count) / whole, at / whole + 0.9999)  # a full circle would have no area
        at += count
        if not count:
            continue
        outer, within = ((_around(middle, size, start), _around(middle, size, end)) for size in (radius, hole))
        drawn.append(Wedge(outer, within, radius, hole, end - start > 0.5, KEPT, opacity))
        if name and count / whole > 0.018:
            turn = (start + end) / 2
            x, y = _around(middle, (radius + hole) / 2, turn)
            angle = 360 * turn - 90
            names.append(Word(x, y + 3, shown(name, 12), INK, "middle", 8.5, angle if angle <= 90 else angle - 180))
    return [*drawn, *names]


def _around(middle: Point, radius: float, turn: float) -> Point:
    angle = 2 * math.pi * turn
    return middle[0] + radius * math.sin(angle), middle[1] - radius * math.cos(angle)


def _interval(frame: Frame, mark: ShownEstimate, lane: float) -> list[Shape]:
    shapes: list[Shape] = []
    if mark.low is not None and mark.high is not None:
        ends = (frame.x(mark.low), frame.x(mark.high))
        shapes.append(Path(((ends[0], lane), (ends[1], lane)), INK, 1.5))
        shapes += [Path(((end, lane - 3), (end, lane + 3)), INK, 1.5) for end in ends]
    x = frame.x(mark.value)
    return [*shapes, Path(((x - 4, lane), (x, lane - 4), (x + 4, lane), (x, lane + 4)), INK, filled=True)]


def _ends(mark: ShownEstimate | None) -> tuple[float | None, ...]:
    return () if mark is None else (mark.value, mark.low, mark.high)
