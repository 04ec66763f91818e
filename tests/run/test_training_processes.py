"""Processes of a launcher: one owns the run; another does the same beside it, and keeps nothing."""

from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run import training_processes
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import parse_yaml


@pytest.fixture
def resolved() -> Resolved:
    stages = b"[exact, {finetune: {stop: none}}]"
    text = b"{name: a, models: {base: embedded}, inputs: [none.jsonl], publish: null, stages: %s}" % stages
    return resolve(parse_yaml(text, "a recipe"))


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Of the runs that are made."""
    made: list[Path] = []

    def execute(_resolved: Resolved, options: Any) -> None:
        options.folder.mkdir()
        made.append(options.folder)

    monkeypatch.setattr(training_processes, "execute", execute)
    return made


def started(monkeypatch: pytest.MonkeyPatch, rank: int, count: int) -> None:
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(count))


def test_alone_and_first_a_process_owns_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, resolved: Resolved, places: list[Path]
) -> None:
    for count in (1, 2):
        started(monkeypatch, 0, count)
        assert not training_processes.ran_as_worker(resolved, tmp_path, fresh=False)
    assert places == []


def test_another_one_helps_in_a_folder_that_is_thrown_away_unless_all_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, resolved: Resolved, places: list[Path]
) -> None:
    started(monkeypatch, 1, 2)
    assert training_processes.ran_as_worker(resolved, tmp_path / "run", fresh=False)
    [place] = places
    assert not place.exists()
    assert not place.is_relative_to(tmp_path / "run")
    (tmp_path / "run" / "stages" / "03-finetune").mkdir(parents=True)
    (tmp_path / "run" / "stages" / "03-finetune" / "DONE").touch()
    assert training_processes.ran_as_worker(resolved, tmp_path / "run", fresh=False)
    assert places == [place]


@pytest.mark.parametrize("rank", [0, 1])
def test_without_a_folder_by_name_none_of_several_trains(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, resolved: Resolved, rank: int
) -> None:
    started(monkeypatch, rank, 2)
    for folder, fresh in ((None, False), (tmp_path, True)):
        with pytest.raises(BadInput, match=r"2 processes cannot agree .*name a new folder, and leave fresh=True away"):
            training_processes.ran_as_worker(resolved, folder, fresh=fresh)
