r"""How a prompt is dressed: the texts around an instruction and its input, each of them once.

Strings of a fixed format are facts of that format; what is between their slots is never translated or repaired.
"""

import re

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
