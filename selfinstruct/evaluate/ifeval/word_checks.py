"""Checkers of IFEval that count words, letters and sentences, or look at language and case.

`less than` and `at least` are the two relations of the public schema. Keywords are regular expressions there, and so
they are here; one that is none (`C++`) is searched for as it is written, where the public program stops.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from selfinstruct.text.language import likeliest

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

LESS_THAN, AT_LEAST = "less than", "at least"
RELATIONS = (LESS_THAN, AT_LEAST)

_WORD = re.compile(r"\w+")
_AFTER_FIRST_WORD = re.compile(r"[.,?!'\"]")
# Words that end in a full stop and no sentence; Punkt would learn them from a corpus, which is not shipped.
_ABBREVIATIONS = frozenset(
    (  # noqa: SIM905 - words read better as words
        "mr mrs ms messrs dr prof rev hon gen col capt lt sgt sr jr st mt ft vs etc e.g i.e cf al approx est "
        "dept inc ltd co corp bros fig figs eq vol pp ed eds u.s u.k u.n e.u a.m p.m b.c a.d ph.d m.d b.a m.a "
        "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri ave blvd rd sq "
        "no nos p.s p.p.s "
    ).split()
)


def has_keywords(said: str, *, keywords: Sequence[str]) -> bool:
    """All are there, in any case; also within a longer word.

    >>> has_keywords("A river and its Banks.", keywords=["bank", "RIVER"]), has_keywords("A lake.", keywords=["river"])
    (True, False)
    """
    return all(_keyword(word).search(said) for word in keywords)


def keyword_frequency(said: str, *, keyword: str, frequency: int, relation: str) -> bool:
    """So many places where it stands, in any case.

    >>> keyword_frequency("Rain, rain, rainy.", keyword="rain", frequency=3, relation="at least")
    True
    """
    return _holds(len(_keyword(keyword.strip()).findall(said)), relation, frequency)


def no_forbidden_words(said: str, *, forbidden_words: Sequence[str]) -> bool:
    """None of them stands as a word of its own, in any case.

    >>> no_forbidden_words("Seaside", forbidden_words=["sea"]), no_forbidden_words("The SEA.", forbidden_words=["sea"])
    (True, False)
    """
    return not any(_keyword(word, alone=True).search(said) for word in forbidden_words)


def letter_frequency(said: str, *, letter: str, let_frequency: int, let_relation: str) -> bool:
    """So many of one letter, in any case; of another sign (`#`), too, for which the public program draws a letter.

    >>> letter_frequency("Banana", letter="A", let_frequency=3, let_relation="at least")
    True
    """
    return _holds(said.lower().count(letter.strip().lower()), let_relation, let_frequency)


def in_language(said: str, *, language: str) -> bool:
    """The likeliest language is this one (ISO 639-1); a text without letters passes, as in the public program.

    >>> in_language("Le chat dort sur la chaise rouge.", language="fr"), in_language("12", language="fr")
    (True, True)
    """
    detected = likeliest(said)
    return not detected or detected == language.lower().partition("-")[0]


def sentence_number(said: str, *, num_sentences: int, relation: str) -> bool:
    """So many sentences, as `sentences` cuts them.

    >>> sentence_number("One. Two! Three?", num_sentences=3, relation="less than")
    False
    """
    return _holds(len(sentences(said)), relation, num_sentences)


def word_number(said: str, *, num_words: int, relation: str) -> bool:
    """So many runs of letters, digits and underscores: `don't` is two.

    >>> word_number("It is a river.", num_words=4, relation="at least")
    True
    """
    return _holds(len(_WORD.findall(said)), relation, num_words)


def paragraph_first_word(said: str, *, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    r"""So many paragraphs, parted by an empty line, of which the nth begins with this word.

    Between paragraphs that are parted by more than one empty line stands an empty one: it is not counted, and yet has a
    place of its own, as in the public program.

    >>> paragraph_first_word("One.\n\n'Two', he said.", num_paragraphs=2, nth_paragraph=2, first_word="Two")
    True
    """
    parts = said.split("\n\n")
    count = sum(bool(part.strip()) for part in parts)
    if not 1 <= nth_paragraph <= count or not parts[nth_paragraph - 1].strip():
        return False
    word = parts[nth_paragraph - 1].split()[0].lstrip("'").lstrip('"')
    return count == num_paragraphs and _AFTER_FIRST_WORD.split(word)[0].lower() == first_word.lower()


def capital_word_frequency(said: str, *, capital_frequency: int, capital_relation: str) -> bool:
    """So many words in capitals; a hyphenated one is one, and `I` is one.

    >>> capital_word_frequency("I saw NASA's WELL-KNOWN logo.", capital_frequency=3, capital_relation="at least")
    True
    """
    from nltk.tokenize import NLTKWordTokenizer

    cutter = NLTKWordTokenizer()
    tokens = (token for sentence in sentences(said) for token in cutter.tokenize(sentence))
    return _holds(sum(token.isupper() for token in tokens), capital_relation, capital_frequency)


def english_capital(said: str) -> bool:
    """English, and no small letter.

    >>> english_capital("THE RIVER IS LONG AND WIDE."), english_capital("The river is long and wide.")
    (True, False)
    """
    return said.isupper() and likeliest(said) in ("en", "")


def english_lowercase(said: str) -> bool:
    """The answer is English and has no capital letter.

    >>> english_lowercase("the river is long and wide."), english_lowercase("der fluss ist lang und breit.")
    (True, False)
    """
    return said.islower() and likeliest(said) in ("en", "")


def no_comma(said: str) -> bool:
    """Of the Latin script; others are no comma here.

    >>> no_comma("Salt and pepper."), no_comma("Salt, pepper.")
    (True, False)
    """
    return "," not in said


def sentences(text: str) -> list[str]:
    """Cut by NLTK's Punkt (Kiss and Strunk 2006) with common English abbreviations, not with those of its corpus.

    >>> sentences("Dr. Ada left at 5 p.m. for St. Ives. It rained!")
    ['Dr. Ada left at 5 p.m. for St. Ives.', 'It rained!']
    """
    return [str(sentence) for sentence in _punkt().tokenize(text)]


@cache
def _punkt() -> "PunktSentenceTokenizer":
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    known = PunktParameters()
    known.abbrev_types.update(_ABBREVIATIONS)
    return PunktSentenceTokenizer(known)


def _holds(count: int, relation: str, threshold: int) -> bool:
    return count < threshold if relation == LESS_THAN else count >= threshold


@cache
def _keyword(text: str, *, alone: bool = False) -> re.Pattern[str]:
    around = r"\b(?:{})\b" if alone else "{}"
    try:
        return re.compile(around.format(text), re.IGNORECASE)
    except re.error:
        return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)" if alone else re.escape(text), re.IGNORECASE)
