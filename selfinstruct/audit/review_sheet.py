"""Tasks judged by people: a sample goes out as CSV, verdicts come back as four rates, and how far two readers agree.

The questions and the four rates are those of the quality review in Wang et al. 2023 (arXiv 2212.10560, table 2): 200
instructions, one instance each, answered yes or no.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from selfinstruct.csv_sheets import as_cell, as_csv, csv_rows, fitting, from_cell
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Task, digest
from selfinstruct.stats import kappa, wilson
from selfinstruct.text import shown, words
from selfinstruct.text.grammar import plural
from selfinstruct.text.tables import text_columns

COLUMNS = ("id", "instruction", "input", "output", "valid_task", "input_fits", "output_right", "note")
"""The questions: does the instruction describe a valid task? Does the input fit it? Is the output right for both?"""
_ANSWERS = {"yes": True, "no": False, "": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReview:
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
        raise BadInput(f"cannot draw {plural(n, 'task')}", place="--n", fix="give a number of at least 1")
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


def read_sheet(text: str, place: str, tasks: Iterable[Task]) -> tuple[TaskReview, ...]:
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


def _verdict(row: Sequence[str], place: str) -> TaskReview:
    name, _, _, _, valid, fits, right, note = row
    return TaskReview(
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


@dataclass(frozen=True, slots=True)
class WilsonShare:
    """A share of yes among the answers given, with its 95 % Wilson score interval.

    >>> rate = WilsonShare(8, 10)
    >>> rate.share, round(rate.low, 4), round(rate.high, 4)
    (0.8, 0.4902, 0.9433)
    >>> unanswered = WilsonShare(0, 0)
    >>> unanswered.share, unanswered.low, unanswered.high
    (None, 0.0, 1.0)
    """

    yes: int
    answered: int

    @property
    def share(self) -> float | None:
        """From 0 to 1; None when nobody answered."""
        return self.yes / self.answered if self.answered else None

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        interval = wilson(self.yes, self.answered)
        return 0.0 if interval is None or interval.low is None else interval.low

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        interval = wilson(self.yes, self.answered)
        return 1.0 if interval is None or interval.high is None else interval.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The paper's four, and how many rows were handed in with a question open that still matters."""

    valid_task: WilsonShare
    input_fits: WilsonShare
    output_right: WilsonShare
    all_three: WilsonShare
    open: int = 0


PAPER = Rates(
    valid_task=WilsonShare(184, 200),
    input_fits=WilsonShare(158, 200),
    output_right=WilsonShare(116, 200),
    all_three=WilsonShare(108, 200),
)
"""92, 79, 58 and 54 % of 200 (Wang et al. 2023, table 2)."""


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa of two readers on one question, from the four counts of their answers.

    >>> Kappa(both_yes=20, first_only=5, second_only=10, both_no=15).value
    0.4
    """

    both_yes: int
    first_only: int
    second_only: int
    both_no: int

    @property
    def answered(self) -> int:
        """Tasks that both readers answered this for."""
        return self.both_yes + self.first_only + self.second_only + self.both_no

    @property
    def value(self) -> float | None:
        """1 is full agreement, 0 what chance gives; None where both always said one and the same, or nothing."""
        times = (self.both_yes, self.first_only, self.second_only, self.both_no)
        said = ((True, True), (True, False), (False, True), (False, False))
        first, second = ([pair[side] for pair, n in zip(said, times, strict=True) for _ in range(n)] for side in (0, 1))
        return kappa(first, second)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two readers of the same tasks."""

    valid_task: Kappa
    input_fits: Kappa
    output_right: Kappa
    all_three: Kappa


def rates(verdicts: Sequence[TaskReview]) -> Rates:
    """The four shares, each over the verdicts that answer it.

    >>> rates([TaskReview(id="a", valid_task=True), TaskReview(id="b", valid_task=False)]).all_three
    WilsonShare(yes=0, answered=1)
    """

    def rate(answers: Sequence[bool | None]) -> WilsonShare:
        return WilsonShare(sum(answer is True for answer in answers), sum(answer is not None for answer in answers))

    overall = [verdict.all_three for verdict in verdicts]
    return Rates(
        valid_task=rate([verdict.valid_task for verdict in verdicts]),
        input_fits=rate([verdict.input_fits for verdict in verdicts]),
        output_right=rate([verdict.output_right for verdict in verdicts]),
        all_three=rate(overall),
        open=overall.count(None),
    )


def agreement(first: Sequence[TaskReview], second: Sequence[TaskReview]) -> Agreement:
    """Cohen's kappa for each question, over the tasks that both readers answered it for."""
    others = {verdict.id: verdict for verdict in second}
    both = [(verdict, others[verdict.id]) for verdict in first if verdict.id in others]
    return Agreement(
        valid_task=_kappa([(one.valid_task, other.valid_task) for one, other in both]),
        input_fits=_kappa([(one.input_fits, other.input_fits) for one, other in both]),
        output_right=_kappa([(one.output_right, other.output_right) for one, other in both]),
        all_three=_kappa([(one.all_three, other.all_three) for one, other in both]),
    )


def table(measured: Rates, between: Agreement | None = None) -> str:
    """The four rates beside the paper's, as lines of text; with two readers, their agreement below.

    >>> print(table(PAPER))
                                     yes  answered  share  95 % interval  paper
    the instruction is a valid task  184       200   92 %     87 to 95 %   92 %
    the input fits                   158       200   79 %     73 to 84 %   79 %
    the output is right              116       200   58 %     51 to 65 %   58 %
    all three                        108       200   54 %     47 to 61 %   54 %
    """
    rows = [("", "yes", "answered", "share", "95 % interval", "paper")]
    for name, rate, paper in zip(_NAMES, _four(measured), _four(PAPER), strict=True):
        interval = f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %"
        rows.append((name, str(rate.yes), str(rate.answered), _share(rate), interval, _share(paper)))
    lines = text_columns(rows)
    if measured.open:
        rows_open = "1 row is" if measured.open == 1 else f"{measured.open} rows are"
        lines.append(f"{rows_open} not filled in to the end, and counted only for the questions answered (yes or no).")
    if between is not None:
        pairs = zip(
            _NAMES, (between.valid_task, between.input_fits, between.output_right, between.all_three), strict=True
        )
        lines += ["", *text_columns([("agreement of two readers", "kappa", "both answered"), *map(_kappa_row, pairs)])]
    return "\n".join(lines)


_NAMES = ("the instruction is a valid task", "the input fits", "the output is right", "all three")


def _four(measured: Rates) -> tuple[WilsonShare, ...]:
    return measured.valid_task, measured.input_fits, measured.output_right, measured.all_three


def _share(rate: WilsonShare) -> str:
    return "none" if rate.share is None else f"{100 * rate.share:.0f} %"


def _kappa_row(pair: tuple[str, Kappa]) -> tuple[str, ...]:
    name, agreed = pair
    return name, "undefined" if agreed.value is None else f"{agreed.value:.2f}", str(agreed.answered)


def _kappa(pairs: Sequence[tuple[bool | None, bool | None]]) -> Kappa:
    return Kappa(*(pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))
