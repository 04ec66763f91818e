"""The bands keep their promise on recall, by formula and by drawing signatures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.dedup.bands import LEAST_RECALL, Bands, chosen
from selfinstruct.errors import BadInput


@given(st.floats(0.3, 1.0), st.integers(48, 512))
def test_the_longest_bands_that_find_enough_are_chosen(jaccard: float, num_perm: int) -> None:
    bands = chosen(jaccard, num_perm)
    assert bands.bands * bands.rows <= num_perm
    assert bands.recall(jaccard) >= LEAST_RECALL
    if bands.rows < num_perm:
        longer = Bands(num_perm // (bands.rows + 1), bands.rows + 1)
        assert longer.recall(jaccard) < LEAST_RECALL


@pytest.mark.parametrize("jaccard", [0.5, 0.7, 0.8])
def test_the_formula_is_what_happens_to_drawn_signatures(jaccard: float) -> None:
    bands = Bands(16, 8)
    agree = np.random.default_rng(1).random((20_000, bands.bands, bands.rows)) < jaccard
    met = np.any(np.all(agree, axis=2), axis=1).mean()
    assert abs(met - bands.recall(jaccard)) < 0.02


@given(st.integers(1, 64), st.integers(1, 64), st.floats(0, 1), st.floats(0, 1))
def test_more_alike_is_found_more_often(bands: int, rows: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert Bands(bands, rows).recall(low) <= Bands(bands, rows).recall(high)


def test_too_few_permutations_are_refused() -> None:
    with pytest.raises(BadInput, match=r"4 permutations cannot find 99% of the pairs at Jaccard 0\.3"):
        chosen(0.3, 4)
