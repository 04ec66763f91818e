"""The sheet of responses that are read: blind, safe in a spreadsheet, and read back whole or not at all."""

import csv
import io
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.human_read_ifs import read_shares
from selfinstruct.evaluate.human_read_sample import ScoredResponse, by_side, draw
from selfinstruct.evaluate.human_read_sheet import Draw, draw_name, draw_of, drawn_to_read, filled, sheet
from selfinstruct.tone.response_verdicts import Response

MADE = [
    ScoredResponse(
        response=Response(
            prompt=f"=Prompt {number}{'' if whole else ' of'}",
            text=" " if number == 3 else f"- {model[:1]} says {number} {'and ' * 60}",
            model=model,
            wrapper="chat",
            whole=whole,
            source=f"s{number}",
        ),
        answer_like=number % 2 == 0,
    )
    for model in ("a-model", "b-model")
    for number in range(40)
    for whole in (True, False)
]


@pytest.fixture(scope="module")
def drawn() -> Draw:
    drawn_rows = [row for places in by_side(MADE).values() for row in draw(MADE, places, 60, 1)]
    return drawn_to_read(MADE, drawn_rows, responses="hash", wanted=60, seed=1, tone=48, guide="guide")


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def saved(lines: list[list[str]], delimiter: str = ",") -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows(lines)
    return written.getvalue()


def answered(drawn: Draw, said: Callable[[int], str] = lambda at: "yes") -> list[list[str]]:  # noqa: ARG005
    head, *others = rows(sheet(drawn, MADE))
    return [head, *([*row[:3], said(at)] for at, row in enumerate(others))]


def test_the_sheet_says_nothing_of_model_wrapper_or_verdict_and_begins_no_formula(drawn: Draw) -> None:
    text = sheet(drawn, MADE)
    head, *others = rows(text)
    assert head == ["id", "prompt", "first 48 tokens", "answers (yes/no/unsure)"]
    assert "model" not in text
    assert "chat" not in text
    assert all(row[1].startswith("'=") and row[2].startswith("'-") and row[3] == "" for row in others)
    assert {row[2].count("and") for row in others} == {43, 44}  # of sixty: marks and digits are tokens, too
    sides = [MADE[row.place].side[0] for row in drawn.rows.values()]
    assert sum(side != other for side, other in pairwise(sides)) > 10  # shuffled
    assert len(others) + len(drawn.silent) == 120


def test_a_draw_is_read_back_as_it_was_told(drawn: Draw) -> None:
    assert draw_of(drawn.as_json(), "draw.json") == drawn
    assert draw_name(sheet(drawn, MADE), "s.csv") == drawn.name
    for broken in ({**drawn.as_json(), "rows": {"x": {"place": 1}}}, {}, {**drawn.as_json(), "silent": 3}):
        with pytest.raises(BadInput, match=r"draw\.json: damaged"):
            draw_of(broken, "draw.json")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_answers_come_back_in_any_order_and_unsure_is_half(drawn: Draw, delimiter: str) -> None:
    words = ("Yes", "no ", "UNSURE", "n")
    head, *others = answered(drawn, lambda at: words[at % 4])
    reads = filled(saved([head, *reversed(others)], delimiter), drawn, MADE, "s.csv")
    places = [row.place for row in drawn.rows.values()]
    assert [reads[place] for place in places] == [(1.0, 0.0, 0.5, 0.0)[at % 4] for at in range(len(places))]
    assert all(reads[row.place] == 0.0 for row in drawn.silent)


def changed(at: int, column: int, to: str) -> Callable[[list[list[str]]], None]:
    def change(lines: list[list[str]]) -> None:
        lines[at][column] = to

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed(3, 3, "perhaps"), "s.csv:4: column answers (yes/no/unsure): 'perhaps' is no answer; write yes"),
        (changed(3, 3, " "), "s.csv: 1 of 11"),
        (lambda lines: lines.pop(5), "rows are missing"),
        (lambda lines: lines.append(lines[2]), "read already in line 3"),
        (changed(2, 2, "Something else"), "s.csv:3: prompt and response are not those of this id"),
        (changed(2, 1, "Something else"), "s.csv:3: prompt and response are not those of this id"),
        (changed(2, 0, "r00000000-001"), "s.csv:3: column id: 'r00000000-001' is no row of this sheet"),
        (changed(0, 3, "answers"), "s.csv:1: the first line must be id,prompt"),
        (lambda lines: lines[4].append("x"), "s.csv:5: 5 cells where 4 are expected"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_place(
    drawn: Draw, change: Callable[[list[list[str]]], object], said: str
) -> None:
    lines = answered(drawn)
    change(lines)
    with pytest.raises(BadInput, match=re.escape(said)) as raised:
        filled(saved(lines), drawn, MADE, "s.csv")
    assert raised.value.fix
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "id\r\n", "id,prompt\r\nrow,x\r\n", "rabc-1\r\n"])
def test_what_is_no_sheet_has_no_draw(text: str) -> None:
    with pytest.raises(BadInput, match=r"s.csv: no sheet of `score --read`"):
        draw_name(text, "s.csv")


def test_what_is_told_of_each_model_and_between_them(drawn: Draw) -> None:
    sides = by_side(MADE)
    read = dict.fromkeys((row.place for row in drawn.silent), 0.0)
    for row in drawn.rows.values():
        made = MADE[row.place]
        number = int(made.response.source[1:])
        read[row.place] = 0.5 if number == 4 else float(made.answer_like or (made.side[0] == "b-model" and number > 20))
    shares, [difference] = read_shares(MADE, sides, drawn, read)
    first, second = shares
    assert first.n == second.n == 80
    assert first.read == second.read == 60
    assert first.by_judge.value == second.by_judge.value == 0.5
    assert first.both.how == "reads"  # it was never contradicted
    assert (
        first.disagreements
        == first.unsure
        == sum(read[place] == 0.5 for place in sides["a-model", "chat"] if place in read)
    )
    assert first.unsure_as[1] - first.unsure_as[0] == pytest.approx(first.unsure / 60)
    assert [first.errors[name].missed for name in ("whole", "cut")] == [0, 0]
    assert sum(second.errors[name].missed for name in ("whole", "cut")) == second.disagreements - second.unsure > 5
    assert first.silent == sum(MADE[row.place].side[0] == "a-model" for row in drawn.silent)
    assert difference.estimate.value == pytest.approx(second.both.value - first.both.value)
    assert difference.as_json()["same_wrapper"] is True
