"""A journal that can take no more: what is said of the answers is true, and the run goes on when there is room."""

import re
import sqlite3
import tempfile
from pathlib import Path

import pytest

from selfinstruct.errors import NoRoom
from selfinstruct.formats.writing import write_set
from selfinstruct.models.backend import Answer
from selfinstruct.models.scripted import Scripted
from selfinstruct.records import Instance, Provenance, Request, Task
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.builtin_recipes import find_recipe
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.store.journal_file import JournalFile
from tests.faults.same import answers, differences


def run(folder: Path) -> None:
    execute(resolve(read_yaml(find_recipe(Path("smoke"))), ("count=3",)), Options(folder=folder))


def test_answers_that_came_and_are_not_on_record_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path / "whole")
    came: list[Request] = []
    answer, make = Scripted.answer, JournalFile._make_or_recognise

    async def counted(self: Scripted, request: Request) -> Answer:
        came.append(request)
        return await answer(self, request)

    def small(self: JournalFile) -> None:
        make(self)
        self.db.execute("PRAGMA max_page_count = 16")

    monkeypatch.setattr(Scripted, "answer", counted)
    monkeypatch.setattr(JournalFile, "_make_or_recognise", small)
    with pytest.raises(NoRoom, match=r"journal\.sqlite: database or disk is full") as refused:
        run(tmp_path / "run")
    match = re.search(r"(\d+) answers came and could not be written down.*MB are free, at least", str(refused.value))
    assert match is not None, refused.value
    assert int(match[1]) == len(came) - len(answers(tmp_path / "run")) > 0
    assert "no answer was lost" not in str(refused.value)
    monkeypatch.undo()
    run(tmp_path / "run")
    assert differences(tmp_path / "whole", tmp_path / "run") == []


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".tsv", ".csv.gz", ".parquet", ".arrow"])
def test_a_full_folder_for_temporary_files_is_not_used_and_not_blamed(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    task = Task(instruction="a", instances=(Instance("", "b"),), provenance=Provenance(stage="seed"))
    assert write_set(tmp_path / f"set{ending}", [task], "alpaca") == 1


def test_a_journal_that_cannot_note_what_is_to_be_sent_says_how_much_room_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        fault = sqlite3.OperationalError("database or disk is full")
        fault.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise fault

    monkeypatch.setattr(JournalFile, "reserve", full)
    with pytest.raises(NoRoom, match=r"disk is full.* MB are free, at least 0\.1 MB are needed\)$"):
        run(tmp_path / "run")


@pytest.mark.parametrize(
    ("code", "room"),
    [(sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_IOERR, True), (sqlite3.SQLITE_ERROR, False), (None, False)],
)
def test_the_disk_is_blamed_for_what_the_disk_did(code: int | None, room: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    from selfinstruct.store.journal_file import complaint

    fault = sqlite3.OperationalError("malformed JSON")
    if code is not None:
        fault.sqlite_errorcode = code
    error = complaint(tmp_path, fault)
    assert isinstance(error, NoRoom) == room
    assert ("make room" in str(error)) == room
