"""Cuts a text in two between words, and tells whether a cut instruction reads as a complete sentence."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from random import Random
from typing import Literal, TypeAlias

from selfinstruct.text import words

By: TypeAlias = Literal["uniform", "length"]
"""How a cut is drawn: `uniform`: every place alike; `length`: first how long the rest is, then the place."""
_REMEMBERED = 1 << 16  # characters and pairs of them, of which even Chinese has few in use
_LETTERS = 3  # for each word: enough in a script without spaces
_TEXTS = 1 << 10  # lately measured: the same one is measured several times in a row
_RUN = re.compile(r"\S+")
# Vowels of Thai and Lao that are written after, or before, the letter they belong to; small kana; joiners.
_NEVER_FIRST = frozenset(
    "\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u200d\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087"
    "\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3\u30e5\u30e7\u30fc"
)
_NEVER_LAST = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4\u200d")
_LETTER = re.compile(r"[^\W_]")
ENDS = ".?!\u3002\uff1f\uff01\u2026\u0964\u061f"
"""Marks that end a sentence: Latin, Chinese and Japanese, an ellipsis, Devanagari, Arabic."""
CLOSERS = "\"'\u201d\u2019)]\u00bb\u300d\u300f\uff09"
"""Quotation marks and brackets that may follow them."""
_END = re.compile(rf"[{ENDS}][{re.escape(CLOSERS)}]*\Z")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|mr|mrs|ms|dr|prof|no|fig|approx|st)|\b[a-z]|\d)\.\Z", re.IGNORECASE
)
_SENTENCE_START = re.compile(rf"[{ENDS}:]\s+|\n")
_SHORTEST = 3  # words of a sentence without a mark
_LAST_WORD = re.compile(r"([\w'\u2019-]+)[\"\u201d)]?\Z")
_FIRST_WORD = re.compile(r"\s*[\"\u201c(]?([\w'\u2019-]+)")
# English: a head that ends in one of these waits for more ...
_WAITING_WORDS = (
    "a an the this these those that my your his her its our their whose every each any some no all both either "
    "neither of in on at by for with from to into onto about between among over under than as like per via "
    "within without through during against across toward towards upon around before after behind beyond "
    "including using regarding and or but nor so if when where while because since although though unless until "
    "whether which who whom what how why is are was were be been being am do does did has have had can could "
    "will would shall should may might must i you he she it we they there not very more most less least such "
    "only also just too quite rather other another same following given based please different various several "
    "many few two three four five six seven eight nine ten write give make create provide generate describe "
    "explain identify list name find suggest compose come use let first second next best new short brief simple "
    "single specific good great small large long main "
)
# ... and one that is followed by one of these may have ended there.
_ADDING_WORDS = (
    "in on at by for with from to into about during without within through across against using including based "
    "according regarding and or but so that which who where when while because since if as than before after "
    "between over under such "
)
_PAIRING = re.compile(r"\b(?:between|compare|contrast|both|either|differentiate|distinguish|choose|versus)\b")
# After "and" a second order begins only with such a word; else it joins two words, of which one is missing.
_SECOND_ORDER = re.compile(
    r"\s*(?:and|or)\s+(?:then\s+)?(?:explain|say|describe|provide|give|list|write|tell|suggest|include|state|name|why|how"
    r"|what|where|when|who|make|use|identify|find|show|add|compare|discuss|summari[sz]e|create|answer)\b"
)
# Verbs and adjectives that are nothing without the little word after them; and what should be done to something.
_BOUND = re.compile(
    r"\b(?:focus\w*|depend\w*|rel(?:y|ies|ied|ated|evant)|refer\w*|consist\w*|belong\w*|lead\w*|led|due|compared"
    r"|similar|able|likely|necessary|used|going|wants?|needs?|deals?|according|regard\w*|respond\w*|equal|close\w*)\Z"
    r"|\b(?:allow\w*|enabl\w*|help\w*|caus\w*|want\w*|ask\w*|need\w*|to)\s+\S+\Z"
)
# What is asked by these verbs is not said before their second part.
_TRANSITIVE = re.compile(r"\A\s*(?:please\s+)?(?:convert|translate|turn|change|replace|transform|rank|sort)\b")
_WAITING, _ADDING = frozenset(_WAITING_WORDS.split()), frozenset(_ADDING_WORDS.split())


@dataclass(frozen=True, slots=True)
class Cut:
    """An instruction in two parts that join back to it, character by character."""

    head: str
    """I_p; no white space at its end."""
    tail: str
    """I_c, with the white space before it."""
    complete: bool
    """The head reads as a complete sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere a text may be cut, and how many words lie on each side."""

    at: int
    before: int
    after: int


def edges(text: str) -> list[int]:
    """Where a text may be parted: before white space, and around each character of a script without spaces.

    >>> edges("Don't stop now"), edges("用GPT写诗。")
    ([5, 10], [1, 4, 5])
    """
    return [*_edges(text)]


def places(text: str) -> list[Place]:
    """Every edge with the words before and after it; a word holds a letter, a digit or a picture.

    >>> places("Name two rivers")
    [Place(at=4, before=1, after=2), Place(at=8, before=2, after=1)]
    """
    offsets, counts = edges(text), [0]
    for part in _parts(text, offsets):
        counts.append(counts[-1] + part)
    return [Place(at, before, counts[-1] - before) for at, before in zip(offsets, counts[1:], strict=False)]


def size(text: str) -> int:
    """Words; each character of a script without spaces is one.

    >>> size("Don't stop - now"), size("写一首诗。")
    (3, 4)
    """
    if _spaced(text):
        return sum(1 for run in text.split() if _LETTER.search(run))
    return sum(_parts(text, edges(text)))


def first_words(text: str, many: int) -> str:
    """Its beginning, with at most so many words; all of it where it has no more.

    >>> first_words("One, two, three", 2)
    'One, two,'
    """
    if not _spaced(text):
        # Most often its beginning is enough to find the place.
        for start in (text[: many * _LETTERS], text):
            for place in places(start):
                if place.before == many and place.after:
                    return text[: place.at]
        return text
    seen, end = 0, len(text)
    for run in _RUN.finditer(text):
        if _LETTER.search(run[0]):
            if seen == many:
                return text[:end]
            seen, end = seen + 1, run.end()
    return text


def cut(
    text: str,
    random: Random,
    *,
    by: By = "uniform",
    least: int = 3,
    most: int | None = None,
    language: str = "en",
    avoid_complete: bool = False,
) -> Cut | None:
    """A cut with at least `least` words on each side and at most `most` after it; None where there is none.

    `by="length"` draws the words of the rest, few or many alike up to `most`, so that long texts give short rests too.
    `avoid_complete` takes a cut whose head is a complete sentence only where there is no other.

    >>> cut("Name two long rivers of Spain.", Random(1))
    Cut(head='Name two long', tail=' rivers of Spain.', complete=False)
    """
    able = [place for place in places(text) if place.before >= least and place.after >= least]
    able = [place for place in able if most is None or place.after <= most]
    if avoid_complete:
        able = [place for place in able if not stands_alone(text[: place.at], text[place.at :], language)] or able
    if not able:
        return None
    if by == "uniform":
        place = random.choice(able)
    else:
        rest = random.choice(sorted({place.after for place in able}))
        place = random.choice([place for place in able if place.after == rest])
    head, tail = text[: place.at], text[place.at :]
    return Cut(head, tail, stands_alone(head, tail, language))


def can_be_cut(text: str, least: int) -> bool:
    """There is a place with at least so many words on each side."""
    return any(place.before >= least and place.after >= least for place in places(text))


@lru_cache(_TEXTS)
def _edges(text: str) -> tuple[int, ...]:
    inner = [run.end() for run in _RUN.finditer(text)][:-1]
    if _spaced(text):
        return tuple(inner)
    between_signs = [at for at, (before, after) in enumerate(pairwise(text), 1) if _may_part(before, after)]
    return tuple(sorted([*inner, *between_signs]))


def _parts(text: str, offsets: list[int]) -> Iterator[int]:
    """1 for each part that holds a word, 0 for each that does not."""
    bounds = pairwise([0, *offsets, len(text)])
    if _spaced(text):
        return (1 if _LETTER.search(text, start, end) else 0 for start, end in bounds)
    return (_holds_word(text[start:end]) for start, end in bounds)


@lru_cache(_TEXTS)
def _spaced(text: str) -> bool:
    """No character is a word of its own: white space alone parts words."""
    return text.isascii() or not any(map(_alone, {*text}))


@lru_cache(_REMEMBERED)
def _may_part(before: str, after: str) -> bool:
    """Two neighbours that no one reads as one: neither a mark on its letter nor a bracket and what it holds."""
    if before.isspace() or after.isspace() or not (_alone(before) or _alone(after)):
        return False
    if after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return _category(after) in "LNS" and _category(before, 2) not in ("Ps", "Pi")


@lru_cache(_REMEMBERED)
def _holds_word(part: str) -> int:
    return 1 if words(part) else 0


@cache
def _alone(char: str) -> bool:
    """A script without spaces: the character is a word wherever it stands."""
    return len(words(char * 2)) > 1


@cache
def _category(char: str, letters: int = 1) -> str:
    return unicodedata.category(char)[:letters]


def stands_alone(head: str, tail: str, language: str = "en") -> bool:
    """The head could be a whole instruction: it ends in a full stop, a question mark or a paragraph, or reads so.

    The last is a guess, for English only: no word at the end that waits for more, and what follows could have been
    left out. It is a mark to count by, not a verdict.

    >>> stands_alone("Name a river.", " Say why."), stands_alone("List three long rivers", " in Spain.")
    (True, True)
    >>> stands_alone("List three long", " rivers in Spain."), stands_alone("Compare tea", " and coffee.")
    (False, False)
    """
    if _open_bracket(head):
        return False
    if _END.search(head):
        return not _ABBREVIATION.search(head)
    if re.match(r"\s*\n\s*\n", tail):
        return True
    if language not in ("", "en") or tail.lstrip(" ").startswith("\n"):
        return False
    sentence = _SENTENCE_START.split(head)[-1].lower()
    return len(sentence.split()) >= _SHORTEST and _reads_complete(sentence, tail.lower())


def _reads_complete(head: str, tail: str) -> bool:
    last, following = _LAST_WORD.search(head), _FIRST_WORD.match(tail)
    if not last or not following or last[1] in _WAITING or following[1] not in _ADDING:
        return False
    if following[1] in ("and", "or"):
        return bool(_SECOND_ORDER.match(tail)) and not _PAIRING.search(head)
    if _BOUND.search(head):
        return False
    return not (following[1] in ("to", "into", "by", "from", "with") and _TRANSITIVE.match(head))


def _open_bracket(head: str) -> bool:
    """A bracket or a quotation that the head opens and does not close."""
    return (
        head.count("(") > head.count(")")
        or head.count("[") > head.count("]")
        or head.count("“") > head.count("”")
        or head.count('"') % 2 == 1
    )
