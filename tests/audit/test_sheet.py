import csv
import io
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.audit.review_sheet import COLUMNS, TaskReview, draw, read_sheet, sheet
from selfinstruct.csv_sheets import as_cell, from_cell
from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Provenance, Task

_NASTY = st.one_of(st.text(), st.builds(str.__add__, st.sampled_from(list("=+-@\t\r\n'＝\"")), st.text()))  # noqa: RUF001 - full-width on purpose
_PLAIN = _NASTY.filter(lambda text: not re.search("[\ud800-\udfff]", text))


def task(instruction: str, entered: str = "", output: str = "") -> Task:
    instances = (Instance(entered, output),) if entered or output else ()
    return Task(instruction=instruction, instances=instances, provenance=Provenance(stage="instances"))


TASKS = [task("Name a river."), task("=Sum it up", "1;2", "3"), task("Say\nit twice", "-5", 'He said "hm", then left')]
HEADER = ",".join(COLUMNS)


def row(number: int, *answers: str) -> str:
    written = io.StringIO()
    csv.writer(written).writerow((TASKS[number].id, TASKS[number].instruction, "", "", *answers))
    return written.getvalue()


def filled(*rows: str) -> str:
    return HEADER + "\r\n" + "".join(rows)


def test_a_sheet_handed_back_untouched_has_every_question_open() -> None:
    assert read_sheet(sheet(TASKS), "s.csv", TASKS) == tuple(TaskReview(id=task.id) for task in TASKS)


def test_answers_come_back_as_given() -> None:
    text = filled(row(1, "yes", "No ", "", "hm, why?"), ",,,,,,,\r\n", row(0, "YES", "yes", "yes", ""))
    assert read_sheet(text, "s.csv", TASKS) == (
        TaskReview(id=TASKS[1].id, valid_task=True, input_fits=False, note="hm, why?"),
        TaskReview(id=TASKS[0].id, valid_task=True, input_fits=True, output_right=True),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_spreadsheet_may_save_with_the_delimiter_and_quoting_of_its_country(delimiter: str, quoting: int) -> None:
    written = io.StringIO()
    rows = list(csv.reader(io.StringIO(sheet(TASKS).removeprefix("\ufeff"), newline="")))
    rows[2][4] = "yes"
    csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type] # the constants are plain integers to pytest
    assert read_sheet(written.getvalue(), "s.csv", TASKS)[1].valid_task is True


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.csv: the sheet is empty"),
        ("id,instruction\r\n", "s.csv:1: the first line must be"),
        (filled(row(2, "yes", "", "", ""), row(0, "yes", "perhaps", "", "")), "s.csv:4: column input_fits: 'perhaps'"),
        (filled("nobody,x,,,yes,,,\r\n"), "s.csv:2: column id: 'nobody' is no task"),
        (filled(row(0, "", "", "", ""), row(0, "", "", "", "")), "s.csv:3: column id: judged already in line 2"),
        (filled(row(0, "yes")), "s.csv:2: 5 cells where 8 are expected"),
        (filled(row(0, "", "", "", "")).replace("Name a river", "Say it twice"), "s.csv:2: column instruction"),
        (filled('"open,,,,,,,'), "s.csv:2: not CSV"),
    ],
)
def test_what_cannot_be_read_is_named_with_line_and_column(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as raised:
        read_sheet(text, "s.csv", TASKS)
    assert raised.value.fix


@given(st.lists(st.sampled_from([*'yesno,;"\r\n\t ', HEADER + "\n", TASKS[0].id, "\ufeff", "\x00"])).map("".join))
def test_any_text_is_a_sheet_or_one_clear_complaint(text: str) -> None:
    try:
        read_sheet(text, "s.csv", TASKS)
    except BadInput as error:
        assert str(error).startswith("s.csv")


@given(_PLAIN)
def test_a_cell_gives_its_text_back_and_starts_no_formula(text: str) -> None:
    assert from_cell(as_cell(text)) == text
    assert not as_cell(text).startswith(tuple("=+-@\t\r\n"))


@given(st.lists(st.tuples(_PLAIN, _PLAIN, _PLAIN), max_size=5))
def test_every_text_survives_the_sheet(texts: list[tuple[str, str, str]]) -> None:
    tasks = [task(*three) for three in texts]
    rows = list(csv.DictReader(io.StringIO(sheet(tasks).removeprefix("\ufeff"), newline="")))
    assert [tuple(from_cell(line[key]) for key in COLUMNS[1:4]) for line in rows] == texts


def test_long_texts_are_cut_and_lone_surrogates_shown() -> None:
    text = sheet([task("a" * 32_007), task("\ud800b")])
    assert "[cut: 7 more characters]" in text
    assert "\\ud800b" in text
    assert text.encode("utf-8")
    tasks = [task("a" * 32_007), task("\ud800b")]
    assert len(read_sheet(text, "s.csv", tasks)) == 2


def test_a_sample_depends_on_the_seed_and_not_on_the_order() -> None:
    tasks = [task(f"Task {number}") for number in range(50)]
    shuffled = Random(1).sample(tasks, 50)
    assert draw(tasks, 20, 7) == draw(shuffled, 20, 7)
    assert draw(tasks, 20, 7) == draw(tasks, 30, 7)[:20]
    assert draw(tasks, 20, 7) != draw(tasks, 20, 8)
    assert sorted(task.id for task in draw(tasks, 500, 7)) == sorted(task.id for task in tasks)


def test_every_task_is_drawn_about_equally_often() -> None:
    tasks = [task(f"Task {number}") for number in range(10)]
    drawn = [task.id for seed in range(400) for task in draw(tasks, 3, seed)]
    counts = [drawn.count(task.id) for task in tasks]
    assert min(counts) > 80  # 120 expected, standard deviation 9
    assert max(counts) < 160


def test_no_sample_of_nothing() -> None:
    with pytest.raises(BadInput, match="at least 1"):
        draw(TASKS, 0, 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
def test_no_spreadsheet_of_any_country_finds_a_formula(delimiter: str, sign: str) -> None:
    call = f"{sign}cmd|' /C calc'!A1"
    texts = [call, f"x;{call};y", f"x\t{call}\ty", f'x; "{call}"', f"one\n{call}", f"- one\n- two;{call}", f"''{call}"]
    written = sheet([task(text, text, text) for text in texts]).removeprefix("\ufeff")
    for quotes in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):  # not all of them know that a quote may begin within a cell
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, quoting=quotes):
            assert not [cell for cell in row if cell.strip(' "').startswith(sign) and "cmd" in cell]


def test_a_list_in_a_cell_stays_as_it_is() -> None:
    assert as_cell("Rivers:\n- the Tay\n- the Dee") == "Rivers:\n- the Tay\n- the Dee"
