"""Rows, columns, notes, and what stands in text, Markdown and LaTeX."""

import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_columns import Column, Mark, ModelMarks, measured
from selfinstruct.evaluate.compare_render import as_latex, as_markdown, as_text
from selfinstruct.evaluate.compare_table import FolderMeasured, comparison
from selfinstruct.run.score_without_run import compare_folders

IFS = Column("ifs", "judge one")


def marks(right: int, of: int = 20) -> dict[str, Mark]:
    return {f"q{place}": (f"s{place}", float(place < right), 1) for place in range(of)}


def folder(name: str, *measured: ModelMarks, label: str = "") -> FolderMeasured:
    return FolderMeasured(name, label, measured)


def test_one_model_of_two_folders_is_one_row_with_the_columns_of_both() -> None:
    suite = Column("ifeval prompt_strict", "ours")
    table = comparison(
        [
            folder("f", ModelMarks("m", "chat", suite, marks(5))),
            folder("g", ModelMarks("m", "chat", IFS, marks(10)), ModelMarks("n", "chat", IFS, marks(2))),
        ]
    )
    assert table.rows == ("m, chat", "n, chat")
    assert table.columns == (IFS, suite)
    assert table.cells["m, chat", IFS].value == 0.5
    assert ("n, chat", suite) not in table.cells
    assert "IFEval prompt strict: prompt_level_strict_acc" in as_text(table)
    assert table.notes == ()


def test_the_same_measured_twice_is_two_rows_and_a_label_names_them() -> None:
    first, other = ModelMarks("m", "", IFS, marks(5)), ModelMarks("m", "", IFS, marks(9))
    assert comparison([folder("f", first), folder("g", other)]).rows == ("m (f)", "m (g)")
    named = [folder("f", first, label="base"), folder("g", other, label="tuned")]
    assert comparison(named).rows == ("base", "tuned")


def test_two_judges_are_two_columns_and_a_note_and_other_questions_are_a_note() -> None:
    other = Column("ifs", "judge two")
    table = comparison(
        [
            folder("f", ModelMarks("m", "", IFS, marks(5)), ModelMarks("k", "", IFS, marks(3, 8))),
            folder("g", ModelMarks("n", "", other, marks(9))),
        ],
        against="m",
    )
    assert table.columns == (IFS, other)
    assert ("n", other) not in table.differences
    assert table.differences["k", IFS].difference.estimate.n == 8
    assert "measured in 2 ways" in table.notes[0]
    assert "m: 20, k: 8; 8 of them all" in table.notes[1]
    assert "IFS (a): judge one" in as_text(table)


def test_differences_that_hold_after_the_correction_are_marked_everywhere() -> None:
    table = comparison(
        [
            folder("f", ModelMarks("base", "", IFS, marks(2, 60))),
            folder("g", ModelMarks("better", "", IFS, marks(40, 60)), ModelMarks("same_ish", "", IFS, marks(3, 60))),
        ],
        against="base",
    )
    assert [table.differences[row, IFS].holds for row in ("better", "same_ish")] == [True, False]
    text, markdown, latex = as_text(table), as_markdown(table), as_latex(table)
    assert "+0.633\u2020" in text
    assert "+0.017\u2020" not in text
    assert "+0.017" in text
    assert "| base | 0.033 [" in markdown
    assert "same\\_ish &" in latex
    assert r"$^\dagger$" in latex
    assert latex.count(r"\\") == 4
    cell = table.as_json()["rows"][1]["cells"][0]  # type: ignore[index,call-overload]
    assert cell["difference"]["holds"] is True  # type: ignore[index,call-overload]
    assert list(table.frame()["row"]) == ["base", "better", "same_ish"]


def test_a_row_that_is_not_there_or_meant_by_several_is_refused() -> None:
    folders = [folder("f", ModelMarks("ma", "", IFS, marks(5)), ModelMarks("mb", "", IFS, marks(5)))]
    for name in ("x", "m"):
        with pytest.raises(BadInput, match="no row"):
            comparison(folders, name)
    assert comparison(folders, "ma").against == "ma"


def test_names_cannot_break_out_of_a_table() -> None:
    table = comparison([folder("f", ModelMarks("a|b & c_%$\x1b[0m", "", IFS, marks(5)))])
    assert "a\\|b" in as_markdown(table)
    assert "c\\_\\%\\$" in as_latex(table)
    assert "\x1b" not in as_text(table) + as_markdown(table) + as_latex(table)


def test_lines_without_a_verdict_count_nowhere() -> None:
    lines: list[dict[str, object]] = [
        {"model": "m", "prompt": "Ask.", "whole": True, "answer_like": None},
        {"model": "m"},
    ]
    assert list(measured("score.json", {"scores": []}, lines)) == []


def knowledge(base: str, /, **right: list[tuple[bool, bool]]) -> dict[str, object]:
    count = len(next(iter(right.values())))
    facts = [
        {"record": f"f{at}", "right": {name: [*asked[at]] for name, asked in right.items()}} for at in range(count)
    ]
    return {"base": base, "facts": facts}


def test_facts_are_kept_where_the_base_knows_the_other_wording_and_shift_counts_no_loops() -> None:
    results = knowledge("embedded", embedded=[(True, True), (True, False)], student=[(True, False), (False, True)])
    by_model = {(result.model, result.column.measure): result for result in measured("knowledge.json", results, ())}
    assert by_model["student", "facts right"].marks == {"f0": ("f0", 1.0, 2), "f1": ("f1", 1.0, 2)}
    assert by_model["student", "facts kept"].marks == {"f0": ("f0", 1.0, 2), "f1": ("f1", 1.0, 1)}
    assert by_model["embedded", "facts kept"].marks == {"f0": ("f0", 2.0, 2), "f1": ("f1", 0.0, 1)}
    page = {"base": "embedded", "tuned": "student", "template": "tags", "of": "its own"}
    lines = [{"record": "r", "counted": 3, "kinds": ["shifted", "marginal", "unshifted", "shifted"]}]
    [shift] = measured("shift.json", page, lines)
    assert (shift.model, shift.marks) == ("student", {"r": ("r", 1.0, 3)})
    assert shift.column.terms == "beside embedded, template tags, its own"


def test_what_is_told_of_weights_stands_on_the_row_of_the_model_and_a_base_of_many_folders_on_one() -> None:
    facts = Column("facts kept", "of those known")

    def arm(name: str, right: int) -> FolderMeasured:
        return folder(
            name,
            ModelMarks("hf:student@" + name, "tags", IFS, marks(right)),
            ModelMarks("embedded", "", facts, marks(9), of_weights=True),
            ModelMarks("student", "", facts, marks(right), of_weights=True),
            label=name,
        )

    table = comparison([arm("dolly", 3), arm("mixture", 7)], against="embedded")
    assert table.rows == ("dolly", "embedded", "mixture")
    assert table.cells["mixture", facts].value == 7 / 20
    assert table.differences["dolly", facts].difference.estimate.value == -6 / 20
    assert ("embedded", IFS) not in table.cells
    asked = folder("first", ModelMarks("hf:embedded@1", "tags", IFS, marks(2)), label="base")
    table = comparison([asked, arm("dolly", 3), arm("mixture", 7)])
    assert table.rows == ("base", "dolly", "mixture")
    assert table.cells["base", facts].value == 9 / 20


def test_one_model_of_a_folder_is_chosen_by_its_name_and_joins_the_row_of_that_label(tmp_path: Path) -> None:
    for name in ("asked", "audited"):
        (tmp_path / name).mkdir()
    line = {"model": "gguf:student.gguf", "wrapper": "ifs", "prompt": "Ask.", "whole": True, "answer_like": True}
    (tmp_path / "asked" / "score.json").write_text("{}", encoding="utf-8")
    (tmp_path / "asked" / "responses.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    page = knowledge("base", base=[(True, True)], lora=[(True, True)], full=[(True, False)])
    (tmp_path / "audited" / "knowledge.json").write_text(json.dumps(page), encoding="utf-8")
    table = compare_folders([f"lora={tmp_path / 'asked'}", f"lora={tmp_path / 'audited'}#lora"])
    assert table.rows == ("lora",)
    assert [column.measure for column in table.columns] == ["ifs", "ifs_full", "facts right", "facts kept"]
    for wrong in ("nobody", "a"):
        with pytest.raises(BadInput, match="after the #, one of: base; lora; full"):
            compare_folders([f"{tmp_path / 'audited'}#{wrong}"])


def test_a_folder_of_arms_is_a_row_for_each_arm(tmp_path: Path) -> None:
    for name, right in (("dolly-42", True), ("mixture-42", False)):
        (tmp_path / name).mkdir()
        page = knowledge("base", base=[(True, True)], student=[(right, right)])
        (tmp_path / name / "knowledge.json").write_text(json.dumps(page), encoding="utf-8")
    (tmp_path / "notes").mkdir()
    table = compare_folders([f"{tmp_path}"], "dolly-42: student")
    assert table.rows == ("dolly-42: base", "dolly-42: student", "mixture-42: base", "mixture-42: student")


def test_what_is_to_be_said_of_several_measures_alike_is_said_once() -> None:
    full, partial = Column("ifs_full", "judge one"), Column("ifs_partial", "judge one")
    table = comparison(
        [
            folder("f", *(ModelMarks("m", "", column, marks(3, 8)) for column in (full, partial))),
            folder("g", *(ModelMarks("n", "", column, marks(3, 6)) for column in (full, partial))),
        ]
    )
    [note] = table.notes
    assert note.startswith(
        "ifs_partial, ifs_full: not all rows answered the same questions (m: 8, n: 6; 6 of them all)"
    )
