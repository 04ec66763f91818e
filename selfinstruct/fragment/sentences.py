"""Does a cut instruction read as a complete sentence all the same?"""

import re

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
