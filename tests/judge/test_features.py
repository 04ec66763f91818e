""""""

import subprocess
import sys

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.judge.features import BITS, NOWHERE, code_points, combined, drawn, places, scattered, word_number

TEXT = st.text(alphabet=st.characters(), max_size=80)
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6)


@settings(max_examples=60)
@given(PAIRS, st.booleans())
def test_a_row_depends_on_its_pair_alone(pairs: list[tuple[str, str]], pair_aware: bool) -> None:  # noqa: FBT001 - drawn
    together = places(pairs, pair_aware=pair_aware)
    alone = np.concatenate([places([pair], pair_aware=pair_aware) for pair in pairs])
    assert (together == alone).all()
    assert together.min() >= NOWHERE
    assert together.max() < 1 << BITS


@example("0", "0", "\n\n", True)  # the end of a prompt that is all opening
@settings(max_examples=60)
@given(TEXT, TEXT, st.sampled_from(["", " ", "\n\n", "\t \n"]), st.booleans())
def test_white_space_at_the_seam_tells_nothing(prompt: str, text: str, space: str, before: bool) -> None:  # noqa: FBT001
    moved = (prompt + space, text) if before else (prompt, space + text)
    assert (places([(prompt, text)], pair_aware=True) == places([moved], pair_aware=True)).all()


@given(TEXT, TEXT, TEXT)
def test_the_response_only_judge_sees_no_prompt(prompt: str, other: str, text: str) -> None:
    assert (places([(prompt, text)], pair_aware=False) == places([(other, text)], pair_aware=False)).all()


def test_what_lies_far_from_the_seam_tells_nothing() -> None:
    head, tail = "one two three four five six seven eight " * 5, "and so on. " * 60
    near = places([("Say it.", head)], pair_aware=True)
    assert (near == places([("Say it.", head + tail)], pair_aware=True)).all()
    assert (near != places([("Say it.", "No. " + head)], pair_aware=True)).any()


def test_a_few_more_words_at_the_end_change_what_is_seen_only_there() -> None:
    prompt, head = "Name a river in Spain.", "The Ebro flows past many very old towns and then"
    first, other = places([(prompt, head), (prompt, head + " out")], pair_aware=True)
    # shares of repeated and of copied words may move by a step; all else that the shorter text has, the longer has too
    assert ((first != NOWHERE) & (first != other)).sum() <= 4


def test_batches_leave_no_seam_of_their_own() -> None:
    pairs = [(f"Name river {number}", f"number {number} is long") for number in range(1100)]
    assert (
        places(pairs, pair_aware=True)[[0, 511, 512, 1099]]
        == places([pairs[n] for n in (0, 511, 512, 1099)], pair_aware=True)
    ).all()


def test_no_pairs_have_no_rows() -> None:
    assert len(places([], pair_aware=True)) == 0


def test_numbers_are_the_same_in_a_process_with_another_hash_seed() -> None:
    code = (
        "import numpy as np\nfrom selfinstruct.judge.features import combined, word_number\n"
        "print(int(combined(3, np.array([word_number('Fluß')], np.uint64))[0]))"
    )
    printed = {
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
    assert printed == {f"{int(combined(3, np.array([word_number('FLUSS'.replace('SS', 'ß'))], np.uint64))[0])}\n"}


@given(st.text(max_size=30))
def test_no_word_has_the_number_of_no_word(word: str) -> None:
    assert word_number(word) > 0


@given(st.lists(st.text(alphabet=st.characters(), max_size=9), min_size=1, max_size=5))
def test_code_points_are_those_of_the_texts_surrogates_too(texts: list[str]) -> None:
    points = code_points([*texts, "\ud800"], 6)
    assert points[-1, 0] == 0xD800
    for row, text in zip(points.tolist(), texts, strict=False):
        assert row == [ord(char) for char in text[:6]] + [0] * (6 - len(text[:6]))


def test_scattering_loses_nothing_and_moves_half_the_bits() -> None:
    near = scattered(np.arange(4096, dtype=np.uint64))
    assert len(np.unique(near)) == 4096
    flipped = np.bitwise_count(near[1:] ^ near[:-1])
    assert 30 < float(flipped.mean()) < 34


def test_drawn_numbers_are_in_range_and_even() -> None:
    signs = drawn(5, 60_000, 6)
    counts = np.bincount(signs, minlength=6)
    assert len(counts) == 6
    assert counts.min() > 9_500
    assert counts.max() < 10_500
    assert drawn(5, 10, 1000).tolist() != drawn(6, 10, 1000).tolist()
