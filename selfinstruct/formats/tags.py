r"""The chat form of the Camels paper (Wang et al. 2023, 3.2): each turn under a tag that says who speaks.

    <|user|>
    Name a river.
    <|assistant|>
    The Nile.</s>

The tags are plain text, no entries of a vocabulary. Contents are stripped; the mark that ends a text (EOS) follows each
answer at once; a prompt ends with the assistant's tag *and its newline*, which a student was trained to see.
"""

import re
from collections.abc import Sequence
from typing import Literal

from selfinstruct.errors import BadInput
from selfinstruct.records import Message
from selfinstruct.templates import TAGS

END = "</s>"
"""LLaMA's end-of-text mark; hand in that of the student's tokenizer where it has another."""

_ENDS = ("</s>", "<|end|>", "<|endoftext|>", "<|im_end|>")
"""What templates with the same tags close every turn with."""

_TAG_LINE = re.compile(r"^<\|(system|user|assistant)\|>$", re.MULTILINE)


def tagged(turns: Sequence[Message], *, end: str = END) -> str:
    r"""A conversation as the text a student is trained on; no newline at its end.

    >>> tagged([Message("user", "Name a river. "), Message("assistant", "The Nile.")])
    '<|user|>\nName a river.\n<|assistant|>\nThe Nile.</s>'
    """
    return _joined(turns, end).strip()


def tagged_prompt(turns: Sequence[Message], *, end: str = END) -> str:
    r"""The same as a prompt: it ends where the assistant's next answer begins.

    >>> tagged_prompt([Message("user", "Name a river.")])
    '<|user|>\nName a river.\n<|assistant|>\n'
    """
    return _joined(turns, end) + TAGS["assistant"] + "\n"


def untagged(text: str, *, end: str = END) -> tuple[Message, ...]:
    r"""The turns of a tagged text; BadInput for text that does not begin with a tag.

    The inverse of `tagged`, as long as no content has a line that is a tag or ends with a mark of an end, and for
    contents without space around them. Templates that close every turn with such a mark are read, too.

    >>> untagged("<|user|>\nName a river.\n<|assistant|>\nThe Nile.</s>")[1]
    Message(role='assistant', content='The Nile.')
    """
    pieces = _TAG_LINE.split(text)
    if pieces[0].strip() or len(pieces) == 1:
        raise BadInput("no tag at the beginning", fix=f"begin with {TAGS['user']} on a line of its own")
    turns = zip(pieces[1::2], pieces[2::2], strict=True)
    return tuple(_turn(role, content.strip(), end) for role, content in turns)


def _turn(role: str, content: str, end: str) -> Message:
    who: Literal["system", "user", "assistant"] = (
        "assistant" if role == "assistant" else "system" if role == "system" else "user"
    )
    ends = (end, *_ENDS) if who == "assistant" else _ENDS
    mark = next((mark for mark in ends if content.endswith(mark)), "")
    return Message(who, content.removesuffix(mark).rstrip() if mark else content)


def _joined(turns: Sequence[Message], end: str) -> str:
    return "".join(
        f"{TAGS[turn.role]}\n{turn.content.strip()}{end if turn.role == 'assistant' else ''}\n" for turn in turns
    )
