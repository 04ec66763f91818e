"""One table of any folders of `score`: rows are models, columns measures, and each is set against a chosen row.

A difference is over the questions that both rows answered. Its test is Fisher's randomisation test by source: were the
two rows alike, each source's difference might as well have the other sign. With up to twelve sources that differ all
signs are counted, else 9,999 draws of PCG64's bits; over all differences of a table Holm's correction is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_columns import ELSEWHERE, Column, Mark, ModelMarks
from selfinstruct.evaluate.judging.verdict_parsing import ASPECTS
from selfinstruct.evaluate.judging.win_rates import PAPER, ROWS
from selfinstruct.evaluate.suites.suite_scores import marked_estimate
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, correlation, mean
from selfinstruct.text.grammar import plural
from selfinstruct.tone.tone_metrics import columns_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 9_999
_ALL_SIGNS = 12  # sources that differ, up to which every choice of signs is counted
_AT_A_TIME = 500
_NEARLY = 1e-9


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference of two rows in one column, with its interval."""

    estimate: Estimate
    p: float
    """That chance alone gives as large a difference, in either direction."""


def difference(
    first: Mapping[str, Mark], second: Mapping[str, Mark], seed: int = 0, *, widest: float = 1
) -> Difference | None:
    """Of the means, on the common questions; None where there are none. `widest`: how far two marks can be apart.

    >>> one = {str(place): (str(place), 1.0, 1) for place in range(8)}
    >>> other = {name: (source, 0.0, count) for name, (source, _, count) in one.items()}
    >>> estimate = difference(one, other)
    >>> estimate.estimate.value, estimate.estimate.n, estimate.p == 2 / 2**8
    (1.0, 8, True)
    """
    changes: dict[str, float] = {}
    counts: dict[str, int] = {}
    for question, (source, total, count) in first.items():
        if question in second and second[question][2] == count:
            changes[source] = changes.get(source, 0.0) + total - second[question][1]
            counts[source] = counts.get(source, 0) + count
    estimate = (
        mean(list(changes.values()), list(counts.values()), within=(-widest, widest), seed=seed) if counts else None
    )
    return None if estimate is None else Difference(estimate, sign_test(list(changes.values()), seed))


def sign_test(changes: Sequence[float], seed: int = 0) -> float:
    """How likely a sum as far from 0 is, were each sign a coin's.

    >>> sign_test([1, 1, 1, 1]), sign_test([1, -1]), sign_test([0, 0])
    (0.125, 1.0, 1.0)
    """
    import numpy as np

    values = np.array([change for change in changes if change], np.float64)
    if not len(values):
        return 1.0
    seen = abs(float(values.sum())) - _NEARLY
    if len(values) <= _ALL_SIGNS:
        every = np.arange(2 ** len(values), dtype=np.uint64)[:, None] >> np.arange(len(values), dtype=np.uint64)
        return float((np.abs(_signs(every) @ values) >= seen).mean())
    bits = np.random.PCG64(seed)
    as_far = 0
    for start in range(0, DRAWS, _AT_A_TIME):
        draws = min(_AT_A_TIME, DRAWS - start)
        raw = np.asarray(bits.random_raw(draws * len(values)), np.uint64) >> np.uint64(63)
        as_far += int((np.abs(_signs(raw.reshape(draws, -1)) @ values) >= seen).sum())
    return (1 + as_far) / (1 + DRAWS)


def _signs(bits: "NDArray[np.uint64]") -> "NDArray[np.float64]":
    import numpy as np

    return (bits & np.uint64(1)).astype(np.float64) * 2 - 1


def holm(chances: Sequence[float]) -> list[float]:
    """Each chance corrected for all of them (Holm 1979), in the same order.

    >>> holm([0.01, 0.04, 0.03]), holm([])
    ([0.03, 0.06, 0.06], [])
    """
    ranked = sorted(range(len(chances)), key=lambda place: chances[place])
    corrected, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(ranked):
        highest = max(highest, min(1.0, chances[place] * (len(chances) - rank)))
        corrected[place] = highest
    return corrected


_OTHERS = (
    "objecqa",
    *(f"ifeval {name}_{how}" for how in ("strict", "loose") for name in ("prompt", "instruction")),
    *("superni rouge_l", "superni exact_match"),
    *(f"pairwise {name}" for name in ("win_rate", "length_controlled_winrate", "unique_token_controlled_winrate")),
    *(f"just_eval {aspect}" for aspect in ASPECTS),
    *("facts right", "facts kept", "shifted tokens"),
)
"""Columns in this order behind those of a score of tone, others after them as they come."""
HOLDS = 0.05


@dataclass(frozen=True, slots=True)
class FolderMeasured:
    """What one folder holds; `label` names its rows, where the user gave it one."""

    folder: str
    label: str
    measured: Sequence[ModelMarks]


@dataclass(frozen=True, slots=True)
class Against:
    """A cell beside that of the chosen row."""

    difference: Difference
    corrected: float
    """Its chance after Holm's correction over all differences of the table."""

    @property
    def holds(self) -> bool:
        """After the correction, at 0.05."""
        return self.corrected < HOLDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The table of `compare`: rows, columns, cells, and differences to the row that all are compared with."""

    rows: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, Column], Estimate]
    against: str
    """The row that the others are compared with; empty: none."""
    differences: Mapping[tuple[str, Column], Against]
    notes: tuple[str, ...]
    """What does not compare, and why."""

    def as_json(self) -> dict[str, Json]:
        """For programs: a list of rows, each with its cells by the number of the column."""
        columns: list[Json] = [
            {
                "measure": column.measure,
                "terms": column.terms,
                "elsewhere": dict(ELSEWHERE.get(column.measure, {})) or None,
            }
            for column in self.columns
        ]
        return {
            "columns": columns,
            "against": self.against or None,
            "rows": [{"row": row, "cells": [self._cell(row, column) for column in self.columns]} for row in self.rows],
            "notes": list(self.notes),
        }

    def _cell(self, row: str, column: Column) -> Json:
        estimate, beside = self.cells.get((row, column)), self.differences.get((row, column))
        if estimate is None:
            return None
        cell: dict[str, Json] = {**estimate.as_json(), "n": estimate.n, "sources": estimate.clusters}
        if beside is not None:
            difference = beside.difference
            cell["difference"] = {
                **difference.estimate.as_json(),
                "n": difference.estimate.n,
                "p": difference.p,
                "p_holm": beside.corrected,
                "holds": beside.holds,
            }
        return cell

    def frame(self) -> Any:  # noqa: ANN401 - pandas publishes no types
        """As a pandas data frame: a line for each cell."""
        import pandas as pd

        lines = []
        for row in self.rows:
            for column in self.columns:
                cell = self._cell(row, column)
                if isinstance(cell, dict):
                    beside = cell.pop("difference", None)
                    difference = (
                        {f"difference_{key}": value for key, value in beside.items()}
                        if isinstance(beside, dict)
                        else {}
                    )
                    lines.append({"row": row, "measure": column.measure, "terms": column.terms, **cell, **difference})
        return pd.DataFrame(lines)


def comparison(folders: Sequence[FolderMeasured], against: str = "", seed: int = 0) -> Comparison:
    """Rows are models under a wrapper; BadInput for a row to compare with that is not there.

    The same model of two folders is one row, unless both measured the same and found something else: then each row
    names its folder. What an audit tells of weights stands on the row of that model, where it was asked under one
    wrapper in the same folder or in another, and else on a row of its own.
    """
    placed = _placed(folders)
    marks = _rows(placed)
    columns = sorted({column: None for cells in marks.values() for column in cells}, key=_place)
    rows = tuple(marks)
    chosen = _chosen(against, rows)
    widest = {measured.column: measured.within[1] - measured.within[0] for _, measured in placed}
    stated = [(row, measured) for row, measured in placed if measured.stated is not None]
    cells = {(row, measured.column): measured.stated for row, measured in stated if measured.stated is not None}
    cells |= {
        (row, column): estimate
        for row in rows
        for column in columns
        if column in marks[row]
        and (row, column) not in cells
        and (estimate := _estimate(marks[row][column], seed)) is not None
    }
    tested = {
        (row, column): change
        for row in rows
        for column in columns
        if chosen
        and row != chosen
        and column in marks[row]
        and column in marks[chosen]
        and (change := difference(marks[row][column], marks[chosen][column], seed, widest=widest[column])) is not None
    }
    corrected = holm([change.p for change in tested.values()])
    return Comparison(
        rows=rows,
        columns=tuple(columns),
        cells=cells,
        against=chosen,
        differences={
            key: Against(change, chance) for (key, change), chance in zip(tested.items(), corrected, strict=True)
        },
        notes=(*_notes(columns, marks), *_with_unique_tokens(stated)),
    )


def _with_unique_tokens(stated: Sequence[tuple[str, ModelMarks]]) -> list[str]:
    """Whether win rates go along with unique tokens, over all rows that were judged alike."""
    rates: dict[Column, dict[str, tuple[float, float]]] = {}
    for row, measured in stated:
        if measured.stated is not None and measured.unique_tokens is not None:
            rates.setdefault(measured.column, {})[row] = (measured.stated.value, measured.unique_tokens)
    notes = []
    for column, rows in rates.items():
        r = correlation([rate for rate, _ in rows.values()], [unique for _, unique in rows.values()])
        if r is None or r.low is None or r.high is None:
            continue
        few = "" if len(rows) >= ROWS else f"; it says little: {plural(len(rows), 'row')}, and {ROWS} are wanted"
        notes.append(
            f"{column.measure}, {column.terms}: r = {r.value:.2f} [{r.low:.2f}, {r.high:.2f}] with the "
            f"mean unique tokens of a row (arXiv 2306.04751: {PAPER}){few}"
        )
    return notes


def _placed(folders: Sequence[FolderMeasured]) -> list[tuple[str, ModelMarks]]:
    """Everything that is measured, with the row where it stands."""
    named = [
        (_named(folder, measured, folders), folder.folder, measured)
        for folder in folders
        for measured in folder.measured
    ]
    seen: dict[tuple[str, Column], ModelMarks] = {}
    twice = set[str]()
    for row, _, measured in named:
        before = seen.setdefault((row, measured.column), measured)
        if (before.marks, before.stated) != (measured.marks, measured.stated):
            twice.add(row)
    return [(f"{row} ({folder})" if row in twice else row, measured) for row, folder, measured in named]


def _rows(placed: Sequence[tuple[str, ModelMarks]]) -> dict[str, dict[Column, Mapping[str, Mark]]]:
    """Row by row the marks of each column."""
    rows: dict[str, dict[Column, Mapping[str, Mark]]] = {}
    for row, measured in placed:
        rows.setdefault(row, {})[measured.column] = measured.marks
    return rows


def _named(folder: FolderMeasured, measured: ModelMarks, folders: Sequence[FolderMeasured] = ()) -> str:
    """The row; of what is told of weights, that of the model where it was asked: in its folder, else in another."""
    if measured.of_weights and (asked := _asked(folder)):
        same = [(folder, who) for who in asked if _of_name(who[0]) == _of_name(measured.model)]
        same = same or [
            (other, who) for other in folders for who in _asked(other) if _of_name(who[0]) == _of_name(measured.model)
        ]
        return _row(*same[0]) if len(same) == 1 else measured.model
    return _row(folder, (measured.model, measured.wrapper))


def _asked(folder: FolderMeasured) -> list[tuple[str, str]]:
    """Models and wrappers that were asked."""
    return list(
        dict.fromkeys((measured.model, measured.wrapper) for measured in folder.measured if not measured.of_weights)
    )


def _row(folder: FolderMeasured, who: tuple[str, str]) -> str:
    model, wrapper = who
    several = len(_asked(folder) or {other.model for other in folder.measured}) > 1
    name = f"{model or 'responses'}{f', {wrapper}' if wrapper else ''}"
    if folder.label:
        return f"{folder.label}: {name}" if several else folder.label
    return name


def _of_name(model: str) -> str:
    """A model's name without how it is asked and without the mark of its content.

    >>> _of_name("hf:student@7d3d2886"), _of_name("student")
    ('student', 'student')
    """
    return model.removeprefix("hf:").partition("@")[0]


def _place(column: Column) -> tuple[int, str, str]:
    order = (*(metric.key for metric in columns_of("compare")), *_OTHERS)
    known = order.index(column.measure) if column.measure in order else len(order)
    return known, column.measure, column.terms


def _chosen(against: str, rows: Sequence[str]) -> str:
    """The row meant: its name, or the only one that begins so or holds it."""
    if not against:
        return ""
    for fits in (str.__eq__, str.startswith, str.__contains__):
        meant = [row for row in rows if fits(row, against)]
        if len(meant) == 1:
            return meant[0]
    raise BadInput(f"no row '{against}', or several", place="--against", fix=f"one of: {'; '.join(rows)}")


def _estimate(marks: Mapping[str, Mark], seed: int) -> Estimate | None:
    return marked_estimate(((source, (total, count)) for source, total, count in marks.values()), seed)


def _notes(columns: Sequence[Column], marks: Mapping[str, Mapping[Column, Mapping[str, Mark]]]) -> list[str]:
    """Measures of which the same is to be said share a line."""
    ways: dict[str, list[str]] = {}
    for measure in dict.fromkeys(column.measure for column in columns):
        terms = [column.terms for column in columns if column.measure == measure]
        if len(terms) > 1:
            listed = "; ".join(terms)
            remark = f"measured in {len(terms)} ways, which do not compare, a column each: {listed}"
            ways.setdefault(remark, []).append(measure)
    notes = [f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} {remark}" for remark, names in ways.items()]
    apart: dict[str, list[str]] = {}
    for column in columns:
        asked = {row: cells[column].keys() for row, cells in marks.items() if column in cells}
        common = set.intersection(*map(set, asked.values())) if asked else set()
        if any(len(questions) > len(common) for questions in asked.values()):
            counts = ", ".join(f"{row}: {len(questions)}" for row, questions in asked.items())
            remark = (
                f"not all rows answered the same questions ({counts}; {len(common)} of them all); "
                "differences are over those that both answered"
            )
            apart.setdefault(remark, []).append(column.measure)
    return [*notes, *(f"{', '.join(dict.fromkeys(names))}: {remark}" for remark, names in apart.items())]
