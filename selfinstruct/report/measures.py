"""The part of the page for what stages measured: curves, tables, and anything else as a table of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.markup import figure, table
from selfinstruct.report.phrases import prose
from selfinstruct.report.story import Count, Measure, Story

_COLUMNS = 8
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


def _nearest_seed(value: Json) -> str:
    """Ten bins of ROUGE-L to the nearest seed (Self-Instruct, figure 4)."""
    told = value if isinstance(value, dict) else {}
    bins = told.get("bins")
    counts = [_whole(one) for one in bins] if isinstance(bins, list) else []
    whole = sum(counts)
    points = [((at + 0.5) / len(counts), count / whole) for at, count in enumerate(counts)] if whole else []
    rest: dict[str, Json] = {key: item for key, item in told.items() if key != "bins"}
    return figure(
        "Nearest seed",
        charts.curve(
            "nearest-seed", "Share of tasks by ROUGE-L to the nearest seed", points, across="ROUGE-L", up="share"
        ),
        note="lower is newer",
        nothing="there were no seeds",
    ) + _anything(rest)


def _points(value: Mapping[str, Json]) -> list[tuple[float, float]]:
    found = []
    for key, share in value.items():
        try:
            found.append((float(key), float(share)))  # type: ignore[arg-type]  # whatever is no number is left out
        except (TypeError, ValueError):
            continue
    return found


def _verbs(value: Json) -> str:
    """Root verbs with their objects, as rings and as a table (Self-Instruct, figure 3)."""
    top = [line for line in _listed(value, "top") if isinstance(line.get("verb"), str)]
    rings = [
        charts.Ring(str(line["verb"]), _whole(line.get("count")), tuple(_counted(line, "objects", "object")))
        for line in top
    ]
    told = value if isinstance(value, dict) else {}
    rest: dict[str, Json] = {key: item for key, item in told.items() if not isinstance(item, list)}
    drawn = figure(
        "Root verbs and their objects",
        charts.rings("verbs", "The most frequent verbs, and around each its objects", rings),
        note=f"found by {told.get('by', 'a rule')}; a plain outer ring is objects beyond the first four, or none",
        nothing="no verb was found",
    )
    lines = [
        (prose(ring.name, 40), f"{ring.count:,}", ", ".join(f"{prose(o.name, 40)} {o.count:,}" for o in ring.around))
        for ring in rings
    ]
    return f'<div class="pair">{drawn}{table(("Verb", "Tasks", "Objects"), lines)}</div>{_anything(rest)}'


def _before_after(value: Json) -> str:
    """Totals of the changed replies become means."""
    told = value if isinstance(value, dict) else {}
    rows = []
    rest: dict[str, Json] = {}
    for name, item in told.items():
        if not isinstance(item, dict) or not {"before", "after"} <= set(item):
            rest[name] = item
            continue
        of = _whole(item.get("of", told.get("changed")))
        before, after = (item[key] for key in ("before", "after"))
        if of and isinstance(before, int | float) and isinstance(after, int | float):
            change = f"{(after - before) / before:+.0%}" if before > 0 else ""
            rows.append((prose(name.replace("_", " "), 60), f"{before / of:,.1f}", f"{after / of:,.1f}", change))
    return table(("Mean of the changed replies", "Before", "After", "Change"), rows) + _anything(rest)


def _listed(value: Json, key: str) -> list[dict[str, Json]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _counted(line: Json, key: str, name: str) -> Iterator[Count]:
    for item in _listed(line, key):
        yield Count(str(item.get(name, "")), _whole(item.get("count")))


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _anything(value: Json) -> str:
    """Rows where there are rows, pairs where there are pairs."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return _rows([item for item in value if isinstance(item, dict)])
    if isinstance(value, dict) and value:
        inner = {key: item for key, item in value.items() if _is_block(item)}
        plain = {key: item for key, item in value.items() if key not in inner and item not in ([], {})}
        if len(plain) > _COLUMNS and all(key.isdecimal() for key in plain):
            return "<p>" + ", ".join(f"{key}: {_said(item)}" for key, item in plain.items()) + "</p>"
        said = table(("Measured", ""), [(prose(key, 80), _said(item)) for key, item in plain.items()])
        rows = [item for item in inner.values() if isinstance(item, dict) and not any(map(_is_block, item.values()))]
        if rows and len(rows) == len(inner) and _alike(rows):
            return said + _rows([{" ": key, **row} for key, row in zip(inner, rows, strict=True)])
        return said + "".join(f"<h4>{prose(key, 80)}</h4>{_anything(item)}" for key, item in inner.items())
    return f"<p>{_said(value)}</p>" if value not in (None, [], {}) else ""


def _alike(rows: Sequence[Mapping[str, Json]]) -> bool:
    """Whether they fit one table without leaving it mostly empty."""
    columns = {key for row in rows for key in row}
    return len(columns) <= _COLUMNS and sum(map(len, rows)) >= 0.6 * len(rows) * len(columns)


def _is_block(value: Json) -> bool:
    """Whether a value is a table of its own."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict) and bool(value)


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


_SHAPES: Mapping[str, Callable[[Json], str]] = {
    "similarity_curve": _curve,
    "nearest_seed": _nearest_seed,
    "verbs": _verbs,
    "before_after": _before_after,
}
