"""What a stage builds is put in its place whole, and damage to it is noticed."""

from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Built, Kept
from selfinstruct.store.built_artifacts import checksum, copy_built
from selfinstruct.store.run_folder import StageFolder
from selfinstruct.store.stage_result import CallCounts

TASK = Task(instruction="Name a river.", provenance=Provenance(stage="seed"))


def stage_with_judge(folder: Path) -> StageFolder:
    scratch = folder / "scratch"
    (scratch / "judge" / "deep").mkdir(parents=True)
    (scratch / "judge" / "deep" / "weights.json").write_text("[1]", encoding="utf-8")
    (scratch / "score.json").write_text("{}", encoding="utf-8")
    place = StageFolder(folder / "01-judge")
    outcomes = (Kept(TASK), Built("judge", scratch / "judge"), Built("score.json", scratch / "score.json"))
    place.write(outcomes, 1, CallCounts)
    return place


def test_a_file_and_a_folder_move_to_the_stage_and_are_known_again(tmp_path: Path) -> None:
    place = stage_with_judge(tmp_path)
    result = place.whole()
    assert result is not None
    assert set(result.built) == {"judge", "score.json"}
    assert (place.built("judge") / "deep" / "weights.json").read_text() == "[1]"
    assert not (tmp_path / "scratch" / "judge").exists()


@pytest.mark.parametrize("damage", ["change", "remove", "add"])
def test_damage_to_what_was_built_is_noticed(tmp_path: Path, damage: str) -> None:
    place = stage_with_judge(tmp_path)
    weights = place.built("judge") / "deep" / "weights.json"
    match damage:
        case "change":
            weights.write_text("[2]", encoding="utf-8")
        case "remove":
            weights.unlink()
        case _:
            weights.with_name("more.json").write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match="judge"):
        place.whole()


def test_a_copy_replaces_an_old_one_and_has_the_same_content(tmp_path: Path) -> None:
    place = stage_with_judge(tmp_path)
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / "old.json").write_text("", encoding="utf-8")
    copy_built(place.built("judge"), tmp_path / "judge")
    assert checksum(tmp_path / "judge") == checksum(place.built("judge"))
    copy_built(place.built("score.json"), tmp_path / "score.json")
    assert (tmp_path / "score.json").read_text() == "{}"
