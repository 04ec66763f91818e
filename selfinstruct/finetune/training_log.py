"""What a transformers training tells of itself: the mean loss of a stretch, and how many examples went by."""

from collections.abc import Mapping, Sequence
from typing import Any


def mean_loss(history: Sequence[Mapping[str, float]], *, after: int, until: int, resumed: int = 0) -> float | None:
    """Mean training loss of the steps `after` + 1 to `until`, as far as it was logged; None where nothing was.

    `history` is `TrainerState.log_history`: each loss in it is the mean over the steps since the one before. At
    `resumed` the training was taken up again, and what was not logged before it is lost.

    >>> mean_loss([{"loss": 4.0, "step": 2}, {"eval_loss": 9.0, "step": 2}, {"loss": 1.0, "step": 6}], after=0, until=6)
    2.0
    >>> mean_loss([{"train_loss": 4.0, "step": 2}], after=0, until=2) is None
    True
    """
    total, steps, before = 0.0, 0, 0
    for entry in history:
        if "loss" not in entry:
            continue
        step = int(entry["step"])
        first = max(before, resumed if resumed < step else 0)
        if after < step <= until:
            total += entry["loss"] * (step - first)
            steps += step - first
        before = step
    return total / steps if steps else None


def logged_until(history: Sequence[Mapping[str, float]]) -> int:
    """The last step whose loss was logged."""
    return max((int(entry["step"]) for entry in history if "loss" in entry), default=0)


def examples_by_now(state: Any, args: Any, loader: Any) -> int:  # noqa: ANN401 - imported late
    """Rows of the training set that went by: exact where its size is known, else steps times rows of a step.

    A packed row counts as one; whoever packs gives `StopOnIFS` a count of its own.
    """
    rows_of_a_batch = int(args.train_batch_size * args.world_size)
    try:
        batches, rows = len(loader), len(loader.dataset)
    except (TypeError, AttributeError):
        return int(state.global_step * rows_of_a_batch * args.gradient_accumulation_steps)
    done = round((state.epoch or 0.0) * batches)
    return done // batches * rows + min(done % batches * rows_of_a_batch, rows)
