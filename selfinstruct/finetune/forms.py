r"""How a task is written for a student: pieces of text, each with or without loss.

Loss is on what the assistant says and on the mark that ends it, of every turn, and on nothing else; so not on the line
break after the mark, which the released code of the Camels paper (arXiv 2306.04751) trains by an off-by-one. What
stands before an answer is, letter for letter, what a finished student is asked with.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Message, Task
from selfinstruct.templates import (
    ENCODINGS_WITH_INPUT,
    ENCODINGS_WITHOUT_INPUT,
    TAGS,
    WITH_INPUT,
    WRAPPERS,
    before_answer,
    filled,
    joined,
    with_system,
)
from selfinstruct.text import shown

Form: TypeAlias = Literal["chat", "tags", "alpaca", "ifs", "self_instruct"]
"""`chat`: the tokenizer's template; `tags`: Camels; `alpaca`; `ifs`: Becoming self-instruct's cut-down one
(arXiv 2307.03692); `self_instruct`: thirteen forms drawn at random (arXiv 2212.10560)."""

Unfitness: TypeAlias = Literal["too_long", "template_refuses", "no_answer", "several_answers"]
"""Why one record cannot be learned, as reports name it."""


class Unfit(BadInput):
    """One record cannot be learned, and others may be."""

    def __init__(self, reason: Unfitness, what: str, *, place: str, fix: str) -> None:
        self.reason = reason
        super().__init__(what, place=place, fix=fix)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text."""

    text: str
    supervised: bool
    """The student is to learn to say it."""


def conversation(task: Task, pair: Instance) -> list[Message]:
    """All turns, the system's first; Unfit where an answer is empty."""
    opening = [Message("system", task.system)] if task.system else []
    turns = [
        *opening,
        Message("user", joined(task.instruction, pair.input)),
        Message("assistant", pair.output),
        *task.later,
    ]
    if not all(turn.content.strip() for turn in turns if turn.role == "assistant"):
        what = "an empty answer: nothing to learn from it"
        raise Unfit("no_answer", what, place=place(task), fix="leave the record out")
    return turns


def masked(made: list[Segment], unlearned: Collection[int]) -> list[Segment]:
    """The pieces, with the answers of those numbers only to be read."""
    if not unlearned:
        return made
    answers = [at for at, piece in enumerate(made) if piece.supervised]
    hidden = {answers[number] for number in unlearned if number < len(answers)}
    return [replace(piece, supervised=piece.supervised and at not in hidden) for at, piece in enumerate(made)]


def tagged(turns: list[Message], end: str) -> list[Segment]:
    """Each turn under a tag that says who speaks, as plain text; the last mark is the end."""
    made: list[Segment] = []
    asked = ""
    for turn in turns:
        asked += TAGS[turn.role] + "\n"
        if turn.role == "assistant":
            made += [Segment(asked, supervised=False), Segment(turn.content.strip() + end, supervised=True)]
            asked = "\n"
        else:
            asked += turn.content.strip() + "\n"
    return made  # what is said after the last answer teaches nothing


def one_turn(task: Task, pair: Instance, form: Form, end: str, draw: Random) -> list[Segment]:
    """A prompt and an answer; Unfit for a conversation, which these forms have no room for."""
    if any(turn.role == "assistant" for turn in task.later):
        what = f"a conversation, and the format '{form}' has room for one answer"
        raise Unfit("several_answers", what, place=place(task), fix="take the format chat or tags")
    conversation(task, pair)
    template = _template(form, pair, draw)
    prompt = with_system(filled(template, task.instruction, pair.input), task.system)
    answer = f"{before_answer(template)}{pair.output.strip()}{end}"
    return [Segment(prompt, supervised=False), Segment(answer, supervised=True)]


def _template(form: Form, pair: Instance, draw: Random) -> str:
    if form == "self_instruct":
        return draw.choice(ENCODINGS_WITH_INPUT if pair.input.strip() else ENCODINGS_WITHOUT_INPUT)
    return WITH_INPUT.get(form, WRAPPERS[form]) if pair.input.strip() else WRAPPERS[form]


def place(task: Task) -> str:
    """The record as an error names it."""
    return f"record {task.id[:16]} ('{shown(task.instruction, 40)}')"
