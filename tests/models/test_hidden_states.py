"""What the embedded model makes of replies."""

import numpy as np
import pytest

from selfinstruct.models.hidden_states import EmbeddedStates, _batches

PAIRS = [
    ("Name a river.", "The Nile."),
    ("Name a river in", " Spain or Portugal, and say how long it is. " * 4),
    ("Write a poem. " * 200, "Roses are red, and this one is long. " * 40),
    ("Hi", ""),
    ("\u4f60\u597d", "\u4f60\u597d\uff0c\u6709\u4ec0\u4e48"),
]


@pytest.fixture(scope="module")
def states() -> EmbeddedStates:
    return EmbeddedStates()


def test_a_row_is_that_of_its_pair_whatever_its_neighbours_are(states: EmbeddedStates) -> None:
    together = states(PAIRS)
    assert together.shape == (5, 3 * 2 * 576)
    assert np.isfinite(together).all()
    for place, pair in enumerate(PAIRS):
        assert np.abs(states([pair])[0] - together[place]).max() < 1e-3
    assert np.abs(together[0] - together[1]).max() > 0.1


def test_numbers_have_four_bytes_whatever_the_processor_would_choose(
    states: EmbeddedStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFINSTRUCT_DTYPE", "bfloat16")
    other = EmbeddedStates()
    assert np.abs(other(PAIRS[:2]) - states(PAIRS[:2])).max() < 1e-3
    assert str(next(other._model.parameters()).dtype) == "torch.float32"


def test_batches_hold_so_many_tokens_and_no_text_is_left_out() -> None:
    lengths = sorted([3, 50, 700, 5000, 5000, 12, 9])
    found = _batches(lengths)
    assert [place for batch in found for place in batch] == list(range(len(lengths)))
    assert all(len(batch) * lengths[batch[-1]] <= 4096 or len(batch) == 1 for batch in found)
    assert _batches([]) == []
