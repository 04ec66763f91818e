"""The part of the page for what stages measured: curves, tables, and anything else as a table of its own."""

from collections.abc import Callable, Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.markup import figure, table
from selfinstruct.report.phrases import prose
from selfinstruct.report.story import Measure, Story

_ROWS = 60  # more rows are not read; they stand in the stage's DONE file


def measures(story: Story) -> str:
    """One block for each thing measured, in the order of the stages."""
    return "".join(_block(measure) for measure in story.measured)


def _block(measure: Measure) -> str:
    shown = _SHAPES.get(measure.name, _anything)(measure.value)
    return f"<h3>{prose(measure.stage, 60)}: {prose(measure.name.replace('_', ' '), 80)}</h3>{shown}" if shown else ""


def _curve(value: Json) -> str:
    """Share that would go at each threshold, keyed by the threshold as text."""
    whole = value if isinstance(value, dict) else {}
    inner = whole.get("curve", whole)
    points = _points(inner) if isinstance(inner, dict) else []
    notes = "; ".join(f"{key} {_said(item)}" for key, item in whole.items() if not isinstance(item, dict | list))
    return figure(
        "What another threshold would remove",
        charts.curve("similarity", "Share removed at each threshold", points, across="threshold", up="removed"),
        note="" if inner is whole else notes,
        nothing="no pair was compared",
    )


def _points(value: Mapping[str, Json]) -> list[tuple[float, float]]:
    found = []
    for key, share in value.items():
        try:
            found.append((float(key), float(share)))  # type: ignore[arg-type]  # whatever is no number is left out
        except (TypeError, ValueError):
            continue
    return found


def _anything(value: Json) -> str:
    """Rows where there are rows, pairs where there are pairs."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return _rows([item for item in value if isinstance(item, dict)])
    if isinstance(value, dict) and value:
        inner = {key: item for key, item in value.items() if isinstance(item, dict) and item}
        plain = {key: item for key, item in value.items() if key not in inner}
        said = table(("Measured", ""), [(prose(key, 80), _said(item)) for key, item in plain.items()])
        if inner and all(not isinstance(cell, dict | list) for item in inner.values() for cell in item.values()):
            return said + _rows([{"": key, **item} for key, item in inner.items()])
        return said + "".join(f"<h4>{prose(key, 80)}</h4>{_anything(item)}" for key, item in inner.items())
    return f"<p>{_said(value)}</p>" if value not in (None, [], {}) else ""


def _rows(rows: Sequence[Mapping[str, Json]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    numeric = [all(isinstance(row.get(key, 0), int | float | None) for row in rows) for key in columns]
    words = next((at for at, is_number in enumerate(numeric) if is_number), len(columns)) or 1
    cells = [[_said(row.get(key)) for key in columns] for row in rows[:_ROWS]]
    more = f"<p>{len(rows) - _ROWS} more rows stand in the stage's DONE file.</p>" if len(rows) > _ROWS else ""
    return table([key.replace("_", " ") for key in columns], cells, words=words) + more


def _said(value: Json) -> str:
    if isinstance(value, dict):
        said = ", ".join(f"{prose(key, 40)} {_said(item)}" for key, item in list(value.items())[:12])
    elif isinstance(value, list):
        said = ", ".join(map(_said, value[:12])) + (" ..." if len(value) > 12 else "")
    elif isinstance(value, bool):
        said = "yes" if value else "no"
    elif isinstance(value, int):
        said = f"{value:,}"
    elif isinstance(value, float):
        said = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    else:
        said = "" if value is None else prose(value, 200)
    return said


_SHAPES: Mapping[str, Callable[[Json], str]] = {"similarity_curve": _curve}
