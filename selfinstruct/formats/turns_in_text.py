r"""Text in which a whole conversation is written out in a customary template: its turns, taken out again.

Each template is known by marks that are facts of its interchange format; a text is in one where it begins with such a
mark. To read one more, add it to `_TURNED`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from selfinstruct.formats.conversations import ROLES, conversation
from selfinstruct.formats.fields import BadRecord, rest, text
from selfinstruct.prompt_templates import CHATML_BEGINS, CHATML_ENDS, joined
from selfinstruct.records import Message, Provenance, Task


@dataclass(frozen=True, slots=True)
class _Turned:
    """A template that opens each turn with a mark naming who speaks."""

    opening: re.Pattern[str]
    ends: tuple[str, ...] = ()


_TURNED = (
    _Turned(re.compile(rf"{re.escape(CHATML_BEGINS)}(\w+)\n"), (CHATML_ENDS,)),
    _Turned(re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\n\n"), ("<|eot_id|>", "<|end_of_text|>")),
    _Turned(re.compile(r"<start_of_turn>(\w+)\n"), ("<end_of_turn>", "<eos>")),
    _Turned(re.compile(r"### (System|Human|User|Assistant): ?"), ("</s>",)),
    _Turned(re.compile(r"(?:^|\n\n)(Human|Assistant): ?"), ("</s>",)),
)
_LEAD = re.compile(r"\s*(?:<s>|<bos>|<\|begin_of_text\|>)?\s*")
_ALPACA = re.compile(r"^### (Instruction|Input|Response|Output):[ \t]*\n?", re.MULTILINE)
_DRESSED = (CHATML_BEGINS, "<|start_header_id|>", "<start_of_turn>", "### ", "Human:", "[/INST]")
_ENDS = ("</s>", "<|endoftext|>", "<|end_of_text|>")


def turns_of(whole: str) -> Iterator[Message]:
    r"""The turns of a text; none where it is in no known template.

    >>> [turn.content for turn in turns_of("### Human: Name a river.### Assistant: The Tay.")]
    ['Name a river.', 'The Tay.']
    >>> list(turns_of("A river is water."))
    []
    """
    begin = _LEAD.match(whole)
    text = whole[begin.end() :] if begin else whole
    for template in _TURNED:
        if template.opening.match(text):
            yield from _turned(text, template)
            return
    if text.startswith("[INST]"):
        yield from _inst(text)
    else:
        yield from _alpaca(text)


def _turned(text: str, template: _Turned) -> Iterator[Message]:
    _, *pieces = template.opening.split(text)
    for who, said in zip(pieces[::2], pieces[1::2], strict=True):
        if who.lower() not in ROLES:
            raise BadRecord(f"a turn of '{who}', neither user, assistant nor system", reason="unknown_role")
        content = said.strip()
        for end in template.ends:
            content = content.removesuffix(end).rstrip()
        yield Message(ROLES[who.lower()], content)


def _inst(text: str) -> Iterator[Message]:
    for number, piece in enumerate(text.split("[INST]")[1:]):
        question, _, answer = piece.partition("[/INST]")
        if not number and question.lstrip().startswith("<<SYS>>"):
            system, _, question = question.partition("<</SYS>>")
            yield Message("system", system.replace("<<SYS>>", "", 1).strip())
        yield Message("user", question.strip())
        yield Message("assistant", _without_end(answer.strip().removesuffix("<s>")))


def _alpaca(text: str) -> Iterator[Message]:
    """Headlines at the beginnings of lines, in their order; what stands before the first belongs to the template."""
    heads = list(islice(_ALPACA.finditer(text), 3))
    names = [head[1] for head in heads]
    if names[:1] != ["Instruction"] or "#" in text[: heads[0].start()]:
        return
    last = 2 if names[1:2] == ["Input"] else 1
    if len(names) <= last or names[last] not in ("Response", "Output"):
        return
    ends = [*(head.start() for head in heads[1 : last + 1]), len(text)]
    question, *given, answer = (text[head.end() : end].strip() for head, end in zip(heads, ends, strict=False))
    yield Message("user", joined(question, given[0] if given else ""))
    yield Message("assistant", _without_end(answer))


def _without_end(answer: str) -> str:
    for end in _ENDS:
        answer = answer.strip().removesuffix(end)
    return answer.strip()


def template_turns(prompt: object, answer: object) -> list[Message]:
    r"""The turns of a prompt that ends where a template opens the assistant's turn, and of its answer; else none.

    >>> [turn.content for turn in template_turns("[INST] Name a river. [/INST]", " Tay</s>")]
    ['Name a river.', 'Tay']
    >>> template_turns("[INST] is how it begins.", "Who?")
    []
    """
    if not isinstance(prompt, str) or not isinstance(answer, str) or not any(sign in prompt for sign in _DRESSED):
        return []
    try:
        turns = list(turns_of(prompt))
    except BadRecord:  # with a turn of somebody else
        return []
    opened = len(turns) > 1 and turns[-1].role == "assistant" and not turns[-1].content
    return list(turns_of(prompt + answer)) if opened else []


def is_templated(value: object) -> bool:
    """A record whose text is in a known template."""
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        return False
    try:
        return next(turns_of(value["text"]), None) is not None
    except BadRecord:
        return True


def templated(value: Mapping[str, Any], origin: Provenance) -> Task:
    """A record whose text holds the conversation."""
    return conversation(list(turns_of(text(value, "text"))), origin, rest(value, "text"))
