"""A CSV between us and people with a spreadsheet: no cell runs as a formula, and what was saved comes back.

Spreadsheets save with commas, semicolons or tabs, as is the custom of their country; all are read.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput

_BOM = "\ufeff"  # without it Excel reads UTF-8 as something else
# What a spreadsheet may run as a formula when a cell begins with it (OWASP, CSV injection), and the full-width twins.
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_QUOTE = "'"
# The same within a cell, where a spreadsheet of another country parts cells by semicolons or tabs, and knows no quotes
# within them: lines then are rows. A plain list item that begins a line, and can call nothing, is left.
_ITEM = r"(?<=[\n\r])[-+] [^|!(=@;\t\n\r]*(?=[\n\r]|$)"
_WITHIN = re.compile(rf"""([;\t\n\r][ "]*)('*)(?!'|{_ITEM})(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_CELL = 32_000  # characters; Excel holds 32,767 in a cell and cuts the rest without a word
_LONE = re.compile("[\ud800-\udfff]")
_DELIMITERS = ",;\t"
_MOST_BYTES = 256 << 20


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The text of a sheet, to be written as UTF-8 with its line ends as they are; cells go out as they are given."""
    written = io.StringIO()
    out = csv.writer(written)
    out.writerow(columns)
    out.writerows(rows)
    return _BOM + written.getvalue()


def csv_rows(text: str, columns: Sequence[str], place: str) -> Iterator[tuple[str, list[str]]]:
    """Each row in which a cell is filled, with its place as `place:line`; BadInput for other columns or no CSV."""
    text = text.removeprefix(_BOM)
    head = text.split("\n", 1)[0]
    delimiter = next((mark for mark in _DELIMITERS if mark in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            if begins == 1:
                if [cell.strip() for cell in row] != list(columns):
                    what = f"the first line must be {','.join(columns)}"
                    raise BadInput(what, place=f"{place}:1", fix="export a sheet and fill that in")
            elif any(cell.strip() for cell in row):
                if len(row) != len(columns):
                    what = f"{len(row)} cells where {len(columns)} are expected"
                    raise BadInput(what, place=f"{place}:{begins}", fix=f"keep the columns {','.join(columns)}")
                yield f"{place}:{begins}", row
            begins = reader.line_num + 1
    except csv.Error as error:
        fix = "save the sheet as CSV, UTF-8"
        raise BadInput(f"not CSV: {error}", place=f"{place}:{begins}", fix=fix) from error
    if begins == 1:
        raise BadInput("the sheet is empty", place=place, fix="export a sheet and fill that in")


def sheet_text(path: Path, *, fix: str) -> str:
    """What a sheet's file holds; BadInput with `fix` where it cannot be read, or is not UTF-8."""
    try:
        return read_whole(path, _MOST_BYTES, fix=fix).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BadInput("not UTF-8", place=str(path), fix="export the sheet as CSV in UTF-8") from fault


def as_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever it parts cells by; `from_cell` gives it back.

    >>> as_cell("-3 degrees"), as_cell("3 - 2"), from_cell(as_cell("'=x"))
    ("'-3 degrees", '3 - 2', "'=x")
    >>> as_cell("x;=1+1;y")
    "x;'=1+1;y"
    """
    inside = _WITHIN.sub(r"\1'\2", text)
    return _QUOTE + inside if text.lstrip(_QUOTE).startswith(_FORMULA) else inside


def from_cell(cell: str) -> str:
    """A cell's text back from a sheet: the inverse of `as_cell`."""
    inside = cell[1:] if cell.startswith(_QUOTE) and cell.lstrip(_QUOTE).startswith(_FORMULA) else cell
    return _WITHIN.sub(lambda match: match[1] + match[2][1:], inside)


def fitting(text: str) -> str:
    """The text as a cell holds it: beyond 32,000 characters it is cut and says so; lone surrogates are escaped."""
    text = _LONE.sub(lambda lone: repr(lone.group())[1:-1], text)
    return text if len(text) <= _CELL else f"{text[:_CELL]} [cut: {len(text) - _CELL} more characters]"
