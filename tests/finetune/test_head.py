"""The plain head, against the library's cross-entropy and autograd."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.finetune import loss as loss_module
from selfinstruct.finetune.loss import Loss, PlainHead, plain_head_of, rows_alone
from selfinstruct.finetune.packing import tensors
from tests.finetune.builders import examples, model

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


def _expected(weight: Any, states: Any, targets: Any, share: float) -> tuple[float, Any, Any]:
    weight, states = (tensor.detach().clone().requires_grad_() for tensor in (weight, states))
    total = torch.nn.functional.cross_entropy(states @ weight.T, targets, reduction="sum")
    (total * share).backward()
    return float(total.detach()), states.grad, weight.grad


def _same(first: Any, other: Any) -> bool:
    return bool(torch.allclose(first, other, rtol=1e-4, atol=1e-6))


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 12),
    words=st.integers(1, 40),
    share=st.floats(0.01, 2),
    size=st.floats(0.1, 100),
    trained=st.booleans(),
    seed=st.integers(0, 999),
)
def test_loss_and_gradients_are_those_of_cross_entropy(
    count: int, words: int, share: float, size: float, *, trained: bool, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    states = torch.randn(count, 8, generator=draw) * size
    weight = torch.nn.Parameter(torch.randn(words, 8, generator=draw), requires_grad=trained)
    targets = torch.randint(words, (count,), generator=draw)
    total, by_states, by_weight = _expected(weight, states, targets, share)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loss_module, "AT_ONCE", 5)
        ours = PlainHead(weight)
        loss, gradient = ours.backward(states, targets, share)
        assert ours.value(states, targets) == loss
    assert loss == pytest.approx(total, rel=1e-4, abs=1e-4)
    assert torch.allclose(gradient, by_states, rtol=1e-4, atol=1e-5)
    assert torch.allclose(weight.grad, by_weight, rtol=1e-4, atol=1e-5 * size) if trained else weight.grad is None


def test_gradients_of_several_passes_add_up_and_those_of_the_next_step_begin_anew() -> None:
    weight = torch.nn.Parameter(torch.randn(11, 8))
    states, targets = torch.randn(6, 8), torch.arange(6)
    ours = PlainHead(weight)
    whole = _expected(weight, states, targets, 0.5)[2]
    for _step in range(2):
        weight.grad = None  # as an optimiser leaves it
        ours.backward(states[:2], targets[:2], 0.5)
        ours.backward(states[2:], targets[2:], 0.5)
        assert _same(weight.grad, whole)


def test_a_loss_that_is_no_number_is_told_as_such() -> None:
    weight = torch.nn.Parameter(torch.full((3, 2), 3e38))
    states, targets = torch.full((1, 2), 9.0), torch.tensor([1])
    assert not math.isfinite(PlainHead(weight).value(states, targets))
    assert not math.isfinite(PlainHead(weight).backward(states, targets, 1.0)[0])


@pytest.mark.parametrize("change", ["two bytes", "bias", "adapter"])
def test_other_heads_are_left_to_autograd(change: str) -> None:
    made = model()
    own = made.get_output_embeddings()
    if change == "two bytes":
        made = made.to(torch.bfloat16)
    elif change == "bias":
        own.bias = torch.nn.Parameter(torch.zeros(own.out_features))
    else:
        made.set_output_embeddings(torch.nn.Sequential(own))  # an adapter, too, puts a layer of its own in its place
    assert plain_head_of(made, made.model) is None


def test_with_a_bias_the_loss_is_that_of_the_whole_logits() -> None:
    made, given_examples = model(), examples(4)
    own = made.get_output_embeddings()
    own.bias = torch.nn.Parameter(torch.randn(own.out_features))
    batch = tensors(given_examples, "packed", "cpu", 0)
    whole = Loss(made, plain_head=False)
    assert Loss(made, plain_head=True).backward(batch, 1.0) == pytest.approx(whole.backward(batch, 1.0), rel=1e-5)


def test_words_get_gradients_row_by_row_only_within_and_where_they_share_the_heads_weight() -> None:
    tied, untied = model(tie_word_embeddings=True), model(tie_word_embeddings=False)
    with rows_alone(tied), rows_alone(untied):
        assert tied.get_input_embeddings().sparse
        assert not untied.get_input_embeddings().sparse
    with pytest.raises(ZeroDivisionError), rows_alone(tied):
        raise ZeroDivisionError
    assert not tied.get_input_embeddings().sparse
