"""Rules that find, without a judge, no answer or no clean one: empty, echo, loop, template leak, run-on."""

import re
from dataclasses import dataclass
from itertools import groupby

from selfinstruct.text import one_line, words

_ITEM = re.compile(r"^[ \t]*(?:[-*+\u2022\u2013]|\(?\d{1,3}[.)])(?=\s|\Z)[ \t]*", re.MULTILINE)
_BARE = re.compile(r"[\s._\u2026*#>|=~`\u200b\ufeff-]*")
_BLANK_ITEMS = 2  # a lone "7." may be the answer
_ASKS_FOR_ECHO = re.compile(
    r"\b(?:repeat|copy|echo|correct|proofread|fix|edit|rewrite|reword|paraphrase|translate|summari[sz]e|shorten|sort"
    r"|order|convert|punctuate|capitali[sz]e|spell|read|quote|recite|transcribe|format|change|replace|turn)\w*",
    re.IGNORECASE,
)
_ANOTHER_TURN = re.compile(
    r"\s*(?:<\|im_start\|>\s*(?:user|system)\b|<\|(?:user|system)\|>|<\|start_header_id\|>\s*(?:user|system)\b"
    r"|<start_of_turn>\s*user\b|\[INST\]|<<SYS>>|#{2,4} ?(?:Instruction|Human|User) ?:)",
)
_ECHO_LEAST, _ECHO_MOST = 3, 12  # words of the prompt that are compared
_LOOP_WORDS = 12  # in all its turns together
_LOOP_TURNS = 3
_LINE_WORDS, _LINES_IN_ALL = 3, 5
_ASKS_TO_REPEAT = re.compile(
    r"\b(?:repeat\w*|refrain|chorus|(?:ten|\d+|several|many|dozen|hundred) times|lyrics|over and over)\b", re.IGNORECASE
)


def is_empty(response: str) -> bool:
    r"""Says nothing: white space, bare marks, or a list whose items are blank.

    >>> [is_empty(text) for text in (" \n", "1.\n2.\n3.", "____", "...", "-\n-")]
    [True, True, True, True, True]
    >>> [is_empty(text) for text in ("7", "7.", "+", "1. Oak", "👍")]
    [False, False, False, False, False]
    """
    if _BARE.fullmatch(response):
        return True
    items = len(_ITEM.findall(response))
    return items >= _BLANK_ITEMS and bool(_BARE.fullmatch(_ITEM.sub("", response)))


def is_echo(prompt: str, response: str) -> bool:
    """Begins by saying the prompt again, whole or (a long one) its first twelve words.

    >>> is_echo("Name three rivers of Europe.", "Name three rivers of Europe: the Rhine"), is_echo("Hi!", "Hi!")
    (True, False)
    >>> is_echo("Is the Rhine longer than the Elbe?", "The Rhine is longer than the Elbe.")
    False
    """
    asked = words(prompt)[:_ECHO_MOST]
    return len(asked) >= _ECHO_LEAST and words(response)[: len(asked)] == asked


def says_prompt_alone(prompt: str, response: str) -> bool:
    """Is the prompt over again, once or in a loop, and nothing else: no answer, except to a prompt that asks for that.

    >>> says_prompt_alone("Why do cats purr?", "Why do cats purr? Why do cats purr? Why do")
    True
    >>> says_prompt_alone("Repeat after me: no more rain.", "Repeat after me: no more rain.")
    False
    >>> says_prompt_alone("Why do cats purr?", "Why do cats purr? They feel safe.")
    False
    """
    asked, said = words(prompt), words(response)
    if not _ECHO_LEAST <= len(asked) <= len(said) or _ASKS_FOR_ECHO.search(prompt):
        return False
    return all(word == asked[place % len(asked)] for place, word in enumerate(said))


def opens_another_turn(response: str) -> bool:
    r"""Begins with the marks under which a template puts a user's turn: the model carries on the form, not its part.

    >>> [opens_another_turn(text) for text in ("<|im_start|>user\nHi", "### Instruction:\nName a lake.", "[INST] Hi")]
    [True, True, True]
    >>> opens_another_turn("<|im_start|>assistant\nThe Nile."), opens_another_turn("### Instructions\n1. Shake.")
    (False, False)
    """
    return bool(_ANOTHER_TURN.match(response))


def is_loop(response: str) -> bool:
    r"""Ends by saying the same words three times or more in a row, or the same line over and over.

    >>> is_loop("It is a river. " + "It is a long river. " * 3), is_loop("1. an oak\n2. an oak\n3. an oak\n")
    (True, True)
    >>> is_loop("Row, row, row your boat."), is_loop("He did it, and she did it, and they did it.")
    (False, False)
    """
    lines = [" ".join(words(_ITEM.sub("", line))) for line in response.splitlines()]
    said = [line for line in lines if line]
    if any(len(list(same)) >= _LOOP_TURNS and _is_long(line, 2) for line, same in groupby(said)):
        return True
    if any(said.count(line) >= _LINES_IN_ALL for line in dict.fromkeys(said) if _is_long(line, _LINE_WORDS)):
        return True
    all_words = [word for line in said for word in line.split()]
    # a cap on tokens may have cut the last word in two
    return _ends_in_turns(all_words) or _ends_in_turns(all_words[:-1])


def asks_to_repeat(prompt: str) -> bool:
    """Wants something said again and again, so that a loop is no failure.

    >>> asks_to_repeat("Write 'I will be on time' ten times."), asks_to_repeat("How many times is 4 in 12?")
    (True, False)
    """
    return bool(_ASKS_TO_REPEAT.search(re.sub(r"\bhow many times\b", " ", one_line(prompt), flags=re.IGNORECASE)))


def _is_long(line: str, least: int) -> bool:
    return line.count(" ") + 1 >= least


def _ends_in_turns(said: list[str]) -> bool:
    for period in range(1, len(said) // _LOOP_TURNS + 1):
        same = 0
        while same + period < len(said) and said[-1 - same] == said[-1 - same - period]:
            same += 1
        if same + period >= max(_LOOP_TURNS * period, _LOOP_WORDS):
            return True
    return False


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
    candidates = [
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
    return min(candidates, key=lambda candidate: candidate.at, default=None)


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
