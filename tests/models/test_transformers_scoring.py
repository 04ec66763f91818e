"""Log-probabilities by transformers: a tiny model with random weights, made here."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.transformers_scoring import EmbeddedStates, TransformersScorer, _in_order

LETTERS = "abcdefghijklmnopqrstuvwxyz .,\n"
PAIRS = [
    ("Name a river.", "The Nile."),
    ("Name a river in", " Spain or Portugal, and say how long it is. " * 4),
    ("Write a poem. " * 200, "Roses are red, and this one is long. " * 40),
    ("Hi", ""),
    ("\u4f60\u597d", "\u4f60\u597d\uff0c\u6709\u4ec0\u4e48"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    place = tmp_path_factory.mktemp("tiny")
    vocabulary = {char: at for at, char in enumerate(["<s>", "<unk>", *LETTERS])}
    cutter = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    cutter.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), "isolated")
    transformers.PreTrainedTokenizerFast(tokenizer_object=cutter, bos_token="<s>", unk_token="<unk>").save_pretrained(
        place
    )
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=0,
        eos_token_id=None,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(place)
    return place


def alone(scorer: TransformersScorer, prompt: str, continuation: str) -> list[float]:
    """The definition: one text, one token after the other, no batch."""
    torch = pytest.importorskip("torch")
    model: Any = scorer._model
    before = [0, *scorer._tokenizer(prompt, add_special_tokens=False)["input_ids"]] if prompt else [0]
    scores = []
    for token in scorer._tokenizer(continuation, add_special_tokens=False)["input_ids"]:
        logits = model(input_ids=torch.tensor([before])).logits[0, -1].double()
        scores.append(float((logits[token] - torch.logsumexp(logits, 0)).detach()))
        before.append(token)
    return scores


def test_every_token_has_the_log_probability_of_the_definition(folder: Path) -> None:
    scorer = TransformersScorer(str(folder))
    texts = [("name a river.", "the nile"), ("", "the nile"), ("a", "b"), ("add one,", " two.")]
    scored = scorer.many_log_probabilities(texts)
    for text, scores in zip(texts, scored, strict=True):
        assert scores == pytest.approx(alone(scorer, *text), abs=1e-5)
        assert len(scores) == len(text[1])


def test_the_batch_a_text_stands_in_changes_nothing(folder: Path) -> None:
    texts = [("name a river.", "the nile"), ("", "b"), ("a" * 20, "b c"), ("x", "")]
    together = TransformersScorer(str(folder)).many_log_probabilities(texts)
    one_by_one = TransformersScorer(str(folder), tokens_together=1)
    for text, scores in zip(texts, together, strict=True):
        assert scores == pytest.approx(one_by_one.token_log_probabilities(*text), abs=1e-5)
    assert together[3] == []


def test_what_does_not_fit_loses_the_beginning_of_its_prompt_and_then_the_end_of_its_continuation(folder: Path) -> None:
    scorer = TransformersScorer(str(folder))
    long, cut = scorer.many_log_probabilities([("z" * 99 + "a" * 26, "river"), ("a" * 26, "river")])
    assert long == pytest.approx(cut, abs=1e-6)
    assert len(scorer.token_log_probabilities("abc", "d" * 99)) == 31


def test_probabilities_of_all_next_letters_sum_to_one(folder: Path) -> None:
    scorer = TransformersScorer(str(folder))
    scores = [scorer.token_log_probabilities("abc", letter)[0] for letter in LETTERS]
    rest = scorer.token_log_probabilities("abc", "é")[0]  # every other letter is the unknown one
    assert 0.9 < sum(map(math.exp, [*scores, rest])) < 1.0  # what is left is the beginning mark's


def test_the_name_of_a_folder_says_nothing_of_where_it_lies(folder: Path) -> None:
    assert TransformersScorer(str(folder)).name == f"hf:{folder.name}"
    assert TransformersScorer("nobody/nothing").name == "hf:nobody/nothing"


def test_a_folder_without_a_model_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    with pytest.raises(BadInput, match=r"cannot be loaded.*safetensors") as error:
        TransformersScorer(str(tmp_path)).token_log_probabilities("a", "b")
    assert "\n" not in str(error.value)


def test_without_the_extra_the_way_to_it_is_told(tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("torch is installed")
    with pytest.raises(BadInput, match=r"torch is not installed.*pip install 'selfinstruct\[train\]'"):
        TransformersScorer(str(tmp_path)).token_log_probabilities("a", "b")


@pytest.fixture(scope="module")
def states() -> EmbeddedStates:
    return EmbeddedStates()


def test_a_row_is_that_of_its_pair_whatever_its_neighbours_are(states: EmbeddedStates) -> None:
    together = states(PAIRS)
    assert together.shape == (5, 3 * 2 * 576 + 6)
    assert np.isfinite(together).all()
    for place, pair in enumerate(PAIRS):
        assert np.abs(states([pair])[0] - together[place]).max() < 1e-3
    assert np.abs(together[0] - together[1]).max() > 0.1


def test_likelihoods_are_those_of_the_scorer_and_tell_an_answer_from_more_of_the_page(states: EmbeddedStates) -> None:
    prompt, answer, page = "Name a river in Italy.", "The Po is a river in Italy.", "Name a lake in Italy."
    answered, went_on = states([(prompt, answer), (prompt, page)])[:, -states.likelihoods :]
    asked = f"user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"  # the scorer sets the mark before it
    scores = TransformersScorer("embedded").token_log_probabilities(asked, answer)
    assert answered[3:].tolist() == pytest.approx([np.mean(scores), np.mean(scores[:8]), scores[0]], abs=1e-3)
    assert answered[0] > went_on[0] + 0.5
    assert answered[1] > went_on[1] + 0.5


def test_numbers_have_four_bytes_whatever_the_processor_would_choose(
    states: EmbeddedStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFINSTRUCT_DTYPE", "bfloat16")
    other = EmbeddedStates()
    assert np.abs(other(PAIRS[:2]) - states(PAIRS[:2])).max() < 1e-3
    assert str(next(other._model.parameters()).dtype) == "torch.float32"


def test_batches_hold_so_many_tokens_and_no_text_is_left_out() -> None:
    lengths = sorted([3, 50, 700, 5000, 5000, 12, 9])
    batches = _in_order(lengths)
    assert [place for batch in batches for place in batch] == list(range(len(lengths)))
    assert all(len(batch) * lengths[batch[-1]] <= 4096 or len(batch) == 1 for batch in batches)
    assert _in_order([]) == []
