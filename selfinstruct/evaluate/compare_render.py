"""The table as text, Markdown and LaTeX: a dagger marks what differs from the chosen row after Holm's correction."""

from collections.abc import Callable, Mapping, Sequence

from selfinstruct.evaluate.compare_columns import ELSEWHERE, Column
from selfinstruct.evaluate.compare_table import Comparison
from selfinstruct.text import printable
from selfinstruct.text.tables import markdown_table, text_columns
from selfinstruct.tone.tone_metrics import labels

_HEADS: Mapping[str, str] = {
    "objecqa": "ObjecQA",
    "ifeval prompt_strict": "IFEval prompt strict",
    "ifeval instruction_strict": "IFEval instr. strict",
    "ifeval prompt_loose": "IFEval prompt loose",
    "ifeval instruction_loose": "IFEval instr. loose",
    "superni rouge_l": "SuperNI ROUGE-L",
    "superni exact_match": "SuperNI EM",
    "pairwise win_rate": "Win rate",
    "pairwise length_controlled_winrate": "LC win rate",
    "pairwise unique_token_controlled_winrate": "Win rate, unique tokens equal",
    "baseline win_rate": "Win rate of a baseline",
    "facts right": "Facts right",
    "facts kept": "Facts kept",
    "shifted tokens": "Shifted tokens",
    "user_oriented A": "User tasks A",
    "user_oriented A or B": "User tasks A or B",
}
"""Of measures that are no metrics of tone."""
_TEX = str.maketrans(
    {**{sign: f"\\{sign}" for sign in "&%$#_{}"}, "\\": "\\textbackslash{}", "~": "\\~{}", "^": "\\^{}"}
)


def heads(columns: Sequence[Column]) -> list[str]:
    """A head for each column; where a measure has several, a letter tells them apart.

    >>> heads([Column("ifs", "judge a"), Column("ifs", "judge b"), Column("objecqa", "")])
    ['IFS (a)', 'IFS (b)', 'ObjecQA']
    """
    names, seen, known = [], dict[str, int](), {**labels(), **_HEADS}
    often = [column.measure for column in columns]
    for column in columns:
        place = seen[column.measure] = seen.get(column.measure, -1) + 1
        name = known.get(column.measure, column.measure)
        names.append(f"{name} ({chr(ord('a') + place % 26)})" if often.count(column.measure) > 1 else name)
    return names


def legend(comparison: Comparison) -> list[str]:
    """What stands under the table: the terms of each column, what is compared, what does not compare."""
    by_terms: dict[str, list[str]] = {}
    for head, column in zip(heads(comparison.columns), comparison.columns, strict=True):
        by_terms.setdefault(column.terms, []).append(head)
    lines = [f"{', '.join(names)}: {terms}" for terms, names in by_terms.items()]
    elsewhere: dict[str, list[str]] = {}
    for head, column in zip(heads(comparison.columns), comparison.columns, strict=True):
        for tool, name in ELSEWHERE.get(column.measure, {}).items():
            elsewhere.setdefault(tool, []).append(f"{head}: {name}")
    if elsewhere:
        named = "; ".join(f"{tool} ({', '.join(names)})" for tool, names in elsewhere.items())
        lines.append(f"Called elsewhere: {named}.")
    lines.append("Intervals: 95 %, by source.")
    if comparison.against:
        lines.append(
            f"Differences in pairs, against {comparison.against}; \u2020: holds at 0.05 after Holm's correction over "
            f"{len(comparison.differences)}."
        )
    return [*lines, *(f"Note: {note}" for note in comparison.notes)]


def as_text(comparison: Comparison) -> str:
    """Columns of equal width, for a terminal."""
    rows = [["", *heads(comparison.columns)], *_cells(comparison, printable)]
    return "\n".join([*(line.rstrip() for line in text_columns(rows)), "", *map(printable, legend(comparison))]) + "\n"


def as_markdown(comparison: Comparison) -> str:
    """A table and a list below it."""

    def escaped(text: str) -> str:
        return printable(text).replace("\\", "\\\\").replace("|", "\\|")

    lines = markdown_table([["", *heads(comparison.columns)], *_cells(comparison, escaped)], numbers=True)
    return "\n".join([*lines, "", *(f"- {escaped(line)}" for line in legend(comparison))]) + "\n"


def as_latex(comparison: Comparison) -> str:
    """A `tabular` in the style of booktabs; the legend is its comment."""

    def escaped(text: str) -> str:
        return printable(text).translate(_TEX)

    body = [" & ".join(row) + r" \\" for row in _cells(comparison, escaped, dagger=r"$^\dagger$", minus="$-$")]
    head = " & ".join(["", *map(escaped, heads(comparison.columns))]) + r" \\"
    comment = [f"% {printable(line)}" for line in legend(comparison)]
    columns = "l" + "r" * len(comparison.columns)
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([*comment, begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", end]) + "\n"


def _cells(
    comparison: Comparison, escaped: Callable[[str], str], dagger: str = "\u2020", minus: str = "-"
) -> list[list[str]]:
    rows = []
    for row in comparison.rows:
        cells = [escaped(row)]
        for column in comparison.columns:
            estimate, beside = comparison.cells.get((row, column)), comparison.differences.get((row, column))
            if estimate is None:
                cells.append(minus if minus != "-" else "\u2013")
                continue
            ends = "" if estimate.low is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
            change = ""
            if beside is not None:
                value = f"{beside.difference.estimate.value:+.3f}".replace("-", minus)
                change = f" {value}{dagger if beside.holds else ''}"
            cells.append(f"{estimate.value:.3f}{ends}{change}")
        rows.append(cells)
    return rows
