"""Early stopping as every trainer has it: at the first check after which the loss on the test split no longer falls.

Beside `stop_on_ifs.py`, which asks whether the model answers: loss goes on falling long after that is settled, or turns
before. Where a training with `stop: ifs` is trained to its end, both are told of the same checks.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfinstruct.atomic_files import append_to, write_whole
from selfinstruct.errors import BadInput
from selfinstruct.finetune.preserve_training_state import preserve_training_state
from selfinstruct.records import Json


@dataclass(frozen=True, slots=True)
class LossCheck:
    """The loss on the test split at one point."""

    examples: int
    step: int
    held_out_loss: float
    """Nats a learned token."""

    def as_json(self) -> dict[str, Json]:
        """One line of the file."""
        return {"examples": self.examples, "step": self.step, "held_out_loss": self.held_out_loss}


def stops_at(checks: Sequence[LossCheck], patience: int) -> LossCheck | None:
    """The first check at which the lowest loss is as many checks ago as patience says; None where there is none.

    >>> checks = [LossCheck(at, at, loss) for at, loss in enumerate([3.0, 2.0, 2.1, 2.0, 1.0])]
    >>> stops_at(checks, 2).examples, stops_at(checks, 3) is None
    (3, True)
    """
    best = 0
    for place, check in enumerate(checks):
        if check.held_out_loss < checks[best].held_out_loss:
            best = place
        elif place - best >= patience:
            return check
    return None


class StopOnLoss(TrainerCallback):
    """Measures the loss on the test split at each point of a grid and at the end, and stops where it no longer falls.

    A training that is resumed from a checkpoint takes up the checks of its file up to there.
    """

    def __init__(
        self, measure: Callable[[Any], float], *, grid: Sequence[int], patience: int, file: Path, train_on: bool = False
    ) -> None:
        """`measure`: from the model to nats a token; `train_on`: only tell where it would have stopped."""
        if list(grid) != sorted(set(grid)) or (grid and grid[0] < 0):
            raise BadInput(f"grid {list(grid)}: not rising", fix="write numbers of examples such as 0, 64, 128")
        self.measure, self.grid, self.patience = measure, tuple(grid), patience
        self.file, self.train_on = file, train_on
        self.checks: list[LossCheck] = []

    def as_json(self) -> dict[str, Json]:
        """Where training stopped, or would have, and what was measured."""
        stopped = stops_at(self.checks, self.patience)
        lowest = min(self.checks, key=lambda check: check.held_out_loss, default=None)
        return {
            "rule": {"by": "loss on the test split", "patience": self.patience},
            "stopped_at": None if stopped is None else stopped.examples,
            "trained_on": self.train_on,
            "lowest_at": None if lowest is None else lowest.examples,
            "checks": [check.as_json() for check in self.checks],
        }

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """Take up the checks of a resumed training, or begin with the model as it is."""
        del args
        kept = self._read() if state.global_step else []
        self.checks = [check for check in kept if check.step <= state.global_step]
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, [_line(check) for check in self.checks])
        if self._over:
            control.should_training_stop = True
        elif not self.checks and self.grid[:1] == (0,):
            self._check(state, control, kwargs)
        return control

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """A check where a point of the grid was reached."""
        del args
        last = self.checks[-1].examples if self.checks else -1
        if not self._over and any(last < point <= _seen(state) for point in self.grid):
            self._check(state, control, kwargs)
        return control

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401 - the trainer's own things
    ) -> TrainerControl:
        """A last check, where none saw the last step."""
        del args
        if not self.checks or self.checks[-1].step < state.global_step:
            self._check(state, control, kwargs)
        return control

    @property
    def _over(self) -> bool:
        return not self.train_on and stops_at(self.checks, self.patience) is not None

    def _check(self, state: TrainerState, control: TrainerControl, kwargs: dict[str, Any]) -> None:
        with preserve_training_state(kwargs["model"]):
            loss = self.measure(kwargs["model"])
        check = LossCheck(_seen(state), int(state.global_step), round(loss, 6))
        self.checks.append(check)
        with append_to(self.file) as file:
            file.write(_line(check))
            file.flush()
            os.fsync(file.fileno())
        if self._over:
            control.should_training_stop = control.should_save = True

    def _read(self) -> list[LossCheck]:
        """Whole lines alone: what a kill tore is measured again."""
        lines = self.file.read_text(encoding="utf-8").splitlines(keepends=True) if self.file.is_file() else []
        rows = [json.loads(line) for line in lines if line.endswith("\n")]
        return [LossCheck(row["examples"], row["step"], row["held_out_loss"]) for row in rows]


def _line(check: LossCheck) -> bytes:
    return (json.dumps(check.as_json()) + "\n").encode()


def _seen(state: TrainerState) -> int:
    return int(state.examples_seen)  # type: ignore[attr-defined] # training.py
