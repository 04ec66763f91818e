"""The sheet between us and the people who judge tasks: a sample goes out as CSV, verdicts come back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Task, digest
from selfinstruct.spreadsheet import as_cell, as_csv, csv_rows, fitting, from_cell
from selfinstruct.text import shown, words

COLUMNS = ("id", "instruction", "input", "output", "valid_task", "input_fits", "output_right", "note")
"""The questions: does the instruction describe a valid task? Does the input fit it? Is the output right for both?"""

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
    rows = []
    for task in tasks:
        first = task.instances[0] if task.instances else Instance("", "")
        texts = (task.instruction, first.input, first.output)
        rows.append((task.id, *(as_cell(fitting(text)) for text in texts), "", "", "", ""))
    return as_csv(COLUMNS, rows)


def read_sheet(text: str, place: str, tasks: Iterable[Task]) -> tuple[Verdict, ...]:
    """The verdicts of a sheet that a person filled in, in its order; rows in which every cell is empty are skipped.

    Answers are yes, no or nothing, in any case. `tasks` are those that may be judged; that each row still holds its own
    instruction is checked, since sorting one column alone is easily done. Cells may be parted by commas, semicolons or
    tabs: spreadsheets save with either.

    Raises:
        BadInput: anything else, with the line and the column.
    """
    known = {task.id: task for task in tasks}
    lines: dict[str, str] = {}
    verdicts = []
    for here, row in csv_rows(text, COLUMNS, place):
        verdict = _verdict(row, here)
        task = known.get(verdict.id)
        if task is None:
            what = f"column id: {shown(verdict.id, 70)!r} is no task of this set"
            raise BadInput(what, place=here, fix="fill in the sheet that was exported from this folder")
        if verdict.id in lines:
            what = f"column id: judged already in line {lines[verdict.id]}"
            raise BadInput(what, place=here, fix="keep one of the two rows")
        if words(fitting(task.instruction)) != words(row[1]):
            what = "column instruction: not the instruction of this id"
            raise BadInput(what, place=here, fix="undo what changed or moved the cell, perhaps sorting one column")
        lines[verdict.id] = here.rpartition(":")[2]
        verdicts.append(verdict)
    return tuple(verdicts)


def _verdict(row: Sequence[str], place: str) -> Verdict:
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
