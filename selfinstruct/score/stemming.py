"""Word stems as `rouge_score` makes them: Porter's algorithm with the extensions of NLTK's stemmer.

Porter (1980), An algorithm for suffix stripping. A *stem's measure* is how often a vowel (or several) is followed by a
consonant (or several). The extensions: a dozen words of their own, `ies`, `ied`, `bli`, `alli`, `fulli`, `logi`, and a
final `y` that becomes `i` after a consonant alone. An oracle test holds both against the library.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

Condition: TypeAlias = Callable[[str], bool]
"""What must hold of what is left when the ending is gone."""

_OWN: Mapping[str, str] = {
    "skies": "sky",
    "sky": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    "innings": "inning",
    "inning": "inning",
    "outings": "outing",
    "outing": "outing",
    "cannings": "canning",
    "canning": "canning",
    "howe": "howe",
    "proceed": "proceed",
    "exceed": "exceed",
    "succeed": "succeed",
}
_STEP_2 = (
    *(("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble")),
    *(("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate")),
    *(("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous")),
    *(("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful")),
)
_STEP_3 = (
    *(("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")),
)
_STEP_4 = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate"),
    *("iti", "ous", "ive", "ize"),
)
_VOWEL_THEN_CONSONANT = re.compile("v+c+")


@lru_cache(1 << 16)
def stem(word: str) -> str:
    """The stem of a word in lower case.

    >>> [stem(word) for word in ("running", "relational", "happily", "skies", "flies", "hopping", "agreed")]
    ['run', 'relat', 'happili', 'sky', 'fli', 'hop', 'agre']
    """
    if word in _OWN:
        return _OWN[word]
    if len(word) <= 2:
        return word
    for step in (_plural, _past, _last_y, _second, _third, _fourth, _last_e, _last_l):
        word = step(word)
    return word


def _plural(word: str) -> str:
    if word.endswith("sses") or (word.endswith("ies") and len(word) != 4):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    for ending in ("ed", "ing"):
        left = word.removesuffix(ending)
        if left != word and "v" in _shape(left):
            return _mended(left)
    return word


def _mended(left: str) -> str:
    """What lost its `ed` or `ing`, as its dictionary form ends."""
    if left.endswith(("at", "bl", "iz")):
        return left + "e"
    if _ends_in_double_consonant(left):
        return left if left[-1] in "lsz" else left[:-1]
    return left + "e" if _measure(left) == 1 and _is_short(left) else left


def _last_y(word: str) -> str:
    left = word[:-1]
    return left + "i" if word.endswith("y") and len(left) > 1 and _shape(left)[-1] == "c" else word


def _second(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]):
        return _second(word[:-2])
    for ending, instead in _STEP_2:
        if word.endswith(ending):
            left = word.removesuffix(ending)
            return left + instead if _measure(left) else word
    return word[:-1] if word.endswith("logi") and _measure(word[:-3]) else word


def _third(word: str) -> str:
    for ending, instead in _STEP_3:
        if word.endswith(ending):
            left = word.removesuffix(ending)
            return left + instead if _measure(left) else word
    return word


def _fourth(word: str) -> str:
    for ending in _STEP_4:
        if word.endswith(ending):
            left = word.removesuffix(ending)
            fits = _measure(left) > 1 and (ending != "ion" or left.endswith(("s", "t")))
            return left if fits else word
    return word


def _last_e(word: str) -> str:
    left = word[:-1]
    measure = _measure(left) if word.endswith("e") else 0
    return left if measure > 1 or (measure == 1 and not _is_short(left)) else word


def _last_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _shape(word: str) -> str:
    """Letter by letter, `v` for a vowel and `c` for a consonant; `y` is a vowel after a consonant."""
    shape = ""
    for letter in word:
        is_vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if is_vowel else "c"
    return shape


def _measure(word: str) -> int:
    return len(_VOWEL_THEN_CONSONANT.findall(_shape(word)))


def _ends_in_double_consonant(word: str) -> bool:
    return len(word) >= 2 and word[-1] == word[-2] and _shape(word)[-1] == "c"


def _is_short(word: str) -> bool:
    """Ends as `hop` does: consonant, vowel, consonant, the last none of w, x, y; or is a vowel and a consonant."""
    shape = _shape(word)
    return (shape[-3:] == "cvc" and word[-1] not in "wxy") or shape == "vc"
