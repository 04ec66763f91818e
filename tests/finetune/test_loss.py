"""The loss, against transformers' own on whole logits of one example at a time."""

from collections.abc import Sequence
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune import loss as loss_module
from selfinstruct.finetune.examples import TrainingExample
from selfinstruct.finetune.loss import Loss, noisy
from selfinstruct.finetune.machine_probe import MachineCapabilities, capabilities
from selfinstruct.finetune.packing import Batching, apart, tensors
from tests.finetune import tiny
from tests.finetune.builders import PACKED, PADDED, WORDS, examples, model, tokenizer

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

KINDS = ("llama", "gemma3", "qwen2", "mamba")


def _plain(made: Any, given: Sequence[TrainingExample]) -> float:
    """As transformers does it: all logits, labels of -100, one example at a time."""
    total = 0.0
    for example in given:
        ids = torch.tensor([list(example.tokens)])
        labels = torch.tensor([[t if s else -100 for t, s in zip(example.tokens, example.supervised, strict=True)]])
        mean = made(input_ids=ids, labels=labels).loss
        (mean * example.learned / sum(e.learned for e in given)).backward()
        total += float(mean.detach()) * example.learned
    return total


def _gradients(made: Any) -> dict[str, Any]:
    gradients = {name: weight.grad.clone() for name, weight in made.named_parameters() if weight.grad is not None}
    made.zero_grad(set_to_none=True)
    return gradients


def _ours(made: Any, given: Sequence[TrainingExample], examined: MachineCapabilities) -> float:
    batch = tensors(given, examined.batching, "cpu", 0)
    return Loss(made, plain_head=examined.plain_head).backward(batch, 1 / sum(e.learned for e in given))


def _same(first: dict[str, Any], other: dict[str, Any]) -> bool:
    return first.keys() == other.keys() and all(
        torch.allclose(first[name], other[name], rtol=1e-3, atol=1e-5) for name in first
    )


@pytest.mark.parametrize("kind", KINDS)
def test_loss_and_gradients_equal_the_plain_ones(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_module, "AT_ONCE", 7)  # several chunks
    made, given = model(kind), examples(5)
    expected, gradients = _plain(made, given), _gradients(made)
    assert _ours(made, given, capabilities(made, kind)) == pytest.approx(expected, rel=1e-4)
    assert _same(_gradients(made), gradients)


@pytest.mark.parametrize(
    "examined", [PACKED, PADDED, MachineCapabilities("packed", plain_head=False, context=9, together=9, words=WORDS)]
)
def test_whatever_the_layout_and_the_head_the_loss_is_the_same(examined: MachineCapabilities) -> None:
    made, given = model(tie_word_embeddings=True), examples(5)
    expected, gradients = _plain(made, given), _gradients(made)
    assert _ours(made, given, examined) == pytest.approx(expected, rel=1e-4)
    assert _same(_gradients(made), gradients)


def test_tied_words_get_the_gradient_of_the_head_and_of_what_is_read_over_several_passes() -> None:
    made, given = model("gemma3", tie_word_embeddings=True), examples(6)
    expected, gradients = _plain(made, given), _gradients(made)
    loss, share = Loss(made, plain_head=True), 1 / sum(example.learned for example in given)
    for _step in range(2):
        halves = [tensors(half, "packed", "cpu", 0) for half in (given[:3], given[3:])]
        assert sum(loss.backward(half, share) for half in halves) == pytest.approx(expected, rel=1e-4)
        assert _same(_gradients(made), gradients)


def test_with_an_adapter_only_the_adapter_gets_gradients_and_they_are_the_plain_ones() -> None:
    made, given = tiny.lora(model()), examples(5)
    expected, gradients = _plain(made, given), _gradients(made)
    assert _ours(made, given, PACKED) == pytest.approx(expected, rel=1e-4)
    ours = _gradients(made)
    assert _same(ours, gradients)
    assert all("lora" in name for name in ours)


def test_a_value_is_the_loss_without_gradients() -> None:
    made, given = model(), examples(5)
    expected = _ours(made, given, PACKED)
    made.zero_grad(set_to_none=True)
    assert Loss(made, plain_head=True).value(tensors(given, "packed", "cpu", 0)) == pytest.approx(expected, rel=1e-5)
    assert not _gradients(made)


@pytest.mark.parametrize("kind", ["llama", "gemma3", "qwen2"])
def test_packed_examples_do_not_see_each_other(kind: str) -> None:
    made = model(kind, sliding_window=8) if kind == "gemma3" else model(kind)
    given = examples(4)
    batch = tensors(given, "packed", "cpu", 0)
    changed = batch.tokens.clone()
    changed[0, : batch.lengths[0]] = 7
    with torch.no_grad(), apart(made, batch.lengths):
        before = made(input_ids=batch.tokens, position_ids=batch.positions).logits
        after = made(input_ids=changed, position_ids=batch.positions).logits
    assert torch.equal(before[0, batch.lengths[0] :], after[0, batch.lengths[0] :])
    assert not torch.allclose(before[0, : batch.lengths[0]], after[0, : batch.lengths[0]])


def test_a_sliding_window_is_kept_in_a_packed_row() -> None:
    made, (example,) = model("gemma3", sliding_window=8, layer_types=["sliding_attention"] * 2), examples(1)
    packed = tensors([example], "packed", "cpu", 0)
    assert len(example) > 16
    with torch.no_grad():
        plain = made(input_ids=packed.tokens).logits
        with apart(made, packed.lengths):
            ours = made(input_ids=packed.tokens, position_ids=packed.positions).logits
    assert torch.allclose(ours, plain, atol=1e-4)


def test_the_model_attends_as_before_afterwards_also_when_something_fails() -> None:
    made = model()
    before = made.config._attn_implementation
    with pytest.raises(ZeroDivisionError), apart(made, (3,)):
        raise ZeroDivisionError
    assert made.config._attn_implementation == before


@pytest.mark.parametrize(("kind", "batching"), [("llama", "packed"), ("gemma3", "packed"), ("mamba", "padded")])
def test_only_models_whose_examples_stay_apart_are_packed(kind: str, batching: Batching) -> None:
    known = capabilities(model(kind), kind)
    assert known.batching == batching
    assert known.plain_head


def test_a_head_with_something_done_after_it_is_no_plain_one() -> None:
    config = transformers.CohereConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        vocab_size=len(tokenizer()),
        logit_scale=0.5,
    )
    made = transformers.AutoModelForCausalLM.from_config(config).eval()
    known = capabilities(made, "cohere")
    assert not known.plain_head
    given = examples(3)
    assert _ours(made, given, known) == pytest.approx(_plain(made, given), rel=1e-4)


def test_a_model_that_sees_later_words_is_refused() -> None:
    config = transformers.BertConfig(
        vocab_size=len(tokenizer()),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.2,
    )
    made = transformers.BertLMHeadModel(config).eval()
    with pytest.raises(BadInput, match="model 'hf:bert': no causal language model: it sees the words that come later"):
        capabilities(made, "hf:bert")


def test_noise_is_as_strong_as_neftune_says_and_gone_afterwards() -> None:
    made, given = model(), examples(3)
    batch = tensors(given, "packed", "cpu", 0)
    words = made.get_input_embeddings()
    torch.manual_seed(3)
    with torch.no_grad():
        still = words(batch.tokens)
        with noisy(made, batch, 5.0):
            moved = (words(batch.tokens) - still)[0]
        assert torch.equal(words(batch.tokens), still)
    begin = 0
    for length in batch.lengths:
        here = moved[begin : begin + length].abs()
        most = 5.0 / (length * still.shape[-1]) ** 0.5
        assert 0.9 * most < float(here.max()) <= most + 1e-6
        begin += length


def test_without_a_strength_there_is_no_noise_and_nothing_is_drawn() -> None:
    made, batch = model(), tensors(examples(2), "packed", "cpu", 0)
    state = torch.get_rng_state()
    with noisy(made, batch, 0.0):
        assert torch.equal(made.get_input_embeddings()(batch.tokens), made.get_input_embeddings()(batch.tokens))
    assert torch.equal(torch.get_rng_state(), state)
