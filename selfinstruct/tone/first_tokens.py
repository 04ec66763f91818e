"""The first tokens of a response, with a tokenizer handed in or without one."""

import re
from collections.abc import Callable
from typing import TypeAlias

CountTokens: TypeAlias = Callable[[str], int]
"""Tokens of a text by a tokenizer at hand."""

TONE_TOKENS = 48
"""As many generated tokens are looked at to tell the tone; what comes later cannot change it."""

# Small byte-level vocabularies hold most English words of up to eight letters whole and take digits one by one.
_PIECE = re.compile(r"[^\W\d_]+|\d|\n+|[^\w\s]|_+")
_LETTERS_A_TOKEN, _BYTES_A_TOKEN = 8, 3


def approximate_tokens(text: str) -> int:
    r"""Tokens of a text, without a tokenizer: one for every eight letters begun of a word, digit, mark or line end.

    Letters beyond ASCII count by their bytes in UTF-8, three to a token.

    >>> approximate_tokens("The Nile, 6650 km."), approximate_tokens("internationally"), approximate_tokens("长城")
    (9, 2, 2)
    """
    return sum(_cost(piece[0]) for piece in _PIECE.finditer(text))


def first_tokens(text: str, limit: int = TONE_TOKENS, count: CountTokens | None = None) -> str:
    r"""The longest beginning of at most `limit` tokens that ends with a word or mark.

    White space before it stays, that after it goes. Without `count` the tokens are those of `approximate_tokens`.

    >>> first_tokens(" The Nile, 6650 km.", 3)
    ' The Nile,'
    >>> first_tokens("one two three", 2, count=lambda text: len(text.split()))
    'one two'
    """
    if count is None:
        end = _end(text, limit)
    else:
        ends = [piece.end() for piece in _PIECE.finditer(text)]
        fitting = _fitting(text, ends, limit, count)
        end = ends[fitting - 1] if fitting else 0
    # what follows must leave no trace, not even the space before it
    return text[:end].rstrip()


def _end(text: str, limit: int) -> int:
    """Where the last piece ends that fits, by approximation; no piece beyond it is looked at."""
    left, end = limit, 0
    for piece in _PIECE.finditer(text):
        left -= _cost(piece[0])
        if left < 0:
            break
        end = piece.end()
    return end


def _cost(piece: str) -> int:
    if piece.isascii():
        return -(-len(piece) // _LETTERS_A_TOKEN) if piece.isalpha() else 1
    return -(-len(piece.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN)


def _fitting(text: str, ends: list[int], limit: int, count: CountTokens) -> int:
    """How many pieces fit, by bisection: a longer beginning never has fewer tokens."""
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[: ends[middle - 1]]) <= limit:
            low = middle
        else:
            high = middle - 1
    return low
