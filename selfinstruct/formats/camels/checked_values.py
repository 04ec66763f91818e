"""What all converters share: a published value checked key by key, the task made of it, and what cannot be used."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord, Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.records import Instance, Json, Message, Provenance, Task
from selfinstruct.text import shown

COMPAT = ("", "camels")
"""`camels` keeps the two quirks of the released splitter of ShareGPT; all other converters have none."""

Converted: TypeAlias = "Iterator[Task | Unreadable]"
Values: TypeAlias = "Iterable[Line | BadRecord]"
"""What `lines.read_each` reads; what is no value becomes an Unreadable."""

_KINDS = {
    tuple: "a list",
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


class Converter(Protocol):
    """Turns the published layout of one set into tasks, by the rules of the Camels paper (Wang et al. 2023)."""

    @property
    def name(self) -> str:
        """The set's name, which becomes `extra["dataset"]`."""

    @property
    def about(self) -> str:
        """The file that is meant, and what is done with it, in a line."""

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """The tasks of one file, in order, and what could not be used, each with its reason.

        `source` is the name of the file; `seed` decides what is drawn. BadInput for an unknown `compat`.
        """


class Unusable(Exception):
    """The value at hand cannot be used."""

    def __init__(self, reason: str, problem: str) -> None:
        self.reason, self.problem = reason, problem
        super().__init__(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOrigin:
    """Which set, which file, and the seed of all that is drawn from it."""

    dataset: str
    source: str
    seed: int
    provenance: Provenance = field(init=False)

    def __post_init__(self) -> None:
        """All tasks of a file share their provenance."""
        object.__setattr__(self, "provenance", Provenance(stage="input", source=self.source))

    def draw(self, *what: Json) -> int:
        """64 random bits for that matter: the same for the same seed, whatever else is in the file."""
        name = "/".join(map(str, (self.seed, self.dataset, self.source, *what)))
        return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "backslashreplace"), digest_size=8).digest())

    def task(self, prompt: str, output: str, extra: Mapping[str, Json]) -> Task:
        """A task with one question and one answer."""
        return self.conversation((Message("user", prompt), Message("assistant", output)), extra)

    def conversation(self, turns: Sequence[Message], extra: Mapping[str, Json]) -> Task:
        """Turns that begin with a user's, an assistant's behind it."""
        first, answer, *later = turns
        if not first.content.strip():
            raise Unusable("empty", "nothing is asked")
        return Task(
            instruction=first.content,
            instances=(Instance("", answer.content),),
            later=tuple(later),
            provenance=self.provenance,
            extra={**extra, "dataset": self.dataset},
        )


def each(
    values: Values, make: Callable[[Mapping[str, Any], Line, int], Iterable[Task | Unreadable]], compat: str = ""
) -> Converted:
    """What `make` makes of each object and its number in the file; what it refuses is unreadable, and the rest goes on.

    Numbers count unreadable values too, so that mending one changes no other's draw.
    """
    if compat not in COMPAT:
        raise BadInput(f"no compat '{shown(compat)}'", fix="write compat: camels, or leave it out")
    for number, line in enumerate(values):
        if isinstance(line, BadRecord):
            yield line.unreadable
            continue
        try:
            yield from make(mapping(line.value, "the record"), line, number)
        except Unusable as fault:
            yield unreadable(line, fault.reason, fault.problem)


def unreadable(line: Line, reason: str, problem: str, *, within: str = "", text: object = None) -> Unreadable:
    """The complaint about a value, or about the part of it that `within` names and `text` shows."""
    place = f"{line.place}, {within}" if within else line.place
    return Unreadable(place, shown(str(line.value if text is None else text)[:_SHOWN], 200), reason, problem)


_SHOWN = 1000  # characters that are made fit to be shown: a value may have megabytes


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """The value as an object, or Unusable where it is none."""
    if not isinstance(value, dict):
        raise Unusable("wrong_shape", f"{what} is {kind(value)}, not an object")
    return value


def text(value: Mapping[str, Any], key: str, default: str | None = None) -> str:
    """The text under a key; without a default it must be there. Null stands for the default, too."""
    entry = value.get(key)
    if entry is None and default is not None:
        return default
    if not isinstance(entry, str):
        problem = f"key '{key}' is {kind(entry)}, not text" if key in value else f"key '{key}' is missing"
        raise Unusable("wrong_shape", problem)
    return entry


def items(value: Mapping[str, Any], key: str) -> Sequence[Any]:
    """The list under a key."""
    entry = value.get(key)
    if not isinstance(entry, list | tuple):
        problem = f"key '{key}' is {kind(entry)}, not a list" if key in value else f"key '{key}' is missing"
        raise Unusable("wrong_shape", problem)
    return entry


def rest(value: Mapping[str, Any], *used: str) -> dict[str, Json]:
    """The fields that a converter has no use for; they survive."""
    return {str(key): item for key, item in value.items() if key not in used}


def kind(value: object) -> str:
    """What a value is, in words.

    >>> kind(None), kind([]), kind(True)
    ('nothing', 'a list', 'true or false')
    """
    return "nothing" if value is None else _KINDS.get(type(value), type(value).__name__)
