"""ROUGE-L of two texts that are cut into words, as every evaluation and measure reports it.

It is that of `rouge_score` (Lin 2004), bit for bit: its F-measure over the longest common subsequence, whose length
RapidFuzz finds, as the library's own loop in Python takes 30 times as long.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

_REMEMBERED = 1 << 16


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F-measure in 0..1, the same both ways; 0 if either has no words.

    >>> rouge_l("name a river".split(), "name a long river".split())
    0.8571428571428571
    """
    longest_common, fmeasure = _loaded()
    common = longest_common(one, other) if one and other else 0
    if not common:
        return 0.0
    return float(fmeasure(common / len(one), common / len(other)))


@cache
def _loaded() -> tuple[Callable[..., int], Callable[..., Any]]:
    """Late, as most verbs never measure; and once, as looking a module up takes as long as a short comparison."""
    from rapidfuzz.distance import LCSseq
    from rouge_score.scoring import fmeasure

    return LCSseq.similarity, fmeasure


def stemmed_words(text: str) -> list[str]:
    """As `rouge_score` cuts and stems, so that a number is that of published scorers; it sees a-z and 0-9 alone.

    >>> stemmed_words("Running rivers, été")
    ['run', 'river', 't']
    """
    return [str(word) for word in _tokenizer().tokenize(text)]


@lru_cache(_REMEMBERED)
def stem(word: str) -> str:
    """As `rouge_score` stems: English words of four letters or more, by NLTK's Porter stemmer.

    >>> stem("running"), stem("was"), stem("été")
    ('run', 'was', 'été')
    """
    return stemmed_words(word)[0] if word.isascii() else word


@lru_cache(1)
def _tokenizer() -> Any:  # noqa: ANN401 - the package has no types
    from rouge_score.tokenizers import DefaultTokenizer

    return DefaultTokenizer(use_stemmer=True)
