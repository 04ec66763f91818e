r"""How a prompt is dressed: the texts around an instruction and its input, each of them once.

Strings of a fixed format are facts of that format; what is between their slots is never translated or repaired. A
template has the slot `{instruction}`, and `{input}` where an input has a place of its own. To add one, name it in
`WRAPPERS`, and in `WITH_INPUT` if it treats inputs apart.
"""

import re
from collections.abc import Iterable, Mapping

TAGS: Mapping[str, str] = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
"""The chat template of the Camels paper (arXiv 2306.04751, 3.2): plain text, no entries of a vocabulary."""
CHATML_BEGINS, CHATML_ENDS = "<|im_start|>", "<|im_end|>"
CHATML = f"{CHATML_BEGINS}user\n{{instruction}}{CHATML_ENDS}\n{CHATML_BEGINS}assistant\n"
"""The chat template of many tokenizers, for weights of our own that are asked token by token; its marks are entries of
their vocabulary."""

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:"
)
"""Stanford Alpaca's text; the template A of Becoming self-instruct (arXiv 2307.03692)."""
ALPACA_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:"
)

ENCODINGS_WITH_INPUT = (
    "{instruction}\nInput: {input}\nOutput:",
    "{instruction}\n\nInput: {input}\n\nOutput:",
    "Task: {instruction}\nInput: {input}\nOutput:",
    "{instruction}\n\n{input}\n\nOutput:",
    "{instruction}\n\n{input}\n\n",
    "{instruction}\n{input}\n\n",
    "Task: {instruction}\n\n{input}\n\n",
)
"""Self-Instruct's (arXiv 2212.10560): one is drawn for each instance, so that a student learns no single one."""
ENCODINGS_WITHOUT_INPUT = (
    "{instruction} Output:",
    "{instruction}\nOutput:",
    "{instruction}\n\nOutput:",
    "{instruction}\n",
    "{instruction}\n\n",
    "Task: {instruction}\n\n",
)
CAMELS_WITH_INPUT: Mapping[str, int] = {
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
"""Those of the Camels paper's converters (arXiv 2306.04751), and how many times in twenty each is drawn. Number and
weights are facts of its release, and so is Alpaca's text; other words are our own."""
CAMELS_WITHOUT_INPUT: Mapping[str, int] = {
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
"""The same for an instruction alone."""
_ANSWER_BEGINS = {"Output:": " ", "### Response:": "\n"}


def tagged_turns(turns: Iterable[tuple[str, str]], end: str) -> list[tuple[str, bool]]:
    r"""Turns (role, content) under tags, in pieces: what is read, then what the assistant says up to its mark `end`.

    Without the space around contents; put together they are the whole text, whose last piece is only read.

    >>> tagged_turns([("user", " Name a river. "), ("assistant", "The Nile.")], "</s>")
    [('<|user|>\nName a river.\n<|assistant|>\n', False), ('The Nile.</s>', True), ('\n', False)]
    """
    pieces: list[tuple[str, bool]] = []
    read = ""
    for role, content in turns:
        read += f"{TAGS[role]}\n"
        if role == "assistant":
            pieces += [(read, False), (content.strip() + end, True)]
            read = "\n"
        else:
            read += f"{content.strip()}\n"
    return [*pieces, (read, False)]


def tagged_text(turns: Iterable[tuple[str, str]], end: str = "") -> str:
    r"""The same as one text, each turn with its line break.

    >>> tagged_text([("system", "Be brief."), ("user", "Name a river.")])
    '<|system|>\nBe brief.\n<|user|>\nName a river.\n'
    """
    return "".join(text for text, _ in tagged_turns(turns, end))


ASKS_TAGGED = f"{TAGS['assistant']}\n"
"""Ends a prompt of tagged turns, line break and all, as a student was trained to see it."""

WRAPPERS: Mapping[str, str] = {
    "none": "{instruction}",
    "suffix": "{instruction}\n\n### Response:",
    "alpaca": ALPACA,
    "tags": tagged_text([("user", "{instruction}")]) + ASKS_TAGGED,
    "self_instruct": "{instruction}\n\nOutput:",
    "ifs": "{instruction}### Response:",
    "prompt_completion": "{instruction}",
}
"""Templates of one turn, by their names in recipes and on the command line; `suffix` and `none` are B and C of Becoming
self-instruct, `ifs` is what it trains with."""
WITH_INPUT: Mapping[str, str] = {
    "alpaca": ALPACA_WITH_INPUT,
    "self_instruct": "{instruction}\n\n{input}\n\nOutput:",
}
"""Those that have another text for an instruction with an input; in all others the two are joined."""


_LEADING_LINES = re.compile(r"\A\s*[\r\n]")


def joined(instruction: str, given: str) -> str:
    r"""Instruction and input as the one text that a person would send: a blank line between them.

    Space around the instruction and after the input is gone, and so are empty lines before the input; the indentation
    of its first line stays, because it may be code. Either alone where the other is blank.

    >>> joined("Sort.", "b a\n"), joined(" Sort. ", " \n")
    ('Sort.\n\nb a', 'Sort.')
    >>> joined("What does it print?", "\n    print(1)\n")
    'What does it print?\n\n    print(1)'
    """
    return "\n\n".join(filter(None, (instruction.strip(), _LEADING_LINES.sub("", given).rstrip())))


def user_turn(instruction: str, given: str) -> str:
    r"""What a user says in a published set: instruction and input joined; an instruction alone letter for letter.

    >>> user_turn(" Sort. ", "b a\n"), user_turn(" Sort. ", "\n")
    ('Sort.\n\nb a', ' Sort. ')
    """
    return joined(instruction, given) if given.strip() else instruction


def filled(template: str, instruction: str, given: str = "") -> str:
    r"""A template with what it is about, without the space around; what is put in is never read as a template.

    >>> filled("{instruction}\nInput: {input}\nOutput:", "Say {input}. ", "b a\n")
    'Say {input}.\nInput: b a\nOutput:'
    >>> filled("{instruction}### Response:", "Sort.", "b a\n")
    'Sort.\n\nb a### Response:'
    """
    if "{input}" in template:
        return template.format(instruction=instruction.strip(), input=given.strip())
    return template.format(instruction=joined(instruction, given))


def wrapped(name: str, instruction: str, given: str = "", system: str = "") -> str:
    r"""What a model is asked with in the template of that name: to train it, and to score what was trained.

    A system turn stands before all, under its own tag where turns have tags.

    >>> wrapped("ifs", "Sort.", "b a", "Be brief.")
    'Be brief.\n\nSort.\n\nb a### Response:'
    >>> wrapped("tags", "Sort.", system="Be brief.")
    '<|system|>\nBe brief.\n<|user|>\nSort.\n<|assistant|>\n'
    """
    template = WITH_INPUT.get(name, WRAPPERS[name]) if given.strip() else WRAPPERS[name]
    return with_system(filled(template, instruction, given), system, tagged=name == "tags")


def with_system(prompt: str, system: str, *, tagged: bool = False) -> str:
    """A prompt after the system's words, where there are any; these under a tag of their own where turns have tags."""
    if not system.strip():
        return prompt
    return tagged_text([("system", system)]) + prompt if tagged else f"{system.strip()}\n\n{prompt}"


def before_answer(template: str) -> str:
    r"""The white space with which an answer to a template begins, as prompts themselves end in none.

    >>> before_answer("{instruction} Output:"), before_answer(ALPACA), before_answer("{instruction}\n")
    (' ', '\n', '')
    """
    return next((space for end, space in _ANSWER_BEGINS.items() if template.endswith(end)), "")
