"""Answers on four levels: the sheet, what comes back, and the table."""

import csv
import io

import pytest

from selfinstruct.audit.rating_sheet import COLUMNS, SheetAnswer, rating_sheet, rating_table, read_ratings
from selfinstruct.errors import BadInput

ANSWERS = [
    SheetAnswer(model, f"q{place}", f"Name river {place}.", f"The {model}-{place}")
    for model in ("=base", "tuned")
    for place in range(6)
]


def filled(levels: dict[str, str], answers: list[SheetAnswer] | None = None) -> str:
    """The sheet with a level for each model."""
    by_id = {answer.id: answer.model for answer in ANSWERS}
    rows = list(csv.reader(io.StringIO(rating_sheet(answers or ANSWERS, 6, 42).removeprefix("\ufeff"))))
    for row in rows[1:]:
        row[3] = levels[by_id[row[0]]]
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def test_the_sheet_names_no_model_and_has_every_models_answer_to_the_same_questions() -> None:
    rows = list(csv.DictReader(io.StringIO(rating_sheet(ANSWERS, 2, 42).removeprefix("\ufeff"))))
    assert len(rows) == 4
    assert tuple(rows[0]) == COLUMNS
    by_id = {answer.id: answer for answer in ANSWERS}
    asked = [by_id[row["id"]] for row in rows]
    assert len({request.question for request in asked}) == 2
    assert {request.model for request in asked} == {"=base", "tuned"}
    assert rating_sheet(ANSWERS[::-1], 2, 42) == rating_sheet(ANSWERS, 2, 42)


def test_ratings_come_back_by_model_with_shares_and_intervals() -> None:
    ratings = read_ratings(filled({"=base": "c", "tuned": " A "}), "sheet.csv", ANSWERS)
    assert set(ratings.values()) == {"A", "C"}
    rows = rating_table(ANSWERS, ratings).splitlines()
    assert rows[1].split()[:6] == ["=base", "0", "0", "6", "0", "6"]
    assert rows[2].split()[:6] == ["tuned", "6", "0", "0", "0", "6"]
    assert "100 %" in rows[2]
    assert "self-instruct 44 %" in "\n".join(rows)


def test_two_readers_agree_beyond_chance_and_open_rows_count_nowhere() -> None:
    first = read_ratings(filled({"=base": "D", "tuned": "A"}), "one.csv", ANSWERS)
    second = read_ratings(filled({"=base": "D", "tuned": "B"}), "two.csv", ANSWERS)
    table = rating_table(ANSWERS, first, second)
    assert "two readers, of 12 answers: the same level 6 times, kappa 0.33" in table
    half = read_ratings(filled({"=base": "", "tuned": "A"}), "one.csv", ANSWERS)
    assert "6 of 12 answers are not rated" in rating_table(ANSWERS, half)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace(",E,", ",E,", 1), "no level"),
        (lambda text: text.replace("id,instruction", "name,instruction").replace(",E,", ",A,"), "first line"),
        (lambda text: text.replace(ANSWERS[0].id, "0" * 16).replace(",E,", ",A,"), "no answer of this folder"),
        (lambda text: text.replace(",E,", ",A,") + text.splitlines()[1].replace(",E,", ",A,"), "rated already"),
        (lambda text: text.replace(",E,", ",A,").replace(",A,", ",A,,,", 1), "cells where"),
    ],
)
def test_what_is_no_filled_sheet_is_refused_with_its_line(change, said: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    sheet = filled({"=base": "E", "tuned": "E"}).replace("\r\n", "\n")
    with pytest.raises(BadInput, match=said) as fault:
        read_ratings(change(sheet), "sheet.csv", ANSWERS)
    assert fault.value.place.startswith("sheet.csv:")


def test_a_judge_model_stands_beside_the_reader_with_how_well_they_agree() -> None:
    answers = [SheetAnswer("m", f"q{number}", "Name a river.", f"Tay {number}") for number in range(4)]
    people = {answer.id: level for answer, level in zip(answers, "ABCD", strict=True)}
    judge = {answer.id: level for answer, level in zip(answers, "ABCA", strict=True)}
    table = rating_table(answers, people, judges={"openai:gpt": judge})
    assert "  by openai:gpt" in table
    assert (
        "openai:gpt and the reader, of 4 answers: the same level 3 times, kappa 0.67, quadratic weights 0.10" in table
    )
