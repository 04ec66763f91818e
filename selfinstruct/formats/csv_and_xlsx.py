"""Rows of a CSV, TSV or .xlsx file: the first names the columns, or they are numbered `#1`, `#2`...; cells are text."""

import codecs
import csv
import datetime as dt
import re
import zipfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_lines import LINE_BYTES, UTF16_MARKS
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.streams import Stream, complaints, ending, name, stream, unpacked_cap
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural

DELIMITERS = (",", ";", "\t", "|")
_SHOWN = 200
_OLD_END = re.compile(r"(?<=\r)(?!\n|\Z)")  # a line end of old, alone
_SAYS_DELIMITER = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


def delimited_rows(path: Path, *, named: bool = True) -> Iterator[Line | BadRecord]:
    """The rows, lazily; a place is the file and the line where the row begins.

    The delimiter is what parts the first line most often; of `.tsv` it is the tab. Where columns are not `named`, the
    first line is a row too. Raises BadInput for a file whose columns cannot be told.
    """
    with stream(path) as opened:
        yield from _csv_rows(opened, name(path), ending(path), named=named)


def _csv_rows(opened: Stream, place: str, kind: str, *, named: bool) -> Iterator[Line | BadRecord]:
    lines = _Lines(opened, place)
    head = next(lines, "")
    said = _SAYS_DELIMITER.fullmatch(head)
    if said:  # a spreadsheet's own first line
        head = next(lines, "")
    begins = lines.number
    while not named and head.count('"') % 2 and len(head) < LINE_BYTES and (more := next(lines, "")):
        head += more  # a record may go on in the next line, as a name never does
    delimiter = said[1] if said else "\t" if kind == ".tsv" else delimiter_of(head)
    csv.field_size_limit(LINE_BYTES)
    spaced = _is_spaced(head, delimiter)
    reader = csv.reader(chain([head], lines), delimiter=delimiter, strict=True, skipinitialspace=spaced)
    try:
        cells = next(reader, [])
        columns = named_columns(cells, place) if named else numbered_columns(cells, place)
    except csv.Error as fault:
        where = f"{place}:{begins}"
        raise BadInput(f"no line of column names ({fault})", place=where, fix="mend the first line") from None
    if not named:
        yield row_of(columns, cells, f"{place}:{begins}")
    while True:
        begins = lines.number + 1
        lines.kept.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            yield from _broken(lines.kept, str(fault), place, begins)
            continue
        if any(cells):
            yield row_of(columns, cells, f"{place}:{begins}")


def _broken(lines: Sequence[str], fault: str, place: str, begins: int) -> Iterator[BadRecord]:
    """What a missing quote spoils: a complaint for each line that it swallowed, so that the sums tell of them all."""
    for number, line in enumerate(lines, begins):
        what = f"in a quote that opens in line {begins}" if number > begins else f"no row of a table ({fault})"
        text = shown(line.encode("ascii", "replace").decode()[: 2 * _SHOWN], _SHOWN)
        yield BadRecord(what, reason="broken_row", place=f"{place}:{number}", fix="mend its quotes", text=text)


def delimiter_of(head: str) -> str:
    """What parts a line of column names; a comma where nothing does.

    >>> delimiter_of('question;"answer, in short";topic'), delimiter_of('"a, b";"c, d"')
    (';', ';')
    """
    return max(DELIMITERS, key=lambda mark: _parted(head, mark))


def _parted(head: str, mark: str) -> tuple[bool, int]:
    """Whether its quotes stand where a delimiter lets them stand, and how many names that makes."""
    line = head.rstrip("\r\n")
    try:
        return True, len(next(csv.reader([line], delimiter=mark, strict=True), []))
    except csv.Error:
        return False, line.count(mark)


def _is_spaced(head: str, delimiter: str) -> bool:
    """A space follows each delimiter, so that a quote behind it is one."""
    _, *others = head.split(delimiter)
    return bool(others) and delimiter != "\t" and all(cell.startswith(" ") for cell in others)


def named_columns(cells: Sequence[str], place: str) -> list[str]:
    """The names of the columns; one without a name is called after its number."""
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
    if not any(cell.strip() for cell in cells):
        raise BadInput("no names of columns", place=f"{place}:1", fix="name the columns in the first line")
    if twice := [name for name in names if names.count(name) > 1]:
        what = f"column '{shown(twice[0], 40)}' stands twice"
        raise BadInput(what, place=f"{place}:1", fix="give each column a name of its own, or number them")
    return names


def numbered_columns(cells: Sequence[str], place: str) -> list[str]:
    """Names of the columns of a table without a line of names, as `--columns` takes them.

    >>> numbered_columns(["What is clay?", "Earth."], "set.csv")
    ['#1', '#2']
    """
    if not any(cell.strip() for cell in cells):
        raise BadInput("nothing in the first row", place=f"{place}:1", fix="begin with a record")
    return [f"#{number}" for number in range(1, len(cells) + 1)]


def row_of(columns: Sequence[str], cells: Sequence[str], place: str) -> Line | BadRecord:
    """A row as a record; cells behind the last column must be empty."""
    text = shown(" | ".join(cells)[: 2 * _SHOWN], _SHOWN)
    if any("\udc80" <= mark <= "\udcff" for cell in cells if not cell.isascii() for mark in cell):
        fix = "save the file as UTF-8"
        return BadRecord(
            "not UTF-8", reason="not_utf8", place=place, fix=fix, text=text.encode("ascii", "replace").decode()
        )
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        what = f"{plural(len(cells), 'cell')}, where there are {plural(len(columns), 'column')}"
        return BadRecord(
            what, reason="broken_row", place=place, fix="put cells with the delimiter in quotes", text=text
        )
    return Line(place, {column: cell or None for column, cell in zip(columns, cells, strict=False)})


class _Lines:
    """The lines of a table as text, whatever ends them, counted; those of the row at hand are kept."""

    def __init__(self, opened: Stream, place: str) -> None:
        self._opened, self._place = opened, place
        self._ready: list[str] = []
        self.number = 0
        self.kept: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line with its end."""
        if not self._ready:
            whole = self._read()
            self._ready = _OLD_END.split(whole)[::-1] if "\r" in whole else [whole]
        line = self._ready.pop()
        if not line:
            raise StopIteration
        self.number += 1
        self.kept.append(line)
        return line

    def _read(self) -> str:
        line = self._opened.line(LINE_BYTES + 1, self._place)
        if len(line) > LINE_BYTES:
            raise BadInput(
                f"a line over {LINE_BYTES >> 20} MiB", place=self._place, fix="is it a table? split the record"
            )
        if not self.number:
            if line.startswith(UTF16_MARKS):
                raise BadInput("UTF-16, not UTF-8", place=self._place, fix="save the file as UTF-8")
            line = line.removeprefix(codecs.BOM_UTF8)
        return line.decode("utf-8", "surrogateescape")


def sheet_rows(path: Path, wanted: str = "", *, named: bool = True) -> Iterator[Line | BadRecord]:
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
        yield from _sheet_rows(_sheet(book, wanted, place), place, named=named)
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
        names = [name for name in names if _holds(book[name])]
    if not wanted and len(names) != 1:
        raise BadInput(f"has several sheets: {there}", place=place, fix="write #SHEET behind the name")
    return book[wanted or names[0]]


def _holds(sheet: Any) -> bool:  # noqa: ANN401 - the library publishes no types
    """Some cell of a sheet is filled: spreadsheets come with empty ones behind the first."""
    return any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)


def _sheet_rows(sheet: Any, place: str, *, named: bool) -> Iterator[Line | BadRecord]:  # noqa: ANN401 - as above
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    head = next(rows, (1, ()))
    columns = (named_columns if named else numbered_columns)(_trimmed(head[1]), place)
    for number, cells in rows if named else chain([head], rows):
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
