r"""The prompts that an instruction, with or without an input, is shown in: 14 forms each, drawn by weight.

Number, weights and labels are those of the Camels paper's release; the Alpaca form is fixed by those who trained on it;
other words are our own.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, repeat

from selfinstruct.templates import ALPACA, ALPACA_WITH_INPUT, filled

WITH_INPUT: Mapping[str, int] = {
    "{instruction}\n\n{input}\n\n": 4,
    "{instruction}\n{input}\n\n": 2,
    "{instruction}\n{input}\n": 2,
    ALPACA_WITH_INPUT: 2,
    "{instruction}\n\nInput: {input}\n\nOutput:": 1,
    "{instruction}\nInput: {input}\nOutput:": 1,
    "{instruction}\n{input}\n\nResponse:": 1,
    "{instruction}\n\n{input}\n\nAnswer:": 1,
    "Task: {instruction}\nInput: {input}\nOutput:": 1,
    "Task: {instruction}\n\n{input}\n\n": 1,
    "Task: {instruction}\n\n{input}\n\nAnswer:": 1,
    "Instruction: {instruction}\n\nInput: {input}\n\n": 1,
    "I would be glad of your help with this:\n\n{instruction}\n\n{input}\n\nAnswer:": 1,
    "{instruction}\n\nPlease do so for what follows.\nInput: {input}\nOutput:": 1,
}
"""Forms with an input, and how many times in twenty each is drawn."""

WITHOUT_INPUT: Mapping[str, int] = {
    "{instruction}\n\n": 4,
    "{instruction}\n": 2,
    "{instruction}": 2,
    ALPACA: 2,
    "{instruction} Output:": 1,
    "{instruction}\nResponse:": 1,
    "{instruction}\n\nAnswer:": 1,
    "Task: {instruction}\n\n": 1,
    "Instruction: {instruction}\n": 1,
    "Instruction: {instruction}\nOutput:": 1,
    "I would be glad of your help with this:\n\n{instruction}\n\n": 1,
    "Would you do this for me?\n\n{instruction}\n": 1,
    "Please take care of the following: {instruction}\nAnswer:": 1,
    "What would you say to a person who asks you this?\n{instruction}\n": 1,
}
"""Forms without an input, and how many times in twenty each is drawn."""


def _drawn(forms: Mapping[str, int]) -> tuple[str, ...]:
    """Each form as often as it weighs."""
    return tuple(chain.from_iterable(repeat(form, weight) for form, weight in forms.items()))


_WITH_INPUT, _WITHOUT_INPUT = _drawn(WITH_INPUT), _drawn(WITHOUT_INPUT)


def zero_shot(instruction: str, entered: str, draw: int) -> str:
    r"""The prompt of an instruction and its input, in the form that a random number of 64 bits chooses.

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
