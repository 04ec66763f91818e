"""The page of `compare`: a drawing for each measure, side by side, and the table below them."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from selfinstruct.records import Json
from selfinstruct.report import side_charts
from selfinstruct.report.cells import DASH, change_cell, share_cell, text_cell
from selfinstruct.report.json_values import estimate_in, part, rows, text_in
from selfinstruct.report.markup import figure, table
from selfinstruct.report.phrases import plural, prose


def comparison_page(told: Mapping[str, Json], heads: Sequence[str], legend: Sequence[str]) -> str:
    """What `compare.json` holds as HTML5 that loads and runs nothing; the same numbers give the same bytes."""
    style = files("selfinstruct.report").joinpath("style.css").read_text("utf-8")
    lines = rows(told.get("rows"))
    drawn = "".join(_drawing(place, head, lines) for place, head in enumerate(heads))
    notes = "".join(f"<li>{prose(one, 600)}</li>" for one in legend)
    title = f"{plural(len(lines), 'row')}, {plural(len(heads), 'measure')}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title} · selfinstruct compare</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header><p class="over">selfinstruct compare</p><h1><em>{title}</em></h1></header>\n<main>\n'
        f'<section id="drawn"><h2>Measure by measure</h2><div class="pair">{drawn}</div></section>\n'
        f'<section id="table"><h2>All numbers</h2>{_table(lines, heads)}<ul>{notes}</ul></section>\n'
        "</main>\n</body>\n</html>\n"
    )


def _cell(line: Mapping[str, Json], place: int) -> Json:
    cells = line.get("cells")
    return cells[place] if isinstance(cells, list) and place < len(cells) else None


def _drawing(place: int, head: str, lines: Sequence[Mapping[str, Json]]) -> str:
    marks = [
        side_charts.Pair(name=text_in(line.get("row")), first=None, second=None, mark=estimate_in(_cell(line, place)))
        for line in lines
    ]
    said = f"{head} of {plural(sum(one.mark is not None for one in marks), 'row')}, with 95 % intervals"
    return figure(head, side_charts.pairs(f"measure-{place}", said, marks), nothing="no row has it")


def _table(lines: Sequence[Mapping[str, Json]], heads: Sequence[str]) -> str:
    body = []
    for line in lines:
        cells = [text_cell(line.get("row"), 120)]
        for place in range(len(heads)):
            found = part({"cell": _cell(line, place)}, "cell")
            change = estimate_in(found.get("difference"))
            cell = share_cell(estimate_in({**found}) if found else None)
            if change is not None:
                dagger = "&dagger;" if part(found, "difference").get("holds") is True else ""
                cell += f"<small>{change_cell(change).replace('<small>', f'{dagger}<small>', 1)}</small>"
            cells.append(cell or DASH)
        body.append(cells)
    return table(("", *heads), body, label="All numbers", dense=True)
