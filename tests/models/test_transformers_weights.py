"""Weights that can be trained: what a spec means, what is said of them, and that they load as the backend's do."""

import hashlib
import importlib
import importlib.util
import io
import json
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models import weights
from selfinstruct.models.model_files import find_weights
from selfinstruct.models.transformers_decode import Decoder
from selfinstruct.models.transformers_model import TransformersModel
from selfinstruct.models.transformers_weights import TransformersWeights, load_weights, trainable
from selfinstruct.records import Request
from selfinstruct.stage import Loaded
from tests.models import tiny_models
from tests.models.test_transformers_model import gguf_file

pytest.importorskip("torch")


def gguf_header(path: Path, number: int | None, padding: int = 0) -> Path:
    """As much of a GGUF file as tells its number format."""
    key = b"" if number is None else b"general.file_type" + (4).to_bytes(4, "little") + number.to_bytes(4, "little")
    path.write_bytes(b"GGUF" + b"\0" * padding + key + b"\0" * 64)
    return path


def adapter(folder: Path, base: str) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


@pytest.mark.parametrize("spec", ["openai:gpt-5", "replay:a.jsonl", "scripted:smoke"])
def test_a_model_that_can_only_be_asked_is_refused_unseen(spec: str) -> None:
    with pytest.raises(BadInput, match="can be asked and not trained"):
        trainable(spec)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("hf:", "nothing after the colon"),
        ("gguf:", "write gguf:PATH"),
        ("embeded", "no such folder, and no model kind; kinds: hf, gguf, embedded, gemma"),
        ("gguf:none.gguf", "no such file or folder"),
        ("hf:./none", "no such file or folder"),
    ],
)
def test_a_spec_without_weights_is_one_line(spec: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        TransformersWeights(spec)


def test_a_folder_is_named_as_its_backend_is_and_loads_the_same(tmp_path: Path) -> None:
    torch = importlib.import_module("torch")
    place = tiny_models.saved(tmp_path / "m")
    for spec in (f"hf:{place}", str(place)):
        made = TransformersWeights(spec)
        assert made.name == TransformersModel(str(place)).name
        assert str(tmp_path) not in made.name
        assert made.notice == ""
    loaded, again = made.load(), load_weights(str(place))
    assert loaded.model.dtype is torch.float32
    assert all(
        torch.equal(parameter, other)
        for parameter, other in zip(loaded.model.parameters(), again.model.parameters(), strict=True)
    )
    assert loaded.model is not made.load().model  # anew each time: what one trains, no other sees
    assert made.load(dtype="bfloat16").model.dtype is torch.bfloat16
    with pytest.raises(BadInput, match="no number format 'int3'"):
        made.load(dtype="int3")
    assert TransformersWeights("hf:nobody/nothing").name == "hf:nobody/nothing"


def test_what_an_adapter_or_a_student_was_made_of_is_told_by_the_name_of_its_base(tmp_path: Path) -> None:
    base = tiny_models.saved(tmp_path / "base")
    name = TransformersWeights(f"hf:{base}").name
    assert TransformersWeights(f"hf:{base}").tuned_from == ""
    assert TransformersWeights(f"hf:{adapter(tmp_path / 'lora', str(base))}").tuned_from == name
    assert TransformersWeights(f"hf:{adapter(tmp_path / 'far', 'nobody/nothing')}").tuned_from == "hf:nobody/nothing"
    student = tiny_models.saved(tmp_path / "student", seed=2)
    (student / "training.json").write_text(json.dumps({"base": name}), encoding="utf-8")
    assert TransformersWeights(f"hf:{student}").tuned_from == name


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (3, "a 4-bit file (Q4_1)"),
        (15, "a 4-bit file (Q4_K_M)"),
        (24, "a 1-bit file (IQ1_S)"),
        (7, "an 8-bit file (Q8_0)"),
        (999, "a GGUF file"),
        (None, "a GGUF file"),
    ],
)
def test_weights_that_were_quantised_say_so(number: int | None, says: str, tmp_path: Path) -> None:
    path = gguf_header(tmp_path / "a.gguf", number, padding=5000)
    notice = f"weights dequantised from {says}: not the original release"
    made = TransformersWeights(f"gguf:{path}")
    assert (made.name, made.notice) == ("gguf:a.gguf", notice)
    inner = adapter(tmp_path / "tuned", f"gguf:{path}")
    assert TransformersWeights(f"hf:{inner}").notice == notice


@pytest.mark.parametrize("number", [0, 1, 32])
def test_a_file_that_was_not_quantised_needs_no_notice(number: int, tmp_path: Path) -> None:
    assert TransformersWeights(f"gguf:{gguf_header(tmp_path / 'a.gguf', number)}").notice == ""


def test_an_adapter_carries_the_terms_of_its_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(
        weights, "GEMMA_SHA256", hashlib.sha256(gguf_header(tmp_path / weights.GEMMA_FILE, 15).read_bytes()).hexdigest()
    )
    made = TransformersWeights("gemma")
    assert made.notice.startswith("weights dequantised from a 4-bit file (Q4_K_M): not the original release; Gemma")
    assert "ai.google.dev/gemma/terms" in made.notice
    assert TransformersWeights(f"hf:{adapter(tmp_path / 'tuned', 'gemma')}").notice == made.notice


def test_what_was_loaded_says_how_it_is_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    tiny_models.saved(tmp_path / "m")
    gguf_file(tmp_path / "tiny.gguf")
    for spec in ("hf:m", "gguf:tiny.gguf"):
        source = TransformersWeights(spec).load().source
        assert source == f"{'gguf:' if 'gguf' in spec else ''}{tmp_path / spec.partition(':')[2]}"
        assert find_weights(source) == tmp_path / spec.partition(":")[2]


def test_a_mark_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    for name, seed in (("one/base", 1), ("two/base", 1), ("three/base", 5)):
        place = tiny_models.saved(tmp_path / name, seed=seed)
        adapter(place.with_name("tuned"), str(place))
    for inner in ("base", "tuned"):
        marks = [TransformersWeights(f"hf:{tmp_path / name / inner}").mark for name in ("one", "two", "three")]
        assert marks[0] == marks[1] != marks[2]


def test_a_gguf_file_loads_as_the_model_it_was_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    torch = importlib.import_module("torch")
    loaded = TransformersWeights(f"gguf:{gguf_file(tmp_path / 'tiny.gguf')}").load()
    whole = tiny_models.model().state_dict()
    assert all(torch.equal(weight, whole[name]) for name, weight in loaded.model.state_dict().items())


@pytest.mark.parametrize("kind", ["t5", "bert"])
def test_weights_that_continue_no_text_are_refused(kind: str, tmp_path: Path) -> None:
    transformers = importlib.import_module("transformers")
    sizes = {"vocab_size": tiny_models.WORDS}
    if kind == "t5":
        made = transformers.T5ForConditionalGeneration(
            transformers.T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, **sizes)
        )
    else:  # the library would load it as a decoder
        made = transformers.BertForMaskedLM(
            transformers.BertConfig(
                hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, **sizes
            )
        )
    made.save_pretrained(tmp_path)
    tiny_models.tokenizer().save_pretrained(tmp_path)
    with pytest.raises(BadInput, match=f"a {type(made).__name__} is no causal language model"):
        TransformersWeights(f"hf:{tmp_path}").load()


def test_a_model_with_an_adapter_in_training_is_asked_with_it(tmp_path: Path) -> None:
    peft, torch = pytest.importorskip("peft"), importlib.import_module("torch")
    loaded = load_weights(str(tiny_models.saved(tmp_path / "base")))
    request = Request(prompt="name a river.", max_tokens=20, temperature=0.0)
    plain = Decoder(loaded).replies([request])
    plan = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    tuned = peft.get_peft_model(loaded.model, plan).eval()
    torch.manual_seed(3)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=2.0)
    decoder = Decoder(Loaded(tuned, loaded.tokenizer))
    grown = decoder.replies([request])
    assert grown != plain
    with tuned.disable_adapter():
        assert decoder.replies([request]) == plain
    assert Decoder(Loaded(tuned.merge_and_unload(), loaded.tokenizer)).replies([request]) == grown


def test_a_learned_prompt_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    loaded = load_weights(str(tiny_models.saved(tmp_path / "base")))
    plan = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2)
    with pytest.raises(BadInput, match="a learned prompt is not asked in batches"):
        Decoder(Loaded(peft.get_peft_model(loaded.model, plan), loaded.tokenizer))


def test_any_number_of_replies_come_in_the_order_of_the_requests(tmp_path: Path) -> None:
    loaded = load_weights(str(tiny_models.saved(tmp_path / "m")))
    prompts = ["a" * length for length in (9, 1, 30, 2, 8, 31, 3, 10)]
    requests = [Request(prompt=prompt, max_tokens=12, temperature=0.0) for prompt in prompts]
    together = Decoder(loaded, rows=3).replies(requests)
    assert together == [Decoder(loaded).replies([request])[0] for request in requests]
    assert [answer.usage.prompt_tokens for answer in together] == [len(prompt) for prompt in prompts]
    assert Decoder(loaded).replies([]) == []


def test_in_4_bits_the_library_quantises_what_it_loads_onto_the_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    place, find, given = tiny_models.saved(tmp_path / "m"), importlib.util.find_spec, {}
    loads = transformers.AutoModelForCausalLM.from_pretrained

    def loaded(source: Any, **how: Any) -> Any:  # as bitsandbytes would, but on no GPU and in four bytes
        given.update(how)
        return loads(source, output_loading_info=how["output_loading_info"])

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: name == "bitsandbytes" or find(name, *more))
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", loaded)
    monkeypatch.setattr(transformers, "BitsAndBytesConfig", dict)
    assert TransformersWeights(f"hf:{place}").load(dtype="4bit").source == str(place.resolve())
    assert given["device_map"] == {"": "cuda"}
    assert given["quantization_config"]["load_in_4bit"] is True
    assert given["quantization_config"]["bnb_4bit_quant_type"] == "nf4"
    assert given["quantization_config"]["bnb_4bit_compute_dtype"] == torch.bfloat16


def test_4_bits_are_refused_without_a_gpu_without_bitsandbytes_and_for_an_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch, place = importlib.import_module("torch"), tiny_models.saved(tmp_path / "m")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="4 bits need a GPU, and torch finds none here; leave quantize: 4bit away"):
        load_weights(str(place), dtype="4bit")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BadInput, match=r"bitsandbytes is not installed; pip install 'selfinstruct\[qlora\]'"):
        load_weights(str(place), dtype="4bit")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text(f'{{"base_model_name_or_path": "{place}"}}')
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="an adapter's base cannot be had in 4 bits; merge it into its base first"):
        load_weights(str(tmp_path / "adapter"), dtype="4bit")


def test_a_tokenizer_that_is_only_a_sentencepiece_file_is_read(tmp_path: Path) -> None:
    sentencepiece, written = importlib.import_module("sentencepiece"), io.BytesIO()
    lines = ["the river flows to the sea", "a town by the river", "bread is baked of flour and water"] * 40
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=written, vocab_size=60, model_type="bpe", minloglevel=2
    )
    tiny_models.model(words=60).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.model").write_bytes(written.getvalue())
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    tokenizer = load_weights(f"hf:{tmp_path}").tokenizer
    assert tokenizer.decode(tokenizer.encode("the river flows"), skip_special_tokens=True).strip() == "the river flows"
    assert 1 < len(tokenizer.encode("the river flows")) < 10
