"""The compiled loop that joins texts which are too alike, each found through lists of its rarest words.

It walks the lists of `sweep`, but every text is listed and none is let go of at the first neighbour: what two texts
that are joined already have in common is never looked at. Importing this module loads numba.
"""

from typing import TYPE_CHECKING

import numpy as np

from selfinstruct.dedup.kernel import compiled_inside, compiled_once, forget, ones
from selfinstruct.dedup.sweep import Limits, Lists, Query, Scratch, Texts, _crosses, _list, _query

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    texts: Texts,
    lists: Lists,
    limits: Limits,
    scratch: Scratch,
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
    query: Query, texts: Texts, lists: Lists, limits: Limits, scratch: Scratch, parents: "NDArray[np.int64]"
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
