"""The plain English rule for root verb and object: the verb comes first, once politeness is taken away."""

import re
from dataclasses import dataclass

from selfinstruct.text.english import (
    ADVERBS,
    AUXILIARIES,
    BASE_FORMS,
    BOUNDARIES,
    DETERMINERS,
    NO_VERBS,
    PARTICLES,
    PERSONS,
    QUESTION_WORDS,
    SINGULAR,
)

_SIGHT = 1000  # characters: what is asked stands at the beginning
_CLAUSE = re.compile(r"[.!?;:,()\n\u2014\"\u201c\u201d]+|\s-\s")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|\d+")
_PREAMBLE = re.compile(
    r"(?:please|kindly|hey|hello|hi|ok|okay|now|then|first|firstly|next|finally|lastly|also|so|and|but|just|again)\b"
    r"|(?:can|could|would|will) you\b|would you mind\b|are you able to\b"
    r"|i (?:want|need|ask|would like|order|expect) (?:you )?to\b|i['\u2019]d like (?:you )?to\b"
    r"|(?:help|let|allow) (?:me|us)(?: to)?\b|let['\u2019]s\b"
    r"|(?:your|the) (?:task|job|goal|aim|objective|assignment) (?:is|will be) to\b"
    r"|you (?:are|will be|['\u2019]re) (?:asked|required|expected|supposed|tasked|going|instructed|to)\b(?: to\b)?"
    r"|you (?:need|have|want) to\b|you (?:should|must|will|shall)\b|(?:try|make sure|be sure) to\b|go ahead and\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Root:
    """A root verb and its direct object; each empty where none was found."""

    verb: str
    object: str


def root_by_rule(instruction: str) -> Root:
    """Verb and object of the first clause that could be a request; a question gives its question word and no object.

    English only. A clause that cannot begin a request (with an article, a pronoun, a plural, a form in -ing or -ed) is
    passed over.

    >>> root_by_rule("Please write me a short story about two rivers.")
    Root(verb='write', object='story')
    >>> root_by_rule("Given a sentence, can you find all the verbs in it?")
    Root(verb='find', object='verb')
    >>> root_by_rule("How long is the Nile?"), root_by_rule("The river is long.")
    (Root(verb='how', object=''), Root(verb='', object=''))
    """
    for piece in _CLAUSE.split(instruction[:_SIGHT]):
        clause = _without_preamble(piece.strip())
        tokens = [word.replace("\u2019", "'") for word in _WORD.findall(clause.lower())]
        while tokens and tokens[0] in ADVERBS:
            tokens = tokens[1:]
        if len(tokens) > 1 and tokens[0] in BOUNDARIES and tokens[1] in QUESTION_WORDS:  # "in which year ..."
            tokens = tokens[1:]
        if not tokens or not _may_lead(tokens):
            continue
        asks = tokens[0] in QUESTION_WORDS or tokens[0] in AUXILIARIES
        return Root(tokens[0], "" if asks else _object(tokens[1:]))
    return Root("", "")


def _without_preamble(clause: str) -> str:
    while match := _PREAMBLE.match(clause):
        clause = clause[match.end() :].strip()
    return clause


def _may_lead(tokens: list[str]) -> bool:
    """Whether the first word can be a question word, an auxiliary of a question or an imperative."""
    first = tokens[0]
    if first in QUESTION_WORDS:
        return True
    if first in AUXILIARIES:  # "do the sum" is an imperative, "is" alone is nothing
        return len(tokens) > 1
    if first in NO_VERBS or first.isdigit() or len(first) < 2 or not first.isascii():
        return False
    inflected = first.endswith(("ing", "ed")) or (first.endswith("s") and not first.endswith("ss"))
    return not inflected or first in BASE_FORMS


def _object(after: list[str]) -> str:
    """The last word before the first preposition, conjunction or relative: the head of the noun phrase."""
    phrase: list[str] = []
    for at, word in enumerate(after):
        opening = not phrase
        if opening and (word in DETERMINERS or word in ADVERBS or word in PERSONS or word.isdigit()):
            continue
        if opening and at == 0 and word in PARTICLES:
            continue
        if word in BOUNDARIES or word in PERSONS or (phrase and (word in DETERMINERS or _participle(word))):
            if len(phrase) > 1 and phrase[-1].endswith("ing") and (word in DETERMINERS or word == "on"):
                phrase.pop()  # "an article discussing the ..."
            break
        phrase.append(word)
    while phrase and (phrase[-1] in ADVERBS or phrase[-1].endswith("ly")):
        phrase.pop()
    return singular(phrase[-1]) if phrase else ""


def _participle(word: str) -> bool:
    """As in `a poem called ...`, which says more about the noun before it."""
    return word.endswith("ed") and word not in BASE_FORMS


def singular(noun: str) -> str:
    """The singular of an English noun, by its ending.

    >>> [singular(noun) for noun in ("stories", "boxes", "cases", "classes", "houses", "analysis", "people", "gas")]
    ['story', 'box', 'case', 'class', 'house', 'analysis', 'person', 'gas']
    """
    if noun in SINGULAR:
        return SINGULAR[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return noun[:-2]
    if noun.endswith("s") and not noun.endswith(("ss", "us", "is", "'s")) and len(noun) > 3:
        return noun[:-1]
    return noun.removesuffix("'s")
