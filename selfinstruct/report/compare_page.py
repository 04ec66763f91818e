"""The page of `compare`: a drawing for each measure, side by side, and the table below them."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.json_values import estimate_in, part, rows, text_in
from selfinstruct.report.number_words import DASH
from selfinstruct.report.page import rendered
from selfinstruct.report.page_parts import Cell, Figure, Table, change_cell, estimate_cell, text_cell
from selfinstruct.text.grammar import plural


def comparison_page(value: Mapping[str, Json], heads: Sequence[str], legend: Sequence[str]) -> str:
    """What `compare.json` holds as HTML5 that loads and runs nothing; the same numbers give the same bytes."""
    lines, columns = rows(value.get("rows")), rows(value.get("columns"))
    return rendered(
        "comparison.html.jinja",
        title=f"{plural(len(lines), 'row')}, {plural(len(heads), 'measure')}",
        figures=[_figure(place, head, text_in(columns[place].get("terms")), lines) for place, head in enumerate(heads)],
        numbers=Table(("", *heads), [_row(line, len(heads)) for line in lines], label="All numbers", dense=True),
        notes=legend,
    )


def _figure(place: int, head: str, terms: str, lines: Sequence[Mapping[str, Json]]) -> Figure:
    pairs = [
        charts.ChartPair(name=text_in(line.get("row")), first=None, second=None, mark=estimate_in(_cell(line, place)))
        for line in lines
    ]
    label = f"{head} of {plural(sum(pair.mark is not None for pair in pairs), 'row')}, with 95 % intervals"
    return Figure(caption=head, note=terms, chart=charts.pairs(label, pairs), nothing="no row has it")


def _row(line: Mapping[str, Json], places: int) -> list[Cell]:
    cells = [text_cell(line.get("row"), 120)]
    for place in range(places):
        entry = part({"cell": _cell(line, place)}, "cell")
        value = estimate_cell(estimate_in({**entry}) if entry else None)
        change = estimate_in(entry.get("difference"))
        if change is None:
            cells.append(value)
            continue
        holds = part(entry, "difference").get("holds") is True
        apart = change_cell(change)
        below = Cell(apart.text, apart.interval, apart.strong, mark="†" if holds else "")
        cells.append(Cell(value.text or DASH, value.interval, change=below))
    return cells


def _cell(line: Mapping[str, Json], place: int) -> Json:
    cells = line.get("cells")
    return cells[place] if isinstance(cells, list) and place < len(cells) else None
