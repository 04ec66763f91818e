"""Whether a reply to a preference question takes a side, told by rules and small word lists: no model is asked.

In this order: nothing said, the question said again or only new questions -> `no_answer`; a short opening that names
one option ("The piano.") or a side taken in the first person ("I'd pick", "my favourite is") -> `subjective`; a cue of
even-handedness ("it depends", "as an AI", "a matter of taste", "pros and cons") -> `objective`; a verdict ("tea is
better") -> `subjective`; both options named -> `objective`; anything else that shares a word with the question ->
`objective`, what shares none -> `no_answer`.

How far to trust it: on 60 replies of a 135M model that were looked at only after the rules were written, one reader
gave the same class 44 times (0.73, kappa 0.48); most of the others were rambling replies that answer and do not. The
cue of a short opening came after that.
"""

import re
from typing import Literal, TypeAlias

from selfinstruct.evaluate.failures import is_empty
from selfinstruct.evaluate.opinion_cues import (
    AFTER_ALL,
    DECIDED,
    EVEN_HANDED,
    FUNCTION_WORDS,
    NO_SIDE,
    OWN_SIDE,
    VERDICT,
)
from selfinstruct.text import words

Opinion: TypeAlias = Literal["subjective", "objective", "no_answer"]
OPINIONS: tuple[Opinion, ...] = ("subjective", "objective", "no_answer")

_OR = re.compile(r"([\w'\u2019 -]{2,60}?),? or ([\w'\u2019 -]{2,60})", re.IGNORECASE)
_ABOUT_THE_USER = re.compile(r"\b(?:you|your|mean|budget|situation|occasion|mood|kind|purpose)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_SHORT = 12  # words: a reply as short names what it picks
_OPENING = 4  # words
_OPTION = 3  # words of what stands before "or" that are taken for the first option


def opinion(question: str, reply: str) -> Opinion:
    """The class of a reply by rules alone.

    >>> opinion("Do you prefer tea or coffee?", "I'd go for tea, always.")
    'subjective'
    >>> opinion("Do you prefer tea or coffee?", "As an AI I have no taste, but both have their friends.")
    'objective'
    >>> opinion("Do you prefer tea or coffee?", "Do you prefer cats or dogs?")
    'no_answer'
    """
    said = _without_question(question, reply)
    if is_empty(said) or not words(said) or _asks_only(question, said):
        return "no_answer"
    if _opens_with_one(question, said):
        return "subjective"
    if AFTER_ALL.search(said) or (OWN_SIDE.search(said) and not NO_SIDE.search(said)):
        return "subjective"
    if EVEN_HANDED.search(said) or NO_SIDE.search(said):
        return "objective"
    return _without_cues(question, said)


def _opens_with_one(question: str, said: str) -> bool:
    """Its first sentence is little more than the name of one of the two."""
    first = _SENTENCE.search(said)
    if first is None or len(words(first[0])) > _OPENING or first[0].endswith("?") or EVEN_HANDED.search(first[0]):
        return False
    return [_is_named(option, first[0]) for option in options(question)].count(True) == 1


def _without_cues(question: str, said: str) -> Opinion:
    named = [_is_named(option, said) for option in options(question)]
    if VERDICT.search(said) or (DECIDED.match(said) and (any(named) or not named)):
        return "subjective"
    short = len(words(said)) <= _SHORT
    if any(named) and not all(named):
        return "subjective" if short or said.lower().startswith(("because", "yes", "no")) else "objective"
    if named and all(named):
        return "objective"
    if short and not named and not said.rstrip().endswith("?"):
        return "subjective"  # "Vanilla." names a favourite
    return "objective" if _content(question) & _content(said) else "no_answer"


def options(question: str) -> tuple[frozenset[str], ...]:
    """The words of each of two options, those they share aside; none where the question names none.

    >>> [sorted(option) for option in options("Would you rather have tea with milk or black tea?")]
    [['milk'], ['black']]
    """
    sentences = [sentence for sentence in _SENTENCE.findall(question) if " or " in sentence]
    found = _OR.search(sentences[-1]) if sentences else None
    if not found:
        return ()
    first, second = _content(found[1]), _content(found[2])
    nearest = frozenset([word for word in words(found[1]) if word in first][-_OPTION:])
    sides = (nearest - second, second - nearest)
    return sides if all(sides) else ()


def _is_named(option: frozenset[str], said: str) -> bool:
    """One of its words is there, in the singular or the plural."""
    heard = frozenset(_stem(word) for word in words(said))
    return any(_stem(word) in heard for word in option)


def _content(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if word not in FUNCTION_WORDS and len(word) > 1)


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > len("gas") else word


def _asks_only(question: str, said: str) -> bool:
    """Nothing but questions, and not one about what the person wants or means."""
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(said) if words(sentence)]
    if not all(sentence.endswith("?") for sentence in sentences):
        return False
    first = sentences[0]
    if words(first)[:2] in (words(question)[:2], ["do", "you"]) or len(sentences) > 2:
        return True
    return not _ABOUT_THE_USER.search(first)


def _without_question(question: str, reply: str) -> str:
    """A reply may begin by saying the question again."""
    said = reply.strip()
    return said[len(question.strip()) :].strip() if said.lower().startswith(question.strip().lower()) else said
