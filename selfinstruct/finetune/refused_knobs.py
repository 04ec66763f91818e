"""Knobs of the stage that make no sense, refused before anything is loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from selfinstruct.errors import BadInput
from selfinstruct.finetune.examples import Refused, TooLong
from selfinstruct.finetune.launch import TRACKERS, Engine, Quantize
from selfinstruct.finetune.machine_probe import Dtype, Method
from selfinstruct.finetune.training_text import Template

_LARGEST = float("inf")


@dataclass(frozen=True, slots=True)
class _Limit:
    fits: Callable[[Any], bool]
    fix: str


_AT_LEAST_ONE = _Limit(lambda value: 1 <= value < _LARGEST, "write 1 or more")
_NOT_NEGATIVE = _Limit(lambda value: 0 <= value < _LARGEST, "write 0 or more")


def _one_of(*known: str) -> _Limit:
    return _Limit(lambda value: value in known, f"write one of: {', '.join(known)}")


LIMITS = {
    "engine": _one_of(*get_args(Engine)),
    "quantize": _one_of(*get_args(Quantize)),
    "report_to": _Limit(lambda value: set(value) <= {*TRACKERS}, f"write some of: {', '.join(TRACKERS)}"),
    "method": _one_of(*get_args(Method)),
    "template": _one_of(*get_args(Template)),
    "dtype": _one_of(*get_args(Dtype)),
    "stop": _one_of("ifs", "loss", "none"),
    "too_long": _one_of(*get_args(TooLong)),
    "refused": _one_of(*get_args(Refused)),
    "rank": _AT_LEAST_ONE,
    "alpha": _AT_LEAST_ONE,
    "batch": _AT_LEAST_ONE,
    "accumulate": _AT_LEAST_ONE,
    "save_every": _AT_LEAST_ONE,
    "trial": _AT_LEAST_ONE,
    "phrasings": _Limit(lambda value: 1 <= value <= 4, "write 1 to 4: so many has each question of taste"),
    "learning_rates": _Limit(
        lambda value: len(value) != 1 and len(set(value)) == len(value) and all(0 < rate < _LARGEST for rate in value),
        "write two or more different rates, such as [0.0002, 0.0005, 0.001], or learning_rate for one",
    ),
    "learning_rate": _NOT_NEGATIVE,
    "neftune": _NOT_NEGATIVE,
    "first": _NOT_NEGATIVE,
    "checks_at_most": _Limit(lambda value: 0 < value <= 1, "write a share above 0, 1 for any, or stop: none"),
    "epochs": _Limit(lambda value: 0 < value < _LARGEST, "write a number above 0"),
    "max_tokens": _Limit(lambda value: value > 1, "write 2 or more: a first token is never predicted"),
    "warm_up": _Limit(lambda value: 0 <= value <= 1, "write a share of the steps, 0 to 1"),
    "targets": _Limit(bool, "write names of layers, or leave it out"),
    "grid": _Limit(
        lambda value: list(value) == sorted(set(value)) and min(value, default=0) >= 0,
        "write rising numbers of examples, such as [0, 64, 128]",
    ),
}


@dataclass(frozen=True, slots=True)
class _Conflict:
    name: str
    """The knob that cannot be as it is."""
    applies: Callable[[Any], bool]
    fix: str


CONFLICTS = (
    _Conflict(
        "report_to",
        lambda knobs: bool(knobs.report_to) and knobs.engine != "trl",
        "write engine: trl, our own loop tells nobody",
    ),
    _Conflict("quantize", lambda knobs: knobs.quantize != "none" and knobs.engine != "trl", "write engine: trl"),
    _Conflict(
        "quantize",
        lambda knobs: knobs.quantize != "none" and knobs.method != "lora",
        "write method: lora, weights in 4 bits cannot be trained themselves",
    ),
    _Conflict(
        "merge",
        lambda knobs: knobs.quantize != "none" and knobs.merge,
        "leave it out: a base in 4 bits would lose what the adapter adds in the rounding",
    ),
    _Conflict(
        "dtype",
        lambda knobs: knobs.quantize != "none" and knobs.dtype == "float32",
        "leave it out: with a base in 4 bits numbers have two bytes",
    ),
    _Conflict(
        "learning_rates",
        lambda knobs: bool(knobs.learning_rates) and knobs.engine == "trl",
        "write one learning_rate, or engine: selfinstruct: TRL's engine tries none",
    ),
    _Conflict(
        "targets",
        lambda knobs: "lm_head" in knobs.targets and knobs.engine == "trl",
        "leave lm_head out, or write engine: selfinstruct: TRL would never train it",
    ),
)


def check(knobs: object) -> None:
    """BadInput names the first that cannot be, by itself or beside another."""
    for name, limit in LIMITS.items():
        value = getattr(knobs, name)
        if not limit.fits(value):
            raise BadInput(f"{name}: {value}", place="stage finetune", fix=limit.fix)
    for conflict in CONFLICTS:
        if conflict.applies(knobs):
            what = f"{conflict.name}: {getattr(knobs, conflict.name)}"
            raise BadInput(what, place="stage finetune", fix=conflict.fix)
