"""Which learning rate: each tunes a student of its own on some of the examples, and the held-out loss decides."""

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from selfinstruct.atomic_files import write_whole
from selfinstruct.errors import BadInput, Stopped
from selfinstruct.finetune.examples import TrainingExample
from selfinstruct.finetune.machine_probe import MachineCapabilities
from selfinstruct.finetune.training import Diverged, Hyperparameters, mean_loss, train
from selfinstruct.records import Json
from selfinstruct.stage import Doing, Loaded
from selfinstruct.text.quoting import six_digits


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRateTrial:
    """One learning rate that was tried, and what it led to."""

    learning_rate: float
    examples: int
    """Seen in the trial."""
    held_out_loss: float | None
    """Nats a learned token, on records that are not trained on; None where the loss became no number."""

    def as_json(self) -> dict[str, Json]:
        """For card, ledger and report."""
        return {
            "learning_rate": self.learning_rate,
            "examples": self.examples,
            "held_out_loss": six_digits(self.held_out_loss),
        }


def lowest(trials: Sequence[LearningRateTrial]) -> float:
    """The learning rate of the trial with the lowest loss, the smaller one of equals.

    Raises:
        Stopped: no trial came to a loss.

    >>> tried = [(1e-4, 2.1), (5e-4, 2.0)]
    >>> lowest([LearningRateTrial(learning_rate=rate, examples=8, held_out_loss=loss) for rate, loss in tried])
    0.0005
    """
    known = [(trial.held_out_loss, trial.learning_rate) for trial in trials if trial.held_out_loss is not None]
    if not known:
        tried = ", ".join(f"{trial.learning_rate:g}" for trial in trials)
        raise Stopped(f"the loss became no number with every learning rate tried ({tried}): try lower ones")
    return min(known)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """The model, data and settings that all trials of a learning-rate search share."""

    learner: Callable[[], tuple[Loaded, Any]]
    """Gives the base anew, and the model as it will be trained."""
    examples: Sequence[TrainingExample]
    held_out: Sequence[TrainingExample]
    recipe: Hyperparameters
    examined: MachineCapabilities
    folder: Path
    doing: Doing

    def __call__(self, rates: Sequence[float], most: int) -> list[LearningRateTrial]:
        """Each rate on the first `most` examples of the recipe's plan; what was tried before a kill stays tried.

        The rate falls to nothing within a trial, as it does within the training.

        Raises:
            BadInput: nothing is held out.
        """
        if not self.held_out:
            what = "no record of the split `test`, on which learning rates are compared"
            raise BadInput(what, place="stage finetune: learning_rates", fix="put the stage split before finetune")
        epochs = min(self.recipe.epochs, most / len(self.examples))
        return [self._trial(replace(self.recipe, learning_rate=rate, epochs=epochs)) for rate in rates]

    def _trial(self, recipe: Hyperparameters) -> LearningRateTrial:
        folder = self.folder / f"{recipe.learning_rate:g}"
        kept_loss = self.folder / f"{recipe.learning_rate:g}-loss.json"
        if not kept_loss.is_file():
            loss = self._loss(recipe, folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(kept_loss, [json.dumps(loss).encode() + b"\n"])
        shutil.rmtree(folder, ignore_errors=True)
        return LearningRateTrial(
            learning_rate=recipe.learning_rate,
            examples=round(len(self.examples) * recipe.epochs),
            held_out_loss=json.loads(kept_loss.read_text(encoding="utf-8")),
        )

    def _loss(self, recipe: Hyperparameters, folder: Path) -> float | None:
        loaded, model = self.learner()
        doing = partial(self.doing, f"trying learning rate {recipe.learning_rate:g}")
        try:
            # the end is not kept: with all weights it is three times the model on the disk, to be removed at once
            recipe = replace(recipe, keep_end=False)
            train(model, loaded.tokenizer, self.examples, recipe, self.examined, folder, doing=doing)
        except Diverged:
            return None
        loss = mean_loss(model, loaded.tokenizer, self.held_out, recipe, self.examined)
        return loss if math.isfinite(loss) else None
