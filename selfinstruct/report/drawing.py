"""Shapes on a sheet: scales, ticks and room for names worked out here, written as SVG by `templates/chart.html.jinja`.

No plotting library: a page needs bars, lines, dots and one ring, and the libraries that draw them offline take longer
to import than a small run takes to be reported. Colours are names of the page's CSS variables, so that one drawing
serves light, dark and print; nothing has an id, so that any number of drawings may stand in one document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import ClassVar, TypeAlias
from unicodedata import east_asian_width

from selfinstruct.text import shown

INK, FAINT, GRID = "--ink", "--faint", "--grid"
KEPT, REJECTED, FAILED, SEED, GOOD = "--kept", "--rejected", "--failed", "--seed", "--good"
WIDTH = 440.0
"""Units of a drawing: two stand side by side on a desk, one fills a telephone with letters still legible."""
NARROW = 320.0
"""Where three stand side by side."""
LETTER = 11.0
"""Height of letters, in units."""

_THIN, _FAT = frozenset("ijlftrI.,:;|!'()[]{} -"), frozenset("mwMW@%")
_NAME = 26  # letters of a name that a row has room for
_GAP = 6.0  # between a name and what it names
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle; `x` and `y` are its upper left corner."""

    kind: ClassVar[str] = "bar"
    x: float
    y: float
    width: float
    height: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Path:
    """A line from point to point; `filled`: the area that it surrounds instead."""

    kind: ClassVar[str] = "path"
    points: Sequence[Point]
    colour: str
    width: float = 2.0
    dashed: bool = False
    filled: bool = False
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle in a drawing."""

    kind: ClassVar[str] = "dot"
    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True, slots=True)
class Wedge:
    """A piece of a ring: `outer` from `start` to `end`, then `inner` back, which lies `hole` from the middle."""

    kind: ClassVar[str] = "wedge"
    outer: tuple[Point, Point]
    inner: tuple[Point, Point]
    radius: float
    hole: float
    wide: bool
    """More than half of the ring."""
    colour: str
    opacity: float


@dataclass(frozen=True, slots=True)
class Word:
    """Letters; `anchor` says which end of them stands at `x`, `turn` is in degrees clockwise."""

    kind: ClassVar[str] = "word"
    x: float
    y: float
    text: str
    colour: str = INK
    anchor: str = "start"
    size: float = LETTER
    turn: float = 0.0


Shape: TypeAlias = Bar | Path | Dot | Wedge | Word


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing; `label` is read aloud."""

    label: str
    width: float
    height: float
    shapes: Sequence[Shape]


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured along one edge: from `low` to `high`, with words at some places."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where on the sheet two axes lie."""

    left: float
    right: float
    top: float
    bottom: float
    across: Axis
    up: Axis

    def x(self, value: float) -> float:
        """Units from the left edge of the sheet."""
        return self.left + (self.right - self.left) * _portion(self.across, value)

    def y(self, value: float) -> float:
        """Units from its upper edge."""
        return self.bottom - (self.bottom - self.top) * _portion(self.up, value)

    def upright(self, value: float) -> Path:
        """A dashed line at one place of the lower axis: a threshold, a stop."""
        return Path(((self.x(value), self.top), (self.x(value), self.bottom)), INK, 1.5, dashed=True)


def sheet(label: str, shapes: Sequence[Shape], height: float, width: float = WIDTH) -> Chart:
    """A drawing, its label made one line of visible characters."""
    return Chart(shown(label, 200), width, height, shapes)


def framed(across: Axis, up: Axis, height: float = 230.0, width: float = WIDTH) -> tuple[Frame, list[Shape]]:
    """Room for both axes with their names, and the shapes of these: grid lines, ticks, names."""
    left = max(text_width(said) for _, said in up.ticks) + _GAP
    right = width - max(_GAP, text_width(across.ticks[-1][1]) / 2 if across.ticks else 0.0)
    frame = Frame(left, right, 20.0, height - (36.0 if across.name else 20.0), across, up)
    shapes: list[Shape] = []
    for value, said in up.ticks:
        y = frame.y(value)
        shapes += [Path(((left, y), (right, y)), GRID, 1.0), Word(left - _GAP, y + 4, said, FAINT, "end")]
    floor_at = frame.y(0.0) if up.low <= 0 <= up.high else frame.bottom
    shapes.append(Path(((left, floor_at), (right, floor_at)), GRID, 1.5))
    shapes += [Word(frame.x(value), frame.bottom + 15, said, FAINT, "middle") for value, said in across.ticks]
    if across.name:
        shapes.append(Word((left + right) / 2, height - 5, across.name, FAINT, "middle"))
    shapes.append(Word(left, 11.0, up.name, FAINT))
    return frame, shapes


def named_rows(
    names: Sequence[str], row: float, axis: Axis, *, below: float = 0.0, width: float = WIDTH
) -> tuple[Frame, list[Shape]]:
    """Rows from top to bottom, `row` units each, with their names at the left; a name of two lines has a line break.

    Row *n* has its middle at `frame.y(n)`; `below` is room under the last one.
    """
    lines = [name.split("\n") for name in names]
    left = max((text_width(line) for several in lines for line in several), default=0.0) + _GAP + 2
    bottom = row * max(1, len(names))
    frame = Frame(left, width - _GAP, 0.0, bottom, axis, Axis(len(names) - 0.5, -0.5, ()))
    shapes: list[Shape] = []
    for place, several in enumerate(lines):
        first = frame.y(place) + 4 - 6.5 * (len(several) - 1)
        shapes += [Word(left - _GAP, first + 13 * at, line, INK, "end") for at, line in enumerate(several)]
    for value, said in axis.ticks:
        x = frame.x(value)
        shapes.append(Path(((x, 0.0), (x, bottom)), GRID, 1.0))
        shapes.append(Word(x, bottom + 14, said, FAINT, "middle"))
    if axis.name:
        shapes.append(Word((left + frame.right) / 2, bottom + below - 5, axis.name, FAINT, "middle"))
    return frame, shapes


def row_name(name: str) -> str:
    """A name of unknown origin as there is room for it beside a row."""
    return shown(name, _NAME) or "(none)"


def stacked(frame: Frame, row: int, parts: Sequence[tuple[float, str]], height: float) -> list[Shape]:
    """One bar of a row: lengths on the lower axis, one after the other, each in its colour."""
    shapes: list[Shape] = []
    left = 0.0
    for width, colour in parts:
        if width:
            start, end = frame.x(left), frame.x(left + width)
            shapes.append(Bar(start, frame.y(row) - height / 2, end - start, height, colour))
        left += width
    return shapes


def through(points: Sequence[Point], colour: str, *, dots: bool = True) -> list[Shape]:
    """A line through points of the sheet, and a dot at each; at a single one always."""
    marks = [Dot(x, y, 2.5, colour) for x, y in points] if dots or len(points) == 1 else []
    return [Path(points, colour), *marks]


def ticks(low: float, high: float, *, most: int = 6, whole: bool = False) -> tuple[tuple[float, str], ...]:
    """Round numbers between two, at most so many, all written with the same digits.

    >>> [said for _, said in ticks(0, 1)], [said for _, said in ticks(0, 2300)]
    (['0.0', '0.2', '0.4', '0.6', '0.8', '1.0'], ['0', '500', '1,000', '1,500', '2,000'])
    >>> [said for _, said in ticks(1, 3, whole=True)]
    ['1', '2', '3']
    """
    span = high - low
    if not span > 0:
        return ((low, f"{low:,g}"),)
    power = 10.0 ** floor(log10(span / most))
    sizes = [size * power for size in _STEPS]
    fitting = (size for size in sizes if floor(high / size + 1e-9) - ceil(low / size - 1e-9) < most)
    step = next(fitting, sizes[-1])
    if whole:
        step = float(max(1, ceil(step - 1e-9)))
    digits = max(0, -floor(log10(step) + 1e-9) + (1 if 0.2 < step / 10 ** floor(log10(step) + 1e-9) % 1 < 0.8 else 0))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return tuple((at * step, f"{at * step:,.{digits}f}") for at in range(first, last + 1))


def spread(labels: Sequence[tuple[float, str]], width: float, low: float, high: float) -> list[tuple[float, str]]:
    """Of words along an axis of so many units, as many as can be read beside each other; the last one always."""
    if not labels:
        return []
    units = width / (high - low) if high > low else 0.0
    chosen = [labels[-1]]
    for at, said in reversed(labels[:-1]):
        room = (chosen[-1][0] - at) * units
        if room >= (text_width(said) + text_width(chosen[-1][1])) / 2 + LETTER:
            chosen.append((at, said))
    return chosen[::-1]


def text_width(text: str, size: float = LETTER) -> float:
    """About how many units letters take: the browser has the font, so this is a guess on the safe side."""
    return size * sum(
        1.05
        if east_asian_width(letter) in "WF"
        else 0.37
        if letter in _THIN
        else 0.9
        if letter in _FAT
        else 0.7
        if letter.isupper()
        else 0.64
        for letter in text
    )


def _portion(axis: Axis, value: float) -> float:
    """How far along, from 0 to 1; what lies outside stands at the edge."""
    span = axis.high - axis.low
    return min(1.0, max(0.0, (value - axis.low) / span)) if span else 0.5
