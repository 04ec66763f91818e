"""The table of a measured value that has no section of its own: rows where it has rows, pairs where it has pairs."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.report.markup import table
from selfinstruct.report.phrases import prose

_COLUMNS = 8
_ROWS = 60  # more rows are not read; they stand in the stage's DONE file


def generic_table(value: Json) -> str:
    """Tables of it, as HTML; empty for nothing."""
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return _rows([item for item in value if isinstance(item, dict)])
    if isinstance(value, dict) and value:
        inner = {key: item for key, item in value.items() if _is_block(item)}
        plain = {key: item for key, item in value.items() if key not in inner and item not in ([], {})}
        if len(plain) > _COLUMNS and all(key.isdecimal() for key in plain):
            return "<p>" + ", ".join(f"{key}: {said(item)}" for key, item in plain.items()) + "</p>"
        pairs = table(("Measured", ""), [(prose(key, 80), said(item)) for key, item in plain.items()])
        rows = [item for item in inner.values() if isinstance(item, dict) and not any(map(_is_block, item.values()))]
        if rows and len(rows) == len(inner) and _alike(rows):
            return pairs + _rows([{" ": key, **row} for key, row in zip(inner, rows, strict=True)])
        return pairs + "".join(f"<h4>{prose(key, 80)}</h4>{generic_table(item)}" for key, item in inner.items())
    return f"<p>{said(value)}</p>" if value not in (None, [], {}) else ""


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
    cells = [[said(row.get(key)) for key in columns] for row in rows[:_ROWS]]
    more = f"<p>{len(rows) - _ROWS} more rows stand in the stage's DONE file.</p>" if len(rows) > _ROWS else ""
    return table([key.replace("_", " ") for key in columns], cells, words=words) + more


def said(value: Json) -> str:
    """A value in a few words, as HTML; nothing for None."""
    if isinstance(value, dict):
        told = ", ".join(f"{prose(key, 40)} {said(item)}" for key, item in list(value.items())[:12])
    elif isinstance(value, list):
        told = ", ".join(map(said, value[:12])) + (" ..." if len(value) > 12 else "")
    elif isinstance(value, bool):
        told = "yes" if value else "no"
    elif isinstance(value, int):
        told = f"{value:,}"
    elif isinstance(value, float):
        told = f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    else:
        told = "" if value is None else prose(value, 200)
    return told
