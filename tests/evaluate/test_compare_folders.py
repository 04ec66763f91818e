"""Rows, columns, notes, and what stands in text, Markdown and LaTeX."""

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_folders import FolderMeasured, comparison
from selfinstruct.evaluate.compare_marks import Column, Mark, Measured, measured
from selfinstruct.evaluate.compare_render import as_latex, as_markdown, as_text

IFS = Column("ifs", "judge one")


def marks(right: int, of: int = 20) -> dict[str, Mark]:
    return {f"q{place}": (f"s{place}", float(place < right), 1) for place in range(of)}


def folder(name: str, *found: Measured, label: str = "") -> FolderMeasured:
    return FolderMeasured(name, label, found)


def test_one_model_of_two_folders_is_one_row_with_the_columns_of_both() -> None:
    suite = Column("ifeval prompt_strict", "ours")
    told = comparison(
        [
            folder("f", Measured("m", "chat", suite, marks(5))),
            folder("g", Measured("m", "chat", IFS, marks(10)), Measured("n", "chat", IFS, marks(2))),
        ]
    )
    assert told.rows == ("m, chat", "n, chat")
    assert told.columns == (IFS, suite)
    assert told.cells["m, chat", IFS].value == 0.5
    assert ("n, chat", suite) not in told.cells
    assert told.notes == ()


def test_the_same_measured_twice_is_two_rows_and_a_label_names_them() -> None:
    one, other = Measured("m", "", IFS, marks(5)), Measured("m", "", IFS, marks(9))
    assert comparison([folder("f", one), folder("g", other)]).rows == ("m (f)", "m (g)")
    named = [folder("f", one, label="base"), folder("g", other, label="tuned")]
    assert comparison(named).rows == ("base", "tuned")


def test_two_judges_are_two_columns_and_a_note_and_other_questions_are_a_note() -> None:
    other = Column("ifs", "judge two")
    told = comparison(
        [
            folder("f", Measured("m", "", IFS, marks(5)), Measured("k", "", IFS, marks(3, 8))),
            folder("g", Measured("n", "", other, marks(9))),
        ],
        against="m",
    )
    assert told.columns == (IFS, other)
    assert ("n", other) not in told.differences
    assert told.differences["k", IFS].difference.estimate.n == 8
    assert "measured in 2 ways" in told.notes[0]
    assert "m: 20, k: 8; 8 of them all" in told.notes[1]
    assert "IFS (a): judge one" in as_text(told)


def test_differences_that_hold_after_the_correction_are_marked_everywhere() -> None:
    told = comparison(
        [
            folder("f", Measured("base", "", IFS, marks(2, 60))),
            folder("g", Measured("better", "", IFS, marks(40, 60)), Measured("same_ish", "", IFS, marks(3, 60))),
        ],
        against="base",
    )
    assert [told.differences[row, IFS].holds for row in ("better", "same_ish")] == [True, False]
    text, markdown, latex = as_text(told), as_markdown(told), as_latex(told)
    assert "+0.633\u2020" in text
    assert "+0.017\u2020" not in text
    assert "+0.017" in text
    assert "| base | 0.033 [" in markdown
    assert "same\\_ish &" in latex
    assert r"$^\dagger$" in latex
    assert latex.count(r"\\") == 4
    cell = told.as_json()["rows"][1]["cells"][0]  # type: ignore[index,call-overload]
    assert cell["difference"]["holds"] is True  # type: ignore[index,call-overload]
    assert list(told.frame()["row"]) == ["base", "better", "same_ish"]


def test_a_row_that_is_not_there_or_meant_by_several_is_refused() -> None:
    told = [folder("f", Measured("ma", "", IFS, marks(5)), Measured("mb", "", IFS, marks(5)))]
    for name in ("x", "m"):
        with pytest.raises(BadInput, match="no row"):
            comparison(told, name)
    assert comparison(told, "ma").against == "ma"


def test_names_cannot_break_out_of_a_table() -> None:
    told = comparison([folder("f", Measured("a|b & c_%$\x1b[0m", "", IFS, marks(5)))])
    assert "a\\|b" in as_markdown(told)
    assert "c\\_\\%\\$" in as_latex(told)
    assert "\x1b" not in as_text(told) + as_markdown(told) + as_latex(told)


def test_lines_without_a_verdict_count_nowhere() -> None:
    lines: list[dict[str, object]] = [
        {"model": "m", "prompt": "Ask.", "whole": True, "answer_like": None},
        {"model": "m"},
    ]
    assert list(measured("score.json", {"scores": []}, lines)) == []
