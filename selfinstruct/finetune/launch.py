"""Who trains, and in how many processes: engines by name, and what a launcher (`accelerate launch`) tells each process.

A launcher starts the same command once for each GPU. The process of rank 0 owns the run and writes all that is kept;
the others help it to train, and write nothing.
"""

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput

Engine: TypeAlias = Literal["selfinstruct", "trl"]
"""`selfinstruct`: our loop (training.py); `trl`: TRL's `SFTTrainer` (trl_training.py)."""
Quantize: TypeAlias = Literal["none", "4bit"]
"""Of the base: as it comes, or QLoRA (arXiv 2305.14314), each weight in 4 bits."""
TRACKERS = ("tensorboard", "trackio", "wandb")
"""Trackers that can follow a training, each an extra of its own; none does, unless it is asked for."""


@dataclass(frozen=True, slots=True)
class Process:
    """One of those that train together."""

    rank: int = 0
    count: int = 1

    @property
    def helps(self) -> bool:
        """Another process owns the run."""
        return self.rank > 0


def process() -> Process:
    """This one, by the variables that `accelerate launch` and `torchrun` set."""
    try:
        return Process(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
    except ValueError as fault:
        what = f"'{os.environ.get('RANK')}' of '{os.environ.get('WORLD_SIZE')}' is no process of a launcher"
        raise BadInput(what, place="RANK and WORLD_SIZE", fix="unset both, or start with accelerate launch") from fault


def engine_name(engine: Engine) -> str:
    """The engine and its version, as a card names it."""
    try:
        return f"{engine} {version(engine)}"
    except PackageNotFoundError:  # run from its source, and never installed
        return engine


def take_place(engine: Engine) -> str:
    """Of several processes each takes the GPU that the launcher gave it; returns what whoever waits should know.

    Raises:
        BadInput: several processes were started for an engine that trains in one.
    """
    if (count := process().count) > 1 and engine != "trl":
        what = f"{count} processes were started, and engine: {engine} trains in one"
        raise BadInput(what, place="stage finetune: engine", fix="write engine: trl, or start without a launcher")
    if engine != "trl":
        return ""
    import torch

    gpus = torch.cuda.device_count()
    if count > 1 and gpus:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    all_of_them = f"accelerate launch --num_processes {gpus} -m selfinstruct finetune ..."
    return f"of {gpus} GPUs one trains; all do by: {all_of_them}" if count == 1 and gpus > 1 else ""


def shared_out(batch: int, accumulate: int, processes: int) -> tuple[int, int]:
    """Of a step of `batch` times `accumulate` examples: how many a process takes at once, and how often.

    The step is the same whatever their number, and no process takes more than `batch` at once.

    >>> shared_out(8, 2, 1), shared_out(8, 2, 2), shared_out(8, 2, 4)
    ((8, 2), (8, 1), (4, 1))
    """
    own, left = divmod(batch * accumulate, processes)
    if left:
        what = f"a step of {batch * accumulate} examples (batch x accumulate) cannot be shared by {processes} processes"
        raise BadInput(what, place="stage finetune: accumulate", fix=f"write accumulate: {processes}")
    at_once = max(size for size in range(1, min(batch, own) + 1) if own % size == 0)
    return at_once, own // at_once
