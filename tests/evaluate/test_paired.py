"""The test of paired differences and Holm's correction."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.evaluate.compare_table import difference, holm, sign_test

CHANCES = st.lists(st.floats(0, 1), max_size=8)


def test_all_signs_are_counted_where_few_sources_differ() -> None:
    values = [2.0, -1.0, 3.0, 1.0, 0.0]
    sums = [
        abs(sum(sign * value for sign, value in zip(signs, values[:4], strict=True)))
        for signs in itertools.product((1, -1), repeat=4)
    ]
    assert sign_test(values) == sum(value >= 5 for value in sums) / 16


def test_draws_come_near_to_all_signs_and_are_the_same_every_time() -> None:
    values = [1.0] * 12 + [-1.0] * 3
    exact = 2 * sum(_choose(15, k) for k in range(4)) / 2**15
    assert sign_test(values) == pytest.approx(exact, abs=0.008)
    assert sign_test(values) == sign_test(values)


def _choose(n: int, k: int) -> int:
    from math import comb

    return comb(n, k)


def test_where_nothing_differs_the_chance_is_rarely_small() -> None:
    import numpy as np

    drawn = np.random.default_rng(3)
    small = sum(sign_test(list(drawn.choice([-1.0, 0.0, 1.0], 12)), seed) <= 0.05 for seed in range(300))
    assert small <= 25


@given(CHANCES)
def test_holm_never_makes_a_chance_smaller_and_keeps_their_order(chances: list[float]) -> None:
    corrected = holm(chances)
    assert all(chance >= other for chance, other in zip(corrected, chances, strict=True))
    ranked = sorted(range(len(chances)), key=lambda place: chances[place])
    assert [corrected[place] for place in ranked] == sorted(corrected)
    assert all(chance <= 1 for chance in corrected)


def test_only_questions_that_both_answered_count_and_sources_are_what_is_drawn() -> None:
    first = {"a1": ("a", 1.0, 1), "a2": ("a", 1.0, 1), "b1": ("b", 0.0, 1), "only": ("c", 1.0, 1)}
    second = {"a1": ("a", 0.0, 1), "a2": ("a", 0.0, 1), "b1": ("b", 0.0, 1)}
    interval = difference(first, second)
    assert interval is not None
    assert interval.estimate.value == pytest.approx(2 / 3)
    assert (interval.estimate.n, interval.estimate.clusters) == (3, 2)
    assert difference(first, {}) is None
