from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.judge.judge_folder import load_judge
from selfinstruct.judge.train_judge import TrainJudge
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Built, Kept, Measured
from tests.judge.examples import World, folder

TASKS = [Task(instruction=f"Name river {number}.", provenance=Provenance(stage="seed")) for number in range(3)]


def test_tasks_pass_and_a_judge_is_built(tmp_path: Path) -> None:
    fragments = folder(tmp_path / "fragments", World(60, "one"))
    bench = Bench(scratch=tmp_path / "scratch", built={"fragments": fragments})
    outcomes = list(TrainJudge(called="mine")(TASKS, bench))
    assert outcomes[:3] == [Kept(task) for task in TASKS]
    measured, built = outcomes[3:]
    assert isinstance(measured, Measured)
    assert isinstance(built, Built)
    value: Any = measured.value
    assert value["metrics"]["test"]["accuracy"]["value"] > 0.9
    assert built.path.is_relative_to(bench.scratch)
    assert load_judge(built.path).version == "mine"


def test_a_judge_left_by_a_killed_attempt_is_made_anew(tmp_path: Path) -> None:
    fragments = folder(tmp_path / "fragments", World(60, "one"))
    bench = Bench(scratch=tmp_path / "scratch", built={"fragments": fragments})
    (tmp_path / "scratch" / "judge").mkdir(parents=True)
    (tmp_path / "scratch" / "judge" / "weights.safetensors").write_bytes(b"half")
    list(TrainJudge()(TASKS, bench))
    assert load_judge(tmp_path / "scratch" / "judge").threshold == 0.5


def test_knobs_that_cannot_be_meant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="unknown"):
        TrainJudge(backend="tree")  # type: ignore[arg-type]  # what a recipe may say
    with pytest.raises(BadInput, match="says nothing"):
        TrainJudge(encoder="x")
    with pytest.raises(BadInput, match="put the stage fragment before it"):
        list(TrainJudge()(TASKS, Bench(scratch=tmp_path)))
