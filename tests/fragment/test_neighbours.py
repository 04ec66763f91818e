"""The nearest other instruction."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.neighbours import Neighbours
from tests.fragment.builders import source

LINES = st.lists(
    st.lists(
        st.sampled_from(["name", "two", "long", "rivers", "lakes", "of", "spain", "peru"]), min_size=1, max_size=6
    ),
    min_size=2,
    max_size=14,
)


@given(LINES)
def test_in_a_small_set_the_nearest_is_the_one_that_shares_most(lines: list[list[str]]) -> None:
    keys = [" ".join(line) for line in lines]
    index = Neighbours([source(key) for key in keys])
    for place, key in enumerate(keys):
        own = {*key.split()}
        others = [{*other.split()} for other in keys if other != key]
        best = max((len(own & other) / len(own | other) for other in others), default=0.0)
        found = index.nearest(place)
        assert all(keys[other] != key for other in found)
        assert bool(found) == (best > 0)
        if found:
            first = {*keys[found[0]].split()}
            assert len(own & first) / len(own | first) == best


def test_a_word_that_all_share_does_not_make_it_slow_or_empty() -> None:
    sources = [source(f"Describe the number {number % 700} of the list") for number in range(2000)]
    index = Neighbours(sources)
    found = index.nearest(5)
    assert found
    assert len(found) <= 3
    assert index.nearest(5) == found
