"""Compiled sweeps over a large list: greedy selection, and groups of texts that are too alike.

Two multisets that share `a` of their m and n elements share one among the rarest m - a + 1 and n - a + 1, so a text
needs to be looked for in a few short lists only (prefix filter of AllPairs, Bayardo et al. 2007). What is found there
passes the signature bound of `lcs_kernel` before it is compared. Importing this module loads numba.

The loop of groups walks the same lists, but every text is listed and none is let go of at the first neighbour: what two
texts that are joined already have in common is never looked at.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selfinstruct.dedup.lcs_kernel import compiled_inside, compiled_once, forget, lcs, masks_of, ones, score_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class SweepTexts(NamedTuple):
    """All texts of a sweep, and what was found about each."""

    codes: "NDArray[np.int32]"
    starts: "NDArray[np.int64]"
    signatures: "NDArray[np.uint64]"
    """Two 64-bit words each."""
    neighbour: "NDArray[np.int32]"
    """A kept text that is too similar; -1 where there is none (yet)."""


class Lists(NamedTuple):
    """For each word and band of lengths, the kept texts that have the word among their rarest, oldest first."""

    rare: "NDArray[np.int32]"
    """Each text's rarest words; those of text `i` are at `rare_starts[i]` to `rare_starts[i + 1]`."""
    rest: "NDArray[np.int32]"
    """Beside each, how many of the text's words are not rarer than it, itself included."""
    rare_starts: "NDArray[np.int64]"
    band_of: "NDArray[np.int32]"
    """The band of each length."""
    shortest: "NDArray[np.int32]"
    """The shortest length of each band, and one more for the end."""
    starts: "NDArray[np.int64]"
    """Where a list begins: by word * bands + band."""
    sizes: "NDArray[np.int32]"
    """How many have joined it; there is room for all that may."""
    entries: "NDArray[np.int32]"
    """A listed text, its length, and the word's `rest` in it."""
    marks: "NDArray[np.uint64]"
    """Beside each entry the text's signature, for to fetch it from its own place is a cache miss."""


class RougeLimits(NamedTuple):
    """The ROUGE-L above which two texts are too similar, as a table of LCS lengths and as a number."""

    least: "NDArray[np.int64]"
    """By the sum of both lengths, the smallest LCS that may be too long."""
    above: float
    """The score must also be above this, in floats; 0 where `least` alone decides."""


class SweepScratch(NamedTuple):
    """Working arrays of one thread."""

    row_of: "NDArray[np.int32]"
    """Zero for each word."""
    asked: "NDArray[np.int32]"
    """For each text, the last one that was compared with it; -1 at first."""


class Query(NamedTuple):
    """A text that is being looked up."""

    text: int
    codes: "NDArray[np.int32]"
    mark0: np.uint64
    mark1: np.uint64
    """Its signature."""
    masks: "NDArray[np.uint64]"
    state: "NDArray[np.uint64]"


@compiled_once
def look_up(first: int, last: int, texts: SweepTexts, lists: Lists, limits: RougeLimits, scratch: SweepScratch) -> None:
    """Find a neighbour in the lists for each text from `first` to `last`."""
    for text in range(first, last):
        query = _query(text, texts, scratch.row_of)
        texts.neighbour[text] = _in_lists(query, texts, lists, limits, scratch)
        forget(query.codes, scratch.row_of)


@compiled_once
def settle(first: int, last: int, texts: SweepTexts, lists: Lists, limits: RougeLimits, scratch: SweepScratch) -> None:
    """Find a neighbour among those kept since `first` for each text up to `last` that has none; keep and list the rest.

    A block is short, so it is searched from end to end.
    """
    kept = np.empty(last - first, np.int32)
    count = 0
    for text in range(first, last):
        if texts.neighbour[text] >= 0:
            continue
        query = _query(text, texts, scratch.row_of)
        texts.neighbour[text] = _in_block(query, kept[:count], texts, limits, scratch)
        forget(query.codes, scratch.row_of)
        if texts.neighbour[text] < 0:
            kept[count] = text
            count += 1
            _list(text, texts, lists)


@compiled_inside
def _query(text: int, texts: SweepTexts, row_of: "NDArray[np.int32]") -> Query:
    codes = texts.codes[texts.starts[text] : texts.starts[text + 1]]
    masks = masks_of(codes, row_of)
    mark0, mark1 = texts.signatures[text, 0], texts.signatures[text, 1]
    return Query(text, codes, mark0, mark1, masks, np.empty(masks.shape[1], np.uint64))


@compiled_inside
def _crosses(query: Query, other: int, texts: SweepTexts, limits: RougeLimits, scratch: SweepScratch) -> bool:
    """Whether ROUGE-L of the query and another text is above the limit."""
    start, stop = texts.starts[other], texts.starts[other + 1]
    common = lcs(query.masks, len(query.codes), scratch.row_of, texts.codes, start, stop, query.state)
    enough = common >= limits.least[len(query.codes) + stop - start]
    return bool(enough and score_of(common, len(query.codes), stop - start) > limits.above)


@compiled_inside
def _may_cross(query: Query, other: int, texts: SweepTexts, limits: RougeLimits) -> bool:
    """The bound: too similar if every word that could be shared were in order."""
    differing = ones(texts.signatures[other, 0] ^ query.mark0)
    differing += ones(texts.signatures[other, 1] ^ query.mark1)
    total = len(query.codes) + texts.starts[other + 1] - texts.starts[other]
    return bool(total - differing >= 2 * limits.least[total])


@compiled_inside
def _in_block(
    query: Query, kept: "NDArray[np.int32]", texts: SweepTexts, limits: RougeLimits, scratch: SweepScratch
) -> int:
    """The first of `kept` that is too similar, -1 if none."""
    for other in kept:
        if _may_cross(query, other, texts, limits) and _crosses(query, other, texts, limits, scratch):
            return int(other)
    return -1


@compiled_inside
def _in_lists(query: Query, texts: SweepTexts, lists: Lists, limits: RougeLimits, scratch: SweepScratch) -> int:
    """A listed text that is too similar, looked for from the rarest word on; -1 if none."""
    size = len(query.codes)
    bands = len(lists.shortest) - 1
    lowest = 0
    while lowest < bands and lists.shortest[lowest + 1] - 1 < limits.least[size + lists.shortest[lowest + 1] - 1]:
        lowest += 1
    for place in range(lists.rare_starts[query.text], lists.rare_starts[query.text + 1]):
        for band in range(lowest, bands):
            if lists.rest[place] < limits.least[size + lists.shortest[band]]:
                break
            similar = _in_list(
                query, lists.rest[place], lists.rare[place] * bands + band, texts, lists, limits, scratch
            )
            if similar >= 0:
                return similar
    return -1


@compiled_inside
def _in_list(
    query: Query, rest: int, row: int, texts: SweepTexts, lists: Lists, limits: RougeLimits, scratch: SweepScratch
) -> int:
    """The first text of list `row` that is too similar, -1 if none; `rest` belongs to the list's word in the query.

    The pair's first common word, in order of rarity, leaves room for min(rest, rest) common words; if this is a later
    one, the pair has been looked at before.
    """
    size = len(query.codes)
    for at in range(lists.starts[row], lists.starts[row] + lists.sizes[row]):
        total = size + lists.entries[at, 1]
        needed = limits.least[total]
        if min(rest, lists.entries[at, 2]) < needed:
            continue
        differing = ones(lists.marks[at, 0] ^ query.mark0) + ones(lists.marks[at, 1] ^ query.mark1)
        other = lists.entries[at, 0]
        if total - differing >= 2 * needed and scratch.asked[other] != query.text:
            scratch.asked[other] = query.text
            if _crosses(query, other, texts, limits, scratch):
                return int(other)
    return -1


@compiled_inside
def _list(text: int, texts: SweepTexts, lists: Lists) -> None:
    """Enter a kept text under each of its rarest words."""
    length = texts.starts[text + 1] - texts.starts[text]
    for place in range(lists.rare_starts[text], lists.rare_starts[text + 1]):
        row = lists.rare[place] * (len(lists.shortest) - 1) + lists.band_of[length]
        at = lists.starts[row] + lists.sizes[row]
        lists.entries[at, 0], lists.entries[at, 1], lists.entries[at, 2] = text, length, lists.rest[place]
        lists.marks[at] = texts.signatures[text]
        lists.sizes[row] += 1


@compiled_inside
def root(parents: "NDArray[np.int64]", text: int) -> int:
    """The text that stands for its group; paths are halved on the way."""
    while parents[text] != text:
        parents[text] = parents[parents[text]]
        text = parents[text]
    return text


@compiled_once
def join(
    first: int,
    last: int,
    texts: SweepTexts,
    lists: Lists,
    limits: RougeLimits,
    scratch: SweepScratch,
    parents: "NDArray[np.int64]",
) -> None:
    """Join each text from `first` to before `last` with every earlier one that is too like it, and list it."""
    for text in range(first, last):
        query = _query(text, texts, scratch.row_of)
        _join_one(query, texts, lists, limits, scratch, parents)
        forget(query.codes, scratch.row_of)
        _list(text, texts, lists)


@compiled_inside
def _join_one(
    query: Query,
    texts: SweepTexts,
    lists: Lists,
    limits: RougeLimits,
    scratch: SweepScratch,
    parents: "NDArray[np.int64]",
) -> None:
    size = len(query.codes)
    bands = len(lists.shortest) - 1
    lowest = 0
    while lowest < bands and lists.shortest[lowest + 1] - 1 < limits.least[size + lists.shortest[lowest + 1] - 1]:
        lowest += 1
    for place in range(lists.rare_starts[query.text], lists.rare_starts[query.text + 1]):
        for band in range(lowest, bands):
            if lists.rest[place] < limits.least[size + lists.shortest[band]]:
                break
            row = lists.rare[place] * bands + band
            for at in range(lists.starts[row], lists.starts[row] + lists.sizes[row]):
                total = size + lists.entries[at, 1]
                needed = limits.least[total]
                other = lists.entries[at, 0]
                if min(lists.rest[place], lists.entries[at, 2]) < needed or scratch.asked[other] == query.text:
                    continue
                scratch.asked[other] = query.text
                differing = ones(lists.marks[at, 0] ^ query.mark0) + ones(lists.marks[at, 1] ^ query.mark1)
                if total - differing < 2 * needed:
                    continue
                ours, theirs = root(parents, query.text), root(parents, int(other))
                if ours != theirs and _crosses(query, other, texts, limits, scratch):
                    parents[max(ours, theirs)] = min(ours, theirs)
