"""The sheet between us and the people who judge tasks: a sample goes out as CSV, verdicts come back."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Task, digest
from selfinstruct.text import shown, words

COLUMNS = ("id", "instruction", "input", "output", "valid_task", "input_fits", "output_right", "note")
"""The questions: does the instruction describe a valid task? Does the input fit it? Is the output right for both?"""

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
_DELIMITERS = ",;\t"  # spreadsheets save with the one of their own country
_ANSWERS = {"yes": True, "no": False, "": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one reader says of one task; None is a question left open."""

    id: str
    valid_task: bool | None = None
    input_fits: bool | None = None
    """Answered also where there is no input: yes, when the task needs none."""
    output_right: bool | None = None
    note: str = ""

    @property
    def all_three(self) -> bool | None:
        """Yes to everything; one no decides, whatever is still open."""
        answers = (self.valid_task, self.input_fits, self.output_right)
        if False in answers:
            return False
        return None if None in answers else True


def draw(tasks: Sequence[Task], n: int, seed: int) -> tuple[Task, ...]:
    """A random sample without replacement, the same for any order of the tasks.

    A larger `n` with the same seed only adds to the sample, so that a reader can go on; all tasks if there are fewer.

    Raises:
        BadInput: `n` is not positive.
    """
    if n < 1:
        raise BadInput(f"cannot draw {n} tasks", place="--n", fix="give a number of at least 1")
    return tuple(sorted(tasks, key=lambda task: digest("review", seed, task.id))[:n])


def sheet(tasks: Sequence[Task]) -> str:
    r"""A CSV that any spreadsheet opens, to be written as UTF-8 with its line ends as they are; answers are empty.

    One instance per task, the first. A cell that a spreadsheet might run begins with a quote mark. Texts beyond 32,000
    characters are cut and say so; lone surrogates, which UTF-8 cannot hold, become their escapes.

    >>> from selfinstruct.records import Provenance
    >>> task = Task(instruction="=1+1", provenance=Provenance(stage="seed"))
    >>> sheet([task]).splitlines()[1].removeprefix(task.id)
    ",'=1+1,,,,,,"
    """
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    for task in tasks:
        first = task.instances[0] if task.instances else Instance("", "")
        texts = (task.instruction, first.input, first.output)
        rows.writerow((task.id, *(as_cell(_cut(text)) for text in texts), "", "", "", ""))
    return _BOM + written.getvalue()


def read_sheet(text: str, place: str, tasks: Iterable[Task]) -> tuple[Verdict, ...]:
    """The verdicts of a sheet that a person filled in, in its order; rows in which every cell is empty are skipped.

    Answers are yes, no or nothing, in any case. `tasks` are those that may be judged; that each row still holds its own
    instruction is checked, since sorting one column alone is easily done. Cells may be parted by commas, semicolons or
    tabs: spreadsheets save with either.

    Raises:
        BadInput: anything else, with the line and the column.
    """
    known = {task.id: task for task in tasks}
    lines: dict[str, int] = {}
    verdicts = []
    for line, row in _rows(text.removeprefix(_BOM), place):
        here = f"{place}:{line}"
        verdict = _verdict(row, here)
        task = known.get(verdict.id)
        if task is None:
            what = f"column id: {shown(verdict.id, 70)!r} is no task of this set"
            raise BadInput(what, place=here, fix="fill in the sheet that was exported from this folder")
        if verdict.id in lines:
            what = f"column id: judged already in line {lines[verdict.id]}"
            raise BadInput(what, place=here, fix="keep one of the two rows")
        if words(_cut(task.instruction)) != words(row[1]):
            what = "column instruction: not the instruction of this id"
            raise BadInput(what, place=here, fix="undo what changed or moved the cell, perhaps sorting one column")
        lines[verdict.id] = line
        verdicts.append(verdict)
    return tuple(verdicts)


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
    """The inverse of `as_cell`."""
    inside = cell[1:] if cell.startswith(_QUOTE) and cell.lstrip(_QUOTE).startswith(_FORMULA) else cell
    return _WITHIN.sub(lambda found: found[1] + found[2][1:], inside)


def _cut(text: str) -> str:
    text = _LONE.sub(lambda lone: repr(lone.group())[1:-1], text)
    return text if len(text) <= _CELL else f"{text[:_CELL]} [cut: {len(text) - _CELL} more characters]"


def _rows(text: str, place: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of the line it begins in."""
    head = text.split("\n", 1)[0]
    delimiter = next((mark for mark in _DELIMITERS if mark in head), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            if begins == 1:
                if [cell.strip() for cell in row] != list(COLUMNS):
                    what = f"the first line must be {','.join(COLUMNS)}"
                    raise BadInput(what, place=f"{place}:1", fix="export a sheet and fill that in")
            elif any(cell.strip() for cell in row):
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        fix = "save the sheet as CSV, UTF-8"
        raise BadInput(f"not CSV: {error}", place=f"{place}:{begins}", fix=fix) from error
    if begins == 1:
        raise BadInput("the sheet is empty", place=place, fix="export a sheet and fill that in")


def _verdict(row: Sequence[str], place: str) -> Verdict:
    if len(row) != len(COLUMNS):
        what = f"{len(row)} cells where {len(COLUMNS)} are expected"
        raise BadInput(what, place=place, fix=f"keep the columns {','.join(COLUMNS)}")
    name, _, _, _, valid, fits, right, note = row
    return Verdict(
        id=name.strip(),
        valid_task=_answer(valid, "valid_task", place),
        input_fits=_answer(fits, "input_fits", place),
        output_right=_answer(right, "output_right", place),
        note=from_cell(note),
    )


def _answer(cell: str, column: str, place: str) -> bool | None:
    said = cell.strip().lower()
    if said not in _ANSWERS:
        what = f"column {column}: {shown(cell, 40)!r} is no answer"
        raise BadInput(what, place=place, fix="write yes or no, or leave the cell empty")
    return _ANSWERS[said]
