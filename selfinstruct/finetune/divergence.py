"""How far a tuned model has moved from its base: the divergence of their predictions on given texts.

Two probes: plain prose, where a shift is drift; and reference answers to prompts, where a shift is, first of all, the
format. At each position the whole vocabulary counts. Published numbers are often cut off at the likeliest tokens
(arXiv 2312.01552, used by arXiv 2402.05119), which is no divergence and can be negative.

Of the base there is, for the divergence, only what it predicted. LoRA leaves the base in place, so it is asked anew at
each check and nothing is kept; while the adapter has learned nothing, neither is asked. Full tuning overwrites the
base. Then its log-probabilities are kept in 2 bytes each, for every position of the probes: some 1,200 positions of a
vocabulary of 49,152 take 120 MB, whatever the size of the model, where a second copy of the weights would grow with it
(14 GB for seven billion parameters) and would double the work of each check. In a file they also survive a kill, after
which the base is no longer in memory. Two bytes are enough: read back they are brought to sum 1 again, and on
SmolLM2-135M what is lost moved a divergence of 0.0174 nats by 0.0000002.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from selfinstruct.atomic_files import whole_file
from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.finetune.examples import segments
from selfinstruct.finetune.training_text import Template, Unfit
from selfinstruct.prompts import prompt
from selfinstruct.records import Task

ProbeName: TypeAlias = Literal["prose", "reference"]

LONGEST = 512
"""Tokens of a text that are read; the rest is left out."""
_REFERENCES = 12  # records whose answers are probed: some thousand tokens are enough
_AT_ONCE = 128  # positions of which both predictions are in memory: 25 MB a copy for 49,152 tokens, 134 MB for 262,144


@dataclass(frozen=True, slots=True)
class ProbeText:
    """A text on which two models' predictions are compared: after each token of the answer, and before its first."""

    answer: str
    prompt: str = ""
    """Put before it, as the tuned model expects it; empty for plain prose."""


@dataclass(frozen=True, slots=True)
class ProbeTexts:
    """A named set of texts on which the divergence between two models is measured."""

    name: ProbeName
    texts: tuple[ProbeText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Kullback-Leibler divergences in nats for each position, over the whole vocabulary."""

    base_tuned: float
    """KL(base || tuned): what the curve shows. High where the tuned model gives up what the base finds likely."""
    tuned_base: float
    """KL(tuned || base): high where the tuned model says what the base finds unlikely."""
    positions: int


class Base(Protocol):
    """Predictions of the model before it was tuned."""

    def predictions(self, model: Any, tokens: Sequence[int], first: int, probe: ProbeName, place: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
        """Logits of positions `first` and on, chunk by chunk; the text is number `place` of the probe."""


def prose_probe() -> ProbeTexts:
    """Twelve short paragraphs of our own, of many subjects."""
    return ProbeTexts("prose", tuple(ProbeText(text) for text in prompt("finetune", "prose").text.split("\n\n")))


def probes_of(known: Sequence[Task], tokenizer: Any, template: Template, seed: int) -> tuple[ProbeTexts, ...]:  # noqa: ANN401
    """Plain prose, and the answers of known tasks after prompts as the student gets them."""
    answered = [task for task in known if task.instances and not task.later and task.instances[0].output.strip()]
    texts = []
    for task in answered[:_REFERENCES]:
        try:
            asked, answer = segments(task, 0, tokenizer, template, seed)
        except Unfit:  # a system turn, say, that the template refuses: there are others
            continue
        texts.append(ProbeText(answer.text, asked.text))
    return (prose_probe(), reference_probe(texts)) if texts else (prose_probe(),)


def reference_probe(texts: Sequence[ProbeText]) -> ProbeTexts:
    """Prompts with reference answers, such as the seeds'; a few dozen are enough."""
    return ProbeTexts("reference", tuple(texts))


def divergence(model: Any, tokenizer: Any, probe: ProbeTexts, base: Base) -> Divergence:  # noqa: ANN401 - imported late
    """Mean over all positions of the probe. The model must be in evaluation mode; memory is that of few positions.

    Raises:
        BadInput: the probe has no text.
    """
    import torch

    there = back = 0.0
    positions = 0
    with torch.no_grad():
        for place, text in enumerate(probe.texts):
            tokens, first = encoded(tokenizer, text, longest(model))
            befores = base.predictions(model, tokens, first, probe.name, place)
            for now, before in zip(predictions(model, tokens, first), befores, strict=True):
                tuned, known = (torch.log_softmax(logits.float(), dim=-1) for logits in (now, before.to(now.device)))
                there += float((known.exp() * (known - tuned)).sum(dtype=torch.float64))
                back += float((tuned.exp() * (tuned - known)).sum(dtype=torch.float64))
                positions += len(now)
    _refuse_empty(probe, positions)
    # Both are at least 0; rounding can bring equal predictions a hair below.
    return Divergence(
        base_tuned=max(0.0, there / positions), tuned_base=max(0.0, back / positions), positions=positions
    )


def no_divergence(model: Any, tokenizer: Any, probe: ProbeTexts) -> Divergence:  # noqa: ANN401 - imported late
    """What `divergence` finds where the model is still the base, without asking either.

    Raises:
        BadInput: the probe has no text.
    """
    texts = (encoded(tokenizer, text, longest(model)) for text in probe.texts)
    positions = sum(sum(chunks_of(len(tokens), first)) for tokens, first in texts)
    _refuse_empty(probe, positions)
    return Divergence(base_tuned=0.0, tuned_base=0.0, positions=positions)


def encoded(tokenizer: Any, text: ProbeText, most: int) -> tuple[list[int], int]:  # noqa: ANN401 - imported late
    """Tokens of the whole, and the position whose prediction is the answer's first token.

    Prompt and answer are cut into tokens apart, as they are for training. Of plain prose the first token is not
    predicted from nothing, unless the tokenizer opens every text with a mark. A prompt that would fill the window keeps
    its end, half as long.
    """
    # a chat template writes the opening mark itself
    opened = bool(tokenizer.bos_token) and text.prompt.startswith(tokenizer.bos_token)
    before = list(tokenizer(text.prompt, add_special_tokens=not opened)["input_ids"]) if text.prompt else []
    if not before:
        return list(tokenizer(text.answer)["input_ids"])[:most], 0
    before = before[-(most // 2) :]
    after = list(tokenizer(text.answer, add_special_tokens=False)["input_ids"])
    return (before + after)[:most], len(before) - 1


def longest(model: Any) -> int:  # noqa: ANN401 - imported late
    """Tokens of a text that this model reads here."""
    window = getattr(model.config, "max_position_embeddings", None) or getattr(model.config, "n_positions", None)
    return min(LONGEST, window or LONGEST)


def predictions(model: Any, tokens: Sequence[int], first: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
    """Logits [positions, vocabulary] of positions `first` and on, a few positions at a time.

    The model reads on from what it remembers of the text before; one that remembers nothing reads all of it at once.
    """
    import torch

    row = torch.tensor([list(tokens)], device=model.device)
    memory = None
    for start in range(0, len(tokens), _AT_ONCE):
        output = model(input_ids=row[:, start : start + _AT_ONCE], past_key_values=memory, use_cache=True)
        memory = getattr(output, "past_key_values", None)
        if memory is None and len(tokens) > _AT_ONCE:
            yield from _all_at_once(model, row, first)
            return
        logits = output.logits[0, max(0, first - start) :]
        if len(logits):
            yield logits


def chunks_of(length: int, first: int) -> list[int]:
    """How many positions each chunk of `predictions` has.

    >>> chunks_of(150, 40)
    [88, 22]
    """
    ends = [min(start + _AT_ONCE, length) for start in range(0, length, _AT_ONCE)]
    counts = [end - max(first, start) for start, end in zip(range(0, length, _AT_ONCE), ends, strict=True)]
    return [count for count in counts if count > 0]


def _refuse_empty(probe: ProbeTexts, positions: int) -> None:
    if not positions:
        raise BadInput("has no text", place=f"probe {probe.name}", fix="give it texts, or leave it out")


def _all_at_once(model: Any, row: Any, first: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
    logits = model(input_ids=row).logits[0, first:]
    yield from logits.split(chunks_of(row.shape[1], first))


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
    return bool(learned) and in_pairs and not any(bool(weight.any()) for name, weight in learned if ".lora_B." in name)


class KeptPredictions:
    """Log-probabilities in 2 bytes, in memory or in a folder."""

    def __init__(self, kept: dict[str, Any]) -> None:
        """By name of the file: arrays of shape [positions, vocabulary]."""
        self._kept = kept

    def predictions(self, model: Any, tokens: Sequence[int], first: int, probe: ProbeName, place: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
        """As in `Base`, cut where the model's own predictions are."""
        import torch

        del model
        known, start = self._kept[_name(probe, place, tokens)], 0
        for many in chunks_of(len(tokens), first):
            # copied: a file that is mapped for reading cannot be shared with torch
            yield torch.from_numpy(known[start : start + many].copy()).float()
            start += many


def base_of(
    model: Any,  # noqa: ANN401 - imported late
    tokenizer: Any,  # noqa: ANN401 - as above
    probes: Sequence[ProbeTexts],
    folder: Path | None,
    *,
    fresh: bool,
) -> Base | None:
    """Where the base's predictions come from; None where they are lost: full tuning goes on, and no file has them.

    `fresh`: the model has not been trained yet, so that its predictions are the base's. `folder` holds them; without,
    they are kept in memory.
    """
    if hasattr(model, "disable_adapter"):
        return AdapterOff()
    if fresh:
        return _keep(model, tokenizer, probes, folder)
    return _read_back(model, tokenizer, probes, folder) if folder is not None else None


def forget(folder: Path) -> None:
    """Training has ended: the base's predictions are not needed any more."""
    shutil.rmtree(folder, ignore_errors=True)


def _keep(model: Any, tokenizer: Any, probes: Sequence[ProbeTexts], folder: Path | None) -> KeptPredictions:  # noqa: ANN401
    import numpy as np
    import torch

    kept: dict[str, Any] = {}
    if folder is not None:
        forget(folder)  # of another training
    for probe in probes:
        for place, text in enumerate(probe.texts):
            tokens, first = encoded(tokenizer, text, longest(model))
            with torch.no_grad():
                logarithms = [
                    torch.log_softmax(logits.float(), dim=-1).clamp_min(_LEAST).half().cpu().numpy()
                    for logits in predictions(model, tokens, first)
                ]
            name = _name(probe.name, place, tokens)
            kept[name] = (
                np.concatenate(logarithms) if folder is None else _written(folder / name, np.concatenate(logarithms))
            )
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


def _read_back(model: Any, tokenizer: Any, probes: Sequence[ProbeTexts], folder: Path) -> KeptPredictions | None:  # noqa: ANN401
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
