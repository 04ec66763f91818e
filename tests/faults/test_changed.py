"""One figure or letter changed, a journal removed or emptied: refused with the way on, never published."""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from selfinstruct.store.ledger import last_totals
from tests.faults.same import differences

WORDS = ["run", "smoke", "--set", "count=3", "--set", "publish.files=[jsonl]", "-o"]


def run(folder: Path, *more: str) -> BaseException | None:
    return CliRunner().invoke(desk, [*WORDS, str(folder), *more], standalone_mode=False).exception


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert run(folder) is None
    return folder


@pytest.fixture
def unfinished(whole: Path, tmp_path: Path) -> Path:
    """As after a kill: some stages to be made again from the journal, nothing published."""
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for done in folder.glob("round-*/0[1-6]-*/DONE"):
        done.unlink()
    (folder / "report.html").unlink()
    return folder


def numbers_changed(content: str) -> list[str]:
    """The text with each of its numbers changed in turn."""
    numbers = list(re.finditer(r"(?<![\w.\"-])\d+(?![\w.])", content))
    return [f"{content[: number.start()]}{int(number[0]) + 1}{content[number.end() :]}" for number in numbers]


@pytest.mark.parametrize("name", ["round-00001/03-novelty/DONE", "round-00001/plan.json", ".identity.json"])
def test_any_number_changed_in_a_file_of_the_run_is_refused(name: str, whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    changed = numbers_changed((folder / name).read_text(encoding="utf-8"))
    assert len(changed) > 1
    for content in changed[:12]:
        (folder / name).write_text(content, encoding="utf-8")
        refused = run(folder)
        assert isinstance(refused, BadInput)
        assert str(folder / name) in refused.place
        assert "changed or damaged" in refused.what
        assert refused.fix


def test_a_letter_changed_in_an_answer_is_refused_and_fresh_makes_it_good(unfinished: Path, whole: Path) -> None:
    with sqlite3.connect(unfinished / "journal.sqlite") as db:
        db.execute("UPDATE answers SET completion = replace(completion, 'a', 'b') WHERE scope LIKE '%propose'")
    refused = run(unfinished)
    assert isinstance(refused, BadInput)
    assert "journal.sqlite: an answer to round-00001/01-propose is not as it was written" in str(refused)
    assert "--fresh" in refused.fix
    assert not (unfinished / "report.html").exists()
    assert run(unfinished, "--fresh") is None
    assert differences(whole, unfinished) == []


def test_malformed_json_in_an_answer_is_damage_and_no_question_of_room(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    with sqlite3.connect(folder / "journal.sqlite") as db:
        db.execute("UPDATE answers SET completion = '{' || completion")
    (folder / "round-00001" / "01-propose" / "DONE").unlink()
    refused = run(folder)
    assert isinstance(refused, BadInput)
    assert "room" not in str(refused)


LOSSES: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:3000]),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_a_journal_lost_in_mid_run_is_refused_and_its_money_stays_counted(
    loss: Callable[[Path], object], unfinished: Path
) -> None:
    before = last_totals(unfinished / "ledger.jsonl")
    assert before.answers > 3
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (unfinished / name).unlink(missing_ok=True)
    loss(unfinished / "journal.sqlite")
    refused = run(unfinished)
    assert isinstance(refused, BadInput)
    assert str(unfinished / "journal.sqlite") in refused.place
    assert "--fresh" in refused.fix
    (unfinished / "journal.sqlite").unlink(missing_ok=True)
    assert run(unfinished, "--fresh") is None
    after = last_totals(unfinished / "ledger.jsonl")
    assert (after.journal, after.unconfirmed_tokens) == (before.journal, before.tokens)
    assert after.tokens > 0
    assert run(unfinished) is None


def test_the_cap_does_not_forget_what_a_lost_journal_had_spent(unfinished: Path) -> None:
    ledger = unfinished / "ledger.jsonl"
    totals = last_totals(ledger)
    spent = {**totals.as_json(), "cost": "1.40", "tokens": 9_000}
    ledger.write_text(json.dumps({"event": "journal", **spent, "at": ""}) + "\n", encoding="utf-8")
    (unfinished / "journal.sqlite").unlink()
    refused = run(unfinished, "--fresh", "--set", "limits.max_total_tokens=9100")
    assert "9000 may be" in str(refused)
    assert last_totals(ledger).unconfirmed_cost == Decimal("1.40")
