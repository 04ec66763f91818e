"""The classic order: sorted, a permutation, and stable where the classic algorithm was."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.dedup.rouge_index import argsort


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7000000000000001]), max_size=300))
def test_the_places_are_a_permutation_in_ascending_order(values: list[float]) -> None:
    places = argsort(values)
    assert sorted(places) == list(range(len(values)))
    assert [values[place] for place in places] == sorted(values)


@given(st.lists(st.sampled_from([0.0, 0.5]), max_size=17))
def test_up_to_seventeen_values_equals_keep_their_order(values: list[float]) -> None:
    assert argsort(values) == sorted(range(len(values)), key=values.__getitem__)


def test_a_long_row_of_equals_is_shuffled_as_the_classic_algorithm_did() -> None:
    places = argsort([0.5] * 20)
    assert places != list(range(20))
    assert sorted(places) == list(range(20))
