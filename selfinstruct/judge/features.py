"""What the linear judge reads of a pair (words and characters beside the seam), hashed into 2^bits features.

What is left out matters as much as what is in. No length: it tells a cut from a response in any set that was not
matched for it, and nothing about tone. No bag of single words: it learns what a set's responses are about, and fails on
the next set (on an unseen source the area under the curve rose without it). No character n-grams, for the same reason.
"""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

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
_REMEMBERED = 1 << 16
_WORD = 1 << 32
"""Set in the number of every word, so that none is 0, which means "no word here"."""
FEATURES_VERSION = 1
"""Raised when any feature changes: weights of another version mean nothing."""
BITS = 18
NOWHERE = 0
"""The place of a feature that a pair does not have; its weight stays 0."""
_BATCH = 512
"""Pairs read at a time: few enough that the arrays stay in the processor's cache."""
_EARLY = 6
_LINKED = 16
_SOON = 8
_EIGHTHS = 8
# Words around the seam: p1 is the prompt's last, p2 the one before; c1 is the continuation's first; o1 opens the
# prompt; `mark` is the shape of p1 (its final mark), s1..s3 those of c1..c3; `pend` the prompt's last two characters,
# `pend3` three; `cbegin` the continuation's first two, `cbegin3` three.
_SAID = ("c1", "c2", "c1 c2", "c1 c2 c3", "s1", "s1 s2", "s1 s2 s3")
_SEAM = (
    *("p1", "p2 p1", "p3 p2 p1", "p1 c1", "p2 p1 c1", "p1 c1 c2", "p1 c2", "p2 c1"),
    *("mark c1", "mark c2", "mark c3", "mark c1 c2", "mark c1 c2 c3", "mark s1", "mark s1 s2", "mark s1 c1"),
    *("p1 s1", "p1 s1 s2", "p2 p1 s1", "pend s1", "pend3 s1", "pend c1", "pend3 c1"),
    *("pend cbegin", "pend3 cbegin3", "p1 cbegin", "p1 cbegin3"),
    *("o1 c1", "o1 mark s1"),
)


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


@lru_cache(_REMEMBERED)
def word_number(word: str) -> int:
    """A number for a word, never 0; upper and lower case are one.

    >>> word_number("River") == word_number("river") != word_number("rivers")
    True
    """
    return zlib.crc32(word.lower().encode("utf-8", "surrogatepass")) | _WORD


def code_points(texts: Sequence[str], width: int) -> "NDArray[np.uint64]":
    """A row of `width` code points for each text, cut or filled with zeros; shape (texts, width).

    >>> code_points(["ab", "å"], 2).tolist()
    [[97, 98], [229, 0]]
    """
    import numpy as np

    joined = "".join(text[:width].ljust(width, "\0") for text in texts)
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
    return raw.reshape(len(texts), width).astype(np.uint64)


def scattered(numbers: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """Each number made into one that looks random, one to one (the finaliser of SplitMix64, Steele et al. 2014).

    >>> import numpy as np
    >>> f"{int(scattered(np.array([1], np.uint64))[0]):x}"
    '5692161d100b05e5'
    """
    import numpy as np

    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def combined(kind: int, *parts: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """One number for the parts in this order, element by element; different for each `kind`.

    >>> import numpy as np
    >>> one, two = np.array([5], np.uint64), np.array([7], np.uint64)
    >>> bool(combined(1, one, two) == combined(1, two, one)), bool(combined(1, one) == combined(2, one))
    (False, False)
    """
    import numpy as np

    number = np.full(1, (kind + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1, np.uint64)
    for part in parts:
        number = scattered(number + part) * np.uint64(0x9E3779B97F4A7C15)
    return number


def drawn(seed: int, count: int, below: int) -> "NDArray[np.int64]":
    """`count` numbers in 0..below-1, the same for the same seed wherever they are drawn.

    >>> drawn(7, 5, 10).tolist() == drawn(7, 9, 10).tolist()[:5]
    True
    """
    import numpy as np

    places = np.arange(count, dtype=np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 1) & (1 << 64) - 1)
    # the upper 32 bits, scaled: no modulo, hence no bias worth naming for fewer than a million
    return ((scattered(combined(0, places)) >> np.uint64(32)) * np.uint64(below) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """Some features of every pair."""

    numbers: "NDArray[np.uint64]"
    """(pairs, features)."""
    there: "NDArray[np.bool_] | None" = None
    """Which of them the pair has; None: all."""


def places(pairs: Sequence[tuple[str, str]], *, pair_aware: bool, bits: int = BITS) -> "NDArray[np.int32]":
    """A row for each (prompt, continuation): the places of its features, `NOWHERE` for those it does not have.

    >>> seen = places([("Name a", "river."), ("Name a river.", "The Elbe.")], pair_aware=True)
    >>> seen.shape[0], bool((seen < 2**BITS).all())
    (2, True)
    """
    import numpy as np

    waiting, rows = iter(pairs), []
    while batch := list(islice(waiting, _BATCH)):
        reading = read(batch)
        blocks = [*_reply_features(reading), *(_prompt_features(reading) if pair_aware else ())]
        rows.append(np.concatenate([_hashed(kind, block, bits) for kind, block in enumerate(blocks)], axis=1))
    return np.concatenate(rows) if rows else np.zeros((0, 1), np.int32)


def _hashed(kind: int, block: FeatureBlock, bits: int) -> "NDArray[np.int32]":
    import numpy as np

    indices = (combined(kind, block.numbers) >> np.uint64(64 - bits)).astype(np.int32)
    indices[indices == NOWHERE] = 1
    if block.there is not None:
        indices[~block.there] = NOWHERE
    return indices


def _reply_features(reading: Reading) -> Iterator[FeatureBlock]:
    """What the continuation alone says."""
    words = _words(reading)
    for names in _SAID:
        yield _crossed(names, words)
    head = reading.head
    yield FeatureBlock(head[:, :_EARLY], head[:, :_EARLY] != 0)
    pairs, there = _linked(head)
    yield FeatureBlock(pairs[:, :_LINKED], there[:, :_LINKED])
    yield FeatureBlock(_eighths(_distinct(pairs, there), there))


def _prompt_features(reading: Reading) -> Iterator[FeatureBlock]:
    """How the continuation goes with the prompt."""
    import numpy as np

    words = _words(reading)
    for names in _SEAM:
        yield _crossed(names, words)
    head, mark = reading.head, words["mark"]
    yield FeatureBlock(combined(0, mark, head[:, :_EARLY]), head[:, :_EARLY] != 0)
    again = _occurs(head, np.concatenate([reading.opening, reading.tail], axis=1))
    shared = _eighths(again.sum(axis=1), head != 0)
    yield FeatureBlock(shared)
    yield FeatureBlock(combined(0, shared, mark))
    yield FeatureBlock(_eighths(again[:, :_SOON].sum(axis=1), head[:, :_SOON] != 0))
    pairs, there = _linked(head)
    copied = _occurs(pairs, np.concatenate([_linked(reading.opening)[0], _linked(reading.tail[:, ::-1])[0]], axis=1))
    copied &= there
    yield FeatureBlock(_eighths(copied.sum(axis=1), there))
    yield FeatureBlock(_eighths(copied[:, :_EARLY].sum(axis=1), there[:, :_EARLY]))
    which = (again[:, :4] * np.array([1, 2, 4, 8])).sum(axis=1, keepdims=True).astype(np.uint64)
    yield FeatureBlock(which)
    yield FeatureBlock(combined(0, which, words["c1"]))
    yield FeatureBlock(combined(0, which, words["s1"], mark))
    same_start = (words["o1"] == words["c1"]).astype(np.uint64)
    same_end = (words["p1"] == words["c1"]).astype(np.uint64)
    yield FeatureBlock(same_start + same_end * np.uint64(2))


def _words(reading: Reading) -> Mapping[str, "NDArray[np.uint64]"]:
    """The columns that `_SAID` and `_SEAM` name."""
    begin, end, shapes = reading.head_characters, reading.tail_characters, reading.shapes
    columns = {"mark": shapes[:, 3:], "o1": reading.opening[:, :1]}
    for place in range(3):
        columns[f"p{place + 1}"] = reading.tail[:, place : place + 1]
        columns[f"c{place + 1}"] = reading.head[:, place : place + 1]
        columns[f"s{place + 1}"] = shapes[:, place : place + 1]
    for name, characters in (("pend", end), ("cbegin", begin)):
        columns[name] = combined(0, characters[:, :1], characters[:, 1:2])
        columns[f"{name}3"] = combined(0, characters[:, :1], characters[:, 1:2], characters[:, 2:3])
    return columns


def _crossed(names: str, words: Mapping[str, "NDArray[np.uint64]"]) -> FeatureBlock:
    """One feature for the words of those names together."""
    return FeatureBlock(combined(0, *[words[name] for name in names.split()]))


def _linked(words: "NDArray[np.uint64]") -> tuple["NDArray[np.uint64]", "NDArray[np.bool_]"]:
    """Neighbouring words as one number, 0 where there are none, and where there are."""
    import numpy as np

    there = (words[:, 1:] != 0) & (words[:, :-1] != 0)
    return np.where(there, combined(0, words[:, :-1], words[:, 1:]), np.uint64(0)), there


def _distinct(numbers: "NDArray[np.uint64]", there: "NDArray[np.bool_]") -> "NDArray[np.int64]":
    """How many different numbers each row has; a text that goes round in circles has few."""
    import numpy as np

    ranked = np.sort(np.where(there, numbers, np.uint64(0)), axis=1)
    fresh = (ranked[:, 1:] != ranked[:, :-1]) & (ranked[:, 1:] != 0)
    return np.asarray(fresh.sum(axis=1) + (ranked[:, 0] != 0), np.int64)


def _occurs(words: "NDArray[np.uint64]", among: "NDArray[np.uint64]") -> "NDArray[np.bool_]":
    """Which words of each row occur in the same row of the other."""
    import numpy as np

    return np.asarray((words[:, :, None] == among[:, None, :]).any(axis=2) & (words != 0))


def _eighths(part: "NDArray[np.int64]", of: "NDArray[np.bool_]") -> "NDArray[np.uint64]":
    """A share as one of nine steps; a tenth one where there is nothing to have a share of."""
    import numpy as np

    whole = of.sum(axis=1)
    steps = (2 * _EIGHTHS * part + whole) // np.maximum(2 * whole, 1)  # rounded half up, in whole numbers
    return np.where(whole > 0, steps, _EIGHTHS + 1).astype(np.uint64)[:, None]
