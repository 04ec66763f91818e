import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.judge.features import BITS, NOWHERE, places

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
def test_the_response_only_judge_sees_no_prompt(one: str, other: str, text: str) -> None:
    assert (places([(one, text)], pair_aware=False) == places([(other, text)], pair_aware=False)).all()


def test_what_lies_far_from_the_seam_tells_nothing() -> None:
    head, tail = "one two three four five six seven eight " * 5, "and so on. " * 60
    near = places([("Say it.", head)], pair_aware=True)
    assert (near == places([("Say it.", head + tail)], pair_aware=True)).all()
    assert (near != places([("Say it.", "No. " + head)], pair_aware=True)).any()


def test_a_few_more_words_at_the_end_change_what_is_seen_only_there() -> None:
    prompt, head = "Name a river in Spain.", "The Ebro flows past many very old towns and then"
    one, other = places([(prompt, head), (prompt, head + " out")], pair_aware=True)
    # shares of repeated and of copied words may move by a step; all else that the shorter text has, the longer has too
    assert ((one != NOWHERE) & (one != other)).sum() <= 4


def test_batches_leave_no_seam_of_their_own() -> None:
    pairs = [(f"Name river {number}", f"number {number} is long") for number in range(1100)]
    assert (
        places(pairs, pair_aware=True)[[0, 511, 512, 1099]]
        == places([pairs[n] for n in (0, 511, 512, 1099)], pair_aware=True)
    ).all()


def test_no_pairs_have_no_rows() -> None:
    assert len(places([], pair_aware=True)) == 0
