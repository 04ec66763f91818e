"""Levels lengths, endings and the seam of both labels' continuations, so that none of them tells the label."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from selfinstruct.fragment.cuts import CLOSERS, ENDS, first_words, places, size

_CLOSED = 0.5  # of what is shortened, the share that ends with a sentence where one ends near enough
_NEAR = 0.7  # of the words it may have
_FIRST_LETTER = re.compile(r"\W*?([^\W\d_])(?=([^\W\d_]?))")
# Drawn alike for both labels: what a model or its template puts there says nothing of the tone.
_SPACES = ("", " ", " ", " ", "\n", "\n", "\n\n", "\n\n")
_UNSPACED_SPACES = ("", "", "\n", "\n\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelledText:
    """A continuation on its way to the length it shall have."""

    label: int
    text: str
    least: int
    """Words that must stay for it to be what it is."""
    open: bool = False
    """It ends earlier than it did."""


def levelled(texts: Sequence[LevelledText], random: Random, words_at_most: int) -> list[LevelledText]:
    """The same, in the same order, shortened so that both labels have (nearly) one distribution of lengths and ends.

    The text at a quantile of its label's lengths gets no more words than the text at that quantile of the other's.
    """
    cut = [_shortened(text, words_at_most, random) for text in texts]
    sizes = [size(text.text) for text in cut]
    ranks = {label: _ranked(cut, sizes, label, random) for label in (1, 0)}
    for label, other in ((1, 0), (0, 1)):
        mine, theirs = ranks[label], ranks[other]
        for rank, place in enumerate(mine if theirs else ()):
            partner = theirs[(2 * rank + 1) * len(theirs) // (2 * len(mine))]
            cut[place] = _shortened(cut[place], max(min(sizes[place], sizes[partner]), cut[place].least), random)
    return _same_ends(cut, ranks, random)


def ends_with_mark(text: str) -> bool:
    """The last character ends a sentence; quotation marks and brackets after it do not count.

    >>> ends_with_mark('He said "yes."'), ends_with_mark("on the way to")
    (True, False)
    """
    return text.rstrip(CLOSERS + " \n")[-1:] in (*ENDS,)


def _ranked(texts: Sequence[LevelledText], sizes: Sequence[int], label: int, random: Random) -> list[int]:
    """Places of a label's texts from short to long, equals in random order."""
    places_ = [place for place, text in enumerate(texts) if text.label == label]
    random.shuffle(places_)
    return sorted(places_, key=sizes.__getitem__)


def _shortened(text: LevelledText, most: int, random: Random) -> LevelledText:
    """At most so many words: ended anywhere, or half the time at a sentence's end that is near enough."""
    if size(text.text) <= max(most, text.least):
        return text
    if random.random() < _CLOSED:
        closed = _whole_sentences(text.text, max(int(_NEAR * most), text.least), most)
        if closed:
            return replace(text, text=closed, open=True)
    return replace(text, text=first_words(text.text, max(most, text.least)).rstrip(), open=True)


def _whole_sentences(text: str, least: int, most: int) -> str:
    """The longest beginning within these bounds that ends with a sentence; empty where there is none."""
    able = [text[: place.at] for place in places(text) if least <= place.before <= most]
    return next((head for head in reversed(able) if head[-1:] in (*ENDS,)), "")


def _same_ends(texts: list[LevelledText], ranks: dict[int, list[int]], random: Random) -> list[LevelledText]:
    """Marks are taken from the ends of one label's texts until both have the same share of them."""
    if not ranks[1] or not ranks[0]:
        return texts
    marked = {label: [p for p in ranks[label] if ends_with_mark(texts[p].text)] for label in (1, 0)}
    share = min(len(marked[label]) / len(ranks[label]) for label in (1, 0))
    for label in (1, 0):
        surplus = len(marked[label]) - round(share * len(ranks[label]))
        for place in random.sample(marked[label], max(surplus, 0)):
            texts[place] = _opened(texts[place], random)
    return texts


def _opened(text: LevelledText, random: Random) -> LevelledText:
    """Without the mark at its end, half the time without its last word too."""
    bare = text.text.rstrip(CLOSERS + ENDS + " \n")
    if random.random() < 1 / 2 and (long := size(bare)) > max(text.least, 1):
        bare = first_words(bare, long - 1)
    bare = bare.rstrip()
    return replace(text, text=bare, open=True) if bare else text


def with_varied_seam(text: str, random: Random, *, varied: float, language: str) -> str:
    r"""The continuation with white space drawn anew, and in a share `varied` its first letter large or small by lot.

    >>> sorted({with_varied_seam("of Spain.", Random(seed), varied=1, language="en") for seed in range(40)})[:4]
    ['\n\nOf Spain.', '\n\nof Spain.', '\nOf Spain.', '\nof Spain.']
    """
    space = random.choice(_UNSPACED_SPACES if language in ("zh", "ja", "th") else _SPACES)
    text = text.strip()
    if random.random() < varied:
        text = _cased(text, large=random.random() < 1 / 2)
    return space + text


def _cased(text: str, *, large: bool) -> str:
    """Its first letter large or small; `NASA` and its like stay."""
    match = _FIRST_LETTER.match(text)
    if not match or (match[1].isupper() and match[2].isupper()):
        return text
    letter = match[1].upper() if large else match[1].lower()
    # Some letters have no single partner: the German sharp s would become two.
    return text if len(letter) != 1 else text[: match.start(1)] + letter + text[match.end(1) :]
