"""Six sets of an instruction, an input and an output, and Unnatural Instructions: through a random template each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels.published import Converted, Origin, Unfit, Values, each, items, mapping, rest, text
from selfinstruct.formats.camels.published import unreadable as complaint
from selfinstruct.formats.camels.templates import zero_shot
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Task

_NO_CONSTRAINT = ("", "none", "none.")


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
        origin = Origin(dataset=self.name, source=source, seed=seed)
        return each(values, partial(self._row, origin), compat)

    def _row(self, origin: Origin, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task]:
        del line
        prompt = zero_shot(
            _asked(text(value, "instruction")), text(value, self.input_key, ""), origin.draw("template", number)
        )
        extra = rest(value, "instruction", self.input_key, self.output_key)
        yield origin.task(prompt, text(value, self.output_key).strip(), extra)


@dataclass(frozen=True, kw_only=True)
class Unnatural:
    """The core set of Unnatural Instructions: an instruction with instances, each perhaps with constraints."""

    name: str = "unnatural"
    about: str = "core_data.jsonl; constraints on a line behind the instruction unless none, then a random template"

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task an instance."""
        return each(values, partial(self._row, Origin(dataset=self.name, source=source, seed=seed)), compat)

    def _row(self, origin: Origin, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task | Unreadable]:
        instruction = _asked(text(value, "instruction"))
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
            except Unfit as fault:
                yield complaint(line, fault.reason, fault.problem, within=f"instance {index + 1}", text=raw)


def _asked(instruction: str) -> str:
    if not instruction.strip():
        raise Unfit("empty", "the instruction is empty")
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
