"""What the training may rely on with this model, found out by four tiny passes and not by lists of architectures."""

from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.finetune.attention import NotApart, apart
from selfinstruct.finetune.packing import Layout

_LENGTHS = (5, 13)  # tokens of the texts tried
_ROUNDING = {"float32": 1e-5, "float64": 1e-5}  # of the largest logit; by number format
_ROUNDING_OF_TWO_BYTES = 1e-3
_OTHER_ORDER = 50  # times as much, where sums are made in another order
_TOGETHER = 4096
_TOGETHER_ON_CPU = 640  # eight common examples, in one pass (benchmarks/NOTES.md); 2048 were slower, in more memory
_CONTEXT = 2048  # tokens; where the model does not say how many it takes


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found."""

    layout: Layout
    """`packed` where examples in one row do not see each other."""
    plain_head: bool
    """Its logits are those of a linear layer on its last hidden states, with nothing done to them after."""
    context: int
    """Tokens that it takes."""
    together: int
    """Tokens that go through it at a time, unless one example has more: bounds memory."""
    words: int
    """Tokens that it knows; a tokenizer may have more, for pictures for instance, and never write them."""


def examine(model: Any, name: str) -> Examined:  # noqa: ANN401 - imported late
    """Of a model in evaluation mode, without an adapter.

    Raises:
        BadInput: no causal model.
    """
    import torch

    words, head = model.get_input_embeddings(), model.get_output_embeddings()
    if head is None or model.config.is_encoder_decoder:
        raise _no_causal(name, "it has no head that predicts the next word")
    known = int(words.weight.shape[0])
    draw = torch.Generator().manual_seed(1)
    short, long = (torch.randint(known, (1, length), generator=draw).to(model.device) for length in _LENGTHS)
    with torch.no_grad():
        alone = [_logits(model, one) for one in (short, long)]
        changed = long.clone()
        changed[0, -1] = (changed[0, -1] + 1) % known
        if not _same(_logits(model, changed)[:, :-1], alone[1][:, :-1], times=1):
            raise _no_causal(name, "it sees the words that come later")
        return Examined(
            layout="packed" if _packs(model, short, long, torch.cat(alone, dim=1)) else "padded",
            plain_head=_plain_head(model, long, alone[1]),
            context=int(getattr(model.config.get_text_config(), "max_position_embeddings", None) or _CONTEXT),
            together=_TOGETHER_ON_CPU if model.device.type == "cpu" else _TOGETHER,
            words=known,
        )


def _packs(model: Any, short: Any, long: Any, alone: Any) -> bool:  # noqa: ANN401 - imported late
    import torch

    row = torch.cat([short, long], dim=1)
    places = torch.cat([torch.arange(one.shape[1], device=row.device) for one in (short, long)])[None]
    try:
        with apart(model, _LENGTHS):
            packed = model(input_ids=row, position_ids=places, use_cache=False).logits
    except (NotApart, TypeError, ValueError, RuntimeError):  # whatever an architecture says of what it does not know
        return False
    return _same(packed, alone)


def _plain_head(model: Any, tokens: Any, logits: Any) -> bool:  # noqa: ANN401 - imported late
    body = getattr(model, model.base_model_prefix, None)
    if body is None or body is model:
        return False
    states = body(input_ids=tokens, use_cache=False)[0]
    return bool(states.shape[:2] == logits.shape[:2]) and _same(model.get_output_embeddings()(states), logits)


def _logits(model: Any, tokens: Any) -> Any:  # noqa: ANN401 - imported late
    return model(input_ids=tokens, use_cache=False).logits


def _same(one: Any, other: Any, times: int = _OTHER_ORDER) -> bool:  # noqa: ANN401 - imported late
    allowed = times * _ROUNDING.get(str(one.dtype).removeprefix("torch."), _ROUNDING_OF_TWO_BYTES)
    return bool((one - other).abs().max() <= allowed * other.abs().max())


def _no_causal(name: str, why: str) -> BadInput:
    return BadInput(f"no causal language model: {why}", place=f"model '{name}'", fix="give a model that continues text")
