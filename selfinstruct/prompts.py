"""Prompt texts: prose files in a room's `prompts/`, each with a version, filled without ever reading what is put in."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_VERSION = re.compile(r"\Aversion (\d+)\n\n?")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt text."""

    name: str
    version: int
    text: str

    @property
    def label(self) -> str:
        """What provenance says: `NAME/VERSION`."""
        return f"{self.name}/{self.version}"

    def filled(self, **values: str) -> str:
        """The text with its slots filled in one pass: braces inside a value stay what they are.

        >>> Prompt("greeting", 1, "Hello {who}, {unknown}!").filled(who="{who}")
        'Hello {who}, {unknown}!'
        """
        return _SLOT.sub(lambda slot: values.get(slot[1], slot[0]), self.text)


@cache
def prompt(room: str, name: str) -> Prompt:
    """The prompt in the room's `prompts/NAME.txt`; a first line `version N` is its version (1 where there is none).

    >>> prompt("generate", "classify.chat").label
    'classify.chat/1'
    """
    text = resources.files("selfinstruct").joinpath(room, "prompts", f"{name}.txt").read_text(encoding="utf-8")
    match = _VERSION.match(text)
    version = int(match[1]) if match else 1
    return Prompt(name, version, _VERSION.sub("", text).rstrip("\n"))
