"""Rows of a CSV or TSV file: the first names the columns, a quoted cell may hold line breaks, an empty one is null."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.formats.cursor import Line
from selfinstruct.formats.lines import LINE_BYTES
from selfinstruct.formats.streams import Stream, ending, name, stream
from selfinstruct.formats.unreadable import BadRecord
from selfinstruct.text import shown

DELIMITERS = (",", ";", "\t", "|")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN = 200


def delimited_rows(path: Path) -> Iterator[Line | BadRecord]:
    """The rows, lazily; a place is the file and the line where the row begins.

    The delimiter is what parts the first line most often; of `.tsv` it is the tab. Raises BadInput for a file whose
    columns cannot be told.
    """
    with stream(path) as opened:
        yield from _rows(opened, name(path), ending(path))


def _rows(opened: Stream, place: str, kind: str) -> Iterator[Line | BadRecord]:
    first = _line(opened, place)
    if first.startswith(_UTF16):
        raise BadInput("UTF-16, not UTF-8", place=place, fix="save the file as UTF-8")
    head = _text(first.removeprefix(codecs.BOM_UTF8))
    delimiter = "\t" if kind == ".tsv" else delimiter_of(head)
    csv.field_size_limit(LINE_BYTES)
    reader = csv.reader(_lines(opened, head, place), delimiter=delimiter, strict=True)
    try:
        columns = named_columns(next(reader, []), place)
    except csv.Error as fault:
        raise BadInput(f"no line of column names ({fault})", place=f"{place}:1", fix="mend the first line") from None
    while True:
        begins = f"{place}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            yield BadRecord(f"no row of a table ({fault})", reason="broken_row", place=begins, fix="mend its quotes")
            continue
        if cells:
            yield row_of(columns, cells, begins)


def delimiter_of(head: str) -> str:
    """What parts a line of column names; a comma where nothing does.

    >>> delimiter_of('question;"answer, in short";topic')
    ';'
    """
    counts = {mark: len(next(csv.reader([head.rstrip("\r\n")], delimiter=mark), [])) for mark in DELIMITERS}
    return max(DELIMITERS, key=lambda mark: counts[mark])


def named_columns(cells: Sequence[str], place: str) -> list[str]:
    """The names of the columns; one without a name is called after its number."""
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
    if not any(cell.strip() for cell in cells):
        raise BadInput("no names of columns", place=f"{place}:1", fix="name the columns in the first line")
    if twice := [one for one in names if names.count(one) > 1]:
        what = f"column '{shown(twice[0], 40)}' stands twice"
        raise BadInput(what, place=f"{place}:1", fix="give each column a name of its own")
    return names


def row_of(columns: Sequence[str], cells: Sequence[str], place: str) -> Line | BadRecord:
    """A row as a record; cells behind the last column must be empty."""
    text = shown(" | ".join(cells)[: 2 * _SHOWN], _SHOWN)
    if any("\udc80" <= mark <= "\udcff" for cell in cells if not cell.isascii() for mark in cell):
        fix = "save the file as UTF-8"
        return BadRecord(
            "not UTF-8", reason="not_utf8", place=place, fix=fix, text=text.encode("ascii", "replace").decode()
        )
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        what = f"{len(cells)} cells, where there are {len(columns)} columns"
        return BadRecord(
            what, reason="broken_row", place=place, fix="put cells with the delimiter in quotes", text=text
        )
    return Line(place, {column: cell or None for column, cell in zip(columns, cells, strict=False)})


def _lines(opened: Stream, head: str, place: str) -> Iterator[str]:
    yield head
    while line := _line(opened, place):
        yield _text(line)


def _line(opened: Stream, place: str) -> bytes:
    line = opened.line(LINE_BYTES + 1, place)
    if len(line) > LINE_BYTES:
        raise BadInput(f"a line over {LINE_BYTES >> 20} MiB", place=place, fix="is it a table? split the record")
    return line


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")
