"""Whether an answer follows its instructions, strictly and loosely."""

from collections.abc import Iterator
from dataclasses import dataclass

from selfinstruct.evaluate.ifeval.prompt_records import IfevalPrompt


@dataclass(frozen=True, slots=True)
class Following:
    """Of each instruction of a prompt, in its order, whether it was followed."""

    strict: tuple[bool, ...]
    """By the answer as it stands."""
    loose: tuple[bool, ...]
    """By any of `loosened`."""


def following(prompt: IfevalPrompt, said: str) -> Following:
    """Every instruction checked on its own; loosely, each may take another form of the answer."""
    forms = list(loosened(said))
    return Following(
        strict=tuple(instruction.followed(said) for instruction in prompt.instructions),
        loose=tuple(any(instruction.followed(form) for form in forms) for instruction in prompt.instructions),
    )


def loosened(said: str) -> Iterator[str]:
    r"""The answer, without its first line, its last, both; then all of these without asterisks.

    >>> list(dict.fromkeys(loosened("Sure:\n*Tay*\nBye")))
    ['Sure:\n*Tay*\nBye', '*Tay*\nBye', 'Sure:\n*Tay*', '*Tay*', 'Sure:\nTay\nBye', 'Tay\nBye', 'Sure:\nTay', 'Tay']
    """
    lines = said.split("\n")
    forms = (said, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])))
    yield from forms
    yield from (form.replace("*", "") for form in forms)
