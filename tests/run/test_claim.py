"""Whose a run folder is: nothing is taken before the inputs are open, and a run that began nothing is no obstacle."""

from pathlib import Path

import pytest

from tests.cli.typed import command, lines

GOOD = '{"instruction": "Name a river in Spain.", "input": "", "output": "The Ebro is a river in Spain."}\n'


def rows(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    ["", '{"colour": "red", "size": 3}\n', "PK\x03\x04"],
    ids=["empty", "unknown layout", "no text"],
)
@pytest.mark.parametrize("verb", ["curate", "simplify", "verify", "fragment"])
def test_inputs_that_cannot_be_read_take_no_folder(tmp_path: Path, verb: str, text: str) -> None:
    ended = command(verb, rows(tmp_path / "set.jsonl", text), "-o", tmp_path / "run")
    assert ended.returncode == 2, ended.stderr
    assert not (tmp_path / "run").exists()


def test_what_a_run_compares_with_takes_no_folder_either(tmp_path: Path) -> None:
    good = rows(tmp_path / "good.jsonl", GOOD)
    words = ("curate", good, "-o", tmp_path / "run")
    assert command(*words, "--against", tmp_path / "nothing.jsonl").returncode == 2
    assert command("score", "embedded", "--judge", tmp_path / "no judge", "-o", tmp_path / "run").returncode == 2
    assert (
        command("generate", "--model", "embedded", "--seeds", tmp_path / "no", "-o", tmp_path / "run").returncode == 2
    )
    assert not (tmp_path / "run").exists()


def test_a_run_that_stopped_before_it_finished_anything_gives_way_to_another(tmp_path: Path) -> None:
    folder, broken = tmp_path / "run", rows(tmp_path / "broken.jsonl", GOOD + "{torn\n")
    assert command("curate", broken, "--strict", "-o", folder).returncode == 2
    assert (folder / "recipe.yaml").exists()
    ended = command("curate", rows(tmp_path / "good.jsonl", GOOD), "--rules", "none", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    assert len(lines(folder / "kept.jsonl")) == 1
    began = [line["count"] for line in lines(folder / "ledger.jsonl") if line["event"] == "started"]
    assert len(began) == 1, "the diary of the run that never was is gone"


def test_a_model_that_could_not_be_reached_gives_way_even_to_a_lower_count(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ("generate", "-o", folder, "--test-share", 0)
    first = command(*words, "--model", f"gguf:{tmp_path / 'no.gguf'}", "--count", 50)
    assert first.returncode != 0
    ended = command(
        *words, "--model", f"scripted:{Path('selfinstruct/models/scripts/smoke.yaml').resolve()}", "--count", 3
    )
    assert "holds another run" not in ended.stderr
    assert ended.returncode == 0, ended.stderr


def test_a_run_with_a_finished_stage_is_refused_as_before(tmp_path: Path) -> None:
    folder, good = tmp_path / "run", rows(tmp_path / "good.jsonl", GOOD)
    assert command("curate", good, "--rules", "none", "-o", folder).returncode == 0
    before = (folder / "kept.jsonl").read_bytes()
    ended = command("curate", rows(tmp_path / "other.jsonl", GOOD.replace("Spain", "Peru")), "-o", folder)
    assert ended.returncode == 2
    assert "holds another run" in ended.stderr
    assert (folder / "kept.jsonl").read_bytes() == before


def test_an_answer_that_was_paid_for_keeps_its_folder(tmp_path: Path) -> None:
    import sqlite3

    folder, good = tmp_path / "run", rows(tmp_path / "good.jsonl", GOOD)
    assert command("curate", rows(tmp_path / "b.jsonl", GOOD + "{torn\n"), "--strict", "-o", folder).returncode == 2
    with sqlite3.connect(folder / "journal.sqlite") as journal:
        columns = [row[1] for row in journal.execute("PRAGMA table_info(answers)")]
        journal.execute(f"INSERT INTO answers VALUES ({', '.join('?' * len(columns))})", [0] * len(columns))
    journal.close()
    ended = command("curate", good, "-o", folder)
    assert ended.returncode == 2
    assert "holds another run" in ended.stderr
