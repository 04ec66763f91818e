"""Judged answers and tasks of the harness as columns of the one table."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.evaluate.compare_table import difference
from selfinstruct.evaluate.judging.judge_answers import JudgeAnswers
from selfinstruct.run.human_sheets import empty_rating_sheet, rating_results
from selfinstruct.run.score_without_run import compare_folders, write_comparison
from tests.evaluate.fakes import Speaker
from tests.evaluate.test_judging import answers, good, run

MEASURES = ("pairwise", "just_eval", "user_oriented")


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    stage = JudgeAnswers(measures=MEASURES, judge="judge", answers="answers", length_test=0)
    run(stage, tmp_path / "judged", Speaker(good), answers(("student", "other", "base")))
    return tmp_path / "judged"


def test_win_rates_aspects_and_levels_are_columns_with_the_names_others_know(judged: Path, tmp_path: Path) -> None:
    compared: Any = compare_folders([judged], against="other")
    table = compared.as_json()
    columns = {column["measure"]: (place, column) for place, column in enumerate(table["columns"])}
    assert columns["pairwise win_rate"][1]["elsewhere"] == {"AlpacaEval": "win_rate", "FastChat": "win_rate_adjusted"}
    controlled = columns["pairwise length_controlled_winrate"][1]["elsewhere"]
    assert controlled == {"AlpacaEval": "length_controlled_winrate"}
    assert columns["just_eval factual"][1]["elsewhere"] == {"just-eval": "factuality"}
    assert columns["pairwise win_rate"][1]["terms"] == "by scripted:speaker against base, user_oriented"
    cells = {row["row"]: row["cells"] for row in table["rows"]}
    place = columns["pairwise win_rate"][0]
    assert (cells["student, chat"][place]["value"], cells["other, chat"][place]["value"]) == (1.0, 0.5)
    assert cells["student, chat"][place]["difference"]["holds"] is True
    assert cells["base, chat"][place] is None
    deep = cells["student, chat"][columns["just_eval deep"][0]]
    apart = deep["value"] - cells["other, chat"][columns["just_eval deep"][0]]["value"]
    assert deep["value"] == 4.0
    assert (deep["difference"]["value"], deep["difference"]["n"]) == (pytest.approx(apart), 30)
    assert deep["difference"]["holds"] is True
    assert cells["student, chat"][columns["user_oriented A or B"][0]]["value"] == 1.0
    assert "baseline win_rate" in columns
    assert any("baseline win_rate was measured in 2 ways" in note for note in compared.notes)
    write_comparison(compared, tmp_path / "table")
    page = (tmp_path / "table" / "compare.html").read_text(encoding="utf-8")
    assert "LC win rate<small>by scripted:speaker against base, user_oriented</small>" in page


def test_the_interval_of_a_difference_of_aspects_is_not_held_to_that_of_shares() -> None:
    questions = [str(number) for number in range(12)]
    best = {question: (question, 5.0 - (place % 2), 1) for place, question in enumerate(questions)}
    least = {question: (question, 1.0, 1) for question in questions}
    change = difference(best, least, widest=4)
    assert change is not None
    assert change.estimate.value == 3.5
    assert change.estimate.low is not None
    assert change.estimate.high is not None
    assert 2 < change.estimate.low < 3.5 < change.estimate.high <= 4


def test_win_rates_beside_unique_tokens_say_little_of_few_rows(tmp_path: Path) -> None:
    names = tuple(f"m{number}" for number in range(13))
    stage = JudgeAnswers(answers="answers", length_test=0, reference="m3")
    given = [
        {
            **answer.extra,
            "response": "a b c d e f g h i j k l m n"[: 3 + int(str(answer.extra["model"])[1:]) * (2 - number % 2)],
        }
        for number, answer in enumerate(answers(names))
    ]
    for count in (6, 13):
        tasks = tuple(
            type(answer)(instruction=answer.instruction, provenance=answer.provenance, extra=row)
            for answer, row in zip(answers(names), given, strict=True)
            if int(str(row["model"])[1:]) < count
        )
        run(stage, tmp_path / str(count), given=tasks)
    few, many = (compare_folders([tmp_path / str(count)]).notes for count in (6, 13))
    assert any("r = " in note and "says little: 5 rows" in note for note in few)
    assert any("r = " in note and "says little" not in note for note in many)


def test_tasks_of_the_harness_are_columns_whose_settings_are_their_terms(tmp_path: Path) -> None:
    page = {"tasks": {"mmlu": {"settings": "0-shot", "metrics": ["acc"]}}}
    line = {"suite": "mmlu", "id": "a", "source": "a", "model": "m", "wrapper": "none", "marks": {"acc": [1.0, 1]}}
    (tmp_path / "harness.json").write_text(json.dumps(page), encoding="utf-8")
    (tmp_path / "harness.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    [column] = compare_folders([tmp_path]).columns
    assert (column.measure, column.terms) == ("mmlu acc", "0-shot")


def test_levels_of_a_judge_model_stand_beside_those_of_people(judged: Path) -> None:
    rows = [answer.extra for answer in answers(("student", "other", "base"))]
    (judged / "suite.jsonl").write_text("".join(json.dumps(dict(row)) + "\n" for row in rows), encoding="utf-8")
    sheet = empty_rating_sheet(judged, 10, 42, judged / "sheet.csv").read_text(encoding="utf-8-sig")
    filled = judged / "filled.csv"
    filled.write_text(sheet.replace(",,\n", ",B,\n").replace(",,\r\n", ",B,\r\n"), encoding="utf-8")
    results = rating_results(judged, filled, None)
    table: Any = compare_folders([judged])
    mine = [column for column in table.columns if column.terms == f"by a reader ({filled.name}), user_oriented"]
    assert [result.measure for result in mine] == ["user_oriented A", "user_oriented A or B"]
    assert {table.cells[row, mine[1]].n for row in table.rows if (row, mine[1]) in table.cells} != set()
    assert "by scripted:speaker" in results
    assert "scripted:speaker and the reader, of 30 answers: the same level 10 times" in results
