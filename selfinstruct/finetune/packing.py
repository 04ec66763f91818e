"""Which examples make a step, and how they lie in the passes through the model.

A step is always the same number of examples, however they lie, so that batching decides speed and memory and never what
is learned. Packed, the examples of a pass stand in one row, one after another, and nothing is filled up; each attends
to itself alone (`apart`). Models that cannot do this get rows filled up to the longest, of examples of like
length. On alpaca_en_demo, with six layers of SmolLM2's width, fp32 and one thread, packed rows trained 417 tokens a
second, packed rows under one wide mask 293, rows filled up 239, and the same sorted by length 224.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, TypeAlias

from selfinstruct.finetune.examples import TrainingExample

_NAME = "selfinstruct_apart"
_UNKNOWN = ("softcap", "s_aux")  # of few architectures; whoever gives them is left to its own attention


class NotApart(Exception):
    """The architecture wants something of its attention that is not done here."""


@contextmanager
def apart(model: Any, lengths: Sequence[int]) -> Iterator[None]:  # noqa: ANN401 - imported late
    """Within, the model takes one row of examples of these lengths; afterwards it attends as it did before.

    Transformers makes no mask for an attention that it does not know, and hands the whole row over.
    """
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    def attend(
        module: Any,  # noqa: ANN401 - as Transformers calls it
        query: Any,  # noqa: ANN401
        key: Any,  # noqa: ANN401
        value: Any,  # noqa: ANN401
        attention_mask: Any,  # noqa: ANN401, ARG001 - there is none
        scaling: float | None = None,
        dropout: float = 0.0,
        sliding_window: int | None = None,
        **more: Any,  # noqa: ANN401
    ) -> tuple[Any, None]:
        if any(more.get(name) is not None for name in _UNKNOWN) or not getattr(module, "is_causal", True):
            raise NotApart
        return _by_example(query, key, value, lengths, scaling, dropout, sliding_window), None

    ALL_ATTENTION_FUNCTIONS.register(_NAME, attend)
    config = model.config.get_text_config()
    before = config._attn_implementation  # noqa: SLF001 - the setter reloads kernels; this is what every layer reads
    config._attn_implementation = _NAME  # noqa: SLF001
    try:
        yield
    finally:
        config._attn_implementation = before  # noqa: SLF001


def _by_example(
    query: Any,  # noqa: ANN401 - imported late
    key: Any,  # noqa: ANN401
    value: Any,  # noqa: ANN401
    lengths: Sequence[int],
    scaling: float | None,
    dropout: float,
    window: int | None,
) -> Any:  # noqa: ANN401
    """[1, heads, tokens, width] -> [1, tokens, heads, width]; `window`: tokens that one sees, itself among them."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    grouped = query.shape[1] != key.shape[1]
    parts, begin = [], 0
    for length in lengths:
        here = slice(begin, begin + length)
        mask = _band(length, window, query.device) if window and length > window else None
        part = scaled_dot_product_attention(
            query[:, :, here],
            key[:, :, here],
            value[:, :, here],
            attn_mask=mask,
            is_causal=mask is None,
            dropout_p=dropout,
            scale=scaling,
            enable_gqa=grouped,
        )
        parts.append(part)
        begin += length
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous()


def _band(length: int, window: int, device: Any) -> Any:  # noqa: ANN401 - imported late
    import torch

    here = torch.arange(length, device=device)
    back = here[:, None] - here[None, :]
    return (back >= 0) & (back < window)


Batching: TypeAlias = Literal["packed", "padded"]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the weights."""

    epoch: int
    examples: tuple[int, ...]
    """Their places in the set."""


def steps(count: int, size: int, epochs: float, seed: int) -> list[Step]:
    """The whole plan: every epoch in an order of its own, `size` examples a step, the last of an epoch perhaps fewer.

    A part of an epoch is the beginning of its order.

    >>> [len(step.examples) for step in steps(5, 2, 1.4, seed=1)]
    [2, 2, 1, 2]
    """
    plan = []
    left = round(count * epochs)
    epoch = 0
    while left > 0:
        order = list(range(count))
        Random(f"{seed}/epoch/{epoch}").shuffle(order)  # noqa: S311 - not for secrets
        order = order[:left]
        plan += [Step(epoch, tuple(order[at : at + size])) for at in range(0, len(order), size)]
        left -= count
        epoch += 1
    return plan


def passes(
    lengths: Sequence[int], step: Sequence[int], batch: int, batching: Batching, together: int
) -> list[list[int]]:
    """The examples of a step in passes of at most `batch` examples and `together` tokens, filling included.

    An example that is longer goes alone.

    >>> passes([9, 5, 4, 2], [0, 1, 2, 3], batch=3, batching="packed", together=12)
    [[0], [1, 2, 3]]
    """
    order = list(step) if batching == "packed" else sorted(step, key=lambda at: (lengths[at], at))
    made: list[list[int]] = []
    for at in order:
        now = [*made[-1], at] if made else []
        if not now or len(now) > batch or _processed([lengths[example] for example in now], batching) > together:
            made.append([at])
        else:
            made[-1] = now
    return made


def useful_share(lengths: Sequence[int], plan: Sequence[Step], batch: int, batching: Batching, together: int) -> float:
    """Of the tokens that go through the model, the share that belongs to examples."""
    useful = processed = 0
    for step in plan:
        for examples in passes(lengths, step.examples, batch, batching, together):
            sizes = [lengths[at] for at in examples]
            useful += sum(sizes)
            processed += _processed(sizes, batching)
    return useful / processed if processed else 1.0


@dataclass(frozen=True, slots=True)
class Pass:
    """Tensors of one way through the model; `tokens` and `positions` have a row, or a row an example."""

    tokens: Any
    positions: Any
    attended: Any
    """What is no filling, of `padded` rows; None for a packed one."""
    keep: Any
    """Where something is predicted: true at the token before each one that is to be learned."""
    targets: Any
    """What is predicted there, in order."""
    lengths: tuple[int, ...]
    """Of the examples, as they lie."""


def tensors(examples: Sequence[TrainingExample], batching: Batching, device: Any, filling: int) -> Pass:  # noqa: ANN401 - imported late
    """Tensors of one forward pass: inputs, positions, targets and masks of these examples."""
    import torch

    rows = [torch.frombuffer(example.tokens, dtype=torch.int32).long() for example in examples]
    masks = [torch.frombuffer(bytearray(example.supervised), dtype=torch.uint8).bool() for example in examples]
    places = [torch.arange(len(row)) for row in rows]
    keeps = [torch.cat([mask[1:], mask.new_zeros(1)]) for mask in masks]
    targets = torch.cat([row[1:][mask[1:]] for row, mask in zip(rows, masks, strict=True)])
    attended = None
    if batching == "packed":
        tokens, positions, keep = (torch.cat(parts)[None] for parts in (rows, places, keeps))
    else:
        from torch.nn.utils.rnn import pad_sequence

        tokens = pad_sequence(rows, batch_first=True, padding_value=filling)
        positions = pad_sequence(places, batch_first=True)
        keep = pad_sequence(keeps, batch_first=True)
        attended = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).to(device)
    lengths = tuple(map(len, rows))
    return Pass(tokens.to(device), positions.to(device), attended, keep.to(device), targets.to(device), lengths)


def _processed(lengths: Sequence[int], batching: Batching) -> int:
    return sum(lengths) if batching == "packed" else max(lengths) * len(lengths)
