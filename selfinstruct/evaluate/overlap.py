"""How far an answer says what a reference says: ROUGE-L in two settings, and exact match.

ROUGE-L is that of `rouge_score` (Lin 2004), bit for bit, and so are stems. The words are the library's where texts are
ASCII; others are cut by `selfinstruct.text.segmentation`, as the library knows a-z and 0-9 alone.
"""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from selfinstruct.text import one_line, words
from selfinstruct.text.rouge_l import rouge_l

_REMEMBERED = 1 << 16
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


@dataclass(frozen=True, slots=True)
class Overlap:
    """An answer beside its references; of several the best, number by number."""

    rouge_l: float | None
    """F-measure; None where no reference has words (`???`)."""
    rouge_l_stemmed: float | None
    """The same of stems: the setting of Super-NaturalInstructions."""
    exact: bool
    """The same but for case, punctuation and white space."""


def overlap(answer: str, references: Sequence[str]) -> Overlap:
    """The answer compared with each reference.

    >>> found = overlap("Running rivers", ["It runs.", "A running river"])
    >>> round(found.rouge_l, 3), found.rouge_l_stemmed, found.exact
    (0.4, 0.8, False)
    >>> overlap("Positive.", ["positive"]).exact, overlap("长城", ["长河"]).rouge_l, overlap("!", ["?"]).rouge_l
    (True, 0.5, None)
    """
    said = words(answer)
    wanted = [cut for cut in map(words, references) if cut]
    plain = [rouge_l(said, cut) for cut in wanted]
    stems = [_stems(cut) for cut in wanted]
    return Overlap(
        max(plain, default=None),
        max((rouge_l(_stems(said), cut) for cut in stems), default=None),
        any(_bare(answer) == _bare(reference) for reference in references),
    )


def _stems(cut: Sequence[str]) -> list[str]:
    return [stem(word) for word in cut]


@lru_cache(_REMEMBERED)
def stem(word: str) -> str:
    """As `rouge_score` stems: English words of four letters or more, by NLTK's Porter stemmer.

    >>> stem("running"), stem("was"), stem("été")
    ('run', 'was', 'été')
    """
    from rouge_score.tokenizers import DefaultTokenizer

    return str(DefaultTokenizer(use_stemmer=True).tokenize(word)[0]) if word.isascii() else word


def _bare(text: str) -> str:
    """As the scorer of Super-NaturalInstructions compares: articles stay."""
    return one_line(_PUNCTUATION.sub("", text.lower()))
