r"""How a prompt is put to a model: bare, in a wrapper, in the model's own template or after demonstrations.

The wrappers of Becoming self-instruct (arXiv 2307.03692): `alpaca` (its A), `suffix` (B), `none` (C), and beyond it
`chat`, `few-shot:K` and the formats in which sets are published. Only wrapper texts that are formats are fixed here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.prompt_templates import WRAPPERS, joined, wrapped
from selfinstruct.prompts import prompt as prompt_text
from selfinstruct.records import Message
from selfinstruct.stage import Traits

Prompt: TypeAlias = str | tuple[Message, ...]

TEMPLATED = ("chat", "messages", "sharegpt")
"""Names of the model's own template: what a student of these formats was tuned on."""
AUTO = "auto"
"""In a list of wrappers, the one that suits a model."""
_FEW_SHOT = re.compile(r"few-shot:(\d+)")
_BLOCK = "\n\n\n"  # stands between demonstrations in their file
MARK = "Instruction:"


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What is sent, and where the model is to stop."""

    prompt: Prompt
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One way to put a prompt."""

    name: str

    def __post_init__(self) -> None:
        """Refuse a name that means nothing."""
        few = _FEW_SHOT.fullmatch(self.name)
        if few and not 1 <= int(few[1]) <= len(demonstrations()):
            raise BadInput(f"wrapper '{self.name}'", fix=f"give few-shot:1 to few-shot:{len(demonstrations())}")
        if not few and self.name not in WRAPPERS and self.name not in TEMPLATED:
            known = ", ".join((*WRAPPERS, *TEMPLATED, "few-shot:K"))
            raise BadInput(f"no wrapper '{self.name}'", fix=f"one of: {known}")

    def check(self, model: str, traits: Traits) -> None:
        """BadInput for a model that cannot be asked this way."""
        if self.name in TEMPLATED and not traits.chat:
            fix = "use another wrapper, or a model that has a template"
            raise BadInput(f"model '{model}' has no chat template, wrapper '{self.name}' needs one", fix=fix)
        if self.name not in TEMPLATED and not traits.completion:
            what = f"model '{model}' takes messages only, wrapper '{self.name}' is a text to continue"
            raise BadInput(what, fix="use wrapper chat")

    def wrap(self, instruction: str, given: str = "", system: str = "") -> Wrapped:
        r"""A prompt as it is sent; what is in it is never read as a wrapper.

        A student that was tuned in the format of this name was trained with the same text.

        >>> Wrapper("suffix").wrap("Name a {prompt}.").prompt
        'Name a {prompt}.\n\n### Response:'
        >>> Wrapper("chat").wrap("Hello!").prompt
        (Message(role='user', content='Hello!'),)
        """
        if self.name in WRAPPERS:
            return Wrapped(wrapped(self.name, instruction, given, system))
        said = joined(instruction, given)
        if self.name in TEMPLATED:
            opening = (Message("system", system),) if system else ()
            return Wrapped((*opening, Message("user", said)))
        shown = demonstrations()[: int(self.name.partition(":")[2])]
        said = joined(system, said)
        # the demonstrations themselves ask for a next one, so that to begin it is no fault of the model
        return Wrapped("\n\n".join((*shown, f"{MARK} {said}\nResponse:")), (f"\n{MARK}",))


def check_wrappers(names: Sequence[str], *, models: int) -> None:
    """BadInput unless all are wrappers or `auto`, one for all of so many models or one for each."""
    for name in names:
        if name != AUTO:
            Wrapper(name)
    if len(names) not in (1, models):
        what = f"wrappers: {len(names)} for {models} models"
        raise BadInput(what, fix="give one for all, or one for each model")


def wrapper_of(names: Sequence[str], place: int, traits: Traits) -> Wrapper:
    """That of the model in this place of the list; `auto` is its own template, or none where it has none."""
    name = names[place if len(names) > 1 else 0]
    return Wrapper(("chat" if traits.chat else "none") if name == AUTO else name)


def demonstrations() -> tuple[str, ...]:
    """Our own, in the order in which they are shown; some of their instructions break off, as prompts do."""
    return tuple(prompt_text("tone", "few_shot").text.split(_BLOCK))
