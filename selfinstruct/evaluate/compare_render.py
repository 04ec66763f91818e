"""The table as text, Markdown and LaTeX: a dagger marks what differs from the chosen row after Holm's correction."""

from collections.abc import Callable, Mapping, Sequence

from selfinstruct.evaluate.compare_columns import ELSEWHERE, Column
from selfinstruct.evaluate.compare_table import Comparison
from selfinstruct.text import printable

HEADS: Mapping[str, str] = {
    "ifs": "IFS",
    "ifs_partial": "IFS partial",
    "ifs_full": "IFS full",
    "ifs_clean": "IFS clean",
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
_TEX = str.maketrans(
    {**{sign: f"\\{sign}" for sign in "&%$#_{}"}, "\\": "\\textbackslash{}", "~": "\\~{}", "^": "\\^{}"}
)


def heads(columns: Sequence[Column]) -> list[str]:
    """A head for each column; where a measure has several, a letter tells them apart.

    >>> heads([Column("ifs", "judge a"), Column("ifs", "judge b"), Column("objecqa", "")])
    ['IFS (a)', 'IFS (b)', 'ObjecQA']
    """
    found, seen = [], dict[str, int]()
    often = [column.measure for column in columns]
    for column in columns:
        place = seen[column.measure] = seen.get(column.measure, -1) + 1
        name = HEADS.get(column.measure, column.measure)
        found.append(f"{name} ({chr(ord('a') + place % 26)})" if often.count(column.measure) > 1 else name)
    return found


def legend(told: Comparison) -> list[str]:
    """What stands under the table: the terms of each column, what is compared, what does not compare."""
    by_terms: dict[str, list[str]] = {}
    for head, column in zip(heads(told.columns), told.columns, strict=True):
        by_terms.setdefault(column.terms, []).append(head)
    lines = [f"{', '.join(names)}: {terms}" for terms, names in by_terms.items()]
    named = [
        f"{head}: {ELSEWHERE[column.measure]}"
        for head, column in zip(heads(told.columns), told.columns, strict=True)
        if column.measure in ELSEWHERE
    ]
    if named:
        lines.append(f"Called elsewhere (lm-eval, AlpacaEval, just-eval, Natural Instructions): {'; '.join(named)}.")
    lines.append("Intervals: 95 %, by source.")
    if told.against:
        lines.append(
            f"Differences in pairs, against {told.against}; \u2020: holds at 0.05 after Holm's correction over "
            f"{len(told.differences)}."
        )
    return [*lines, *(f"Note: {one}" for one in told.notes)]


def as_text(told: Comparison) -> str:
    """Columns of equal width, for a terminal."""
    rows = [["", *heads(told.columns)], *_cells(told, printable)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), "", *map(printable, legend(told))]) + "\n"


def as_markdown(told: Comparison) -> str:
    """A table and a list below it."""

    def escaped(text: str) -> str:
        return printable(text).replace("\\", "\\\\").replace("|", "\\|")

    head = ["", *heads(told.columns)]
    rows = [head, ["---", *(["---:"] * len(told.columns))], *_cells(told, escaped)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", *(f"- {escaped(one)}" for one in legend(told))]) + "\n"


def as_latex(told: Comparison) -> str:
    """A `tabular` in the style of booktabs; the legend is its comment."""

    def escaped(text: str) -> str:
        return printable(text).translate(_TEX)

    body = [" & ".join(row) + r" \\" for row in _cells(told, escaped, dagger=r"$^\dagger$", minus="$-$")]
    head = " & ".join(["", *map(escaped, heads(told.columns))]) + r" \\"
    comment = [f"% {printable(one)}" for one in legend(told)]
    columns = "l" + "r" * len(told.columns)
    begin, end = rf"\begin{{tabular}}{{{columns}}}", r"\end{tabular}"
    return "\n".join([*comment, begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", end]) + "\n"


def _cells(
    told: Comparison, escaped: Callable[[str], str], dagger: str = "\u2020", minus: str = "-"
) -> list[list[str]]:
    rows = []
    for row in told.rows:
        cells = [escaped(row)]
        for column in told.columns:
            found, beside = told.cells.get((row, column)), told.differences.get((row, column))
            if found is None:
                cells.append(minus if minus != "-" else "\u2013")
                continue
            ends = "" if found.low is None else f" [{found.low:.3f}, {found.high:.3f}]"
            change = ""
            if beside is not None:
                value = f"{beside.difference.estimate.value:+.3f}".replace("-", minus)
                change = f" {value}{dagger if beside.holds else ''}"
            cells.append(f"{found.value:.3f}{ends}{change}")
        rows.append(cells)
    return rows
