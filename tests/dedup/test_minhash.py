"""Our signatures are those of datasketch, bit for bit."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.dedup.minhash import (
    LEAST_RECALL,
    Bands,
    TextBatch,
    chosen,
    hashed,
    jaccard,
    permutations,
    shingles,
    signatures,
)
from selfinstruct.errors import BadInput
from selfinstruct.text import one_line, words

TEXTS = st.lists(st.sampled_from(["a", "B", "longer", "写", "é", "?"]), max_size=30).map(" ".join)
TALE = "It was a dark and stormy night and the rain fell in torrents on the roofs of the town by the sea"
WORDY = st.lists(
    st.sampled_from(["a", "B", "word", "naïve", "写", "x" * 40, "🎉", "İ", "ﬁ", ".", "\n"]), max_size=12
).map(" ".join)


def low_half(data: bytes) -> int:
    return int(xxhash.xxh64_intdigest(data)) & 0xFFFFFFFF


def library() -> Any:
    return import_module("datasketch")  # it has no types


def theirs(text: str, size: int, num_perm: int, seed: int, hashfunc: Callable[[bytes], int] = low_half) -> Any:
    sketch = library().MinHash(num_perm=num_perm, seed=seed, hashfunc=hashfunc, scheme="affine32")
    for shingle in shingles(text, size):
        sketch.update(shingle.encode("utf-8", "surrogatepass"))
    return sketch


@settings(deadline=None, max_examples=30)
@given(st.lists(TEXTS, max_size=3), st.integers(1, 4), st.sampled_from([1, 2, 7, 128]), st.integers(0, 2**32 - 1))
def test_they_equal_the_librarys(texts: list[str], size: int, num_perm: int, seed: int) -> None:
    ours = signatures(texts, shingle_words=size, num_perm=num_perm, seed=seed)
    assert ours.shape == (len(texts), num_perm)
    for row, text in zip(ours, texts, strict=True):
        assert row.tolist() == theirs(text, size, num_perm, seed).hashvalues.tolist()


@pytest.mark.parametrize("seed", [0, 1, 42, 2**32 - 1])
def test_permutations_are_drawn_as_the_library_draws_them(seed: int) -> None:
    ours, sketch = permutations(128, seed), theirs("", 3, 128, seed)
    assert np.array_equal(np.array([ours.factors, ours.terms]), sketch.permutations)


def test_a_sketch_of_ours_finds_its_like_in_an_index_of_theirs() -> None:
    index = library().MinHashLSH(threshold=0.8, num_perm=128, params=(21, 6))
    index.insert("tale", theirs(TALE, 3, 128, 1))
    edited = TALE + " far away"
    assert jaccard(TALE, edited) > 0.8
    for text, expected in ((edited, ["tale"]), ("Name a river in Europe.", [])):
        [row] = signatures([text])
        sketch = library().MinHash(num_perm=128, seed=1, hashvalues=row, scheme="affine32")
        assert index.query(sketch) == expected


def test_equal_places_estimate_the_similarity() -> None:
    draw = np.random.default_rng(5)
    vocabulary = [f"w{number}" for number in range(2_000)]
    words = draw.choice(vocabulary, 400).tolist()
    for changed in (10, 40, 120):
        one, other = " ".join(words), " ".join(words[changed:])
        true = jaccard(one, other)
        first, second = signatures([one, other], num_perm=1024)
        error = 5 * (true * (1 - true) / 1024) ** 0.5
        assert abs(float((first == second).mean()) - true) < error


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.one_of(st.text(), WORDY), max_size=8), st.integers(1, 5))
@example(["", " ", "???", " ?\n? ", "Ab-c", "\ud800", "… ß …", "a" * 31, "a" * 32, "a" * 33], 3)
def test_the_kernel_hashes_the_strings_of_the_definition(texts: list[str], size: int) -> None:
    batch = TextBatch()
    for text in texts:
        batch.add(text)
    hashes = hashed(batch, size)
    assert len(hashes.ends) == len(texts) + 1
    for number, text in enumerate(texts):
        expected = [
            xxhash.xxh64_intdigest(shingle.encode("utf-8", "surrogatepass")) for shingle in shingles(text, size)
        ]
        assert hashes.hashes[hashes.ends[number] : hashes.ends[number + 1]].tolist() == expected


@given(WORDY, st.integers(1, 4))
def test_every_run_of_words_is_a_shingle(text: str, size: int) -> None:
    cut = words(text)
    runs = {" ".join(cut[at : at + size]) for at in range(len(cut) - size + 1)}
    short = {" ".join(cut)} if cut else {one_line(text)} - {""}
    assert set(shingles(text, size)) == (runs or short)
    assert len(set(shingles(text, size))) == len(shingles(text, size))


@given(WORDY, WORDY)
def test_similarity_is_symmetric_and_one_only_for_equal_sets(one: str, other: str) -> None:
    score = jaccard(one, other)
    assert score == jaccard(other, one)
    assert 0 <= score <= 1
    same = set(shingles(one, 3)) == set(shingles(other, 3)) != set()
    assert (score == 1) == same


@given(st.floats(0.3, 1.0), st.integers(48, 512))
def test_the_longest_bands_that_find_enough_are_chosen(jaccard: float, num_perm: int) -> None:
    bands = chosen(jaccard, num_perm)
    assert bands.bands * bands.rows <= num_perm
    assert bands.recall(jaccard) >= LEAST_RECALL
    if bands.rows < num_perm:
        longer = Bands(num_perm // (bands.rows + 1), bands.rows + 1)
        assert longer.recall(jaccard) < LEAST_RECALL


@pytest.mark.parametrize("jaccard", [0.5, 0.7, 0.8])
def test_the_formula_is_what_happens_to_drawn_signatures(jaccard: float) -> None:
    bands = Bands(16, 8)
    agree = np.random.default_rng(1).random((20_000, bands.bands, bands.rows)) < jaccard
    met = np.any(np.all(agree, axis=2), axis=1).mean()
    assert abs(met - bands.recall(jaccard)) < 0.02


@given(st.integers(1, 64), st.integers(1, 64), st.floats(0, 1), st.floats(0, 1))
def test_more_alike_is_found_more_often(bands: int, rows: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert Bands(bands, rows).recall(low) <= Bands(bands, rows).recall(high)


def test_too_few_permutations_are_refused() -> None:
    with pytest.raises(BadInput, match=r"4 permutations cannot find 99% of the pairs at Jaccard 0\.3"):
        chosen(0.3, 4)
