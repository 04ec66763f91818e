"""Our signatures are those of datasketch, bit for bit."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.dedup.minhash import permutations, signatures
from selfinstruct.dedup.shingles import jaccard, shingles

TEXTS = st.lists(st.sampled_from(["a", "B", "longer", "写", "é", "?"]), max_size=30).map(" ".join)
TALE = "It was a dark and stormy night and the rain fell in torrents on the roofs of the town by the sea"


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
