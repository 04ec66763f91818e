"""Conversations in a tokenizer's own chat template, with the places of the answers in what it writes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.finetune.forms import Segment, Unfit
from selfinstruct.records import Message


def check_template(tokenizer: Any) -> None:  # noqa: ANN401 - imported late
    """BadInput for a tokenizer that does not say how a conversation is written."""
    if not getattr(tokenizer, "chat_template", None):
        raise BadInput(
            "the tokenizer of the base has no chat template, and the format 'chat' needs one",
            place="stage finetune: format",
            fix="choose tags, alpaca, ifs or self_instruct (`--format tags`, or `format: tags` in a recipe)",
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
    found = whole.find(words, len(before))
    if found < 0:
        raise _strange(place, "rewrites an answer")
    return len(before), found + len(words)


def _written(tokenizer: Any, turns: Sequence[Message], place: str, *, ask: bool) -> str:  # noqa: ANN401
    said = [{"role": turn.role, "content": turn.content} for turn in turns]
    try:
        return str(tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=ask))
    except Exception as refusal:  # templates are programs, and raise what they like
        reason = str(refusal).strip().partition("\n")[0]
        what = f"the chat template refuses it ({reason})"
        raise Unfit("template_refuses", what, place=place, fix="write format: tags") from refusal


def _strange(place: str, what: str) -> Unfit:
    return Unfit("template_refuses", f"the chat template {what}", place=place, fix="write format: tags")
