"""Stage folders: DONE is written last, sums and checksums hold."""

from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.records import Failure, Provenance, Task
from selfinstruct.stage import Failed, Kept, Measured, Outcome, Rejected
from selfinstruct.store.reading import read_lines
from selfinstruct.store.record_lines import json_line
from selfinstruct.store.run_folder import StageFolder
from selfinstruct.store.stage_result import CallCounts


def task(text: str) -> Task:
    return Task(instruction=text, provenance=Provenance(stage="propose", request="k.0/0"))


OUTCOMES: list[Outcome] = [
    Kept(task("Name a river."), {"rouge_l": 0.25}),
    Rejected(task("Name a river!"), "too_similar", {"nearest": "x"}),
    Failed(Failure(request="k.1", kind="timeout", message="slow"), task("Name a lake.")),
    Measured("accuracy", 0.9),
]


def test_a_written_stage_reads_back_with_its_sums(tmp_path: Path) -> None:
    place = StageFolder(tmp_path / "01-novelty")
    written = place.write(OUTCOMES, 3, lambda: CallCounts(2, 1))
    assert place.result() == written
    assert (written.kept, dict(written.rejected), dict(written.failed)) == (1, {"too_similar": 1}, {"timeout": 1})
    assert place.kept(1) == [task("Name a river.")]
    assert next(read_lines(place.path / "rejected.jsonl"))["evidence"] == {"nearest": "x"}


def test_a_stage_whose_work_breaks_off_is_not_done(tmp_path: Path) -> None:
    def broken() -> object:
        yield OUTCOMES[0]
        raise RuntimeError

    place = StageFolder(tmp_path / "01-novelty")
    with pytest.raises(RuntimeError):
        place.write(broken(), 1, CallCounts)  # type: ignore[arg-type]  # a generator that raises
    assert place.result() is None


def test_one_flipped_byte_is_noticed(tmp_path: Path) -> None:
    place = StageFolder(tmp_path / "01-novelty")
    result = place.write(OUTCOMES, 3, CallCounts)
    kept = place.path / "kept.jsonl"
    kept.write_bytes(kept.read_bytes().replace(b"river", b"liver"))
    with pytest.raises(BadInput, match="changed or damaged"):
        place.verify(result)


def test_the_same_outcomes_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        StageFolder(tmp_path / name).write(OUTCOMES, 3, CallCounts)
    for file in ("kept.jsonl", "rejected.jsonl", "failed.jsonl", "DONE"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_lone_surrogate_survives_the_round_trip_in_valid_utf_8(tmp_path: Path) -> None:
    place = StageFolder(tmp_path / "x")
    place.write([Kept(task("odd \ud800 mark"))], 1, CallCounts)
    (place.path / "kept.jsonl").read_bytes().decode("utf-8")
    assert place.kept(1) == [task("odd \ud800 mark")]
    assert json_line({"a": "é"}).decode() == '{"a": "é"}\n'
