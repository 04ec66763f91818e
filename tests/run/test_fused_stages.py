"""Stages that run once: neighbours in one pass, few of them write what they keep, and all of it is known."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run import fused_stages
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.run.run_reader import load_run
from selfinstruct.run.run_records import life_of, stations
from selfinstruct.store import atomic_writes
from selfinstruct.store.run_folder import RunFolder
from selfinstruct.store.task_file import LEAST_MEMORY

STAGES: list[Any] = [
    {"rules": {"rules": ["curate", "too_short=0.5", "too_long=0"], "words_at_most": 9}},
    "exact",
    {"near": {"jaccard": 0.7}},
    "measure",
    "verify",
    {"simplify": {"by": "rules"}},
    "diversity",
]


def row(number: int) -> dict[str, str]:
    """Some are short, some long, each fifth is there twice, and each seventh has no answer."""
    words = [
        "Name a river.",
        f"Name river {number} of the long list and say where it ends.",
        f"Which sea is number {number}?",
    ]
    said = "" if number % 7 == 3 else f"Certainly! It is number {number - number % 5}. I hope this helps!"
    return {"instruction": words[number % 3] if number % 5 else f"Add {number} and 1.", "input": "", "output": said}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text("".join(json.dumps(row(number)) + "\n" for number in range(1_200)) + "{torn\n", encoding="utf-8")
    return path


def run(rows: Path, folder: Path, stages: list[Any] = STAGES, **options: Any) -> Path:
    content = json.dumps({"name": "toy", "inputs": [str(rows)], "stages": stages}).encode()
    execute(resolve(parse_yaml(content, "toy.yaml")), Options(folder=folder, **options))
    return folder


@pytest.fixture(scope="module")
def fused(rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(rows, tmp_path_factory.mktemp("fused") / "run")


@pytest.fixture(scope="module")
def one_by_one(rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with every stage alone, each writing all that it keeps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused_stages, "groups", lambda stages: [range(at, at + 1) for at in range(len(stages))])
        patch.setattr(fused_stages, "lasting", lambda *_: True)
        return run(rows, tmp_path_factory.mktemp("alone") / "run")


def files(folder: Path) -> dict[str, bytes]:
    """All but the journal, the diary's clock and marks of who holds the folder."""
    left_out = {"journal.sqlite", "ledger.jsonl", ".lock", ".owner"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in left_out
    }


def kept_files(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob("stages/*/kept.jsonl"))


def test_only_stages_that_change_records_or_need_all_write_what_they_keep(fused: Path, one_by_one: Path) -> None:
    assert kept_files(fused) == ["03-exact", "04-near", "05-measure", "06-verify", "07-simplify", "08-diversity"]
    assert len(kept_files(one_by_one)) == 8


def test_what_is_published_and_what_stages_say_is_the_same_one_by_one(fused: Path, one_by_one: Path) -> None:
    mine, other = files(fused), files(one_by_one)
    lacking = {name for name in other if name not in mine}
    assert lacking == {"stages/01-read/kept.jsonl", "stages/02-rules/kept.jsonl"}
    different = {name for name in mine if name in other and mine[name] != other[name]}
    assert different == {"stages/01-read/DONE", "stages/02-rules/DONE"}
    for name in different:
        said, same_done = json.loads(mine[name]), json.loads(other[name])
        for done in (said, same_done):
            del done["checksums"], done["checksum"]
        assert said == same_done


def test_every_station_of_every_record_is_known(fused: Path, one_by_one: Path) -> None:
    def outcome_counts(folder: Path) -> Counter[str]:
        return Counter(
            json.dumps([station.stage, station.fate, station.line], sort_keys=True)
            for station in stations(RunFolder(folder))
        )

    assert outcome_counts(fused) == outcome_counts(one_by_one)
    marked = [
        station
        for station in stations(RunFolder(fused))
        if station.stage.endswith("02-rules") and station.fate == "kept"
    ]
    assert any("evidence" in station.line for station in marked)
    identity = next(station.id for station in marked if "evidence" in station.line)
    assert str(life_of(RunFolder(fused), identity)) == str(life_of(RunFolder(one_by_one), identity))


@pytest.mark.parametrize("options", [{"memory": LEAST_MEMORY}, {"workers": 2}], ids=["on disk", "two processes"])
def test_neither_memory_nor_processes_change_a_file(
    rows: Path, fused: Path, tmp_path: Path, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfinstruct.store.task_file._GROWTH", 100)  # so that little memory holds very little
    assert files(run(rows, tmp_path / "run", **options)) == files(fused)


@pytest.mark.parametrize("undone", range(1, 9))
def test_a_run_broken_off_anywhere_goes_on_to_the_same_bytes(
    rows: Path, fused: Path, tmp_path: Path, undone: int
) -> None:
    folder = run(rows, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in folder.glob("stages/*/DONE")}
    for path in before:
        if int(path.parent.name[:2]) >= undone:
            path.unlink()
    run(rows, folder)
    assert files(folder) == files(fused)
    again = sorted(path.parent.name for path, written in before.items() if path.stat().st_mtime_ns != written)
    first = {2: 1, 3: 1, 6: 5, 7: 5}.get(undone, undone)  # read, rules and exact stand together; measure to simplify
    assert [int(name[:2]) for name in again] == list(range(first, 9))


def test_a_stage_alone_is_read_again_when_nothing_of_it_was_written(rows: Path, tmp_path: Path) -> None:
    folder = run(rows, tmp_path / "run", ["exact", "diversity"])
    before = files(folder)
    assert kept_files(folder) == ["02-exact", "03-diversity"]
    for name in ("02-exact", "03-diversity"):
        (folder / "stages" / name / "DONE").unlink()
    run(rows, folder, ["exact", "diversity"])
    assert files(folder) == before


def test_the_last_stage_writes_and_so_does_one_before_a_stage_that_changes_records(rows: Path, tmp_path: Path) -> None:
    assert kept_files(run(rows, tmp_path / "a", ["rules"])) == ["02-rules"]
    assert kept_files(run(rows, tmp_path / "b", ["rules", "measure"])) == ["02-rules", "03-measure"]


def test_what_was_rejected_lies_on_the_disk_once(fused: Path) -> None:
    lines = [json.loads(line) for line in (fused / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    counts = Counter(line["stage"].partition("/")[2] for line in lines)
    assert {"01-read", "02-rules", "03-exact"} <= {*counts}
    for place, result in RunFolder(fused).finished_stages():
        assert len(list(place.lines("rejected"))) == sum(result.rejected.values()) == counts[place.path.name]
        assert (place.path / "rejected.jsonl").exists() == (not result.rejected)
    assert Counter(line["reason"] for line in lines) == Counter(record.reason for record in load_run(fused).rejected)


def test_a_folder_is_no_more_than_a_few_times_its_input(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    answer = "It rises in the hills, and it ends where the tide begins. " * 6
    texts = [f"Name river {n % 900} of the long list and say where it ends." for n in range(1_500)]
    path.write_text("".join(json.dumps({"instruction": text, "output": answer}) + "\n" for text in texts), "utf-8")
    folder = run(path, tmp_path / "run", ["rules", "exact", {"near": {"jaccard": 0.8}}, "diversity", "balance"])
    inodes = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    journal = (folder / "journal.sqlite").stat().st_size + (folder / "report.html").stat().st_size
    assert sum(inodes.values()) - journal < 4 * path.stat().st_size


@pytest.mark.parametrize("damage", [b"", b"[1]\n", None], ids=["empty", "no object", "gone"])
def test_damage_to_it_is_named_and_mended(rows: Path, fused: Path, tmp_path: Path, damage: bytes | None) -> None:
    folder = tmp_path / "run"
    shutil.copytree(fused, folder)
    if damage is None:
        (folder / "rejected.jsonl").unlink()
    else:
        (folder / "rejected.jsonl").write_bytes(damage)
    with pytest.raises(BadInput, match=r"rejected.jsonl: changed or damaged.*delete .*01-read/DONE and run again"):
        run(rows, folder)
    (folder / "stages" / "01-read" / "DONE").unlink()
    run(rows, folder)
    assert files(folder) == files(fused)


@pytest.mark.parametrize("place", ["before publishing rejected.jsonl", "after publishing report.html"])
def test_a_kill_around_its_publishing_loses_nothing(
    rows: Path, fused: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(name: str) -> None:
        if name == place:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic_writes, "failpoint", kill)
        with pytest.raises(KeyboardInterrupt):
            run(rows, tmp_path / "run")
    run(rows, tmp_path / "run")
    assert files(tmp_path / "run") == files(fused)
