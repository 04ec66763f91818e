"""What is changed about a task's instruction: the conditions of an ablation, as prompts and as training examples.

Papers: Kung and Peng 2023 (arXiv 2305.11383: simplified and empty definitions, delusive examples), Yin et al. 2023
(arXiv 2306.01150: shuffled words, labels or input taken out of a definition). Of each condition there is a prompt for
testing, with the right answers, and an example for training; `wrong_pairing` alone changes what is learned.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from selfinstruct.audit.ablate_tasks import Studied
from selfinstruct.records import digest
from selfinstruct.superni import NatInstExample, NatInstInstance, normalized, tk_prompt

ORIGINAL, RIGHT_EXAMPLES, WRONG_PAIRING, INVERTED = "original", "right_examples", "wrong_pairing", "inverted"
SIMPLIFIED, EMPTY = "simplified", "empty"

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_OF_INPUT = re.compile(
    r"\b(?:(?:you(?:'re| are| will be)|we) (?:given|shown|presented|provided|handed)|you (?:get|receive|see)|"
    r"the input (?:is|has|holds|contains|gives|consists)|each input|(?:this|the) task (?:gives|shows) you|"
    r"given (?:an?|the|two|three|some))\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"^[^,.;:]*[,;:]\s*")


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands before the instance in a prompt."""

    definition: str
    examples: tuple[NatInstExample, ...] = ()


Made: TypeAlias = Callable[[Studied, int, int], Shown | None]
"""From a task, how many examples are shown, and a seed; None where the task does not have what is needed."""


def _original(studied: Studied, shots: int, seed: int) -> Shown:
    del shots, seed
    return Shown(studied.task.definition)


def _simplified(studied: Studied, shots: int, seed: int) -> Shown:
    """Of a definition only the label list stays; of one for free text, nothing."""
    del shots, seed
    return Shown(f"Possible labels: {', '.join(studied.labels)}" if studied.labels else "")


def _empty(studied: Studied, shots: int, seed: int) -> Shown:
    del studied, shots, seed
    return Shown("")


def _shuffled_words(studied: Studied, shots: int, seed: int) -> Shown:
    """One order of the words for all instances of a task, and never the one they had."""
    del shots
    words = studied.task.definition.split()
    order, chance = list(words), _chance("shuffled_words", seed, studied.name)
    for _ in range(16):
        chance.shuffle(order)
        if order != words:
            break
    return Shown(" ".join(order))


def _labels_removed(studied: Studied, shots: int, seed: int) -> Shown | None:
    del shots, seed
    left = without_labels(studied.task.definition, studied.labels) if studied.labels else studied.task.definition
    return None if left == studied.task.definition else Shown(left)


def _input_removed(studied: Studied, shots: int, seed: int) -> Shown | None:
    del shots, seed
    left = without_input(studied.task.definition)
    return None if left == studied.task.definition else Shown(left)


def _right_examples(studied: Studied, shots: int, seed: int) -> Shown | None:
    del seed
    examples = studied.task.positive[:shots]
    return Shown(studied.task.definition, examples) if examples else None


def _delusive_examples(studied: Studied, shots: int, seed: int) -> Shown | None:
    """The task's negative examples in the place of the positive ones: right input, right kind of output, wrong pair."""
    del seed
    examples = studied.task.negative[:shots]
    return Shown(studied.task.definition, examples) if examples and studied.task.positive else None


def _wrong_pairing(studied: Studied, shots: int, seed: int) -> Shown | None:
    """The positive examples, each with an answer that is not its own."""
    examples = studied.task.positive[:shots]
    answers = [wrong_answer(studied, each.output, f"example {n}", seed) for n, each in enumerate(examples)]
    if not examples or any(answer is None for answer in answers):
        return None
    pairs = zip(examples, answers, strict=True)
    return Shown(studied.task.definition, tuple(NatInstExample(each.input, answer or "") for each, answer in pairs))


def _inverted(studied: Studied, shots: int, seed: int) -> Shown | None:
    """The same definition, and after it that each label is to be given in the place of another."""
    del shots, seed
    if not studied.labels:
        return None
    swaps = [f'answer "{other}" where "{label}" would be right' for label, other in inverted(studied.labels).items()]
    return Shown(
        f"{studied.task.definition.strip()} But in this task the labels have changed places: {'; '.join(swaps)}."
    )


CONDITIONS: Mapping[str, Made] = {
    ORIGINAL: _original,
    SIMPLIFIED: _simplified,
    EMPTY: _empty,
    "shuffled_words": _shuffled_words,
    "labels_removed": _labels_removed,
    "input_removed": _input_removed,
    RIGHT_EXAMPLES: _right_examples,
    "delusive_examples": _delusive_examples,
    WRONG_PAIRING: _wrong_pairing,
    INVERTED: _inverted,
}
"""By name. The last is the positive control: it is asked of tasks with a label space, and nothing is trained on it."""

AGAINST: Mapping[str, str] = {
    name: RIGHT_EXAMPLES if name in ("delusive_examples", WRONG_PAIRING) else ORIGINAL
    for name in CONDITIONS
    if name not in (ORIGINAL, INVERTED)
}
"""What each condition is compared with; right examples themselves with the definition alone."""


def prompt(condition: str, studied: Studied, asked: NatInstInstance, *, shots: int, seed: int) -> str | None:
    """What a model is asked; None where the task does not have what the condition needs."""
    shown = CONDITIONS[condition](studied, shots, seed)
    return None if shown is None else tk_prompt(shown.definition, asked.input, shown.examples).rstrip()


def lesson(
    condition: str, studied: Studied, asked: NatInstInstance, *, shots: int, seed: int
) -> tuple[str, str] | None:
    """A prompt and the answer to be learned; of `wrong_pairing` the prompt is the original, and the answer is wrong."""
    if condition != WRONG_PAIRING:
        put = prompt(condition, studied, asked, shots=shots, seed=seed)
        return None if put is None else (put, asked.outputs[0])
    put = prompt(ORIGINAL, studied, asked, shots=shots, seed=seed)
    answer = wrong_answer(studied, asked.outputs, asked.id, seed)
    return None if put is None or answer is None else (put, answer)


def wrong_answer(studied: Studied, right: str | Sequence[str], which: str, seed: int) -> str | None:
    """An answer of the same task that is never right: another label, or another instance's output; None: there is none.

    A mere exchange of answers would leave, of two labels, half of the pairs right.
    """
    rights = {normalized(answer) for answer in ([right] if isinstance(right, str) else right)}
    pool = studied.labels or tuple(dict.fromkeys(asked.outputs[0] for asked in studied.task.instances))
    others = [answer for answer in pool if normalized(answer) not in rights]
    return _chance("wrong_pairing", seed, studied.name, which).choice(others) if others else None


def inverted(labels: Sequence[str]) -> dict[str, str]:
    """Which label stands for which: each for the one before it, the first for the last.

    >>> inverted(["no", "yes"])
    {'no': 'yes', 'yes': 'no'}
    """
    return {label: labels[(place + 1) % len(labels)] for place, label in enumerate(labels)}


def without_labels(definition: str, labels: Sequence[str]) -> str:
    """The definition with every label, or list of labels, replaced by `a label`.

    >>> without_labels('Answer with "yes" or "no". Say no if unsure.', ["yes", "no"])
    'Answer with a label. Say a label if unsure.'
    """
    quote = "[\"'\u201c\u201d\u2018\u2019`]?"
    spelt = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    label = rf"{quote}(?<!\w)(?:{spelt})(?!\w){quote}"
    listed = re.compile(rf"{label}(?:(?:,? (?:or|and) (?:as )?|, |\s?/\s?){label})*", re.IGNORECASE)
    return listed.sub("a label", definition)


def without_input(definition: str) -> str:
    """The definition without what it says of the input: such sentences go, of a lone one its first clause.

    >>> without_input("You are given a review. Say whether it is kind.")
    'Say whether it is kind.'
    >>> without_input("Given a review, say whether it is kind.")
    'Say whether it is kind.'
    """
    sentences = _SENTENCE.split(definition.strip())
    left = []
    for sentence in sentences:
        if not _OF_INPUT.search(sentence):
            left.append(sentence)
            continue
        rest = _CLAUSE.sub("", sentence) if _CLAUSE.match(sentence) else ""
        if rest and not _OF_INPUT.search(rest):
            left.append(rest[0].upper() + rest[1:])
    return " ".join(left)


def _chance(*parts: str | int) -> Random:
    return Random(int.from_bytes(bytes.fromhex(digest("ablate", *parts))))  # noqa: S311 - not for secrets
