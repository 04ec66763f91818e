"""The part of the page for what stages measured: curves, tables, and anything else as a table of its own."""

from collections.abc import Callable, Iterator, Mapping

from selfinstruct.records import Json
from selfinstruct.report import charts
from selfinstruct.report.generic_table import generic_table, said
from selfinstruct.report.markup import figure, table
from selfinstruct.report.phrases import prose
from selfinstruct.report.rings import Ring, rings
from selfinstruct.report.summary import Count, Measure, RunSummary


def measures(story: RunSummary) -> str:
    """One block for each thing measured, in the order of the stages."""
    names = [measure.name for measure in story.measured]
    return "".join(_block(measure, names[:at].count(measure.name)) for at, measure in enumerate(story.measured))


def _block(measure: Measure, earlier: int) -> str:
    shape = _SHAPES.get(measure.name)
    # a stage may stand in a recipe twice, and no two drawings may have one name
    shown = (
        generic_table(measure.value) if shape is None else shape(measure.value, f"-{earlier + 1}" if earlier else "")
    )
    return f"<h3>{prose(measure.stage, 60)}: {prose(measure.name.replace('_', ' '), 80)}</h3>{shown}" if shown else ""


def _curve(value: Json, which: str) -> str:
    """Share that would go at each threshold, keyed by the threshold as text."""
    whole = value if isinstance(value, dict) else {}
    inner = whole.get("curve", whole)
    points = _points(inner) if isinstance(inner, dict) else []
    notes = "; ".join(f"{key} {said(item)}" for key, item in whole.items() if not isinstance(item, dict | list))
    return figure(
        "What another threshold would remove",
        charts.curve(f"similarity{which}", "Share removed at each threshold", points, across="threshold", up="removed"),
        note="" if inner is whole else notes,
        nothing="no pair was compared",
    )


def _nearest_seed(value: Json, which: str) -> str:
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
            f"nearest-seed{which}",
            "Share of tasks by ROUGE-L to the nearest seed",
            points,
            across="ROUGE-L",
            up="share",
        ),
        note="lower is newer",
        nothing="there were no seeds",
    ) + generic_table(rest)


def _points(value: Mapping[str, Json]) -> list[tuple[float, float]]:
    found = []
    for key, share in value.items():
        try:
            found.append((float(key), float(share)))  # type: ignore[arg-type]  # whatever is no number is left out
        except (TypeError, ValueError, OverflowError):
            continue
    return found


def _verbs(value: Json, which: str) -> str:
    """Root verbs with their objects, as rings and as a table (Self-Instruct, figure 3)."""
    top = [line for line in _listed(value, "top") if isinstance(line.get("verb"), str)]
    pieces = [
        Ring(str(line["verb"]), _whole(line.get("count")), tuple(_counted(line, "objects", "object"))) for line in top
    ]
    told = value if isinstance(value, dict) else {}
    rest: dict[str, Json] = {key: item for key, item in told.items() if not isinstance(item, list)}
    drawn = figure(
        "Root verbs and their objects",
        rings(f"verbs{which}", "The most frequent verbs, and around each its objects", pieces),
        note=f"found by {told.get('by', 'a rule')}; a plain outer ring is objects beyond the first four, or none",
        nothing="no verb was found",
    )
    lines = [
        (prose(ring.name, 40), f"{ring.count:,}", ", ".join(f"{prose(o.name, 40)} {o.count:,}" for o in ring.around))
        for ring in pieces
    ]
    return f'<div class="pair">{drawn}{table(("Verb", "Tasks", "Objects"), lines)}</div>{generic_table(rest)}'


def _before_after(value: Json, which: str) -> str:
    """Totals of the changed replies become means."""
    del which  # nothing is drawn
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
    return table(("Mean of the changed replies", "Before", "After", "Change"), rows) + generic_table(rest)


def _listed(value: Json, key: str) -> list[dict[str, Json]]:
    found = value.get(key) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _counted(line: Json, key: str, name: str) -> Iterator[Count]:
    for item in _listed(line, key):
        yield Count(str(item.get(name, "")), _whole(item.get("count")))


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


_SHAPES: Mapping[str, Callable[[Json, str], str]] = {
    "similarity_curve": _curve,
    "nearest_seed": _nearest_seed,
    "verbs": _verbs,
    "before_after": _before_after,
}
