"""How easy English prose is to read, and whether a text is English prose at all."""

import re

from selfinstruct.curate.simplification.blocks import sentences, without_marks
from selfinstruct.text import words

_VOWELS = re.compile(r"[aeiouy]+")
_COMMON = frozenset(
    words(
        "the of and to a in is it that for on are as with be this by from or an was can you your at have which not but"
        " they their has its will he she his her we our i if these there so when what how more also"
    )
)
_COMMON_SHARE = 0.2  # of the words; English prose has about 0.4, lists about 0.25, other languages under 0.1


def looks_english(text: str) -> bool:
    """Whether a fifth of the words are the commonest English ones; no other Latin script language comes near.

    >>> looks_english("The cat is on the mat."), looks_english("Le chat est sur le tapis."), looks_english("猫")
    (True, False, False)
    """
    found = words(text)
    return bool(found) and sum(word in _COMMON for word in found) >= _COMMON_SHARE * len(found)


def flesch_reading_ease(text: str) -> float | None:
    """Flesch's 206.835 - 1.015 words per sentence - 84.6 syllables per word; None where there is no English prose.

    About 100 is easy, 0 very hard. Syllables are counted by groups of vowels, a silent last `e` less.

    >>> round(flesch_reading_ease("The cat sat on the mat."))
    116
    >>> flesch_reading_ease("42") is None
    True
    """
    prose = without_marks(text)
    found = re.findall(r"[a-z]+(?:'[a-z]+)?", prose.lower())
    if not found or not looks_english(prose):
        return None
    ends = max(1, len(sentences(prose)))
    return 206.835 - 1.015 * len(found) / ends - 84.6 * sum(map(syllables, found)) / len(found)


def syllables(word: str) -> int:
    """Groups of vowels in a lower-case English word, at least one.

    >>> [syllables(word) for word in ("make", "table", "reading", "the", "rhythm")]
    [1, 2, 2, 1, 1]
    """
    count = len(_VOWELS.findall(word))
    if word.endswith("e") and not word.endswith(("le", "ee", "ye")) and count > 1:
        count -= 1
    return max(1, count)
