"""Number formats: two bytes where the machine gains from them, four otherwise.

LoRA may keep its base in two bytes, for its own numbers stay in four. Full tuning keeps four and computes in two
(autocast): weights in two bytes alone learn worse, since small steps are lost in rounding.
"""

import os
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.stage import DTYPES, OWN_DTYPE

Method: TypeAlias = Literal["lora", "full"]
Dtype: TypeAlias = Literal["auto", "float32", "bfloat16"]

_FAST = ("avx512_bf16", "amx_bf16", "bf16")
"""Of a processor: without one of these, two bytes are four times as slow as four."""
_HELD_BACK = ("DEFAULT", "AVX2")
"""Instructions torch uses instead where it was told to (ATEN_CPU_CAPABILITY); two bytes then even fail."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How numbers are held and computed."""

    weights: Literal["float32", "bfloat16"]
    """Of the base, as it is loaded."""
    autocast: bool
    """Multiplications in bfloat16 whatever the weights are in."""

    @property
    def name(self) -> str:
        """As a card tells it."""
        return "bfloat16 (autocast)" if self.autocast else self.weights


def precision(dtype: Dtype, method: Method) -> Precision:
    """What `dtype` means here; `auto` is what SELFINSTRUCT_DTYPE says, or what this machine is faster in."""
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
    told = getattr(torch.cpu, "get_capabilities", None)  # older versions do not tell: four bytes are always right
    if told is None:
        return False
    able = told()
    if able.get("avx512_f", False) and torch.backends.cpu.get_cpu_capability() in _HELD_BACK:
        return False
    return any(able.get(name, False) for name in _FAST)
