"""Rows of a spreadsheet (.xlsx): the first names the columns, every cell is text."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.delimited import named_columns, row_of
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.streams import complaints, name, unpacked_cap
from selfinstruct.formats.unreadable import BadRecord
from selfinstruct.text import shown


def sheet_rows(path: Path, wanted: str = "") -> Iterator[Line | BadRecord]:
    """The rows of one sheet, lazily; `wanted` says which, where there are several. Formulas count as what they gave."""
    place = name(path)
    try:
        import openpyxl  # an extra
    except ImportError:
        fix = "pip install 'selfinstruct[xlsx]', or save it as CSV"
        raise BadInput(".xlsx needs one more package", place=place, fix=fix) from None
    _check_size(path, place)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as fault:  # noqa: BLE001 - a damaged file fails in whatever part of the library meets it first
        said = shown(str(fault) or type(fault).__name__, 200)
        raise BadInput(f"cannot be read ({said})", place=place, fix="save it again, or as CSV") from None
    try:
        yield from _rows(_sheet(book, wanted, place), place)
    finally:
        book.close()


def _check_size(path: Path, place: str) -> None:
    with complaints(place):
        size = path.stat().st_size
        try:
            with zipfile.ZipFile(path) as packed:
                total = sum(part.file_size for part in packed.infolist())
        except zipfile.BadZipFile:
            raise BadInput("no spreadsheet", place=place, fix="save it again, or as CSV") from None
    if total > unpacked_cap(size):
        what = f"unpacks to {total >> 20} MiB, far more than it is"
        raise BadInput(what, place=place, fix="save it as CSV")


def _sheet(book: Any, wanted: str, place: str) -> Any:  # noqa: ANN401 - the library publishes no types
    names = list(book.sheetnames)
    there = f"it has {shown(', '.join(names), 200)}"
    if wanted and wanted not in names:
        raise BadInput(f"no sheet '{shown(wanted)}'", place=place, fix=there)
    if not wanted and len(names) > 1:
        names = [one for one in names if _holds(book[one])]
    if not wanted and len(names) != 1:
        raise BadInput(f"has several sheets: {there}", place=place, fix="write #SHEET behind the name")
    return book[wanted or names[0]]


def _holds(sheet: Any) -> bool:  # noqa: ANN401 - the library publishes no types
    """Some cell of a sheet is filled: spreadsheets come with empty ones behind the first."""
    return any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)


def _rows(sheet: Any, place: str) -> Iterator[Line | BadRecord]:  # noqa: ANN401 - the library publishes no types
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    columns = named_columns(_trimmed(next(rows, (1, ()))[1]), place)
    for number, cells in rows:
        texts = _trimmed(cells)
        if texts:
            yield row_of(columns, [*texts, *[""] * (len(columns) - len(texts))], f"{place}:{number}")


def _trimmed(cells: tuple[Any, ...]) -> list[str]:
    texts = list(map(_text, cells))
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a cell holds
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime) and value.time() == dt.time():  # what a cell with a day alone is read as
        value = value.date()
    return value.isoformat() if isinstance(value, dt.datetime | dt.date | dt.time) else str(value)
