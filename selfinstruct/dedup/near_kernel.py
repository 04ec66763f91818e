"""Compiled loops of near-duplicates: hashes of shingles, MinHash signatures, keys of bands.

Importing this module loads numba, so `minhash` and `clusters` do it when first used.
"""

from typing import TYPE_CHECKING

import numpy as np

from selfinstruct.dedup.lcs_kernel import compiled_inside, compiled_once

if TYPE_CHECKING:
    from numpy.typing import NDArray

# XXH64 (Collet, the xxHash specification 0.1.1)
_P1 = np.uint64(0x9E3779B185EBCA87)
_P2 = np.uint64(0xC2B2AE3D27D4EB4F)
_P3 = np.uint64(0x165667B19E3779F9)
_P4 = np.uint64(0x85EBCA77C2B2AE63)
_P5 = np.uint64(0x27D4EB2F165667C5)
_ZERO, _ONE = np.uint64(0), np.uint64(1)
_32, _64 = np.uint64(32), np.uint64(64)
_LOW = np.uint64(0xFFFFFFFF)
_HIGHEST = np.uint32(0xFFFFFFFF)
# the finalizer of MurmurHash3, with which datasketch's affine32 begins
_M1, _M2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_13, _16 = np.uint32(13), np.uint32(16)
_SPACE, _FIRST_NOT_ASCII = 32, 128


@compiled_inside
def rotated(word: np.uint64, bits: int) -> np.uint64:
    """A word of 64 bits, rotated to the left by so many."""
    return (word << np.uint64(bits)) | (word >> (_64 - np.uint64(bits)))


@compiled_inside
def little_endian(data: "NDArray[np.uint8]", at: int, count: int) -> np.uint64:
    """`count` bytes as a number."""
    word = _ZERO
    for byte in range(count):
        word |= np.uint64(data[at + byte]) << np.uint64(8 * byte)
    return word


@compiled_inside
def mixed(lane: np.uint64, word: np.uint64) -> np.uint64:
    """One round of xxHash64: a word mixed into a lane."""
    return rotated(lane + word * _P2, 31) * _P1


@compiled_inside
def xxh64(data: "NDArray[np.uint8]", start: int, stop: int) -> np.uint64:
    """XXH64 with seed 0 of the bytes from `start` to `stop`."""
    at = start
    if stop - start >= 32:
        one, two, three, four = _P1 + _P2, _P2, _ZERO, _ZERO - _P1
        while at + 32 <= stop:
            one = mixed(one, little_endian(data, at, 8))
            two = mixed(two, little_endian(data, at + 8, 8))
            three = mixed(three, little_endian(data, at + 16, 8))
            four = mixed(four, little_endian(data, at + 24, 8))
            at += 32
        hashed = rotated(one, 1) + rotated(two, 7) + rotated(three, 12) + rotated(four, 18)
        for lane in (one, two, three, four):
            hashed = (hashed ^ mixed(_ZERO, lane)) * _P1 + _P4
    else:
        hashed = _P5
    hashed += np.uint64(stop - start)
    while at + 8 <= stop:
        hashed = rotated(hashed ^ mixed(_ZERO, little_endian(data, at, 8)), 27) * _P1 + _P4
        at += 8
    if at + 4 <= stop:
        hashed = rotated(hashed ^ (little_endian(data, at, 4) * _P1), 23) * _P2 + _P3
        at += 4
    while at < stop:
        hashed = rotated(hashed ^ (np.uint64(data[at]) * _P5), 11) * _P1
        at += 1
    hashed = (hashed ^ (hashed >> np.uint64(33))) * _P2
    hashed = (hashed ^ (hashed >> np.uint64(29))) * _P3
    return hashed ^ (hashed >> _32)


@compiled_inside
def cut(
    data: "NDArray[np.uint8]",
    start: int,
    stop: int,
    is_cut: bool,  # noqa: FBT001 - compiled code takes places, not names
    text: "NDArray[np.uint8]",
    starts: "NDArray[np.int64]",
    ends: "NDArray[np.int64]",
) -> int:
    """Write the words in lower case, a space between them, into `text`, and their borders; returns how many.

    In a text that is cut already a word is all between two spaces.
    """
    words, at, inside = 0, 0, False
    for place in range(start, stop):
        byte = data[place]
        if 65 <= byte <= 90:
            byte += np.uint8(32)
        if 97 <= byte <= 122 or 48 <= byte <= 57 or byte >= _FIRST_NOT_ASCII or (is_cut and byte != _SPACE):
            if not inside:
                if words:
                    text[at] = _SPACE
                    at += 1
                starts[words] = at
                words += 1
                inside = True
            text[at] = byte
            at += 1
            ends[words - 1] = at
        else:
            inside = False
    return words


@compiled_inside
def is_new(word: np.uint64, table: "NDArray[np.uint64]", stamps: "NDArray[np.int64]", mask: int, stamp: int) -> bool:
    """Enter a word into the open-addressed table; False if it was there. What has another stamp is not there."""
    slot = np.int64(word >> _32) & mask
    while stamps[slot] == stamp:
        if table[slot] == word:
            return False
        slot = (slot + 1) & mask
    stamps[slot] = stamp
    table[slot] = word
    return True


@compiled_inside
def is_there(word: np.uint64, table: "NDArray[np.uint64]", stamps: "NDArray[np.int64]", mask: int, stamp: int) -> bool:
    """Whether a word was entered under this stamp."""
    slot = np.int64(word >> _32) & mask
    while stamps[slot] == stamp:
        if table[slot] == word:
            return True
        slot = (slot + 1) & mask
    return False


@compiled_inside
def room_for(count: int) -> int:
    """Slots of a table at most half full: a power of two."""
    room = 16
    while room < 2 * count:
        room *= 2
    return room


@compiled_once
def sketch(
    data: "NDArray[np.uint8]",
    text_ends: "NDArray[np.int64]",
    whole: "NDArray[np.uint8]",
    size: int,
    hashes: "NDArray[np.uint64]",
    hash_ends: "NDArray[np.int64]",
) -> None:
    """The distinct shingles of each text as XXH64 of their UTF-8, end to end in `hashes`; `hash_ends` begins with 0."""
    longest = 1
    for number in range(len(text_ends) - 1):
        longest = max(longest, text_ends[number + 1] - text_ends[number])
    text = np.empty(longest + 1, np.uint8)
    starts, ends = np.empty(longest // 2 + 1, np.int64), np.empty(longest // 2 + 1, np.int64)
    table = np.empty(room_for(longest // 2 + 1), np.uint64)
    stamps = np.full(len(table), -1, np.int64)
    filled = 0
    for number in range(len(text_ends) - 1):
        start, stop = text_ends[number], text_ends[number + 1]
        if whole[number] == 1 and stop > start:
            hashes[filled] = xxh64(data, start, stop)
            filled += 1
        else:
            words = cut(data, start, stop, whole[number] == 2, text, starts, ends)
            mask = room_for(words) - 1
            for first in range(max(min(words, 1), words - size + 1)):
                hashed = xxh64(text, starts[first], ends[min(first + size, words) - 1])
                if is_new(hashed, table, stamps, mask, number):
                    hashes[filled] = hashed
                    filled += 1
        hash_ends[number + 1] = filled


@compiled_once
def sign(
    hashes: "NDArray[np.uint64]",
    ends: "NDArray[np.int64]",
    factors: "NDArray[np.uint32]",
    terms: "NDArray[np.uint32]",
    signatures: "NDArray[np.uint32]",
) -> None:
    """MinHash of each text: for each permutation the least (factor * hash + term) mod 2^32."""
    for number in range(len(ends) - 1):
        least = signatures[number]
        least[:] = _HIGHEST
        for at in range(ends[number], ends[number + 1]):
            word = np.uint32(hashes[at] & _LOW)
            word = np.uint32((word ^ (word >> _16)) * _M1)
            word = np.uint32((word ^ (word >> _13)) * _M2)
            word = np.uint32(word ^ (word >> _16))
            for place in range(len(factors)):
                value = np.uint32(factors[place] * word + terms[place])
                least[place] = min(least[place], value)


@compiled_once
def band_keys(signatures: "NDArray[np.uint32]", rows: int, first: int, keys: "NDArray[np.uint64]") -> None:
    """One number for each band (row of `keys`) of each text (column, from `first` on): alike bands, alike numbers."""
    for number in range(len(signatures)):
        for band in range(len(keys)):
            key = _P5
            for place in range(band * rows, band * rows + rows):
                key = rotated(key ^ (np.uint64(signatures[number, place]) * _P1), 23) * _P2 + _P3
            key = (key ^ (key >> np.uint64(33))) * _P2
            keys[band, first + number] = key ^ (key >> np.uint64(29))
