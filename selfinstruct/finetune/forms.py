r"""How a task is written for a student: pieces of text, each with or without loss.

Loss is on what the assistant says and on the mark that ends it, of every turn, and on nothing else; so not on the line
break after the mark, which the released code of the Camels paper (arXiv 2306.04751) trains by an off-by-one. What
stands before an answer is, letter for letter, what a finished student is asked with.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.records import Instance, Message, Task
from selfinstruct.templates import joined
from selfinstruct.text import shown

Form: TypeAlias = Literal["chat", "tags", "alpaca", "ifs", "self_instruct"]
"""`chat`: the tokenizer's template; `tags`: Camels; `alpaca`; `ifs`: Becoming self-instruct's cut-down one
(arXiv 2307.03692); `self_instruct`: thirteen forms drawn at random (arXiv 2212.10560)."""

Unfitness: TypeAlias = Literal["too_long", "template_refuses", "no_answer", "several_answers"]
"""Why one record cannot be learned, as reports name it."""

TAGS = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
_ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{i}\n\n### Response:"
)
_ALPACA_WITH_INPUT = (
    "Below is an instruction that describes a task, paired with an input that provides further context. "
    "Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{i}\n\n### Input:\n{x}\n\n### Response:"
)
_WITH_INPUT: Mapping[str, tuple[str, ...]] = {
    "alpaca": (_ALPACA_WITH_INPUT,),
    "ifs": ("{i}\n\n{x}### Response:",),
    "self_instruct": (
        "{i}\nInput: {x}\nOutput:",
        "{i}\n\nInput: {x}\n\nOutput:",
        "Task: {i}\nInput: {x}\nOutput:",
        "{i}\n\n{x}\n\nOutput:",
        "{i}\n\n{x}\n\n",
        "{i}\n{x}\n\n",
        "Task: {i}\n\n{x}\n\n",
    ),
}
_WITHOUT_INPUT: Mapping[str, tuple[str, ...]] = {
    "alpaca": (_ALPACA,),
    "ifs": ("{i}### Response:",),
    "self_instruct": (
        "{i} Output:",
        "{i}\nOutput:",
        "{i}\n\nOutput:",
        "{i}\n",
        "{i}\n\n",
        "Task: {i}\n\n",
    ),
}
_BEFORE_ANSWER = {"### Response:": "\n", "Output:": " "}
"""What a student is to say first, by how its prompt ends: the prompts themselves end in no space."""


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
    given = pair.input.strip()
    layout = draw.choice((_WITH_INPUT if given else _WITHOUT_INPUT)[form])
    before, _, after = layout.partition("{i}")
    prompt = before + task.instruction.strip() + given.join(after.split("{x}"))
    if task.system.strip():
        prompt = f"{task.system.strip()}\n\n{prompt}"
    first = next((said for ending, said in _BEFORE_ANSWER.items() if layout.endswith(ending)), "")
    return [Segment(prompt, supervised=False), Segment(f"{first}{pair.output.strip()}{end}", supervised=True)]


def place(task: Task) -> str:
    """The record as an error names it."""
    return f"record {task.id[:16]} ('{shown(task.instruction, 40)}')"
