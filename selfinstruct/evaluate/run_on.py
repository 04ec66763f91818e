"""Whether a response answers and then goes on into a task, a question or a speaker that nobody asked for."""

import re
from dataclasses import dataclass

from selfinstruct.text import words

_OPENING = 3  # words of the prompt by which its pattern is known again


@dataclass(frozen=True, slots=True)
class RunOn:
    """Where a response leaves its answer."""

    mark: str
    """Which kind of mark it was: `template`, `heading`, `field`, `number`, `prompt`, `task`."""
    at: int
    """Place of the mark, in characters."""


# Marks of conversation templates: no answer contains them.
_TEMPLATE = re.compile(
    r"<\|(?:im_start|im_end|user|assistant|system|endoftext|end|eot_id|start_header_id)\|>(?=\s*\S)"
    r"|\[/?INST\]|<<SYS>>|<(?:start|end)_of_turn>|</s>(?=\s*\S)"
)
# A report may have a heading `## Problem`; only a number or a colon makes a new task of it.
_HEADING = re.compile(
    r"^[ \t]*#{1,4}[ \t]*(?:new |next )?(?:(?:instruction|response|human|user|assistant)[ \t]*\d*[ \t]*(?::|$)"
    r"|(?:input|output|question|task|prompt|exercise|problem)[ \t]*(?:\d+|:))",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD = re.compile(
    r"^[ \t]*(?:\*\*)?(?:(?:next |new )?instruction|(?:next |new )?task|q|question|user|human|input|prompt)"
    r"[ \t]*\d{0,3}[ \t]*(?:\*\*)?:",
    re.IGNORECASE | re.MULTILINE,
)
# What is asked for may look like fields: a dialogue has speakers, a quiz has questions.
_WANTS_FIELDS = re.compile(
    r"\b(?:dialog(?:ue)?s?|conversations?|chats?|interviews?|transcripts?|scripts?|screenplays?|debates?|role-?play\w*"
    r"|faqs?|q ?& ?a|quiz\w*|questions|exams?|tests?|flash ?cards?|exercises|problems|prompts?|instructions|examples?"
    r"|templates?|forms?|tasks)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[ \t]*(\d{1,3})[.)][ \t]+\S", re.MULTILINE)
_ENDS_IN_NUMBER = re.compile(r"(?:^|\s)\d{1,3}[.)]\s*\Z")
# The way tasks of instruction sets begin, in a paragraph of its own with something after it.
_TASK = re.compile(
    r"(?<=\n\n)[ \t]*(?:write (?:a|an|me)|given (?:a|an|the|this)|you (?:are|will be) given|in this task"
    r"|translate (?:the|this)|classify (?:the|this)|rewrite the|summari[sz]e the|generate (?:a|an)"
    r"|describe (?:a|an|the)|convert the|explain (?:the|why|how|what))\b[^\n]{3,}\n+(?=[^\n]*\S)",
    re.IGNORECASE,
)


def run_on(prompt: str, response: str) -> RunOn | None:
    r"""The first mark of something new that stands after an answer; None for a response that keeps to its task.

    A field such as `Q:` is no such mark where the prompt asks for questions, a dialogue and the like, or where the
    response itself opens with one; a number is one where the count does not begin at 1.

    >>> run_on("Name a river.", "The Nile.\n\n### Instruction:\nName a lake.")
    RunOn(mark='heading', at=11)
    >>> run_on("Name a river.", " The Nile.\n\nName a lake.\n\nVictoria.")
    >>> run_on("Name a long river.", " The Nile.\n\nName a long lake.\n\nVictoria.").mark
    'prompt'
    >>> [run_on("Name a river.", text).mark for text in ("The Nile.\n9. Name a lake.", "Nile.\nQ: Is it long?")]
    ['number', 'field']
    >>> run_on("Write a quiz with two questions.", "Here it is.\nQ: Who?\nA: I.\nQ: When?\nA: Now.")
    """
    found = [
        RunOn(mark, at)
        for mark, at in (
            ("template", _after_answer(_TEMPLATE, response)),
            ("heading", None if _HEADING.match(response.lstrip()) else _after_answer(_HEADING, response)),
            ("field", _field(prompt, response)),
            ("number", _number(prompt, response)),
            ("prompt", _prompt_again(prompt, response)),
            ("task", None if _WANTS_FIELDS.search(prompt) else _after_answer(_TASK, response)),
        )
        if at is not None
    ]
    return min(found, key=lambda one: one.at, default=None)


def _after_answer(pattern: re.Pattern[str], response: str) -> int | None:
    """The first match with something said before it."""
    matches = pattern.finditer(response)
    return next((match.start() for match in matches if words(response[: match.start()])), None)


def _field(prompt: str, response: str) -> int | None:
    if _WANTS_FIELDS.search(prompt) or _FIELD.match(response.lstrip()):
        return None
    return _after_answer(_FIELD, response)


def _number(prompt: str, response: str) -> int | None:
    """A line numbered 2 or more where none was numbered 1: the next item of a list of tasks, not of the answer."""
    first = _NUMBER.search(response)
    if first is None or int(first[1]) < 2 or _ENDS_IN_NUMBER.search(prompt):
        return None
    before = response[: first.start()].rstrip()
    return first.start() if words(before) and not before.endswith(":") else None  # "The answer is:\n2. Paris"


def _prompt_again(prompt: str, response: str) -> int | None:
    """A later line that opens as the prompt does."""
    opening = words(prompt)[:_OPENING]
    if len(opening) < _OPENING:
        return None
    at = 0
    for line in response.splitlines(keepends=True):
        if words(line)[:_OPENING] == opening and words(response[:at]):
            return at
        at += len(line)
    return None
