"""What the linear judge reads of a pair: a few words and characters on both sides of the seam, as arrays of numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from selfinstruct.judge.hashing import code_points, word_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEAD_WORDS = 32
"""Words read of the continuation, from its start. A model's tone shows in its first words, and what a cap on tokens
cut off must not matter."""
HEAD_CHARACTERS = 24
TAIL_WORDS = 24
"""Words read of the prompt, up to the seam."""
TAIL_CHARACTERS = 12
OPENING_WORDS = 12
"""Words read of the prompt's beginning, where an instruction says what it wants."""
_REACH = 12
"""Characters looked at for each word wanted."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+|\n|[^\w\s]")
_NEWLINES = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Reading:
    """One row a pair; words are numbers, 0 where there is none."""

    head: "NDArray[np.uint64]"
    """The continuation's first words: (pairs, HEAD_WORDS)."""
    tail: "NDArray[np.uint64]"
    """The prompt's last words, the last one first: (pairs, TAIL_WORDS)."""
    opening: "NDArray[np.uint64]"
    """The prompt's first words: (pairs, OPENING_WORDS)."""
    head_characters: "NDArray[np.uint64]"
    """Lower-case code points from the continuation's start: (pairs, HEAD_CHARACTERS)."""
    tail_characters: "NDArray[np.uint64]"
    """Lower-case code points from the prompt's end backwards: (pairs, TAIL_CHARACTERS)."""
    shapes: "NDArray[np.uint64]"
    """Shape of the continuation's first three words and of the prompt's last one: (pairs, 4)."""


def read(pairs: Sequence[tuple[str, str]]) -> Reading:
    """The arrays for (prompt, continuation) pairs; white space at the seam does not count."""
    import numpy as np

    heads, tails, openings, head_texts, tail_texts, shapes = [], [], [], [], [], []
    for prompt, continuation in pairs:
        start = _plain(continuation.lstrip()[: HEAD_WORDS * _REACH])
        end = _plain(prompt.rstrip()[-TAIL_WORDS * _REACH :])
        said = _TOKEN.findall(start)[:HEAD_WORDS]
        asked = _TOKEN.findall(end)[-TAIL_WORDS:][::-1]
        first = _TOKEN.findall(_plain(prompt.strip()[: OPENING_WORDS * _REACH]))[:OPENING_WORDS]
        heads.append(_numbers(said, HEAD_WORDS))
        tails.append(_numbers(asked, TAIL_WORDS))
        openings.append(_numbers(first, OPENING_WORDS))
        head_texts.append(start[:HEAD_CHARACTERS].lower())
        tail_texts.append(end[: -TAIL_CHARACTERS - 1 : -1].lower())
        shapes.append([shape(word) for word in (*said[:3], "", "", "")[:3]] + [shape(asked[0] if asked else "")])
    return Reading(
        np.array(heads, np.uint64),
        np.array(tails, np.uint64),
        np.array(openings, np.uint64),
        code_points(head_texts, HEAD_CHARACTERS),
        code_points(tail_texts, TAIL_CHARACTERS),
        np.array(shapes, np.uint64),
    )


def _plain(text: str) -> str:
    """Any run of blank lines is one line break."""
    return _NEWLINES.sub("\n", text) if "\n" in text else text


def _numbers(words: list[str], width: int) -> list[int]:
    numbers = [word_number(word) for word in words]
    return numbers + [0] * (width - len(numbers))


@lru_cache(1 << 14)
def shape(word: str) -> int:
    """What a word looks like: 1 lower case, 2 capitalised, 3 capitals, 4 a number, 5 without case, 6 and up a mark.

    >>> [shape(word) for word in ("river", "River", "NASA", "3", "河", "")]
    [1, 2, 3, 4, 5, 0]
    """
    if not word:
        return 0
    first = word[0]
    if first.isdigit():
        return 4
    if not first.isalpha():
        return 6 + ord(first)
    if first.islower():
        return 1
    if not first.isupper():
        return 5
    return 3 if len(word) > 1 and word.isupper() else 2
