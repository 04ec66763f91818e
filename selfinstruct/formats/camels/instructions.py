"""Sets of an instruction, an input and an output, and Unnatural Instructions, each put through a drawn template."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels.checked_values import (
    Converted,
    SetOrigin,
    Unusable,
    Values,
    each,
    items,
    mapping,
    rest,
    text,
)
from selfinstruct.formats.camels.checked_values import unreadable as complaint
from selfinstruct.formats.fields import Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.prompt_templates import CAMELS_WITH_INPUT, CAMELS_WITHOUT_INPUT, filled
from selfinstruct.records import Task

_NO_CONSTRAINT = ("", "none", "none.")


def _drawn(templates: Mapping[str, int]) -> tuple[str, ...]:
    """Each template as often as it weighs."""
    return tuple(chain.from_iterable(repeat(template, weight) for template, weight in templates.items()))


_WITH_INPUT, _WITHOUT_INPUT = _drawn(CAMELS_WITH_INPUT), _drawn(CAMELS_WITHOUT_INPUT)


def zero_shot(instruction: str, entered: str, draw: int) -> str:
    r"""The prompt of an instruction and its input, in the template that a random number of 64 bits chooses.

    >>> zero_shot("Add.", "1 + 1", 0), zero_shot("Name a river. ", " ", 6)
    ('Add.\n\n1 + 1\n\n', 'Name a river.')
    """
    if entered.strip():
        return filled(_WITH_INPUT[draw % len(_WITH_INPUT)], instruction, entered)
    return filled(_WITHOUT_INPUT[draw % len(_WITHOUT_INPUT)], instruction)


def few_shot(instruction: str, examples: Iterable[tuple[str, str]], entered: str) -> str:
    r"""An instruction, solved pairs of input and output in blocks, and the input to work on.

    >>> few_shot("Add.", [("1 + 1", "2")], "2 + 2")
    'Add.\n\nInput:\n1 + 1\nOutput:\n2\n\nInput:\n2 + 2\nOutput:\n'
    """
    solved = "".join(f"Input:\n{given.strip()}\nOutput:\n{made.strip()}\n\n" for given, made in examples)
    return f"{instruction.strip()}\n\n{solved}Input:\n{entered.strip()}\nOutput:\n"


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """Rows of three texts: Dolly, Self-instruct, Alpaca and those made like it."""

    name: str
    about: str
    input_key: str = "input"
    output_key: str = "output"
    refused: str = ""
    """The end of file names which belong to a part of the set that the paper left out."""

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task a row; other fields survive."""
        if self.refused and source.split(".", maxsplit=1)[0].endswith(self.refused):
            what = f"the paper takes the English file of {self.name} only"
            raise BadInput(what, place=source, fix="leave this one out, or read it `from: alpaca`")
        origin = SetOrigin(dataset=self.name, source=source, seed=seed)
        return each(values, partial(self._row, origin), compat)

    def _row(self, origin: SetOrigin, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task]:
        del line
        prompt = zero_shot(
            _not_empty(text(value, "instruction")), text(value, self.input_key, ""), origin.draw("template", number)
        )
        extra = rest(value, "instruction", self.input_key, self.output_key)
        yield origin.task(prompt, text(value, self.output_key).strip(), extra)


@dataclass(frozen=True, kw_only=True)
class Unnatural:
    """The core set of Unnatural Instructions: an instruction with instances, each perhaps with constraints."""

    name: str = "unnatural"
    about: str = "core_data.jsonl; constraints on a line behind the instruction unless none, then a random template"

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task for each instance of an entry."""
        return each(values, partial(self._row, SetOrigin(dataset=self.name, source=source, seed=seed)), compat)

    def _row(self, origin: SetOrigin, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task | Unreadable]:
        instruction = _not_empty(text(value, "instruction"))
        for index, raw in enumerate(items(value, "instances")):
            try:
                pair = mapping(raw, "the instance")
                constraints = text(pair, "constraints", "")
                if constraints.strip().lower() in _NO_CONSTRAINT:
                    asked = instruction
                else:
                    asked = f"{instruction}\n{constraints}"
                prompt = zero_shot(asked, text(pair, "input", ""), origin.draw("template", number, index))
                yield origin.task(prompt, text(pair, "output").strip(), rest(value, "instruction", "instances"))
            except Unusable as fault:
                yield complaint(line, fault.reason, fault.problem, within=f"instance {index + 1}", text=raw)


def _not_empty(instruction: str) -> str:
    if not instruction.strip():
        raise Unusable("empty", "the instruction is empty")
    return instruction


DOLLY = Instructions(
    name="dolly",
    about="databricks-dolly-15k.jsonl; instruction and context through a random template",
    input_key="context",
    output_key="response",
)
SELF_INSTRUCT = Instructions(name="self_instruct", about="all_instances_82K.jsonl; a random template")
ALPACA = Instructions(name="alpaca", about="alpaca_data.json; a random template")
CODE_ALPACA = Instructions(name="code_alpaca", about="code_alpaca_20k.json; a random template")
GPT4_ALPACA = Instructions(
    name="gpt4_alpaca",
    about="alpaca_gpt4_data.json, the English file only; a random template",
    refused="_zh",
)
