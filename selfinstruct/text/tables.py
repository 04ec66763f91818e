"""Tables as plain text and as Markdown, from cells that are written out already."""

from collections.abc import Iterable, Sequence


def text_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines for a terminal: each column as wide as its widest cell, two spaces between, the first to the left.

    >>> text_columns([("", "yes"), ("right", "7"), ("wrong", "12")])
    ['       yes', 'right    7', 'wrong   12']
    """
    widths = _widths(rows)
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def markdown_rows(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of a Markdown table, a line each; cells go in as they are, so escape what holds a bar.

    >>> markdown_rows([("a", "b"), ("1", "2")])
    ['| a | b |', '| 1 | 2 |']
    """
    return [f"| {' | '.join(row)} |" for row in rows]


def markdown_table(rows: Sequence[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """The lines of a Markdown table whose first row is its head; with `numbers` all columns but the first go right.

    >>> markdown_table([("model", "IFS"), ("a", "0.9")], numbers=True)
    ['| model | IFS |', '| --- | ---: |', '| a | 0.9 |']
    """
    others = "---:" if numbers else "---"
    return markdown_rows([rows[0], ["---", *[others] * (len(rows[0]) - 1)], *rows[1:]])


def padded_markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The same, each cell as wide as its column, to be read as text, too.

    >>> padded_markdown_table([("arm", "n"), ("whole", "9")])
    ['| arm   | n |', '|-------|---|', '| whole | 9 |']
    """
    widths = _widths(rows)
    head, *body = markdown_rows([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return [head, f"|{'|'.join('-' * (width + 2) for width in widths)}|", *body]


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]
