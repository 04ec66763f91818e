"""Prompts of IFEval in the public schema: what is asked, and by which instructions the answer is checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.ifeval.instruction_ids import KINDS
from selfinstruct.records import Json
from selfinstruct.text import shown

_SCHEMA = "give 'key', 'prompt', 'instruction_id_list' and 'kwargs', a mapping for each id"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing that a prompt asks and a program can check."""

    id: str
    """Its kind, such as `punctuation:no_comma`."""
    arguments: Mapping[str, Json]

    def followed(self, said: str) -> bool:
        """Whether this text does what it asks; an empty one never does.

        >>> Instruction("punctuation:no_comma", {}).followed(" ")
        False
        """
        return bool(said.strip()) and KINDS[self.id].check(said, **self.arguments)


@dataclass(frozen=True, slots=True)
class IfevalPrompt:
    """One prompt with its instructions."""

    key: str
    text: str
    instructions: tuple[Instruction, ...]


def ifeval_prompt(row: Mapping[str, Any], place: str) -> IfevalPrompt:
    """One line of a file; arguments that are null are left out, as the Hub's copy of the set has them.

    Raises:
        BadInput: a key that is missing or of another kind, an unknown instruction, an argument that it lacks.
    """
    text, ids, given = (row.get(name) for name in ("prompt", "instruction_id_list", "kwargs"))
    key = row.get("key")
    if not isinstance(text, str) or not text.strip() or not isinstance(key, str | int) or isinstance(key, bool):
        raise BadInput("no prompt of IFEval: 'key' or 'prompt' is missing", place=place, fix=_SCHEMA)
    if not isinstance(ids, list | tuple) or not isinstance(given, list | tuple) or not ids:
        what = "no prompt of IFEval: 'instruction_id_list' or 'kwargs' is no list, or empty"
        raise BadInput(what, place=place, fix=_SCHEMA)
    if len(ids) != len(given):
        raise BadInput(f"{len(ids)} ids of instructions and {len(given)} kwargs", place=place, fix=_SCHEMA)
    made = []
    for name, arguments in zip(ids, given, strict=True):
        if not isinstance(name, str) or name not in KINDS:
            known = ", ".join(KINDS)
            raise BadInput(f"no instruction '{shown(str(name), 60)}'", place=place, fix=f"one of: {known}")
        by_name = arguments if isinstance(arguments, Mapping) else {}
        made.append(Instruction(name, KINDS[name].arguments(by_name, f"{place}: {name}")))
    return IfevalPrompt(str(key), text, tuple(made))


def ifeval_prompts(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[IfevalPrompt, ...]:
    """Those of a file, from its lines and their places; BadInput also for a key that stands twice, and for none."""
    made: dict[str, IfevalPrompt] = {}
    for place, row in rows:
        prompt = ifeval_prompt(row, place)
        if prompt.key in made:
            raise BadInput(f"key {shown(prompt.key, 40)} stands twice", place=place, fix="give each prompt its own key")
        made[prompt.key] = prompt
    if not made:
        raise BadInput("no prompt of IFEval", fix=_SCHEMA)
    return tuple(made.values())
