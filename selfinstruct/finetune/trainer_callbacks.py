"""What a callback of transformers is told, and may decide, while our own loop trains."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


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
