"""Attention in a packed row: each example sees itself alone, and nothing is computed between examples."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

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
