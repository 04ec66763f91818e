r"""What the released Self-Instruct program does, decision for decision: prompts, draws, splits, instance parsers.

Nothing here is repaired; the default profile lives in the other modules. Source: the program of Wang et al. 2023
(arXiv 2212.10560), whose headers, numbering, stops and parameters are facts of the file format it writes.
"""

import re
from collections.abc import Sequence
from random import Random

from selfinstruct.records import Instance, Task
from selfinstruct.stage import RoundStart
from selfinstruct.text import one_line

HEADER = "Come up with a series of tasks:\n"
CLASSIFICATION_HEADER = (
    "Come up with a series of classification tasks. Try to specify the possible output labels when possible.\n"
)
PROPOSE_STOP = ("\n\n", "\n16", "16.", "16 .")
CLASSIFY_STOP = ("\n", "Task")
YES = ("Yes", "yes", "YES")

_ITEM = re.compile(r"\n\d+\s?\. ")
_EXAMPLE = re.compile(r"Example\s?\d*\.?")
_INPUT = re.compile(r"Input\s*\d*\s*:")
_OUTPUT = re.compile(r"Output\s*\d*\s*:")


def listed(instruction: str) -> str:
    r"""An instruction as a prompt shows it: one line, without colons at the end.

    >>> listed(" Translate\n this:: ")
    'Translate this'
    """
    return one_line(instruction).rstrip(":")


def propose_prompt(instructions: Sequence[str], *, classification_only: bool = False) -> str:
    r"""The numbered list, open at its end.

    >>> propose_prompt(["Name a river.", "Sort these:"])
    'Come up with a series of tasks:\n1. Name a river.\n2. Sort these\n3.'
    """
    header = CLASSIFICATION_HEADER if classification_only else HEADER
    lines = "".join(f"{number}. {listed(text)}\n" for number, text in enumerate(instructions, 1))
    return f"{header}{lines}{len(instructions) + 1}."


def draw(
    rng: Random, machine: Sequence[Task], seeds: Sequence[Task], demonstrations: int, from_machine: int
) -> list[Task]:
    """Demonstrations of one prompt: sample machine tasks, sample seeds, shuffle, in this order of draws."""
    drawn = rng.sample(machine, min(from_machine, len(machine)))
    drawn += rng.sample(seeds, min(demonstrations - len(drawn), len(seeds)))
    rng.shuffle(drawn)
    return drawn


def generator(seed: int, earlier: Sequence[RoundStart], seeds: int, demonstrations: int, from_machine: int) -> Random:
    """The one generator of a whole run, as it stands after the rounds before this one.

    How far a draw moves it depends on the sizes of the pools alone, so earlier rounds are drawn again on ranges.
    """
    rng = Random(seed)  # noqa: S311 - which demonstrations are shown is no secret
    for start in earlier:
        for _ in range(start.requests):
            machine = rng.sample(range(start.tasks), min(from_machine, start.tasks))
            human = rng.sample(range(seeds), min(demonstrations - len(machine), seeds))
            rng.shuffle(machine + human)
    return rng


def split_items(text: str) -> list[str]:
    r"""The pieces of a completion, white space collapsed and case lost (`str.capitalize`); some may be empty.

    >>> split_items(" Ask NASA\n10.B no space\n11 . C c c c")
    ['Ask nasa 10.b no space', 'C c c c']
    >>> split_items(" Do X: 1. a\n2. b\n10. next")
    ['Do x: 1. a', 'B', 'Next']
    """
    return [one_line(piece).capitalize() for piece in _ITEM.split(text)]


def pairs(text: str) -> list[Instance]:
    r"""Instances of a task that is no classification.

    >>> pairs("Here are some.\nExample 1\nSentence: s\nOutput: o")
    [Instance(input='', output='Here are some.'), Instance(input='Sentence: s', output='o')]
    >>> pairs("no marker at all")
    []
    """
    text = text.strip()
    if _EXAMPLE.search(text):
        pieces = [piece.strip() for piece in _EXAMPLE.split(text)]
        return [_pair(piece) for piece in pieces if piece]
    return [_pair(text)] if _OUTPUT.search(text) else []


def _pair(piece: str) -> Instance:
    parts = _OUTPUT.split(piece)
    given, output = (parts[0], parts[1]) if len(parts) > 1 else ("", piece)
    match = _INPUT.search(output)
    if match:
        output = output[: match.start()]
    given = given.strip()
    leading = _INPUT.match(given)
    if leading:
        given = given[leading.end() :]
    return Instance(given.strip(), output.strip())


def labelled_pairs(text: str) -> list[Instance]:
    r"""Instances of a classification task: the label stands before its input.

    >>> labelled_pairs("Class label: Montreal\nText: m\nClass label: Lyon")
    [Instance(input='Text: m', output='Montreal'), Instance(input='', output='Lyon')]
    """
    if "Class label:" not in text:
        return []
    instances = []
    for block in text.split("Class label:")[1:]:
        label, _, given = block.strip().partition("\n")
        instances.append(Instance(given.strip(), label.strip()))
    return instances
