"""Conversations as tasks: ShareGPT's, `messages`, prompt and completion, or text with the Camels paper's tags (3.2).

    <|user|>
    Name a river.
    <|assistant|>
    The Nile.</s>

The tags are plain text, no entries of a vocabulary. Contents are stripped; the mark that ends a text (EOS) follows each
answer at once; a prompt ends with the assistant's tag *and its newline*, which a student was trained to see.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord, as_text, asked, in_parts, objects, optional, other_fields, rest, text
from selfinstruct.formats.loss_marks import unlearned_answers
from selfinstruct.prompt_templates import ASKS_TAGGED, CHATML_ENDS, TAGS, tagged_text, user_turn
from selfinstruct.records import Instance, Json, Message, Provenance, Task
from selfinstruct.text import shown

END = "</s>"
"""LLaMA's end-of-text mark; hand in that of the student's tokenizer where it has another."""
_ENDS = ("</s>", "<|end|>", "<|endoftext|>", CHATML_ENDS)
"""What templates with the same tags close every turn with."""
_TAG_LINE = re.compile(r"^<\|(system|user|assistant)\|>$", re.MULTILINE)
Role = Literal["system", "user", "assistant"]
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
"""Who speaks, by the names that public sets use; a tool, a function or another product is none of them."""
_CALLS = ("tool_calls", "function_call")
TURN_KEYS = ("messages", "conversations", "conversation")


def tagged(turns: Sequence[Message], *, end: str = END) -> str:
    r"""A conversation as the text a student is trained on; no newline at its end.

    >>> tagged([Message("user", "Name a river. "), Message("assistant", "The Nile.")])
    '<|user|>\nName a river.\n<|assistant|>\nThe Nile.</s>'
    """
    return _tagged(turns, end).strip()


def tagged_prompt(turns: Sequence[Message], *, end: str = END) -> str:
    r"""The same as a prompt: it ends where the assistant's next answer begins.

    >>> tagged_prompt([Message("user", "Name a river.")])
    '<|user|>\nName a river.\n<|assistant|>\n'
    """
    return _tagged(turns, end) + ASKS_TAGGED


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


def _tagged(turns: Sequence[Message], end: str) -> str:
    return tagged_text(((turn.role, turn.content) for turn in turns), end)


def conversation(
    turns: Sequence[Message],
    provenance: Provenance,
    extra: Mapping[str, Json],
    system: str = "",
    unlearned: tuple[int, ...] = (),
) -> Task:
    """The task: an opening system turn, then user and assistant in turn, an answer at the end.

    >>> origin = Provenance(stage="input", source="a.jsonl")
    >>> task = conversation([Message("user", "Hi"), Message("assistant", "Hello")], origin, {})
    >>> task.instruction, task.instances[0].output, task.later
    ('Hi', 'Hello', ())
    """
    if turns and turns[0].role == "system":
        system, turns = turns[0].content, turns[1:]
    if not turns:
        raise BadRecord("no turns", reason="no_instruction")
    for number, turn in enumerate(turns):
        due = "assistant" if number % 2 else "user"
        if turn.role != due:
            what = f"turn {number + 1} is the {turn.role}'s, where it is the {due}'s turn"
            raise BadRecord(what, reason="turns_out_of_order")
    if len(turns) % 2:
        raise BadRecord("ends with a question", reason="no_answer")
    return Task(
        instruction=asked(turns[0].content, "the first turn"),
        instances=(Instance("", turns[1].content),),
        system=system,
        later=tuple(turns[2:]),
        unlearned=unlearned,
        provenance=provenance,
        extra=extra,
    )


def after_history(task: Task) -> Task:
    """The task at the end of the turns before it, which some sets keep as pairs under `history`.

    >>> task = Task(instruction="And a lake?", provenance=Provenance(stage="input"), instances=(Instance("", "Ness"),),
    ...     extra={"history": [["Name a river.", "Tay"]]})
    >>> after_history(task).instruction, [turn.content for turn in after_history(task).later]
    ('Name a river.', ['And a lake?', 'Ness'])
    """
    before = task.extra.get("history")
    if not task.instances or not isinstance(before, list) or not any(isinstance(pair, list) for pair in before):
        return task  # a field of the user's own
    if not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair) for pair in before
    ):
        raise BadRecord("key 'history': not pairs of question and answer", reason="wrong_type")
    last = task.instances[0]
    said = [str(text) for pair in cast("list[list[str]]", before) for text in pair] + [
        user_turn(task.instruction, last.input),
        last.output,
    ]
    turns = [Message("assistant" if number % 2 else "user", text) for number, text in enumerate(said)]
    extra = {key: item for key, item in task.extra.items() if key != "history"}
    made = conversation(turns, task.provenance, extra, task.system)
    return replace(made, is_classification=task.is_classification)


def turns_under(*keys: str) -> Callable[[Mapping[str, Any], Provenance], Task]:
    """Reads a record with a list of turns under one of the keys: the first that holds something."""

    def read(value: Mapping[str, Any], origin: Provenance) -> Task:
        return turn_list(value, origin, next((key for key in keys if value.get(key) is not None), keys[0]))

    return read


def turn_list(value: Mapping[str, Any], origin: Provenance, key: str) -> Task:
    """A record with a list of turns, each `from` and `value`, or `role` and `content`."""
    parts = objects(value, key)
    turns = [turn(part, number, key) for number, part in enumerate(parts, 1)]
    used = [key]
    system = ""
    if isinstance(value.get("system"), str) and not any(turn.role == "system" for turn in turns):
        system = value["system"]
        used.append("system")
    extra = rest(value, *used)
    if more := other_fields(parts, "role", "content", "from", "value"):
        extra[key] = more
    return conversation(turns, origin, extra, system, unlearned_answers(parts, [message.role for message in turns]))


def turn(part: Mapping[str, Any], number: int, key: str) -> Message:
    """One turn; `content` may come in parts."""
    within = f"key '{key}', item {number}, "
    who, what = ("role", "content") if part.get("role") is not None else ("from", "value")
    if part.get(what) is None:
        what = next((other for other in ("content", "value") if part.get(other) is not None), what)
    role = text(part, who, within=within)
    if role.strip().lower() not in ROLES:
        raise BadRecord(f"{within}'{shown(role, 40)}' is neither user, assistant nor system", reason="unknown_role")
    if not part.get(what) and any(part.get(key) for key in _CALLS):
        raise BadRecord(f"{within}calls a tool and says nothing", reason="not_text")
    if what not in part:
        raise BadRecord(f"{within}key '{what}' is missing", reason="missing_key")
    return Message(ROLES[role.strip().lower()], in_parts(part[what], f"{within}key '{what}'"))


def prompt_completion(value: Mapping[str, Any], origin: Provenance) -> Task:
    """A record with a prompt and its completion, both text or both lists of messages."""
    answer = "completion" if value.get("completion") is not None or "response" not in value else "response"
    prompt, completion = value["prompt"], value[answer]
    if completion is None:
        raise BadRecord(f"key '{answer}': null", reason="no_answer")
    if isinstance(prompt, list) or isinstance(completion, list):
        parts = [*_as_turns(value, "prompt", "user"), *_as_turns(value, answer, "assistant")]
        turns = [turn(part, number, "prompt") for number, part in enumerate(parts, 1)]
        extra = rest(value, "prompt", answer, "system")
        if more := other_fields(parts, "role", "content", "from", "value"):
            extra["messages"] = more
        unlearned = unlearned_answers(parts, [message.role for message in turns])
        return conversation(turns, origin, extra, optional(value, "system"), unlearned)
    task = Task(
        instruction=asked(as_text(prompt, "key 'prompt'"), "the prompt"),
        instances=(Instance("", as_text(completion, f"key '{answer}'")),),
        system=optional(value, "system"),
        provenance=origin,
        extra=rest(value, "prompt", answer, "system"),
    )
    return after_history(task) if "history" in task.extra else task


def _as_turns(value: Mapping[str, Any], key: str, role: Role) -> list[dict[str, Any]]:
    """The list of turns under a key, or the one that a text there is."""
    content = value[key]
    return [{"role": role, "content": content}] if isinstance(content, str) else objects(value, key)


def from_tagged_text(value: Mapping[str, Any], origin: Provenance) -> Task:
    """A record whose text has a tag on a line of its own before each turn."""
    try:
        turns = untagged(text(value, "text"))
    except BadRecord:
        raise
    except BadInput as fault:
        raise BadRecord(fault.what, reason="unknown_layout") from None
    return conversation(turns, origin, rest(value, "text"))
