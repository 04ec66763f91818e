"""Where a training stands, on the disk: enough to go on to the same weights as if nothing had happened.

Weights and the optimiser's memory as safetensors, the rest as JSON. No state of a random generator: each step draws
from (seed, number of the step). A checkpoint's folder, like a student's, is there whole or not at all.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from selfinstruct.atomic_files import put_in_place, room, temporary_name
from selfinstruct.errors import NoRoom


@contextmanager
def whole_folder(place: Path, needed: int = 0) -> Iterator[Path]:
    """A new folder to fill, which becomes `place` at the end, its content on the disk; an older one gives way.

    `needed`: bytes that it will take at least, for whoever has to make room.

    Raises:
        NoRoom: the disk is full, read-only or failing. What was at `place` is still there.
    """
    made = temporary_name(place)
    try:
        with refusals(place, needed):
            made.mkdir(parents=True)
            yield made
            put_in_place(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def refusals(place: Path, needed: int = 0) -> Iterator[None]:
    """Within, what cannot be written at `place` ends in NoRoom, whatever the libraries call it."""
    try:
        yield
    except OSError as refusal:
        raise _refused(place, refusal.strerror or str(refusal), needed) from refusal
    except Exception as fault:
        # libraries that write weights report the operating system's refusals in classes of their own
        if type(fault).__name__ != "SafetensorError" and _TORCH_WRITES not in str(fault):
            raise
        raise _refused(place, str(fault).partition("\n")[0], needed) from fault


_TORCH_WRITES = "PytorchStreamWriter"


def _refused(place: Path, why: str, needed: int) -> NoRoom:
    return NoRoom(
        f"{place}: {why} ({room(place, needed)}); what was written before is safe: "
        "make room or permit writing there, then run the same command again"
    )


_NAME, _DIGITS, _END = "checkpoint-", 9, "-end"
_NUMBERS, _PROGRESS = "numbers.safetensors", "progress.json"
_MEMORY = ("exp_avg", "exp_avg_sq", "step")  # what AdamW keeps for each weight


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training has come."""

    losses: tuple[float, ...] = ()
    """Mean loss of each step, in nats a token."""
    examples: int = 0
    """Seen so far, each as often as it was."""
    tokens: int = 0
    """Learned so far."""
    finished: bool = False
    """By its plan, or because a callback said stop."""

    @property
    def step(self) -> int:
        """Optimizer steps so far."""
        return len(self.losses)


def save(folder: Path, model: Any, optimizer: Any, progress: Progress) -> Path:  # noqa: ANN401 - imported late
    """Write it whole, then remove those before it; returns its folder.

    That of a finished training has a name of its own, for the last one on the way may be of the same step.

    Raises:
        NoRoom: the one before is still there.
    """
    from safetensors.torch import save_file

    learned = _learned(model)
    numbers = {f"weight/{name}": weight.detach() for name, weight in learned.items()}
    for name, weight in learned.items():
        memory = optimizer.state.get(weight, {})
        numbers |= {f"{kind}/{name}": memory[kind] for kind in _MEMORY if kind in memory}
    place = folder / f"{_NAME}{progress.step:0{_DIGITS}d}{_END if progress.finished else ''}"
    needed = sum(number.numel() * number.element_size() for number in numbers.values())
    with whole_folder(place, needed) as made:
        save_file({name: tensor.cpu().contiguous() for name, tensor in numbers.items()}, made / _NUMBERS)
        (made / _PROGRESS).write_text(json.dumps(asdict(progress)) + "\n", encoding="utf-8")
    for other in folder.glob(f"{_NAME}*"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    return place


def load(folder: Path, model: Any, optimizer: Any) -> Progress:  # noqa: ANN401 - imported late
    """Put the last one, if there is one, into model and optimiser."""
    from safetensors.torch import load_file

    places = checkpoints(folder)
    if not places:
        return Progress()
    numbers = load_file(places[-1] / _NUMBERS, device="cpu")
    for name, weight in _learned(model).items():
        weight.data.copy_(numbers[f"weight/{name}"])
        memory = {kind: numbers[f"{kind}/{name}"] for kind in _MEMORY if f"{kind}/{name}" in numbers}
        if memory:  # the count of steps stays on the processor, as the optimiser keeps it
            optimizer.state[weight] = {
                kind: tensor.clone() if kind == "step" else tensor.to(weight.device, copy=True)
                for kind, tensor in memory.items()
            }
    progress = json.loads((places[-1] / _PROGRESS).read_text(encoding="utf-8"))
    return Progress(**{**progress, "losses": tuple(progress["losses"])})


def checkpoints(folder: Path) -> list[Path]:
    """Those that are there whole, the last one last."""
    files = (_NUMBERS, _PROGRESS)
    return sorted(path for path in folder.glob(f"{_NAME}*") if all((path / name).is_file() for name in files))


def _learned(model: Any) -> dict[str, Any]:  # noqa: ANN401 - imported late
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
