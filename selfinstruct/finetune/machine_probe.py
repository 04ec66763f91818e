"""What a model and this machine allow a training, found by four tiny passes and not by lists of architectures.

Number formats: two bytes where the machine gains from them, four otherwise. LoRA may keep its base in two bytes, for
its own numbers stay in four. Full tuning keeps four and computes in two (autocast): weights in two bytes alone learn
worse, since small steps are lost in rounding.
"""

import os
import sys
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.finetune.launch import Quantize
from selfinstruct.finetune.packing import Batching, NotApart, apart
from selfinstruct.stage import DTYPES, FOUR_BITS, OWN_DTYPE

_LENGTHS = (5, 13)  # tokens of the texts tried
_ROUNDING = {"float32": 1e-5, "float64": 1e-5}  # of the largest logit; by number format
_ROUNDING_OF_TWO_BYTES = 1e-3
_OTHER_ORDER = 50  # times as much, where sums are made in another order
_TOGETHER = 4096
_TOGETHER_ON_CPU = 640  # eight common examples, in one pass (benchmarks/NOTES.md); 2048 were slower, in more memory
_CONTEXT = 2048  # tokens; where the model does not say how many it takes


@dataclass(frozen=True, slots=True)
class MachineCapabilities:
    """What a model can do on this machine: packing, context, and how many tokens fit in one pass."""

    batching: Batching
    """`packed` where examples in one row do not see each other."""
    plain_head: bool
    """Its logits are those of a linear layer on its last hidden states, with nothing done to them after."""
    context: int
    """Tokens that it takes."""
    together: int
    """Tokens that go through it at a time, unless one example has more: bounds memory."""
    words: int
    """Tokens that it knows; a tokenizer may have more, for pictures for instance, and never write them."""

    def in_rows(self) -> "MachineCapabilities":
        """As TRL uses it: rows filled up, as many tokens at a time as they have."""
        return replace(self, batching="padded", together=sys.maxsize)


def capabilities(model: Any, name: str) -> MachineCapabilities:  # noqa: ANN401 - imported late
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
        alone = [_logits(model, tokens) for tokens in (short, long)]
        changed = long.clone()
        changed[0, -1] = (changed[0, -1] + 1) % known
        if not _same(_logits(model, changed)[:, :-1], alone[1][:, :-1], times=1):
            raise _no_causal(name, "it sees the words that come later")
        return MachineCapabilities(
            batching="packed" if _packs(model, short, long, torch.cat(alone, dim=1)) else "padded",
            plain_head=_plain_head(model, long, alone[1]),
            context=int(getattr(model.config.get_text_config(), "max_position_embeddings", None) or _CONTEXT),
            together=_TOGETHER_ON_CPU if model.device.type == "cpu" else _TOGETHER,
            words=known,
        )


def _packs(model: Any, short: Any, long: Any, alone: Any) -> bool:  # noqa: ANN401 - imported late
    import torch

    row = torch.cat([short, long], dim=1)
    places = torch.cat([torch.arange(tokens.shape[1], device=row.device) for tokens in (short, long)])[None]
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


Method: TypeAlias = Literal["lora", "full"]
Dtype: TypeAlias = Literal["auto", "float32", "bfloat16"]

_FAST = ("avx512_bf16", "amx_bf16", "bf16")
"""Of a processor: without one of these, two bytes are four times as slow as four."""
_HELD_BACK = ("DEFAULT", "AVX2")
"""Instructions torch uses instead where it was told to (ATEN_CPU_CAPABILITY); two bytes then even fail."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How numbers are held and computed."""

    weights: Literal["float32", "bfloat16", "4bit"]
    """Of the base, as it is loaded."""
    autocast: bool
    """Multiplications in bfloat16 whatever the weights are in."""

    @property
    def name(self) -> str:
        """The precision in the words of a student's card."""
        if self.weights == FOUR_BITS:
            return "4 bits (nf4), bfloat16 (autocast)"
        return "bfloat16 (autocast)" if self.autocast else self.weights


def precision(dtype: Dtype, method: Method, quantize: Quantize = "none") -> Precision:
    """What `dtype` means here; `auto` is what SELFINSTRUCT_DTYPE says, or what this machine is faster in.

    A base in 4 bits is computed with in two bytes.
    """
    if quantize == FOUR_BITS:
        return Precision(FOUR_BITS, autocast=True)
    if dtype == "float32" or (dtype == "auto" and not _two_bytes()):
        return Precision("float32", autocast=False)
    return Precision("bfloat16", autocast=False) if method == "lora" else Precision("float32", autocast=True)


def _two_bytes() -> bool:
    wish = os.environ.get(OWN_DTYPE, "")
    if wish and wish not in DTYPES:
        raise BadInput(f"no number format '{wish}'", place=OWN_DTYPE, fix=f"one of: {', '.join(DTYPES)}")
    return wish == "bfloat16" if wish in {"float32", "bfloat16"} else gains()  # float16 is for asking, not for tuning


def gains() -> bool:
    """Whether this machine computes faster in bfloat16."""
    try:
        import torch
    except ImportError as fault:
        missing = "tuning needs torch"
        raise BadInput(missing, place="stage finetune", fix="pip install 'selfinstruct[train]'") from fault
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    ask = getattr(torch.cpu, "get_capabilities", None)  # older versions do not tell: four bytes are always right
    if ask is None:
        return False
    abilities = ask()
    if abilities.get("avx512_f", False) and torch.backends.cpu.get_cpu_capability() in _HELD_BACK:
        return False
    return any(abilities.get(name, False) for name in _FAST)
