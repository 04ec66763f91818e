"""The journal: committed before it is used, found again, counted in full."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.store.journal import TELL_EVERY, Journal
from selfinstruct.store.journal_file import JournalTotals


def asked(prompt: str = "Name a river.", ordinal: int = 0, text: str = "The Tay.") -> tuple[Request, Completion]:
    request = Request(prompt=prompt, max_tokens=8)
    completion = Completion(
        request=f"{request.key('scripted')}.{ordinal}",
        choices=(Choice(text, "stop"),),
        usage=Usage(prompt_tokens=3, completion_tokens=4),
        model="scripted",
        cost="0.25",
    )
    return request, completion


def test_an_answer_is_on_disk_when_its_future_is_done(tmp_path: Path) -> None:
    request, completion = asked()
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.write("round-00001/01-propose", 0, request, completion, "raw").result(10)
        copy = sqlite3.connect(tmp_path / "journal.sqlite")
        assert copy.execute("SELECT raw FROM answers").fetchall() == [("raw",)]
        copy.close()


def test_an_answer_is_found_after_reopening_but_only_under_its_own_scope_and_ordinal(tmp_path: Path) -> None:
    request, completion = asked()
    key = request.key("scripted")
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.write("a", 0, request, completion, "").result(10)
    with Journal(tmp_path / "journal.sqlite") as journal:
        assert journal.find(key, "a", 0) == completion
        assert journal.find(key, "b", 0) is None
        assert journal.find(key, "a", 1) is None


def test_a_reservation_counts_as_unconfirmed_until_its_answer_is_there(tmp_path: Path) -> None:
    request, completion = asked()
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.reserve(request.key("scripted"), "a", 0, Decimal("0.50"), 100).result(10)
        assert (journal.spent().unconfirmed_cost, journal.spent().cost) == (Decimal("0.50"), Decimal(0))
        journal.write("a", 0, request, completion, "").result(10)
        assert (journal.spent().unconfirmed_cost, journal.spent().cost) == (Decimal(0), Decimal("0.25"))


def test_what_a_dead_process_sent_stays_unconfirmed_even_when_it_is_asked_again(tmp_path: Path) -> None:
    request, completion = asked()
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.reserve(request.key("scripted"), "a", 0, Decimal("0.50"), 100).result(10)
    for times in (1, 2):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.reserve(request.key("scripted"), "a", 0, Decimal("0.50"), 100).result(10)
            journal.write("a", 0, request, completion, "").result(10)
            assert (journal.spent().unconfirmed_cost, journal.spent().cost) == (
                Decimal("0.50"),
                times * Decimal("0.25"),
            )
            assert journal.spent().answers == 1


def test_many_answers_at_once_are_all_committed(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        futures = []
        for number in range(2000):
            request, completion = asked(prompt=f"number {number}")
            futures.append(journal.write("a", 0, request, completion, ""))
        for future in futures:
            future.result(30)
        assert journal.spent().tokens == 14000


def test_a_file_that_is_no_journal_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(BadInput, match=r"journal\.sqlite"):
        Journal(path)


@given(st.text())
@settings(max_examples=50, deadline=None)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    import tempfile

    request, completion = asked(text=text)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        journal.write("a", 0, request, completion, text).result(10)
        assert journal.find(request.key("scripted"), "a", 0) == completion


def journal_with(path: Path, answers: int) -> JournalTotals:
    """A closed journal; what it was last told to hold."""
    totals: list[JournalTotals] = []
    with Journal(path, tell=totals.append) as journal:
        for number in range(answers):
            request, completion = asked(prompt=f"number {number}")
            journal.write("a", 0, request, completion, "").result(10)
    assert totals[-1].answers == answers
    return totals[-1]


def found_in(journal: Journal, number: int) -> Completion | None:
    return journal.find(asked(prompt=f"number {number}")[0].key("scripted"), "a", 0)


def changed(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


ONE = f"WHERE key = '{asked(prompt='number 1')[0].key('scripted')}'"
DAMAGES = {
    "a letter of an answer": f"UPDATE answers SET completion = replace(completion, 'Tay', 'Tee') {ONE}",
    "a letter of a request": f"UPDATE answers SET request = replace(request, 'number', 'numbre') {ONE}",
    "a price": f"UPDATE answers SET cost = '0.24' {ONE}",
    "malformed JSON": f"UPDATE answers SET completion = substr(completion, 2) {ONE}",
    "a blob": f"UPDATE answers SET completion = x'00ff' {ONE}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_an_answer_that_is_not_as_it_was_written_is_refused_and_then_made_good(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    totals = journal_with(path, 3)
    changed(path, damage)
    with Journal(path, known=totals) as journal:
        assert found_in(journal, 0) == asked(prompt="number 0")[1]
        with pytest.raises(BadInput, match=r"journal\.sqlite: an answer to a is not as it was written.*fresh=True"):
            found_in(journal, 1)
    with Journal(path, known=totals, mend=True) as journal:
        assert found_in(journal, 1) is None
        assert found_in(journal, 2) == asked(prompt="number 2")[1]
        spent = journal.spent()
        assert (spent.answers, spent.cost, spent.unconfirmed_cost) == (2, Decimal("0.50"), Decimal("0.25"))
        assert (spent.tokens, spent.unconfirmed_tokens) == (14, 7)


LOSSES = {
    "removed": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "a row gone": lambda path: changed(path, f"DELETE FROM answers {ONE}"),
    "all rows gone": lambda path: changed(path, "DELETE FROM answers", "DELETE FROM totals"),
    "its totals gone": lambda path: changed(path, "DELETE FROM totals"),
    "its totals changed": lambda path: changed(path, "UPDATE totals SET cost = '0.1'"),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_a_journal_that_holds_less_than_it_did_is_refused_and_then_its_money_counts(
    loss: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "journal.sqlite"
    totals = journal_with(path, 3)
    loss(path)
    with pytest.raises(BadInput, match=r"journal\.sqlite: (holds \d answers, and|its totals are not as) .*fresh=True"):
        Journal(path, known=totals)
    for _ in range(2):  # a kill between the two changes nothing
        with Journal(path, known=totals, mend=True) as journal:
            spent = journal.spent()
            assert spent.cost + spent.unconfirmed_cost == Decimal("0.75")
            assert spent.tokens + spent.unconfirmed_tokens == 21
            assert spent.journal == totals.journal


def test_a_journal_of_another_layout_is_refused_with_the_way_to_its_answers(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    changed(path, "CREATE TABLE answers (key TEXT, request TEXT, completion TEXT)")
    with pytest.raises(BadInput, match=r"another version.*replay:.*journal\.sqlite"):
        Journal(path)


def test_what_is_told_is_near_what_is_spent(tmp_path: Path) -> None:
    totals: list[JournalTotals] = []
    with Journal(tmp_path / "journal.sqlite", tell=totals.append) as journal:
        for number in range(1, 401):
            request, completion = asked(prompt=f"number {number}")
            journal.write("a", 0, request, completion, "").result(10)
            assert totals[-1].answers >= number * 16 / 17 - 1
    assert len(totals) < 80


@pytest.mark.parametrize("answered", [True, False])
def test_of_many_answers_no_more_than_a_bounded_number_is_untold(answered: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    totals: list[JournalTotals] = []
    with Journal(tmp_path / "journal.sqlite", tell=totals.append) as journal:
        journal._told = replace(journal.spent(), answers=1_000_000)  # a sixteenth of them is far away
        for number in range(3 * TELL_EVERY):
            request, completion = asked(prompt=f"number {number}")
            if answered:
                journal.write("a", 0, request, completion, "").result(10)
            else:
                journal.reserve(request.key("scripted"), "a", 0, Decimal(1), 7).result(10)
            now = journal.spent()
            untold = now.tokens + now.unconfirmed_tokens - totals[-1].tokens - totals[-1].unconfirmed_tokens
            assert untold <= TELL_EVERY * 7
            journal._told = replace(journal._told, answers=1_000_000)
        journal._told = now


def test_totals_are_those_of_the_rows_and_nobody_reads_the_table_for_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    totals = journal_with(path, 5)
    with Journal(path, known=totals) as journal:
        statements: list[str] = []
        journal._file.db.set_trace_callback(statements.append)
        request, completion = asked(prompt="one more")
        journal.reserve(request.key("scripted"), "a", 0, Decimal(2), 50).result(10)
        assert (journal.spent().unconfirmed_cost, journal.spent().unconfirmed_tokens) == (Decimal(2), 50)
        journal.write("a", 0, request, completion, "").result(10)
        assert (journal.spent().answers, journal.spent().cost) == (6, Decimal("1.50"))
        assert not journal.spent().unconfirmed_cost
        assert not [said for said in statements if said.startswith("SELECT")]
