"""About how many tokens a text has, without a tokenizer."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from selfinstruct.text import words

CountTokens: TypeAlias = Callable[[str], int]
"""Tokens of a text by a tokenizer at hand."""

# Least relative squares over 2,910 texts against the 49,152-entry byte-level BPE of SmolLM2: English, Chinese and code
# of 20 tokens and more are met within 7 % on average; other European languages come out a third too low.
_A_WORD, _A_MARK, _A_FURTHER_BYTE, _A_LINE_END = 1.1, 0.85, 0.32, 1.3


def estimated_tokens(text: str, cut: Sequence[str] | None = None) -> int:
    r"""From words, marks, line ends and the bytes that UTF-8 takes beyond one for a character.

    `cut` are the text's words, where they are cut already.

    >>> estimated_tokens("Name three rivers of Europe."), estimated_tokens("x = [1, 2]"), estimated_tokens("")
    (6, 7, 0)
    """
    if not text:
        return 0
    cut = words(text) if cut is None else cut
    marks = max(0, len("".join(text.split())) - sum(map(len, cut)))
    further = 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - len(text)
    estimate = _A_WORD * len(cut) + _A_MARK * marks + _A_FURTHER_BYTE * further + _A_LINE_END * text.count("\n")
    return round(estimate)
