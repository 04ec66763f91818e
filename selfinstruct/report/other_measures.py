"""What stages measured that have no section of their own: a few shapes are drawn, anything else is a generic table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.json_values import rows
from selfinstruct.report.number_words import number
from selfinstruct.report.page_parts import Cell, Figure, Section, Table, row
from selfinstruct.report.summary import Count, StageMeasure


@dataclass(frozen=True, slots=True)
class GenericTables:
    """Tables of a measured value, whatever it holds."""

    title: str = ""
    tables: tuple[Table, ...] = ()
    left_out: int = 0
    """Rows that are not shown."""
    pairs: Sequence[tuple[str, str]] = ()
    """A long histogram."""
    said: str = ""
    """A value that is neither rows nor pairs."""
    inner: tuple["GenericTables", ...] = ()

    @property
    def shown(self) -> bool:
        """Whether there is anything to show."""
        return bool(any(table.shown for table in self.tables) or self.pairs or self.said or self.inner)


@dataclass(frozen=True, slots=True)
class ShownMeasure:
    """One value under the names of its stage and its own."""

    stage: str
    name: str
    figure: Figure | None = None
    beside: Table | None = None
    """A table that stands beside the figure."""
    table: Table | None = None
    rest: GenericTables = GenericTables()

    @property
    def shown(self) -> bool:
        """Whether there is anything to show."""
        return self.figure is not None or (self.table is not None and self.table.shown) or self.rest.shown


@dataclass(frozen=True, slots=True)
class OtherMeasuresSection:
    """One block for each thing measured, in the order of the stages."""

    template: ClassVar[str] = "measures.html.jinja"
    measured: tuple[ShownMeasure, ...]


SECTION = Section("measures", "Measures", "What was measured")
"""Filled with what no other section could read."""


def other_measures(rest: Sequence[StageMeasure]) -> OtherMeasuresSection:
    """What is left, each in the shape it has."""
    blocks = (_SHOWN_BY_NAME.get(measure.name, _generic)(measure) for measure in rest)
    return OtherMeasuresSection(tuple(block for block in blocks if block.shown))


def generic_tables(value: Json, title: str = "") -> GenericTables:
    """Rows where it has rows, pairs where it has pairs."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return GenericTables(title, *_rows(rows(value)))
    if isinstance(value, dict) and value:
        inner = {key: item for key, item in value.items() if _is_block(item)}
        plain = {key: item for key, item in value.items() if key not in inner and item not in ([], {})}
        if len(plain) > _COLUMNS and all(key.isdecimal() for key in plain):
            return GenericTables(title, pairs=[(key, in_words(item)) for key, item in plain.items()])
        cells = [(Cell(key, limit=80), Cell(in_words(item))) for key, item in plain.items()]
        pairs = Table(("Measured", ""), cells)
        lines = [item for item in inner.values() if isinstance(item, dict) and not any(map(_is_block, item.values()))]
        if lines and len(lines) == len(inner) and _fit_one_table(lines):
            tables, left_out = _rows([{" ": key, **line} for key, line in zip(inner, lines, strict=True)])
            return GenericTables(title, (pairs, *tables), left_out)
        return GenericTables(title, (pairs,), inner=tuple(generic_tables(item, key) for key, item in inner.items()))
    return GenericTables(title, said="" if value in (None, [], {}) else in_words(value))


def in_words(value: Json) -> str:
    """A value in a few words; nothing for None.

    >>> in_words({"passed": True, "of": 12345}), in_words([0.123456, None])
    ('passed yes, of 12,345', '0.1235, ')
    """
    if isinstance(value, dict):
        said = ", ".join(f"{key[:40]} {in_words(item)}" for key, item in list(value.items())[:12])
    elif isinstance(value, list):
        said = ", ".join(map(in_words, value[:12])) + (" ..." if len(value) > 12 else "")
    elif isinstance(value, bool):
        said = "yes" if value else "no"
    elif isinstance(value, int):
        said = number(value)
    elif isinstance(value, float):
        said = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    else:
        said = value or ""
    return said


def _generic(measure: StageMeasure) -> ShownMeasure:
    return ShownMeasure(measure.stage, measure.name, rest=generic_tables(measure.value))


def _curve(measure: StageMeasure) -> ShownMeasure:
    """Share that would go at each threshold, keyed by the threshold as text."""
    whole = measure.value if isinstance(measure.value, dict) else {}
    inner = whole.get("curve", whole)
    points = list(_points(inner)) if isinstance(inner, dict) else []
    notes = "; ".join(f"{key} {in_words(item)}" for key, item in whole.items() if not isinstance(item, dict | list))
    figure = Figure(
        caption="What another threshold would remove",
        chart=charts.curve("Share removed at each threshold", points, across="threshold", up="removed"),
        note="" if inner is whole else notes,
        nothing="no pair was compared",
    )
    return ShownMeasure(measure.stage, measure.name, figure)


def _points(value: Mapping[str, Json]) -> Iterator[tuple[float, float]]:
    for key, share in value.items():
        try:
            yield float(key), float(share)  # type: ignore[arg-type]  # whatever is no number is left out
        except (TypeError, ValueError, OverflowError):
            continue


def _nearest_seed(measure: StageMeasure) -> ShownMeasure:
    """Ten bins of ROUGE-L to the nearest seed (Self-Instruct, figure 4)."""
    value = measure.value if isinstance(measure.value, dict) else {}
    bins = value.get("bins")
    counts = [_whole(count) for count in bins] if isinstance(bins, list) else []
    whole = sum(counts)
    points = [((at + 0.5) / len(counts), count / whole) for at, count in enumerate(counts)] if whole else []
    label = "Share of tasks by ROUGE-L to the nearest seed"
    figure = Figure(
        caption="Nearest seed",
        chart=charts.curve(label, points, across="ROUGE-L", up="share"),
        note="lower is newer",
        nothing="there were no seeds",
    )
    rest: dict[str, Json] = {key: item for key, item in value.items() if key != "bins"}
    return ShownMeasure(measure.stage, measure.name, figure, rest=generic_tables(rest))


def _verbs(measure: StageMeasure) -> ShownMeasure:
    """Root verbs with their objects, as rings and as a table (Self-Instruct, figure 3)."""
    value = measure.value if isinstance(measure.value, dict) else {}
    pieces = [
        charts.Ring(str(line["verb"]), _whole(line.get("count")), tuple(_objects(line)))
        for line in rows(value.get("top"))
        if isinstance(line.get("verb"), str)
    ]
    figure = Figure(
        caption="Root verbs and their objects",
        chart=charts.two_rings("The most frequent verbs, and around each its objects", pieces),
        note=f"found by {value.get('by', 'a rule')}; a plain outer ring is objects beyond the first four, or none",
        nothing="no verb was found",
    )
    lines = [
        row(ring.name[:40], number(ring.count), ", ".join(f"{noun.name[:40]} {noun.count:,}" for noun in ring.around))
        for ring in pieces
    ]
    rest: dict[str, Json] = {key: item for key, item in value.items() if not isinstance(item, list)}
    table = Table(("Verb", "Tasks", "Objects"), lines)
    return ShownMeasure(measure.stage, measure.name, figure, beside=table, rest=generic_tables(rest))


def _objects(line: Mapping[str, Json]) -> Iterator[Count]:
    for item in rows(line.get("objects")):
        yield Count(str(item.get("object", "")), _whole(item.get("count")))


def _before_after(measure: StageMeasure) -> ShownMeasure:
    """Totals of the changed replies become means."""
    value = measure.value if isinstance(measure.value, dict) else {}
    lines = []
    rest: dict[str, Json] = {}
    for name, item in value.items():
        if not isinstance(item, dict) or not {"before", "after"} <= set(item):
            rest[name] = item
            continue
        of = _whole(item.get("of", value.get("changed")))
        before, after = item["before"], item["after"]
        if of and isinstance(before, int | float) and isinstance(after, int | float):
            change = f"{(after - before) / before:+.0%}" if before > 0 else ""
            lines.append(row(name.replace("_", " ")[:60], f"{before / of:,.1f}", f"{after / of:,.1f}", change))
    table = Table(("Mean of the changed replies", "Before", "After", "Change"), lines)
    return ShownMeasure(measure.stage, measure.name, table=table, rest=generic_tables(rest))


_Show: TypeAlias = Callable[[StageMeasure], ShownMeasure]
_SHOWN_BY_NAME: Mapping[str, _Show] = {
    "similarity_curve": _curve,
    "nearest_seed": _nearest_seed,
    "verbs": _verbs,
    "before_after": _before_after,
}
_COLUMNS = 8
_ROWS = 60  # more rows are not read; they stand in the stage's DONE file


def _fit_one_table(lines: Sequence[Mapping[str, Json]]) -> bool:
    """Whether they fit one table without leaving it mostly empty."""
    columns = {key for line in lines for key in line}
    return len(columns) <= _COLUMNS and sum(map(len, lines)) >= 0.6 * len(lines) * len(columns)


def _is_block(value: Json) -> bool:
    """Whether a value is a table of its own."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and bool(value)


def _rows(lines: Sequence[Mapping[str, Json]]) -> tuple[tuple[Table, ...], int]:
    """One table, and how many of its rows are not shown."""
    columns = list(dict.fromkeys(key for line in lines for key in line))
    numeric = [all(isinstance(line.get(key, 0), int | float | None) for line in lines) for key in columns]
    words = next((at for at, is_number in enumerate(numeric) if is_number), len(columns)) or 1
    cells = [[Cell(in_words(line.get(key)), limit=200) for key in columns] for line in lines[:_ROWS]]
    table = Table([key.replace("_", " ") for key in columns], cells, words=words)
    return (table,), max(0, len(lines) - _ROWS)


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0
