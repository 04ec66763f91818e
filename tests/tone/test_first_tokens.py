"""The first tokens of a response."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.tone.first_tokens import TONE_TOKENS, approximate_tokens, first_tokens


@given(st.text(max_size=300), st.integers(1, 60))
def test_it_is_a_beginning_within_the_limit_and_not_shorter_than_it_need_be(text: str, limit: int) -> None:
    cut = first_tokens(text, limit)
    assert text.startswith(cut)
    assert approximate_tokens(cut) <= limit
    if cut != text.rstrip():
        assert approximate_tokens(text) > limit


@given(st.lists(st.sampled_from(["oak", " elm", "\nash,", " 7"]), max_size=80), st.integers(1, 60))
def test_with_a_counter_it_is_as_long_as_the_counter_allows(parts: list[str], limit: int) -> None:
    text = "".join(parts)

    def count(piece: str) -> int:
        return len(piece.split())

    cut = first_tokens(text, limit, count)
    assert text.startswith(cut)
    assert count(cut) <= limit
    if cut != text.rstrip():
        rest = text[len(cut) :]
        assert any(count(cut + rest[:more]) > limit for more in range(1, len(rest) + 1))


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_comes_after_the_first_tokens_and_a_space_never_changes_them(head: str, tail: str) -> None:
    long = "word " * TONE_TOKENS + head
    assert first_tokens(long) == first_tokens(long + " " + tail)


def test_white_space_before_the_first_word_stays_because_the_seam_is_judged() -> None:
    assert first_tokens("\n\n Yes, it is.", 2) == "\n\n Yes"
    assert first_tokens(" Yes, it is.", 1) == " Yes"
