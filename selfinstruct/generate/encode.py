r"""Self-Instruct's encoding: an instance becomes a prompt and a completion, in one of thirteen templates.

The released program draws the template at random so that a student learns no single one. Source: its templates and its
pre-encoding of inputs, which are facts of the format of `gpt3_finetuning_data`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from selfinstruct.generate.propose_settings import Profile
from selfinstruct.prompt_templates import ENCODINGS_WITH_INPUT, ENCODINGS_WITHOUT_INPUT, before_answer, filled
from selfinstruct.records import Instance, Json, Task

END = "<|endoftext|>"

_NAMED = re.compile(r"(\w+):")
_FIELD = re.compile(r"\A[^\W\d_]\w*:[ \t]*(?:\n|(?=\S))(?!//)")


@dataclass(frozen=True, slots=True)
class Encoded:
    """One line of training data."""

    prompt: str
    completion: str

    def as_json(self) -> dict[str, Json]:
        """As the released program writes it."""
        return {"prompt": self.prompt, "completion": self.completion}


def without_field_name(text: str, profile: Profile = "default") -> str:
    r"""An input without the one field name that stands before it, blank lines closed up.

    The released program cuts at the first colon of any text in which one word only stands before a colon, and so
    destroys times and addresses; by default only a name that opens the text, once, goes.

    >>> without_field_name("Sentence: it rains"), without_field_name("Meet me at 12:30 today")
    ('it rains', 'Meet me at 12:30 today')
    >>> without_field_name("Meet me at 12:30 today", "reference")
    '30 today'
    """
    names = set(_NAMED.findall(text))
    if profile == "reference":
        if len(names) == 1:
            text = text[text.index(":") + 1 :]
    elif len(names) == 1 and text.count(":") == 1:
        text = _FIELD.sub("", text.strip(), count=1)
    return text.strip().replace("\n\n", "\n")


def encoded(instruction: str, pair: Instance, rng: Random, profile: Profile = "default") -> Encoded:
    r"""One instance in a template drawn from `rng`: a coin for the field name, then the template.

    >>> encoded("Add.", Instance("", "3"), Random(2))
    Encoded(prompt='Add. Output:', completion=' 3<|endoftext|>')
    """
    given = pair.input
    if rng.random() < 0.5:
        given = without_field_name(given, profile)
    return in_template(
        rng.choice(ENCODINGS_WITH_INPUT if given.strip() else ENCODINGS_WITHOUT_INPUT), instruction, given, pair.output
    )


def in_template(template: str, instruction: str, given: str, output: str) -> Encoded:
    """One of the thirteen templates, filled; braces in the data are safe."""
    return Encoded(filled(template, instruction, given), f"{before_answer(template)}{output.strip()}{END}")


def encode_all(tasks: Iterable[Task], rng: Random, profile: Profile = "default") -> list[Encoded]:
    """Every instance of every task, exact copies once, shuffled."""
    unique = dict.fromkeys(encoded(task.instruction, pair, rng, profile) for task in tasks for pair in task.instances)
    lines = list(unique)
    rng.shuffle(lines)
    return lines
