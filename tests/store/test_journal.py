"""The journal: committed before it is used, found again, counted in full."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput
from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.store.journal import Journal


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
    for _ in range(2):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.reserve(request.key("scripted"), "a", 0, Decimal("0.50"), 100).result(10)
            journal.write("a", 0, request, completion, "").result(10)
            assert (journal.spent().unconfirmed_cost, journal.spent().cost) == (Decimal("0.50"), Decimal("0.25"))


def test_use_is_added_up_by_scope(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        for ordinal in range(3):
            request, completion = asked(ordinal=ordinal)
            journal.write("a", ordinal, request, completion, "").result(10)
        [used] = journal.used()
        assert (used.scope, used.answers, used.prompt_tokens, used.completion_tokens) == ("a", 3, 9, 12)
        assert used.cost == Decimal("0.75")


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
