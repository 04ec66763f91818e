"""How far a tuned model has moved from its base: the divergence of their predictions on given texts.

Two probes: plain prose, where a shift is drift; and reference answers to prompts, where a shift is, first of all, the
format. At each position the whole vocabulary counts. Published numbers are often cut off at the likeliest tokens
(arXiv 2312.01552, used by arXiv 2402.05119), which is no divergence and can be negative.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.prompts import prompt

ProbeName: TypeAlias = Literal["prose", "reference"]

LONGEST = 512
"""Tokens of a text that are read; the rest is left out."""
_AT_ONCE = 128  # positions of which both predictions are in memory: 25 MB a copy for 49,152 tokens, 134 MB for 262,144


@dataclass(frozen=True, slots=True)
class ProbeText:
    """A text on which two models' predictions are compared: after each token of the answer, and before its first."""

    answer: str
    prompt: str = ""
    """Put before it, as the tuned model expects it; empty for plain prose."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Named texts."""

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


def prose_probe() -> Probe:
    """Twelve short paragraphs of our own, of many subjects."""
    return Probe("prose", tuple(ProbeText(text) for text in prompt("finetune", "prose").text.split("\n\n")))


def reference_probe(texts: Sequence[ProbeText]) -> Probe:
    """Prompts with reference answers, such as the seeds'; a few dozen are enough."""
    return Probe("reference", tuple(texts))


def divergence(model: Any, tokenizer: Any, probe: Probe, base: Base) -> Divergence:  # noqa: ANN401 - imported late
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


def no_divergence(model: Any, tokenizer: Any, probe: Probe) -> Divergence:  # noqa: ANN401 - imported late
    """What `divergence` finds where the model is still the base, without asking either.

    Raises:
        BadInput: the probe has no text.
    """
    told = (encoded(tokenizer, text, longest(model)) for text in probe.texts)
    positions = sum(sum(chunks_of(len(tokens), first)) for tokens, first in told)
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
        told = model(input_ids=row[:, start : start + _AT_ONCE], past_key_values=memory, use_cache=True)
        memory = getattr(told, "past_key_values", None)
        if memory is None and len(tokens) > _AT_ONCE:
            yield from _all_at_once(model, row, first)
            return
        logits = told.logits[0, max(0, first - start) :]
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


def _refuse_empty(probe: Probe, positions: int) -> None:
    if not positions:
        raise BadInput("has no text", place=f"probe {probe.name}", fix="give it texts, or leave it out")


def _all_at_once(model: Any, row: Any, first: int) -> Iterator[Any]:  # noqa: ANN401 - imported late
    logits = model(input_ids=row).logits[0, first:]
    yield from logits.split(chunks_of(row.shape[1], first))
