"""KL to the base against a direct computation with all logits at once."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune.divergence import (
    AdapterOff,
    ProbeText,
    ProbeTexts,
    adds_nothing,
    base_of,
    chunks_of,
    divergence,
    encoded,
    forget,
    no_divergence,
    predictions,
    prose_probe,
    reference_probe,
)
from tests.finetune import tiny

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

LONG = " ".join(f"{word} of the river" for word in "abcdefghabcdefghab")
TEXTS = (ProbeText("it is a river"), ProbeText(LONG), ProbeText("the end", prompt="name the river . answer"))
PROBE = ProbeTexts("prose", TEXTS)


@pytest.fixture(scope="module")
def words() -> Any:
    return tiny.tokenizer()


def directly(tuned: Any, base: Any, words: Any) -> tuple[float, float]:
    """Both directions, one text at a time, nothing cut into chunks, in 8-byte floats."""
    there, back = [], []
    for text in TEXTS:
        before = words(text.prompt)["input_ids"] if text.prompt else []
        row = torch.tensor([before + words(text.answer)["input_ids"]])
        first = max(len(before) - 1, 0)
        with torch.no_grad():
            now, known = (weights(row).logits[0, first:].double().log_softmax(-1) for weights in (tuned, base))
        there.append((known.exp() * (known - now)).sum(-1))
        back.append((now.exp() * (now - known)).sum(-1))
    return float(torch.cat(there).mean()), float(torch.cat(back).mean())


class Other:
    """Another model as the base."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predictions(self, model: Any, tokens: Any, first: int, probe: str, place: int) -> Iterator[Any]:
        del model, probe, place
        return predictions(self.model, tokens, first)


@pytest.mark.parametrize("kind", ["llama", "gemma3", "mamba"])
def test_divergence_is_that_of_all_logits_at_once(kind: str, words: Any) -> None:
    settings = {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]} if kind == "gemma3" else {}
    tuned, base = tiny.model(1, kind, **settings), tiny.model(2, kind, **settings)
    divergences = divergence(tuned, words, PROBE, Other(base))
    there, back = directly(tuned, base, words)
    assert divergences.base_tuned == pytest.approx(there, rel=1e-4)
    assert divergences.tuned_base == pytest.approx(back, rel=1e-4)
    assert divergences.positions == 4 + 72 + 3
    assert there != pytest.approx(back, rel=1e-3)  # else the direction would not be tested


def test_an_adapter_is_compared_with_itself_switched_off(words: Any) -> None:
    pytest.importorskip("peft")
    base = tiny.model(1)
    tuned = tiny.lora(tiny.model(1))
    off = base_of(tuned, words, [PROBE], None, fresh=False)
    assert isinstance(off, AdapterOff)
    divergences = divergence(tuned, words, PROBE, off)
    assert divergences.base_tuned == pytest.approx(directly(tuned, base, words)[0], rel=1e-4)
    assert divergences.base_tuned > 1e-3
    with tuned.disable_adapter():
        assert divergence(tuned, words, PROBE, Other(base)).base_tuned < 1e-9


def test_an_adapter_that_has_learned_nothing_is_not_asked_and_has_no_divergence(words: Any) -> None:
    pytest.importorskip("peft")
    tuned = tiny.lora(tiny.model(1))
    assert not adds_nothing(tuned)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if ".lora_B." in name:
                weight.zero_()
    assert adds_nothing(tuned)
    off = base_of(tuned, words, [PROBE], None, fresh=True)
    assert off is not None
    assert no_divergence(tuned, words, PROBE) == divergence(tuned, words, PROBE, off)
    tuned.base_model.model.lm_head.weight.requires_grad_(True)
    assert not adds_nothing(tuned)
    assert not adds_nothing(tiny.model(1))


@pytest.mark.parametrize("in_file", [True, False])
def test_what_the_base_predicted_is_kept_through_full_tuning(in_file: bool, words: Any, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    folder = tmp_path / "base" if in_file else None
    model = tiny.model(1)
    kept = base_of(model, words, [PROBE], folder, fresh=True)
    assert kept is not None
    assert divergence(model, words, PROBE, kept).base_tuned < 1e-6
    model.load_state_dict(tiny.model(2).state_dict())
    expected = directly(tiny.model(2), tiny.model(1), words)
    again = base_of(model, words, [PROBE], folder, fresh=False)  # as after a kill
    assert (again is None) == (folder is None)
    for base in [kept] + ([again] if again is not None else []):
        divergences = divergence(model, words, PROBE, base)
        assert (divergences.base_tuned, divergences.tuned_base) == pytest.approx(expected, rel=1e-3)


def test_kept_predictions_of_other_texts_or_cut_off_are_not_used(words: Any, tmp_path: Path) -> None:
    model = tiny.model(1)
    base_of(model, words, [PROBE], tmp_path / "base", fresh=True)
    other = ProbeTexts("prose", (*TEXTS[:2], ProbeText("a b c")))
    assert base_of(model, words, [other], tmp_path / "base", fresh=False) is None
    file = min((tmp_path / "base").glob("*.npy"))
    file.write_bytes(file.read_bytes()[:-10])
    assert base_of(model, words, [PROBE], tmp_path / "base", fresh=False) is None
    forget(tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_long_texts_are_cut_and_keep_something_to_predict(words: Any) -> None:
    tokens, first = encoded(words, ProbeText("the end", prompt=LONG), 20)
    assert (len(tokens), first) == (12, 9)
    tokens, first = encoded(words, ProbeText(LONG, prompt="a b c"), 20)
    assert (len(tokens), first) == (20, 2)
    assert sum(chunks_of(20, 2)) == 18


def test_a_prompt_that_brings_its_opening_mark_gets_no_second_one() -> None:
    opens = tiny.tokenizer()
    opens.bos_token = "<end>"
    opens.backend_tokenizer.post_processor = importlib.import_module("tokenizers").processors.TemplateProcessing(
        single="<end> $A", special_tokens=[("<end>", 0)]
    )
    plain, marked = (encoded(opens, ProbeText("a b", prompt=p), 99)[0] for p in ("name the", "<end> name the"))
    assert plain == marked
    assert plain.count(0) == 1


def test_the_prose_is_plain_and_a_probe_without_text_is_refused(words: Any) -> None:
    texts = prose_probe().texts
    assert len(texts) == 12
    assert all(30 < len(text.answer.split()) < 90 and not text.prompt for text in texts)
    with pytest.raises(BadInput, match="probe reference"):
        divergence(tiny.model(1), words, reference_probe([]), AdapterOff())
    with pytest.raises(BadInput, match="probe reference"):
        no_divergence(tiny.model(1), words, reference_probe([]))
