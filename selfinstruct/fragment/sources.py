"""What of a task fragments are made from: its instruction, its first answer, and where it comes from."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from selfinstruct.fragment.cuts import can_be_cut
from selfinstruct.fragment.languages import language_of
from selfinstruct.records import Instance, Task
from selfinstruct.templates import joined
from selfinstruct.text import words

_CODE = re.compile(r"[a-z]{2}(?![a-z])", re.IGNORECASE)
_LETTERS_PER_WORD = 64  # no text with more characters for each word it may have is read at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One record: I and R; of a conversation the first turn and its answer (arXiv 2307.03692, section 3)."""

    id: str
    text: str
    """I: the instruction, and after a blank line the input where there is one."""
    instruction: str
    answer: str
    """R."""
    with_input: bool
    set: str
    language: str
    key: str
    """The instruction's words: records that share them stay in one split, and are no neighbours of each other."""
    can_be_cut: bool
    carries_on: str = ""
    """What a record says might follow its instruction without answering it (extra field `carries_on`)."""
    cut: str = ""
    """The beginning of `text` that this follows (extra field `cut`); empty: the whole of it."""


def unusable(task: Task, words_at_most: int) -> str:
    """Why no fragment can be made of a task; empty where one can.

    >>> from selfinstruct.records import Provenance
    >>> unusable(Task(instruction="Name a river.", provenance=Provenance(stage="input")), 1000)
    'no_answer'
    """
    instance = _answered(task)
    if instance is None:
        return "no_answer"
    text = joined(task.instruction, instance.input)
    if len(text) > words_at_most * _LETTERS_PER_WORD:
        return "too_long"
    many = len(words(text))
    if not many or not words(instance.output):
        return "no_words"
    return "too_long" if many > words_at_most else ""


def source_of(task: Task, least: int) -> Source:
    """I and R of a task that is not `unusable`; R is that of the first instance that has one."""
    instance = _answered(task)
    assert instance is not None
    text = joined(task.instruction, instance.input)
    answer = instance.output.strip()
    return Source(
        id=task.id,
        text=text,
        instruction=task.instruction.strip() or text,
        answer=answer,
        with_input=bool(instance.input.strip()),
        set=set_of(task),
        language=_said_language(task) or language_of(f"{text[:300]}\n{answer}"),
        key=key_of(task),
        can_be_cut=can_be_cut(text, least),
        carries_on=_carries_on(task),
        cut=_cut_of(task, text),
    )


def in_known_languages(sources: Sequence[Source]) -> list[Source]:
    """Where a text is too short to tell, its language is the commonest of its set."""
    counts: dict[str, Counter[str]] = {}
    for source in sources:
        counts.setdefault(source.set, Counter())[source.language] += bool(source.language)
    commonest = {name: max(own, key=lambda code: (own[code], code)) for name, own in counts.items()}
    return [source if source.language else replace(source, language=commonest[source.set]) for source in sources]


def key_of(task: Task) -> str:
    """The words of the instruction alone."""
    return " ".join(words(task.instruction)) or " ".join(words(joined(task.instruction, first_input(task))))


def first_input(task: Task) -> str:
    """The input of the first instance that has an answer, or of the first, or nothing."""
    instance = _answered(task) or next(iter(task.instances), None)
    return instance.input if instance else ""


def set_of(task: Task) -> str:
    """The data set a task names, else the file it was read from, else the stage that made it."""
    named = task.extra.get("dataset")
    return named if isinstance(named, str) and named else task.provenance.source or task.provenance.stage


def _answered(task: Task) -> Instance | None:
    return next((pair for pair in task.instances if pair.output.strip()), None)


def _carries_on(task: Task) -> str:
    said = task.extra.get("carries_on")
    return said.strip() if isinstance(said, str) and words(said) else ""


def _cut_of(task: Task, text: str) -> str:
    said = task.extra.get("cut")
    return said if isinstance(said, str) and words(said) and text.startswith(said) and said != text else ""


def _said_language(task: Task) -> str:
    """What the record says of itself: `da`, or `da` of `da-DK`."""
    said = task.extra.get("language")
    found = _CODE.match(said) if isinstance(said, str) else None
    return found[0].lower() if found else ""
