"""How far an answer says what a reference says: ROUGE-L in two settings, and exact match."""

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass

from selfinstruct.score.stemming import stem
from selfinstruct.text import one_line, program_words

_STEMMED_FROM = 4  # letters of a word that `rouge_score` stems
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


@dataclass(frozen=True, slots=True)
class Overlap:
    """An answer beside its references; of several the best, number by number."""

    rouge_l: float | None
    """F-measure, words as `rouge_score` cuts them; None where no reference has such words (another script, `???`)."""
    rouge_l_stemmed: float | None
    """The same of stems: the setting of Super-NaturalInstructions."""
    exact: bool
    """The same but for case, punctuation and white space."""


def overlap(answer: str, references: Sequence[str]) -> Overlap:
    """The answer compared with each reference.

    >>> found = overlap("Running rivers", ["It runs.", "A running river"])
    >>> round(found.rouge_l, 3), found.rouge_l_stemmed, found.exact
    (0.4, 0.8, False)
    >>> overlap("Positive.", ["positive"]).exact, overlap("长城", ["长城"]).rouge_l is None
    (True, True)
    """
    said = program_words(answer)
    wanted = [program_words(reference) for reference in references]
    plain = [rouge_l(said, words) for words in wanted if words]
    stems = [_stems(words) for words in wanted if words]
    return Overlap(
        max(plain, default=None),
        max((rouge_l(_stems(said), words) for words in stems), default=None),
        any(_bare(answer) == _bare(reference) for reference in references),
    )


def rouge_l(answer: Sequence[str], reference: Sequence[str]) -> float:
    """ROUGE-L of two lists of words (Lin 2004), in the float operations of `rouge_score`; 0 if either is empty.

    >>> rouge_l("name a river".split(), "name a long river".split())
    0.8571428571428571
    """
    from rapidfuzz.distance import LCSseq

    common = LCSseq.similarity(answer, reference) if answer and reference else 0
    if not common:
        return 0.0
    precision, recall = common / len(answer), common / len(reference)
    return 2 * precision * recall / (precision + recall)


def _stems(words: Sequence[str]) -> list[str]:
    return [stem(word) if len(word) >= _STEMMED_FROM else word for word in words]


def _bare(text: str) -> str:
    """As the scorer of Super-NaturalInstructions compares: articles stay."""
    return one_line(_PUNCTUATION.sub("", text.lower()))
