"""Answers rated by people on the four levels of Self-Instruct: a sheet goes out, ratings come back.

The levels and what they were used for: Wang et al. 2023 (arXiv 2212.10560, section 4.4), 252 user-oriented tasks. Who
answered is not in the sheet, and answers stand in an order that does not tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.csv_sheets import as_cell, as_csv, csv_rows, fitting
from selfinstruct.errors import BadInput
from selfinstruct.records import digest
from selfinstruct.stats import kappa, quadratic_kappa, wilson
from selfinstruct.text import shown
from selfinstruct.text.tables import text_columns

LEVELS: Mapping[str, str] = {
    "A": "right and satisfying",
    "B": "acceptable, with small faults",
    "C": "an answer to the task, with grave faults",
    "D": "beside the point, or none",
}
COLUMNS = ("id", "instruction", "answer", "rating", "note")
NO_JUDGES: Mapping[str, Mapping[str, str]] = {}
PAPER: Mapping[str, float] = {"GPT-3": 1 / 252, "GPT-3, self-instruct": 112 / 252, "InstructGPT-001": 128 / 252}
"""Share of A among 252 tasks; two of its authors agreed with kappa 0.57."""


@dataclass(frozen=True, slots=True)
class SheetAnswer:
    """One row of a rating sheet: a model's answer to a request, for a reader to rate."""

    model: str
    question: str
    instruction: str
    text: str

    @property
    def id(self) -> str:
        """Of model, question and answer; tells nothing by itself."""
        return digest("rating", self.model, self.question, self.text)[:16]


def rating_sheet(answers: Sequence[SheetAnswer], questions: int, seed: int) -> str:
    """A CSV of every model's answers to as many drawn questions, in an order of its own; `rating` is empty.

    >>> print(rating_sheet([SheetAnswer("m", "q1", "Name a river.", "=Tay")], 10, 42).splitlines()[1][16:])
    ,Name a river.,'=Tay,,
    """
    asked = dict.fromkeys(answer.question for answer in answers)
    drawn = frozenset(sorted(asked, key=lambda question: digest("rating", seed, question))[:questions])
    ordered = sorted(
        (answer for answer in answers if answer.question in drawn), key=lambda answer: digest("order", seed, answer.id)
    )
    rows = [
        (answer.id, as_cell(fitting(answer.instruction)), as_cell(fitting(answer.text)), "", "") for answer in ordered
    ]
    return as_csv(COLUMNS, rows)


def read_ratings(text: str, place: str, answers: Sequence[SheetAnswer]) -> dict[str, str]:
    """By id the level that a reader gave, in any case; rows without one are left out.

    Raises:
        BadInput: another level, an id that is no answer of these or stands twice, another layout; with the line.
    """
    known = {answer.id for answer in answers}
    ratings: dict[str, str] = {}
    seen: dict[str, str] = {}
    for here, row in csv_rows(text, COLUMNS, place):
        name, level = row[0].strip(), row[3].strip().upper()
        if name not in known:
            what = f"column id: {shown(name, 40)!r} is no answer of this folder"
            raise BadInput(what, place=here, fix="fill in the sheet that was exported from this folder")
        if name in seen:
            what = f"column id: rated already in line {seen[name]}"
            raise BadInput(what, place=here, fix="keep one of the two rows")
        seen[name] = here.rpartition(":")[2]
        if level and level not in LEVELS:
            what = f"column rating: {shown(row[3], 40)!r} is no level"
            raise BadInput(what, place=here, fix="write A, B, C or D, or leave the cell empty")
        if level:
            ratings[name] = level
    return ratings


def rating_table(
    answers: Sequence[SheetAnswer],
    first: Mapping[str, str],
    second: Mapping[str, str] | None = None,
    judges: Mapping[str, Mapping[str, str]] = NO_JUDGES,
) -> str:
    """How often each level was given to each model, shares with 95 % Wilson intervals, and how far readers agree.

    `judges`: levels that models gave to the same answers, by the model's name.

    >>> answer = SheetAnswer("m", "q1", "Name a river.", "Tay")
    >>> print(rating_table([answer], {answer.id: "A"}).splitlines()[1].split("  ")[0])
    m
    """
    rows = [("", *LEVELS, "rated", "A", "95 % interval", "A or B", "95 % interval")]
    for model in dict.fromkeys(answer.model for answer in answers):
        own = [answer for answer in answers if answer.model == model]
        rows.append(_row(shown(model, 60), [first[answer.id] for answer in own if answer.id in first]))
        for judge, given in judges.items():
            levels = [given[answer.id] for answer in own if answer.id in given]
            rows.append(_row(f"  by {shown(judge, 60)}", levels))
    lines = text_columns(rows)
    lines += [f"{level}: {meaning}" for level, meaning in LEVELS.items()]
    lines.append(
        "the paper, of 252 tasks, A: " + ", ".join(f"{who} {100 * share:.0f} %" for who, share in PAPER.items())
    )
    open_rows = len(answers) - len(first)
    if open_rows:
        lines.append(f"{open_rows} of {len(answers)} answers are not rated, and count nowhere")
    for judge, given in judges.items():
        lines.append(f"{shown(judge, 60)} and the reader, {agreement(first, given)}")
    if second is not None:
        lines.append(f"two readers, {agreement(first, second)} (the paper: kappa 0.57)")
    return "\n".join(lines)


def agreement(first: Mapping[str, str], second: Mapping[str, str]) -> str:
    """Of the answers that both rated: the same level so often, kappa as it is and with quadratic weights.

    >>> agreement({"x": "A", "y": "B", "z": "D"}, {"x": "A", "y": "C", "z": "D"})
    'of 3 answers: the same level 2 times, kappa 0.57, quadratic weights 0.90'
    """
    both = [name for name in first if name in second]
    one, other = [first[name] for name in both], [second[name] for name in both]
    levels = "".join(LEVELS)
    weighed = quadratic_kappa([levels.index(level) for level in one], [levels.index(level) for level in other])
    kappas = ("undefined" if value is None else f"{value:.2f}" for value in (kappa(one, other), weighed))
    same = sum(level == another for level, another in zip(one, other, strict=True))
    return (
        f"of {len(both)} answers: the same level {same} times, kappa {next(kappas)}, quadratic weights {next(kappas)}"
    )


def _row(name: str, levels: Sequence[str]) -> tuple[str, ...]:
    counts = [levels.count(level) for level in LEVELS]
    best = (*_share(counts[0], len(levels)), *_share(counts[0] + counts[1], len(levels)))
    return (name, *map(str, counts), str(len(levels)), *best)


def _share(yes: int, n: int) -> tuple[str, str]:
    estimate = wilson(yes, n)
    if estimate is None or estimate.low is None or estimate.high is None:
        return "none", ""
    return f"{100 * estimate.value:.0f} %", f"{100 * estimate.low:.0f} to {100 * estimate.high:.0f} %"
