"""The training itself: steps of a fixed number of examples, a linear schedule, checkpoints, callbacks.

A loop of our own and not transformers' `Trainer` (which `engine: trl` takes: trl_training.py), for three reasons: a
killed training goes on to the same weights, bit for bit, on any machine; checkpoints are safetensors and JSON, where
the `Trainer` pickles; and examples that are packed see themselves alone without FlashAttention, so that it is faster.
Callbacks written for a `Trainer` are told when the training and each step begin and end, what is logged and when a
checkpoint was saved.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput, Stopped
from selfinstruct.finetune.checkpoint import Progress, checkpoints, load, save
from selfinstruct.finetune.examples import TrainingExample
from selfinstruct.finetune.loss import Loss, noisy
from selfinstruct.finetune.machine_probe import MachineCapabilities
from selfinstruct.finetune.packing import Pass, Step, passes, steps, tensors
from selfinstruct.finetune.preserve_training_state import evaluating
from selfinstruct.records import digest

LONGEST_GRADIENT = 1.0
"""Norm to which a step's gradient is cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """Hyperparameters of a training."""

    learning_rate: float
    """At its highest, after the warm-up; from there it falls in a line to nothing."""
    epochs: float
    batch: int
    """Examples that go through the model together, at most."""
    accumulate: int
    """Times so many examples make one step."""
    warm_up: float
    """Share of the steps in which the rate rises."""
    neftune: float
    """Strength of the noise on embeddings (`noisy`); 0: none."""
    autocast: bool
    seed: int
    save_every: int
    """Examples between checkpoints."""
    keep_end: bool = True
    """The end is a checkpoint, too; False where no training goes on from it. Of this loop alone."""
    trackers: tuple[str, ...] = ()
    """Which of `launch.TRACKERS` get the loss while it trains; of trl_training.py alone."""


class Diverged(Stopped):
    """The loss is no number any more; the same command would end here again."""


def no_progress(done: int, of: int) -> None:
    """Report nothing: the default where no progress is shown."""


def train(
    model: Any,  # noqa: ANN401 - imported late
    tokenizer: Any,  # noqa: ANN401
    examples: Sequence[TrainingExample],
    recipe: Hyperparameters,
    examined: MachineCapabilities,
    folder: Path,
    callbacks: Sequence[Any] = (),
    doing: Callable[[int, int], None] = no_progress,
) -> Progress:
    """Train what requires a gradient, from the last checkpoint in `folder` if there is one.

    The folder belongs to one recipe, set and base: another training needs another. `doing` is told after each step how
    many examples were seen, and of how many.

    Raises:
        Diverged: the loss is no number any more; the last good checkpoint is kept.
        NoRoom: a checkpoint could not be written; the one before is kept.
    """
    training = _Training(model, tokenizer, examples, recipe, examined, folder, callbacks)
    return training.run(doing)


def planned(count: int, recipe: Hyperparameters) -> list[Step]:
    """All steps over so many examples; BadInput where they are none."""
    plan = steps(count, recipe.batch * recipe.accumulate, recipe.epochs, recipe.seed)
    if not plan:
        what = f"{recipe.epochs:g} epochs of {count} examples are not one example"
        raise BadInput(what, place="stage finetune: epochs", fix="write more epochs")
    return plan


def diverged(examples: int, step: int, learning_rate: float, kept: Sequence[Path]) -> Diverged:
    """After so many examples; `kept`: the checkpoints that are good."""
    safe = f"the last good checkpoint is kept in {kept[-1]}" if kept else "there was no checkpoint before it"
    return Diverged(
        f"the loss is no number after {examples} examples ({step} steps); {safe}: "
        f"tune again with a learning_rate below {learning_rate:g}, into another folder (-o)"
    )


def rate(step: int, count: int, highest: float, warm_up: float) -> float:
    """The learning rate of a step: up in a line to `highest`, and down in a line towards 0.

    >>> [rate(step, 6, 1.0, 0.34) for step in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    rising = min(count, round(count * warm_up))
    if step < rising:
        return highest * (step + 1) / rising
    return highest * (count - step) / (count - rising)


def mean_loss(
    model: Any,  # noqa: ANN401 - imported late
    tokenizer: Any,  # noqa: ANN401
    examples: Sequence[TrainingExample],
    recipe: Hyperparameters,
    examined: MachineCapabilities,
) -> float:
    """Nats a learned token over examples that are not trained on; the model in evaluation mode meanwhile."""
    loss, filled = Loss(model, plain_head=examined.plain_head), filling(tokenizer)
    total, tokens = 0.0, 0
    with evaluating(model), _autocast(model, recipe.autocast):
        lengths = [len(example) for example in examples]
        for places in passes(lengths, range(len(examples)), recipe.batch, examined.batching, examined.together):
            batch = tensors([examples[at] for at in places], examined.batching, model.device, filled)
            total += loss.value(batch)
            tokens += len(batch.targets)
    return total / tokens


class _Training:
    def __init__(
        self,
        model: Any,  # noqa: ANN401 - imported late
        tokenizer: Any,  # noqa: ANN401
        examples: Sequence[TrainingExample],
        recipe: Hyperparameters,
        examined: MachineCapabilities,
        folder: Path,
        callbacks: Sequence[Any],
    ) -> None:
        import torch

        self._model, self._examples, self._recipe, self._folder = model, examples, recipe, folder
        self._examined, self._filling = examined, filling(tokenizer)
        self._lengths = [len(example) for example in examples]
        self._plan = planned(len(examples), recipe)
        self._learned = [weight for weight in model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._learned,
            lr=recipe.learning_rate,
            weight_decay=0.0,
            fused=model.device.type == "cpu" or None,  # a fifth of the time where all weights are trained
        )
        self._loss = Loss(model, plain_head=examined.plain_head)
        arguments = {
            "output_dir": str(folder),
            "per_device_train_batch_size": recipe.batch,
            "gradient_accumulation_steps": recipe.accumulate,
            "learning_rate": recipe.learning_rate,
            "num_train_epochs": recipe.epochs,
            "max_steps": len(self._plan),
            "seed": recipe.seed,
            "use_cpu": model.device.type == "cpu",
        }
        handed = {
            "model": model,
            "processing_class": tokenizer,
            "optimizer": self._optimizer,
            "lr_scheduler": None,
            "train_dataloader": None,
        }
        self._events = Events(callbacks, arguments, handed)

    def run(self, doing: Callable[[int, int], None]) -> Progress:
        of = sum(len(step.examples) for step in self._plan)
        progress = load(self._folder, self._model, self._optimizer)
        for step, loss in enumerate(progress.losses, 1):
            self._events.log(step, loss, self._rate(step - 1), self._epoch(step))
        self._now(progress)
        saved = progress
        self._model.train()
        self._events.tell("on_train_begin")
        doing(progress.examples, of)
        while not (progress.finished or self._events.stop or progress.step == len(self._plan)):
            self._events.tell("on_step_begin")
            progress = self._step(progress)
            doing(progress.examples, of)
            self._now(progress)
            self._events.tell("on_step_end")
            self._events.tell("on_log", logs=self._events.state.log_history[-1])
            if self._events.asked_to_save() or progress.examples - saved.examples >= self._recipe.save_every:
                self._refuse_broken_weights(progress)
                saved = progress
                save(self._folder, self._model, self._optimizer, saved)
                self._events.tell("on_save")
        if not progress.finished:
            self._refuse_broken_weights(progress)
            progress = replace(progress, finished=True)
            if self._recipe.keep_end:
                save(self._folder, self._model, self._optimizer, progress)
        self._events.tell("on_train_end")
        self._model.eval()
        return progress

    def _step(self, progress: Progress) -> Progress:
        """Gradients over all passes of the step, then one change of the weights."""
        import torch

        number, step = progress.step, self._plan[progress.step]
        torch.manual_seed(int(digest("step", self._recipe.seed, number)[:15], 16))
        tokens = sum(self._examples[at].learned for at in step.examples)
        total = sum(self._backward(places, 1 / tokens) for places in self._passes(step))
        norm = torch.nn.utils.clip_grad_norm_(self._learned, LONGEST_GRADIENT)
        loss = total / tokens
        if not (math.isfinite(loss) and math.isfinite(float(norm))):
            raise self._no_number(progress)
        learning_rate = self._rate(number)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._events.log(number + 1, loss, learning_rate, self._epoch(number + 1))
        return Progress(
            losses=(*progress.losses, loss),
            examples=progress.examples + len(step.examples),
            tokens=progress.tokens + tokens,
        )

    def _refuse_broken_weights(self, progress: Progress) -> None:
        """Diverged where the last change left no loss or gradient that is a number: of that, no checkpoint is made."""
        import torch

        if not progress.step:
            return
        shortest = min(self._plan[progress.step - 1].examples, key=lambda at: self._lengths[at])
        loss = self._backward([shortest], 1 / self._examples[shortest].learned)
        norm = torch.nn.utils.clip_grad_norm_(self._learned, LONGEST_GRADIENT)
        self._optimizer.zero_grad(set_to_none=True)
        if not (math.isfinite(loss) and math.isfinite(float(norm))):
            raise self._no_number(progress)

    def _passes(self, step: Step) -> list[list[int]]:
        examined = self._examined
        return passes(self._lengths, step.examples, self._recipe.batch, examined.batching, examined.together)

    def _backward(self, places: Sequence[int], share: float) -> float:
        examples = [self._examples[at] for at in places]
        batch: Pass = tensors(examples, self._examined.batching, self._model.device, self._filling)
        with _autocast(self._model, self._recipe.autocast), noisy(self._model, batch, self._recipe.neftune):
            return self._loss.backward(batch, share)

    def _rate(self, step: int) -> float:
        return rate(step, len(self._plan), self._recipe.learning_rate, self._recipe.warm_up)

    def _epoch(self, step: int) -> float:
        return self._recipe.epochs * step / len(self._plan)

    def _now(self, progress: Progress) -> None:
        self._events.now(step=progress.step, examples=progress.examples, epoch=self._epoch(progress.step))

    def _no_number(self, progress: Progress) -> Diverged:
        kept = checkpoints(self._folder)
        return diverged(progress.examples, progress.step, self._recipe.learning_rate, kept)


def _autocast(model: Any, wanted: bool) -> Any:  # noqa: ANN401, FBT001 - imported late; one knob, passed through
    if not wanted:
        return nullcontext()
    import torch

    return torch.autocast(model.device.type, dtype=torch.bfloat16)


def filling(tokenizer: Any) -> int:  # noqa: ANN401 - imported late
    """A token for what is filled up; it is never read."""
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0)


class Events:
    """Calls the callbacks as a `Trainer` would.

    `state.examples_seen` is beside what transformers has: exact, also where examples are packed.
    """

    def __init__(self, callbacks: Sequence[Any], arguments: Mapping[str, Any], handed: Mapping[str, Any]) -> None:
        """`arguments`: of `TrainingArguments`; `handed`: to every callback, such as model and processing_class."""
        from transformers import TrainerControl, TrainerState, TrainingArguments

        self._callbacks, self._handed = callbacks, handed
        self.args = TrainingArguments(logging_steps=1, save_strategy="no", report_to=[], **arguments)
        state: Any = TrainerState(max_steps=self.args.max_steps, num_train_epochs=math.ceil(self.args.num_train_epochs))
        state.examples_seen = 0
        self.state = state
        self.control: Any = TrainerControl()

    def now(self, *, step: int, examples: int, epoch: float) -> None:
        """Set the trainer state to this step, number of examples and epoch."""
        self.state.global_step, self.state.examples_seen, self.state.epoch = step, examples, epoch

    def log(self, step: int, loss: float, learning_rate: float, epoch: float) -> None:
        """One step's loss, into the history."""
        entry = {"loss": loss, "learning_rate": learning_rate, "epoch": epoch, "step": step}
        self.state.log_history.append(entry)

    def tell(self, event: str, **more: Any) -> None:  # noqa: ANN401 - `logs`, for instance
        """Every callback, in order; each sees what the one before decided."""
        for callback in self._callbacks:
            decided = getattr(callback, event)(self.args, self.state, self.control, **self._handed, **more)
            if decided is not None:
                self.control = decided

    @property
    def stop(self) -> bool:
        """A callback said that this is enough."""
        return bool(self.control.should_training_stop)

    def asked_to_save(self) -> bool:
        """A callback wants a checkpoint now; asked once."""
        wanted, self.control.should_save = bool(self.control.should_save), False
        return wanted
