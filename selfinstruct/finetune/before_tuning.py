"""What the base predicted on the probes: asked with the adapter off, or kept from before the first step.

LoRA leaves the base in place, so it is asked anew at each check and nothing is kept; while the adapter has learned
nothing, neither is asked. Full tuning overwrites the base. Then its log-probabilities are kept in 2 bytes each, for
every position of the probes: some 1,200 positions of a vocabulary of 49,152 take 120 MB, whatever the size of the
model, where a second copy of the weights would grow with it (14 GB for seven billion parameters) and would double the
work of each check. In a file they also survive a kill, after which the base is no longer in memory. Two bytes are
enough: read back they are brought to sum 1 again, and on SmolLM2-135M what is lost moved a divergence of 0.0174 nats
by 0.0000002.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from selfinstruct.errors import NoRoom
from selfinstruct.finetune.divergence import Base, Probe, ProbeName, encoded, longest, predictions
from selfinstruct.whole_files import whole_file

_LEAST = -100.0
"""Of a log-probability: below any that counts, and away from minus infinity, which times 0 is no number."""


class AdapterOff:
    """The same model with its adapter switched off."""

    def predictions(self, model: Any, tokens: Sequence[int], first: int, probe: ProbeName, place: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
        """As in `Base`; the adapter is off only while a chunk is made, for the tuned model is asked in between."""
        del probe, place
        chunks = predictions(model, tokens, first)
        while True:
            with model.disable_adapter():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk


def adds_nothing(model: Any) -> bool:  # noqa: ANN401 - imported late
    """Whether all that learns is pairs of LoRA whose second halves are still zero, so that model and base agree."""
    learned = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    in_pairs = all(".lora_A." in name or ".lora_B." in name for name, _ in learned)
    return bool(learned) and in_pairs and not any(bool(one.any()) for name, one in learned if ".lora_B." in name)


class KeptPredictions:
    """Log-probabilities in 2 bytes, in memory or in a folder."""

    def __init__(self, kept: dict[str, Any]) -> None:
        """By name of the file: arrays of shape [positions, vocabulary]."""
        self._kept = kept

    def predictions(self, model: Any, tokens: Sequence[int], first: int, probe: ProbeName, place: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
        """As in `Base`, cut where the model's own predictions are."""
        import torch

        from selfinstruct.finetune.divergence import chunks_of

        del model
        known, start = self._kept[_name(probe, place, tokens)], 0
        for many in chunks_of(len(tokens), first):
            # copied: a file that is mapped for reading cannot be shared with torch
            yield torch.from_numpy(known[start : start + many].copy()).float()
            start += many


def base_of(model: Any, tokenizer: Any, probes: Sequence[Probe], folder: Path | None, *, fresh: bool) -> Base | None:  # noqa: ANN401 - imported late
    """Where the base's predictions come from; None where they are lost: full tuning goes on, and no file has them.

    `fresh`: the model has not been trained yet, so that its predictions are the base's. `folder` holds them; without,
    they are kept in memory.
    """
    if hasattr(model, "disable_adapter"):
        return AdapterOff()
    if fresh:
        return _keep(model, tokenizer, probes, folder)
    return _found(model, tokenizer, probes, folder) if folder is not None else None


def forget(folder: Path) -> None:
    """Training has ended: the base's predictions are not needed any more."""
    shutil.rmtree(folder, ignore_errors=True)


def _keep(model: Any, tokenizer: Any, probes: Sequence[Probe], folder: Path | None) -> KeptPredictions:  # noqa: ANN401
    import numpy as np
    import torch

    kept: dict[str, Any] = {}
    if folder is not None:
        forget(folder)  # of another training
    for probe in probes:
        for place, text in enumerate(probe.texts):
            tokens, first = encoded(tokenizer, text, longest(model))
            with torch.no_grad():
                told = [
                    torch.log_softmax(logits.float(), dim=-1).clamp_min(_LEAST).half().cpu().numpy()
                    for logits in predictions(model, tokens, first)
                ]
            name = _name(probe.name, place, tokens)
            kept[name] = np.concatenate(told) if folder is None else _written(folder / name, np.concatenate(told))
    return KeptPredictions(kept)


def _written(path: Path, array: Any) -> Any:  # noqa: ANN401 - imported late
    """Whole or not at all; read back only where it is needed."""
    import numpy as np

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)
    except OSError as refusal:
        what = (
            f"{path}: {refusal.strerror or refusal}; what the base predicted takes {array.nbytes / 1e6:.0f} MB a text"
        )
        raise NoRoom(f"{what}: make room there, then run the same command again") from refusal
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _found(model: Any, tokenizer: Any, probes: Sequence[Probe], folder: Path) -> KeptPredictions | None:  # noqa: ANN401
    import numpy as np

    kept = {}
    for probe in probes:
        for place, text in enumerate(probe.texts):
            name = _name(probe.name, place, encoded(tokenizer, text, longest(model))[0])
            with contextlib.suppress(OSError, ValueError):  # missing, or cut off by a full disk
                kept[name] = np.load(folder / name, mmap_mode="r", allow_pickle=False)
            if name not in kept:
                return None
    return KeptPredictions(kept)


def _name(probe: ProbeName, place: int, tokens: Sequence[int]) -> str:
    """Of the file: other tokens are another file."""
    return f"{probe}-{place}-{sha256(repr(list(tokens)).encode()).hexdigest()[:12]}.npy"
