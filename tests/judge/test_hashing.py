import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.judge.hashing import code_points, combined, drawn, scattered, word_number


def test_numbers_are_the_same_in_a_process_with_another_hash_seed() -> None:
    code = (
        "import numpy as np\nfrom selfinstruct.judge.hashing import combined, word_number\n"
        "print(int(combined(3, np.array([word_number('Fluß')], np.uint64))[0]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=180,
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {f"{int(combined(3, np.array([word_number('FLUSS'.replace('SS', 'ß'))], np.uint64))[0])}\n"}


@given(st.text(max_size=30))
def test_no_word_has_the_number_of_no_word(word: str) -> None:
    assert word_number(word) > 0


@given(st.lists(st.text(alphabet=st.characters(), max_size=9), min_size=1, max_size=5))
def test_code_points_are_those_of_the_texts_surrogates_too(texts: list[str]) -> None:
    found = code_points([*texts, "\ud800"], 6)
    assert found[-1, 0] == 0xD800
    for row, text in zip(found.tolist(), texts, strict=False):
        assert row == [ord(char) for char in text[:6]] + [0] * (6 - len(text[:6]))


def test_scattering_loses_nothing_and_moves_half_the_bits() -> None:
    near = scattered(np.arange(4096, dtype=np.uint64))
    assert len(np.unique(near)) == 4096
    flipped = np.bitwise_count(near[1:] ^ near[:-1])
    assert 30 < float(flipped.mean()) < 34


def test_drawn_numbers_are_in_range_and_even() -> None:
    found = drawn(5, 60_000, 6)
    counts = np.bincount(found, minlength=6)
    assert len(counts) == 6
    assert counts.min() > 9_500
    assert counts.max() < 10_500
    assert drawn(5, 10, 1000).tolist() != drawn(6, 10, 1000).tolist()
