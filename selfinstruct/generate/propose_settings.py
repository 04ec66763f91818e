"""The two styles of asking for tasks, as tables: sampling parameters and numbers of demonstrations.

A style is a way of asking, whatever model is asked; `template` says how what is asked becomes a text or messages.
"""

from dataclasses import dataclass
from typing import Literal

Style = Literal["self_instruct", "alpaca"]
Profile = Literal["default", "reference"]
Template = Literal["auto", "completion", "chat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Settings of one style of prompt: demonstrations, items and sampling parameters."""

    demonstrations: int
    machine_demonstrations: int
    """How many of them are drawn from what earlier rounds kept."""
    items: int
    """New tasks that one choice may hold."""
    temperature: float
    top_p: float
    presence_penalty: float = 0.0
    max_tokens: int


STYLES: dict[Style, Asking] = {
    # Wang et al. 2023, appendix A, and the parameters of the released program
    "self_instruct": Asking(
        demonstrations=8,
        machine_demonstrations=2,
        items=8,
        temperature=0.7,
        top_p=0.5,
        presence_penalty=2.0,
        max_tokens=1024,
    ),
    # Stanford Alpaca: three seeds, instruction, input and output in one request, twenty entries in all
    "alpaca": Asking(demonstrations=3, machine_demonstrations=0, items=16, temperature=1.0, top_p=1.0, max_tokens=3072),
}

# Measured on models of 135 to 500 million parameters: one short list, eight continuations of one prompt, and of each
# the first line only: the following ones continue their own slips ("Create a new language ..." six times over).
SMALL: dict[Style, Asking] = {
    "self_instruct": Asking(
        demonstrations=8, machine_demonstrations=2, items=1, temperature=0.8, top_p=0.95, max_tokens=60
    ),
    "alpaca": Asking(demonstrations=3, machine_demonstrations=0, items=3, temperature=0.9, top_p=0.95, max_tokens=400),
}
SMALL_CHOICES = 8
