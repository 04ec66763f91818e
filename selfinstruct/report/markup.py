"""Figures and tables as HTML; their cells are HTML already, so whoever fills them escapes."""

from collections.abc import Sequence
from html import escape

from selfinstruct.report.phrases import prose

KEPT = ("--kept", "kept")
REJECTED = ("--rejected", "rejected")
FAILED = ("--failed", "failed")


def figure(caption: str, svg: str, *, note: str = "", legend: Sequence[tuple[str, str]] = (), nothing: str = "") -> str:
    """A drawing under its caption; where there is none, `nothing` says why. `legend` holds (colour variable, word).

    >>> figure("Rounds", "", nothing="there was no round")
    '<figure><figcaption>Rounds</figcaption><p class="nothing">Nothing to draw: there was no round.</p></figure>'
    """
    small = f"<small>{escape(note)}</small>" if note and svg else ""
    keys = "".join(f'<span style="--swatch: var({colour})">{escape(word)}</span>' for colour, word in legend)
    shown = f'<p class="legend">{keys}</p>{svg}' if keys else svg
    body = shown if svg else f'<p class="nothing">Nothing to draw: {escape(nothing)}.</p>'
    return f"<figure><figcaption>{escape(caption)}{small}</figcaption>{body}</figure>"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: int = 1,
    total: Sequence[str] = (),
    label: str = "",
    dense: bool = False,
) -> str:
    """Rows of HTML cells; the first `words` columns read from the left, the rest are numbers.

    `dense`: many columns stand closer together.
    """
    if not rows or not head:  # rows without a column say nothing either
        return ""
    foot = f"<tfoot>{_row(total, words)}</tfoot>" if total else ""
    names = "".join(f'<th scope="col"{_side(column, words)}>{escape(name)}</th>' for column, name in enumerate(head))
    body = "".join(_row(row, words) for row in rows)
    style = "wide dense" if dense else "wide"
    # A table wider than a telephone scrolls by itself, and a keyboard can reach it.
    return (
        f'<div class="{style}" tabindex="0" role="region" aria-label="{escape(label or head[0])}">'
        f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody>{foot}</table></div>"
    )


def folded(summary: str, body: str) -> str:
    """What is there for whoever asks; nothing for an empty body."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>" if body else ""


def key_figure(name: str, value: str, note: str = "") -> str:
    """One number worth knowing first, plain text."""
    below = f"<dd>{escape(note)}</dd>" if note else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd>{below}</div>"


def text(body: str, style: str = "", limit: int = 600) -> str:
    """Text of unknown origin in a box of its own, in whichever direction it runs."""
    return f'<p class="{f"text {style}".strip()}" dir="auto">{prose(body, limit)}</p>'


def _row(cells: Sequence[str], words: int) -> str:
    return "<tr>" + "".join(f"<td{_side(column, words)}>{cell}</td>" for column, cell in enumerate(cells)) + "</tr>"


def _side(column: int, words: int) -> str:
    return ' class="n"' if column >= words else ""
