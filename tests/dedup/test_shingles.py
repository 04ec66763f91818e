"""The compiled shingles are the hashed strings of the definition."""

import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.dedup.minhash import hashed
from selfinstruct.dedup.shingles import TextBatch, jaccard, shingles
from selfinstruct.text import one_line, words

WORDY = st.lists(
    st.sampled_from(["a", "B", "word", "naïve", "写", "x" * 40, "🎉", "İ", "ﬁ", ".", "\n"]), max_size=12
).map(" ".join)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.one_of(st.text(), WORDY), max_size=8), st.integers(1, 5))
@example(["", " ", "???", " ?\n? ", "Ab-c", "\ud800", "… ß …", "a" * 31, "a" * 32, "a" * 33], 3)
def test_the_kernel_hashes_the_strings_of_the_definition(texts: list[str], size: int) -> None:
    batch = TextBatch()
    for text in texts:
        batch.add(text)
    found = hashed(batch, size)
    assert len(found.ends) == len(texts) + 1
    for number, text in enumerate(texts):
        expected = [xxhash.xxh64_intdigest(one.encode("utf-8", "surrogatepass")) for one in shingles(text, size)]
        assert found.hashes[found.ends[number] : found.ends[number + 1]].tolist() == expected


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
