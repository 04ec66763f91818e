from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.finetune.examples import prepare
from selfinstruct.finetune.packing import Batching, passes, steps, tensors, useful_share
from selfinstruct.finetune.training import rate
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from tests.finetune.builders import tokenizer

_LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=60)
_BATCHINGS: tuple[Batching, ...] = ("packed", "padded")


@given(_LENGTHS, st.integers(1, 9), st.sampled_from(_BATCHINGS), st.integers(1, 500))
def test_passes_hold_each_example_once_and_keep_to_their_bounds(
    lengths: Sequence[int], batch: int, batching: Batching, together: int
) -> None:
    made = passes(lengths, range(len(lengths)), batch, batching, together)
    assert sorted(at for together in made for at in together) == list(range(len(lengths)))
    for batched in made:
        sizes = [lengths[at] for at in batched]
        processed = sum(sizes) if batching == "packed" else max(sizes) * len(sizes)
        assert len(batched) <= batch
        assert processed <= together or len(batched) == 1


@given(st.integers(1, 50), st.integers(1, 9), st.integers(1, 3), st.integers(0, 5))
def test_an_epoch_shows_every_example_once_and_each_in_an_order_of_its_own(
    count: int, size: int, epochs: int, seed: int
) -> None:
    plan = steps(count, size, epochs, seed)
    for epoch in range(epochs):
        assert sorted(at for step in plan if step.epoch == epoch for at in step.examples) == list(range(count))
    assert plan == steps(count, size, epochs, seed)
    assert plan[: len(steps(count, size, 1, seed))] == steps(count, size, 1, seed)


def test_another_seed_is_another_order() -> None:
    assert steps(50, 4, 1, 1) != steps(50, 4, 1, 2)
    assert steps(50, 4, 2, 1)[0].examples != steps(50, 4, 2, 1)[13].examples


@pytest.mark.parametrize(("batching", "least"), [("packed", 0.95), ("padded", 0.5)])
def test_the_useful_share_of_our_seeds_is_that_of_the_tensors_that_are_made(batching: Batching, least: float) -> None:
    pytest.importorskip("torch")
    made = prepare(list(read_seeds(builtin_seeds())), tokenizer(), template="tags", max_tokens=2048).examples
    lengths, plan = [len(example) for example in made], steps(len(made), 16, 1.0, 0)
    ways = [way for step in plan for way in passes(lengths, step.examples, 8, batching, 4096)]
    sizes = [tensors([made[at] for at in way], batching, "cpu", 0).tokens.numel() for way in ways]
    share = sum(lengths) / sum(sizes)
    assert share == useful_share(lengths, plan, 8, batching, 4096) >= least
    assert (share == 1.0) == (batching == "packed")


def test_filled_up_rows_are_counted_as_what_they_cost() -> None:
    assert useful_share([2, 4], steps(2, 2, 1, 0), 2, "padded", 512) == pytest.approx(6 / 8)


@given(st.integers(1, 200), st.floats(0, 1))
def test_the_rate_rises_to_its_highest_and_falls_but_never_to_nothing(count: int, warm_up: float) -> None:
    rates = [rate(step, count, 0.5, warm_up) for step in range(count)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.5)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert min(rates) > 0
