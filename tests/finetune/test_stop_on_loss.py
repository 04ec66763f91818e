"""Stopping by the loss on the test split, and beside it what the tone says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune import finetune as stage_module
from selfinstruct.finetune.finetune import Finetune
from selfinstruct.stage import Bench
from tests.finetune.builders import QUICK, bench_of, contents, task, tasks, tuned
from tests.finetune.tone import rising

LOSS = QUICK | {"stop": "loss", "grid": (0, 4, 8, 12, 16), "patience": 1, "epochs": 2.0}


def records() -> list[Any]:
    return [*tasks(12), *(task(f"Name lake {number}.", "Lake Como.", extra={"split": "test"}) for number in range(3))]


def losses(monkeypatch: pytest.MonkeyPatch, *losses_told: float, kill_at: int = -1) -> list[float]:
    """The test split's loss at each check, the last one for ever; killed at one of them."""
    given: list[float] = []
    values: Iterator[float] = iter(losses_told)

    def measured(_model: Any, **_more: Any) -> float:
        if len(given) == kill_at:
            raise KeyboardInterrupt
        given.append(next(values, losses_told[-1]))
        return given[-1]

    def mean_loss(model: Any, *rest: Any, **more: Any) -> float:
        return losses_told[-1] if rest else measured(model, **more)  # the loss at the end is told for its own sake

    monkeypatch.setattr(stage_module, "mean_loss", mean_loss)
    return given


@pytest.mark.parametrize("engine", ["selfinstruct", "trl"])
def test_a_training_stops_where_the_loss_on_its_test_split_no_longer_falls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    pytest.importorskip(engine)
    losses(monkeypatch, 3.0, 2.0, 2.1, 1.0)
    _, _, measured = tuned(Finetune(**LOSS | {"engine": engine}), records(), bench_of(tmp_path))
    assert measured["stop"] is None
    assert measured["stop_by_loss"]["stopped_at"] == measured["training"]["examples_seen"] == 8
    assert measured["stop_by_loss"]["lowest_at"] == 4
    assert [check["held_out_loss"] for check in measured["stop_by_loss"]["checks"]] == [3.0, 2.0, 2.1]


def test_the_loss_is_really_that_of_the_test_split(tmp_path: Path) -> None:
    _, _, measured = tuned(Finetune(**LOSS | {"train_on": True}), records(), bench_of(tmp_path))
    first, *_, last = measured["stop_by_loss"]["checks"]
    assert first["held_out_loss"] > last["held_out_loss"]
    assert last["held_out_loss"] == pytest.approx(measured["training"]["held_out_loss"], abs=1e-5)


def test_beside_the_tone_both_are_told_of_the_same_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses(monkeypatch, 3.0, 2.0, 1.0, 1.5)
    knobs = QUICK | {"stop": "ifs", "grid": (0, 4, 8), "patience": 1, "train_on": True, "epochs": 1.0}
    _, _, measured = tuned(Finetune(**knobs), records(), bench_of(tmp_path, **rising()))
    assert (measured["stop"]["stopped_at"], measured["stop_by_loss"]["stopped_at"]) == (8, 12)
    assert [check["examples"] for check in measured["stop"]["checks"]] == [
        check["examples"] for check in measured["stop_by_loss"]["checks"]
    ]


def test_a_training_killed_at_a_check_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = bench_of(tmp_path)
    stage = Finetune(**LOSS | {"save_every": 4})

    def at(name: str) -> Bench:
        return Bench(weights=bench.weights, scratch=tmp_path / name)

    losses(monkeypatch, 3.0, 2.0, 1.9, 2.0)
    _, whole, expected = tuned(stage, records(), at("whole"))
    losses(monkeypatch, 3.0, 2.0, 1.9, 2.0, kill_at=2)
    with pytest.raises(KeyboardInterrupt):
        tuned(stage, records(), at("killed"))
    again = losses(monkeypatch, 1.9, 2.0)
    _, built, measured = tuned(stage, records(), at("killed"))
    assert again == [1.9, 2.0]
    assert measured == expected
    assert contents(built["student"]) == contents(whole["student"])


def test_without_a_test_split_there_is_nothing_to_stop_by(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no test split to stop by"):
        tuned(Finetune(**LOSS), tasks(12), bench_of(tmp_path))
