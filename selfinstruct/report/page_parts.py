"""What every part of the page is made of: cells, tables, figures, key figures, and the section that holds them.

Plain values all: `templates/blocks.html.jinja` has a macro for each, and alone knows how it looks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, TypeAlias

from selfinstruct.records import Json
from selfinstruct.report.drawing import Chart
from selfinstruct.report.json_values import ShownEstimate, count_in, estimate_in, number_in
from selfinstruct.report.number_words import DASH, decimals, number, signed
from selfinstruct.report.summary import RunSummary, StageMeasure


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a table, or a value within a sentence."""

    text: str
    interval: str = ""
    """Below it, in small letters."""
    strong: bool = False
    limit: int = 600
    """Characters of the text that are shown."""
    change: "Cell | None" = None
    """Below both: how it differs from another."""
    mark: str = ""
    items: tuple[str, ...] = ()
    """A list in place of the text, which then stands above it."""


Row: TypeAlias = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first `words` columns read from the left, the rest are numbers."""

    head: Sequence[str]
    rows: Sequence[Row]
    words: int = 1
    total: Row = ()
    label: str = ""
    """What a person who cannot see it is told; the first head where nothing is said."""
    dense: bool = False
    """Many columns stand closer together."""

    @property
    def shown(self) -> bool:
        """Rows without a column say nothing, and a column without rows neither."""
        return bool(self.rows) and bool(self.head)


@dataclass(frozen=True, slots=True)
class LegendKey:
    """What a colour of a drawing means."""

    colour: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A drawing under its caption; where there is none, `nothing` says why."""

    caption: str
    chart: Chart | None
    note: str = ""
    legend: Sequence[LegendKey] = ()
    nothing: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number worth knowing first."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """What an audit found, in one line: the title of a page that tells nothing else."""

    number: str
    what: str
    interval: str
    of: str


class Part(Protocol):
    """What a section shows of one measure: a frozen record of its own, which names the template that shows it."""

    template: ClassVar[str]
    """A file in `templates/`, which finds the record under the name `part`."""


Reader: TypeAlias = Callable[[StageMeasure], Part | None]
"""Reads what a stage measured; None where it has another shape, which is then shown as a generic table."""


def no_part(run: RunSummary) -> Part | None:
    """Most sections are made of measures alone."""
    del run
    return None


@dataclass(frozen=True, slots=True)
class Section:
    """Where a section stands, and how what it shows is read: measures by their names, whichever stage took them."""

    anchor: str
    link: str
    title: str
    measures: Mapping[str, Reader] = field(default_factory=dict)
    first: Callable[[RunSummary], Part | None] = no_part
    """What it shows of the run itself, before any measure."""


@dataclass(frozen=True, slots=True)
class SectionBlock:
    """One part, under the label that the recipe gives its stage, where it gives one."""

    part: Part
    label: str = ""


@dataclass(frozen=True, slots=True)
class FilledSection:
    """A section that has something to show of this run."""

    anchor: str
    link: str
    title: str
    blocks: tuple[SectionBlock, ...]


# Cells


def text_cell(value: Json, limit: int = 80) -> Cell:
    """A text, or a dash for none."""
    return Cell(value if isinstance(value, str) and value else DASH, limit=limit)


def model_cells(row: Mapping[str, Json]) -> tuple[Cell, Cell]:
    """Which model it is, and in which wrapper it was asked."""
    return text_cell(row.get("model")), text_cell(row.get("wrapper"))


def count_cell(value: Json) -> Cell:
    """A whole number, or a dash."""
    count = count_in(value)
    return Cell(DASH if count is None else number(count))


def number_cell(value: Json, digits: int = 3) -> Cell:
    """A number without an interval, or a dash."""
    known = number_in(value)
    return Cell(DASH if known is None else decimals(known, digits))


def flag_cell(value: Json) -> Cell:
    """Yes, no, or a dash.

    >>> flag_cell(True).text, flag_cell(False).text, flag_cell(None).text == DASH
    ('yes', 'no', True)
    """
    return Cell(("yes" if value else "no") if isinstance(value, bool) else DASH)


def estimate_cell(estimate: ShownEstimate | None, digits: int = 3) -> Cell:
    """A number and its interval.

    >>> estimate_cell(ShownEstimate(0.5, 0.4, 0.6)).interval == f"0.400{DASH}0.600"
    True
    >>> estimate_cell(ShownEstimate(0.5)).text
    '0.500'
    """
    if estimate is None:
        return Cell(DASH)
    value = decimals(estimate.value, digits)
    if estimate.low is None or estimate.high is None:
        return Cell(value)
    to = DASH if estimate.low >= 0 else " to "  # a dash beside a minus sign could not be read
    return Cell(value, f"{decimals(estimate.low, digits)}{to}{decimals(estimate.high, digits)}")


def change_cell(change: ShownEstimate | None, digits: int = 3) -> Cell:
    """A difference with its sign; strong where its interval leaves out 0.

    >>> change_cell(ShownEstimate(0.2, 0.1, 0.3)).strong, change_cell(ShownEstimate(-0.2, -0.5, 0.1), 1).interval
    (True, '-0.5 to +0.1')
    """
    if change is None:
        return Cell(DASH)
    value = signed(change.value, digits)
    if change.low is None or change.high is None:
        return Cell(value)
    return Cell(value, f"{signed(change.low, digits)} to {signed(change.high, digits)}", strong=change.apart)


def row(*values: str) -> tuple[Cell, ...]:
    """Plain texts as cells."""
    return tuple(Cell(value) for value in values)


def differences_table(
    differences: Iterable[Mapping[str, Json]],
    asked: str,
    titles: Mapping[str, str],
    digits: Callable[[str], int] = lambda _: 3,
) -> Table:
    """Pairs of models on the same prompts or questions (`asked`): how much the first is above the second, by number."""
    lines = [
        (
            text_cell(difference.get("of")),
            text_cell(difference.get("above")),
            count_cell(difference.get("n")),
            *(change_cell(estimate_in(difference.get(name)), digits(name)) for name in titles),
        )
        for difference in differences
    ]
    head = ("Of", "Over", asked.capitalize(), *titles.values())
    return Table(head, lines, words=2, label=f"Differences on the same {asked}", dense=True)


def names_of(parts: Iterable[Mapping[str, Json]]) -> list[str]:
    """The names in any of the parts, each once, in order of appearance.

    >>> names_of([{"a": 1}, {"b": 1, "a": 2}])
    ['a', 'b']
    """
    return list(dict.fromkeys(name for part in parts for name in part))
