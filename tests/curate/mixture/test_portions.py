"""How much each source gives."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.mixture.portions import Share, equal_portions, portions

weights = st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0])
shares = st.lists(
    st.builds(Share, size=st.integers(0, 500), weight=weights, cap=st.none() | st.integers(0, 300)),
    min_size=1,
    max_size=6,
)
budgets = st.none() | st.integers(1, 1000)


def test_a_weight_is_the_number_that_was_written() -> None:
    assert portions([Share(size=100, weight=0.29)]) == [29]
    assert portions([Share(size=30, weight=0.1)]) == [3]


@given(shares)
def test_without_a_budget_each_source_gives_its_weight_up_to_its_cap(given_shares: list[Share]) -> None:
    for share, part in zip(given_shares, portions(given_shares), strict=True):
        assert part == min(share.size * round(share.weight * 100) // 100, share.there)


@given(shares, budgets)
def test_nobody_gives_more_than_is_there_and_a_budget_is_met_exactly(
    given_shares: list[Share], budget: int | None
) -> None:
    free, found = portions(given_shares), portions(given_shares, budget)
    assert all(0 <= part <= share.there for part, share in zip(found, given_shares, strict=True))
    if budget is not None and sum(free) >= budget:
        assert sum(found) == budget
        for part, alone in zip(found, free, strict=True):
            assert abs(part - budget * alone / sum(free)) <= 1 + len(given_shares) / sum(free) * budget


@given(shares, st.integers(1, 1000), st.integers(1, 1000))
def test_a_larger_budget_takes_from_nobody_more_than_a_rounding(
    given_shares: list[Share], one: int, other: int
) -> None:
    small, large = portions(given_shares, min(one, other)), portions(given_shares, max(one, other))
    assert all(less <= more + 1 for less, more in zip(small, large, strict=True))


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6))
def test_equal_portions_are_what_the_smallest_has(sizes: list[int]) -> None:
    assert equal_portions([Share(size=size) for size in sizes]) == [min(sizes)] * len(sizes)


@given(shares, budgets)
def test_equal_portions_stay_within_the_budget_and_what_is_there(given_shares: list[Share], budget: int | None) -> None:
    found = equal_portions(given_shares, budget)
    assert all(0 <= part <= share.there for part, share in zip(found, given_shares, strict=True))
    assert budget is None or sum(found) <= budget


def test_weights_of_equal_portions_may_be_over_one() -> None:
    assert equal_portions([Share(size=90, weight=3), Share(size=100)]) == [90, 30]


def test_sources_that_are_left_out_or_empty_do_not_make_the_others_smaller() -> None:
    sizes = [Share(size=0), Share(size=50, cap=0), Share(size=5, weight=0), Share(size=40), Share(size=60)]
    assert equal_portions(sizes) == [0, 0, 0, 40, 40]
    assert equal_portions(sizes[:3]) == [0, 0, 0]


def test_rounding_gives_the_whole_budget_to_somebody() -> None:
    assert portions([Share(size=10)] * 3, budget=10) == [4, 3, 3]
    assert equal_portions([Share(size=10)] * 3, budget=10) == [4, 3, 3]
