"""Compiled loops of near-duplicates: candidates from LSH bands, exact Jaccard, greedy clusters, the curve.

Importing this module loads numba, so `clusters` does it when first used. The shingle hashes of text `i` are
`hashes[begins[i] : begins[i] + counts[i]]`; `begins[i]` is negative where they are not in memory.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selfinstruct.dedup.lcs_kernel import compiled_inside, compiled_once, ones
from selfinstruct.dedup.near_kernel import is_new, is_there, room_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARK_WORDS = 4
"""64-bit words of a mark."""
_32 = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_SLACK = 1e-6
"""More than rounding can move a bound on how many shingles are shared."""


class Shelf(NamedTuple):
    """Shingle hashes of all texts, one text behind the other, with a bitmap of each."""

    hashes: "NDArray[np.uint64]"
    begins: "NDArray[np.int64]"
    counts: "NDArray[np.int32]"
    marks: "NDArray[np.uint64]"
    """Text x word: one bit flipped for each shingle, so that texts differ in no more bits than in shingles."""


class Meetings(NamedTuple):
    """Where kept texts wait for those that come after them: a list for each bucket of a band."""

    buckets: "NDArray[np.int32]"
    """Text x band -> bucket, -1 where no other text shares the band: that is the last bucket, always empty."""
    lists: "NDArray[np.int64]"
    """Bucket -> where its list begins in `members`, and where it ends so far: it has room for all its texts."""
    members: "NDArray[np.uint64]"
    """A kept text's folded mark; its number times 2^32 plus its size: all that a passing text must look at."""
    seen: "NDArray[np.int32]"
    """Text -> the text that it was last proposed to."""


class Verdicts(NamedTuple):
    """What is decided of each text."""

    neighbour: "NDArray[np.int32]"
    """-1 for a kept one."""
    common: "NDArray[np.int32]"
    score: "NDArray[np.float64]"


class Turns(NamedTuple):
    """The order in which texts are taken up: a permutation and its inverse."""

    order: "NDArray[np.int64]"
    """Rank -> text."""
    ranks: "NDArray[np.int64]"
    """Text -> rank."""


class ClusterScratch(NamedTuple):
    """What the loop writes on, from one call to the next."""

    table: "NDArray[np.uint64]"
    """Room for the shingles of any text."""
    stamps: "NDArray[np.int64]"
    """Which of them are there: those with the stamp of the rank."""
    entered: "NDArray[np.int64]"
    """One number: the last stamp."""
    compared: "NDArray[np.int64]"
    """One number: pairs compared so far."""


@compiled_once
def mark(hashes: "NDArray[np.uint64]", ends: "NDArray[np.int64]", first: int, marks: "NDArray[np.uint64]") -> None:
    """Write the marks of a batch of texts, from row `first` on."""
    for number in range(len(ends) - 1):
        for word in range(MARK_WORDS):
            marks[first + number, word] = 0
        for at in range(ends[number], ends[number + 1]):
            bit = hashes[at] & np.uint64(64 * MARK_WORDS - 1)
            marks[first + number, bit >> np.uint64(6)] ^= np.uint64(1) << (bit & np.uint64(63))


@compiled_once
def numbered(
    order: "NDArray[np.int64]",
    keys: "NDArray[np.uint64]",
    band: int,
    first: int,
    buckets: "NDArray[np.int32]",
    sizes: "NDArray[np.int32]",
) -> int:
    """Number and size the runs of equal keys (`order` sorts them), from `first` on; returns the next free number."""
    at, count, free = 0, len(order), first
    while at < count:
        stop = at + 1
        while stop < count and keys[order[stop]] == keys[order[at]]:
            stop += 1
        for place in range(at, stop):
            buckets[order[place], band] = free if stop - at > 1 else -1
        if stop - at > 1:
            sizes[free - first] = stop - at
            free += 1
        at = stop
    return free


@compiled_inside
def least_in_common(threshold: float, both: int) -> int:
    """Jaccard similarity c / (m + n - c) reaches a threshold t where c reaches t (m + n) / (1 + t)."""
    return int(np.ceil(threshold * both / (1.0 + threshold) - _SLACK))


@compiled_inside
def most_unshared(threshold: float, both: int) -> float:
    """Jaccard similarity c / (m + n - c) is below a threshold t where the m + n - 2 c unshared are more than this."""
    return both * ((1.0 - threshold) / (1.0 + threshold)) + _SLACK


@compiled_inside
def folded(marks: "NDArray[np.uint64]", text: int) -> np.uint64:
    """A mark of one word."""
    mark = np.uint64(0)
    for word in range(MARK_WORDS):
        mark ^= marks[text, word]
    return mark


@compiled_inside
def may_be_alike(shelf: Shelf, text: int, other: int, threshold: float) -> bool:
    """False where marks alone keep two texts apart: they differ in no more bits than in shingles."""
    differing = 0
    for word in range(MARK_WORDS):
        differing += int(ones(shelf.marks[text, word] ^ shelf.marks[other, word]))
    return differing <= most_unshared(threshold, shelf.counts[text] + shelf.counts[other])


@compiled_inside
def next_place(
    members: "NDArray[np.uint64]", place: int, stop: int, mark: np.uint64, size: int, threshold: float
) -> int:
    """The next entry of a list that sizes and folded marks do not keep apart from this size and mark; or `stop`."""
    while place < stop:
        other_size = int(np.int64(members[place, 1] & _LOW))
        limit = most_unshared(threshold, size + other_size)
        if abs(size - other_size) <= limit and int(ones(members[place, 0] ^ mark)) <= limit:
            break
        place += 1
    return place


@compiled_inside
def in_common(text: int, rank: int, other: int, least: int, shelf: Shelf, scratch: ClusterScratch) -> int:
    """Shingles that both have; -1 as soon as they can no longer be `least`."""
    mask = room_for(shelf.counts[text]) - 1
    if scratch.entered[0] != rank:
        scratch.entered[0] = rank
        for at in range(shelf.begins[text], shelf.begins[text] + shelf.counts[text]):
            is_new(shelf.hashes[at], scratch.table, scratch.stamps, mask, rank)
    scratch.compared[0] += 1
    begin, count = shelf.begins[other], shelf.counts[other]
    spare, common = count - least, 0
    # from the end: what texts of one pattern do not share mostly comes last, and ends the comparison
    for at in range(begin + count - 1, begin - 1, -1):
        if is_there(shelf.hashes[at], scratch.table, scratch.stamps, mask, rank):
            common += 1
        else:
            spare -= 1
            if spare < 0:
                return -1
    return common


@compiled_once
def settle(
    turns: Turns,
    first: int,
    last: int,
    threshold: float,
    shelf: Shelf,
    meetings: Meetings,
    verdicts: Verdicts,
    scratch: ClusterScratch,
) -> int:
    """Decide texts in their order, from rank `first` to before `last`; stops at one that needs a text not in memory.

    A text is kept unless the Jaccard similarity with a kept one that it meets reaches `threshold`; its neighbour is
    the most alike of these, the first in order of several.
    """
    for rank in range(first, last):
        text = turns.order[rank]
        size, mark = int(shelf.counts[text]), folded(shelf.marks, text)
        best, best_common, best_score = -1, 0, 0.0
        for band in range(meetings.buckets.shape[1]):
            bucket = meetings.buckets[text, band]
            stop = meetings.lists[bucket, 1]
            place = next_place(meetings.members, meetings.lists[bucket, 0], stop, mark, size, threshold)
            while place < stop:
                other = int(np.int64(meetings.members[place, 1] >> _32))
                if meetings.seen[other] != text and may_be_alike(shelf, text, other, threshold):
                    if shelf.begins[text] < 0 or shelf.begins[other] < 0:
                        return rank
                    both = size + shelf.counts[other]
                    common = in_common(text, rank, other, least_in_common(threshold, both), shelf, scratch)
                    score = common / (both - common)
                    is_nearer = score > best_score or (score == best_score and turns.ranks[other] < turns.ranks[best])
                    if score >= threshold and is_nearer:
                        best, best_common, best_score = other, common, score
                meetings.seen[other] = text
                place = next_place(meetings.members, place + 1, stop, mark, size, threshold)
            if best_score == 1.0:  # no two kept texts are the same, so that nothing else is as alike
                break
        verdicts.neighbour[text] = best
        verdicts.common[text] = best_common
        verdicts.score[text] = best_score
        if best < 0:
            wait(text, shelf, meetings)
    return last


@compiled_inside
def wait(text: int, shelf: Shelf, meetings: Meetings) -> None:
    """A kept text waits in each of its buckets."""
    mark = folded(shelf.marks, text)
    for band in range(meetings.buckets.shape[1]):
        bucket = meetings.buckets[text, band]
        if bucket >= 0:
            place = meetings.lists[bucket, 1]
            meetings.members[place, 0] = mark
            meetings.members[place, 1] = np.uint64(text) << _32 | np.uint64(shelf.counts[text])
            meetings.lists[bucket, 1] += 1


@compiled_once
def keep(text: int, shelf: Shelf, meetings: Meetings) -> None:
    """`wait`, for a text that was decided elsewhere."""
    wait(text, shelf, meetings)


@compiled_once
def met(text: int, threshold: float, shelf: Shelf, meetings: Meetings) -> "NDArray[np.int64]":
    """The kept texts that this one meets and may be alike, each once."""
    others = np.empty(16, np.int64)
    count = 0
    size, mark = int(shelf.counts[text]), folded(shelf.marks, text)
    stamp = -2 - text  # not `text`: `settle` may have been here, and stopped half way
    for band in range(meetings.buckets.shape[1]):
        bucket = meetings.buckets[text, band]
        stop = meetings.lists[bucket, 1]
        place = next_place(meetings.members, meetings.lists[bucket, 0], stop, mark, size, threshold)
        while place < stop:
            other = int(np.int64(meetings.members[place, 1] >> _32))
            if meetings.seen[other] != stamp and may_be_alike(shelf, text, other, threshold):
                if count == len(others):
                    others = np.concatenate((others, np.empty(count, np.int64)))
                others[count] = other
                count += 1
            meetings.seen[other] = stamp
            place = next_place(meetings.members, place + 1, stop, mark, size, threshold)
    return others[:count]


class Sample(NamedTuple):
    """Some texts by shingle, to be met by all."""

    slots: "NDArray[np.uint64]"
    """Open-addressed: a shingle."""
    lists: "NDArray[np.int32]"
    """Slot -> number of its list, -1 where the slot is free."""
    list_ends: "NDArray[np.int64]"
    """Where each list ends in `members`, with a 0 before."""
    members: "NDArray[np.int32]"
    counts: "NDArray[np.int32]"
    """Shingles of each member."""
    positions: "NDArray[np.int64]"
    """Where each stands among all the records."""
    preferences: "NDArray[np.float64]"
    """Lower is preferred; the earlier of equals."""
    best: "NDArray[np.float64]"
    """Highest Jaccard similarity so far with a record that is preferred to it."""


@compiled_once
def enter(distinct: "NDArray[np.uint64]", slots: "NDArray[np.uint64]", lists: "NDArray[np.int32]") -> None:
    """Fill the free slots of a sample with its shingles."""
    mask = len(slots) - 1
    for number in range(len(distinct)):
        slot = np.int64(distinct[number] >> _32) & mask
        while lists[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = distinct[number]
        lists[slot] = number


@compiled_once
def meet(
    hashes: "NDArray[np.uint64]",
    ends: "NDArray[np.int64]",
    first: int,
    preferences: "NDArray[np.float64]",
    sample: Sample,
) -> None:
    """Compare each text of a batch with every member of the sample; `first` is the position of the batch."""
    mask = len(sample.slots) - 1
    commons = np.zeros(len(sample.counts), np.int32)
    touched = np.empty(len(sample.counts), np.int32)
    for number in range(len(ends) - 1):
        size = ends[number + 1] - ends[number]
        position = first + number
        count = 0
        for at in range(ends[number], ends[number + 1]):
            slot = np.int64(hashes[at] >> _32) & mask
            while sample.lists[slot] >= 0 and sample.slots[slot] != hashes[at]:
                slot = (slot + 1) & mask
            chosen = sample.lists[slot]
            if chosen >= 0:
                for place in range(sample.list_ends[chosen], sample.list_ends[chosen + 1]):
                    member = sample.members[place]
                    if commons[member] == 0:
                        touched[count] = member
                        count += 1
                    commons[member] += 1
        for place in range(count):
            member = touched[place]
            common = commons[member]
            commons[member] = 0
            own, theirs = preferences[number], sample.preferences[member]
            if own < theirs or (own == theirs and position < sample.positions[member]):
                score = common / (size + sample.counts[member] - common)
                sample.best[member] = max(sample.best[member], score)
