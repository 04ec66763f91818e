r"""How a task is written for a student: pieces of text, each with or without loss.

Loss is on what the assistant says and on the mark that ends it, of every turn, and on nothing else; so not on the line
break after the mark, which the released code of the Camels paper (arXiv 2306.04751) trains by an off-by-one. What
stands before an answer is, letter for letter, what a finished student is asked with. The texts of templates are those
of `prompt_templates.py`; a chat is written by the tokenizer's own, in which the answers' places are looked up.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.prompt_templates import (
    ENCODINGS_WITH_INPUT,
    ENCODINGS_WITHOUT_INPUT,
    WITH_INPUT,
    WRAPPERS,
    before_answer,
    filled,
    joined,
    tagged_turns,
    with_system,
)
from selfinstruct.records import Instance, Message, Task
from selfinstruct.task_names import named
from selfinstruct.task_turns import turns

Template: TypeAlias = Literal["chat", "tags", "alpaca", "ifs", "self_instruct"]
"""`chat`: the tokenizer's template; `tags`: Camels; `alpaca`; `ifs`: Becoming self-instruct's cut-down one
(arXiv 2307.03692); `self_instruct`: thirteen encodings drawn at random (arXiv 2212.10560)."""

Unfitness: TypeAlias = Literal["too_long", "template_refuses", "no_answer", "several_answers"]
"""Why one record cannot be learned, as reports name it."""


class Unfit(BadInput):
    """One record cannot be learned, and others may be."""

    def __init__(self, reason: Unfitness, what: str, *, place: str, fix: str) -> None:
        self.reason = reason
        super().__init__(what, place=place, fix=fix)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a training text, and whether its tokens are learned."""

    text: str
    supervised: bool
    """The student is to learn to say it."""


def conversation(task: Task, pair: Instance) -> list[Message]:
    """All turns, the system's first, joined as a student is later asked; Unfit where an answer is empty."""
    spoken = turns(task, pair, joined)
    if not all(turn.content.strip() for turn in spoken if turn.role == "assistant"):
        what = "an empty answer: nothing to learn from it"
        raise Unfit("no_answer", what, place=named(task), fix="leave the record out")
    return spoken


def masked(made: list[Segment], unlearned: Collection[int]) -> list[Segment]:
    """The pieces, with the answers of those numbers only to be read."""
    if not unlearned:
        return made
    answers = [at for at, piece in enumerate(made) if piece.supervised]
    hidden = {answers[number] for number in unlearned if number < len(answers)}
    return [replace(piece, supervised=piece.supervised and at not in hidden) for at, piece in enumerate(made)]


def tagged(turns: list[Message], end: str) -> list[Segment]:
    """Each turn under a tag that says who speaks, as plain text; the last mark is the end."""
    *pieces, _ = tagged_turns(((turn.role, turn.content) for turn in turns), end)
    return [Segment(text, supervised=said) for text, said in pieces]  # what follows the last answer teaches nothing


def one_turn(task: Task, pair: Instance, template: Template, end: str, draw: Random) -> list[Segment]:
    """A prompt and an answer; Unfit for a conversation, which these templates have no room for."""
    if any(turn.role == "assistant" for turn in task.later):
        what = f"a conversation, and the template '{template}' has room for one answer"
        raise Unfit("several_answers", what, place=named(task), fix="take the template chat or tags")
    conversation(task, pair)
    text = _text_of(template, pair, draw)
    prompt = with_system(filled(text, task.instruction, pair.input), task.system)
    answer = f"{before_answer(text)}{pair.output.strip()}{end}"
    return [Segment(prompt, supervised=False), Segment(answer, supervised=True)]


def _text_of(template: Template, pair: Instance, draw: Random) -> str:
    if template == "self_instruct":
        return draw.choice(ENCODINGS_WITH_INPUT if pair.input.strip() else ENCODINGS_WITHOUT_INPUT)
    return WITH_INPUT.get(template, WRAPPERS[template]) if pair.input.strip() else WRAPPERS[template]


def check_template(tokenizer: Any) -> None:  # noqa: ANN401 - imported late
    """BadInput for a tokenizer that does not say how a conversation is written."""
    if not getattr(tokenizer, "chat_template", None):
        raise BadInput(
            "the tokenizer of the base has no chat template, and the template 'chat' needs one",
            place="stage finetune: template",
            fix="choose tags, alpaca, ifs or self_instruct (`--template=tags`, or `template: tags` in a recipe)",
        )


def templated(tokenizer: Any, turns: Sequence[Message], place: str) -> list[Segment]:  # noqa: ANN401 - imported late
    """A conversation up to its last answer; what is in front of an answer is what the template asks for one with.

    The places of the answers are looked for in the text of the whole: templates may write an earlier answer otherwise
    than a last one, without its reasoning for instance.

    Raises:
        Unfit: the template refuses the conversation, or rewrites an answer.
    """
    last = max(at for at, turn in enumerate(turns) if turn.role == "assistant")
    # white space at the ends of an answer is none of it, and a template that keeps it would end answers unlike
    turns = [replace(turn, content=turn.content.strip()) if turn.role == "assistant" else turn for turn in turns]
    turns = turns[: last + 1]
    whole = _written(tokenizer, turns, place, ask=False)
    answers = [at for at, turn in enumerate(turns) if turn.role == "assistant"]
    spans = [_answer(tokenizer, turns, at, whole, place) for at in answers]
    mark = whole[spans[-1][1] :].rstrip()
    made: list[Segment] = []
    done = 0
    for begin, end in spans:
        if not whole.startswith(mark, end):
            raise _strange(place, "ends one answer otherwise than another")
        made += [Segment(whole[done:begin], supervised=False), Segment(whole[begin : end + len(mark)], supervised=True)]
        done = end + len(mark)
    if not mark:  # a template that ends no answer: else the student would never learn to stop
        made[-1] = Segment(made[-1].text + end_mark(tokenizer), supervised=True)
    return made


def end_mark(tokenizer: Any) -> str:  # noqa: ANN401 - imported late
    """The mark that ends a text."""
    mark = tokenizer.eos_token
    if not mark:
        raise BadInput(
            "the tokenizer of the base has no mark for the end of a text",
            place="stage finetune",
            fix="give its tokenizer_config.json an eos_token",
        )
    return str(mark)


def _answer(
    tokenizer: Any,  # noqa: ANN401 - imported late
    turns: Sequence[Message],
    at: int,
    whole: str,
    place: str,
) -> tuple[int, int]:
    """Where the student speaks, up to the end of its words."""
    before = _written(tokenizer, turns[:at], place, ask=True)
    if not whole.startswith(before):
        raise _strange(place, "asks for an answer otherwise than it writes one")
    words = turns[at].content.strip()
    begin = whole.find(words, len(before))
    if begin < 0:
        raise _strange(place, "rewrites an answer")
    return len(before), begin + len(words)


def _written(tokenizer: Any, turns: Sequence[Message], place: str, *, ask: bool) -> str:  # noqa: ANN401
    said = [{"role": turn.role, "content": turn.content} for turn in turns]
    try:
        return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=ask))
    except Exception as refusal:  # templates are programs, and raise what they like
        reason = str(refusal).strip().partition("\n")[0]
        what = f"the chat template refuses it ({reason})"
        raise Unfit("template_refuses", what, place=place, fix="write template: tags") from refusal


def _strange(place: str, what: str) -> Unfit:
    return Unfit("template_refuses", f"the chat template {what}", place=place, fix="write template: tags")
