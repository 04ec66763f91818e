"""A student as a GGUF file: read back by Transformers, an independent reader, it predicts the same."""

import importlib
import resource
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.models.gguf_export import export_gguf
from tests.models import tiny_models

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "vocab_size": tiny_models.WORDS,
    "initializer_range": 0.5,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "rms_norm_eps": 1e-6,
}
KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "llama": ("LlamaConfig", {"tie_word_embeddings": True}),
    "qwen2": ("Qwen2Config", {"tie_word_embeddings": False}),
    "qwen3": ("Qwen3Config", {"tie_word_embeddings": True, "head_dim": 128}),  # the reader knows no other
    "gemma2": (
        "Gemma2Config",
        {"tie_word_embeddings": True, "sliding_window": 512, "layer_types": ["full_attention"] * 2},
    ),
    "gemma3": (
        "Gemma3TextConfig",
        {"tie_word_embeddings": True, "sliding_window": 512, "layer_types": ["full_attention"] * 2},
    ),
}
ROW = list(range(4, 24))


def student(folder: Path, kind: str, *, seed: int = 1, chat: bool = True, **settings: Any) -> Any:
    """Saved, with norms that are not all the same, and with numbers that 16 bits hold."""
    name, more = KINDS[kind]
    torch.manual_seed(seed)
    config = getattr(transformers, name)(**{**SIZES, **more, **settings})
    made = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for key, weight in made.named_parameters():
            if weight.ndim == 1:
                weight.add_(torch.rand_like(weight) * (0.1 if "bias" in key else 0.5))
            weight.copy_(weight.half().float())
    made.save_pretrained(folder)
    tiny_models.tokenizer(chat=chat).save_pretrained(folder)
    return made


def original(path: Path, kind: str, *, heads: int = 4, width: int = 32, words: int = tiny_models.WORDS) -> Path:
    """What a converter would have written of the base: settings, tokens, and weights that must not survive."""
    writer = gguf.GGUFWriter(path, kind)
    for add, value in (
        (writer.add_name, "the base"),
        (writer.add_context_length, 128),
        (writer.add_embedding_length, width),
        (writer.add_feed_forward_length, 64),
        (writer.add_block_count, 2),
        (writer.add_head_count, heads),
        (writer.add_head_count_kv, 2),
        (writer.add_key_length, _head(kind)),
        (writer.add_value_length, _head(kind)),
        (writer.add_rope_freq_base, 10000.0),
        (writer.add_layer_norm_rms_eps, 1e-6),
        (writer.add_vocab_size, words),
        (writer.add_tokenizer_model, "gpt2"),
        (writer.add_token_list, [*tiny_models.MARKS, *tiny_models.LETTERS]),
        (writer.add_token_types, [1] * tiny_models.WORDS),
        (writer.add_chat_template, "{{ messages }}"),
    ):
        add(value)
    if kind.startswith("gemma"):
        writer.add_sliding_window(512)
    for name, shape in shapes(kind, width, words).items():
        writer.add_tensor(name, np.full(shape, 7, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def shapes(kind: str, width: int, words: int) -> Mapping[str, tuple[int, ...]]:
    head = _head(kind)
    tensors: dict[str, tuple[int, ...]] = {"token_embd.weight": (words, width), "output_norm.weight": (width,)}
    if kind == "qwen2":
        tensors["output.weight"] = (words, width)
    for layer in range(2):
        block: dict[str, tuple[int, ...]] = {
            "attn_norm.weight": (width,),
            "attn_q.weight": (4 * head, width),
            "attn_k.weight": (2 * head, width),
            "attn_v.weight": (2 * head, width),
            "attn_output.weight": (width, 4 * head),
            "ffn_norm.weight": (width,),
            "ffn_gate.weight": (64, width),
            "ffn_up.weight": (64, width),
            "ffn_down.weight": (width, 64),
        }
        if kind == "qwen2":
            block |= {"attn_q.bias": (32,), "attn_k.bias": (16,), "attn_v.bias": (16,)}
        if kind in {"qwen3", "gemma3"}:
            block |= {"attn_q_norm.weight": (head,), "attn_k_norm.weight": (head,)}
        if kind.startswith("gemma"):
            block |= {"post_attention_norm.weight": (width,), "post_ffw_norm.weight": (width,)}
        tensors |= {f"blk.{layer}.{name}": shape for name, shape in block.items()}
    return tensors


def _head(kind: str) -> int:
    return int(KINDS[kind][1].get("head_dim", SIZES["head_dim"]))


def logits(model: Any) -> Any:
    with torch.no_grad():
        return model(torch.tensor([ROW])).logits[0]


def read_back(path: Path) -> Any:
    return transformers.AutoModelForCausalLM.from_pretrained(
        path.parent,
        gguf_file=path.name,
        dtype=torch.float32,
        quantization_config=transformers.GgufConfig(dequantize=True),
    ).eval()


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_written_predicts_as_the_student_does(kind: str, tmp_path: Path) -> None:
    made = student(tmp_path / "student", kind)
    base = original(tmp_path / "base.gguf", kind)
    exact = export_gguf(tmp_path / "student", base, tmp_path / "f16" / "s.gguf", quantisation="f16")
    near = export_gguf(tmp_path / "student", base, tmp_path / "q8" / "s.gguf")
    again = read_back(exact)
    for name, weight in made.state_dict().items():
        assert torch.allclose(again.state_dict()[name], weight, rtol=0, atol=1e-6), name
    if not kind.startswith("gemma"):  # of which the reader guesses some settings
        assert torch.allclose(logits(again), logits(made), rtol=1e-4, atol=1e-4)
    rounded = read_back(near).state_dict()
    for name, weight in made.state_dict().items():
        step = weight.abs().max() / 127 if weight.ndim > 1 else 1e-6
        assert (rounded[name] - weight).abs().max() <= 0.6 * step, name
        assert weight.ndim == 1 or not torch.equal(rounded[name], weight)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.gguf", "f16", "q8", "student"]
    assert [path.name for path in (tmp_path / "q8").iterdir()] == ["s.gguf"]


def test_metadata_and_tokens_are_the_originals_but_name_form_and_template(tmp_path: Path) -> None:
    student(tmp_path / "mine", "llama")
    base = original(tmp_path / "base.gguf", "llama")
    written = export_gguf(tmp_path / "mine", base, tmp_path / "out.gguf")
    before, after = (
        {key: field.contents() for key, field in gguf.GGUFReader(path).fields.items() if not key.startswith("GGUF.")}
        for path in (base, written)
    )
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {
        "general.name",
        "general.file_type",
        "general.quantization_version",
        "tokenizer.chat_template",
    }
    assert set(before) <= set(after)
    assert (after["general.name"], after["tokenizer.chat_template"]) == ("mine", tiny_models.TEMPLATE)
    kinds = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(written).tensors}
    assert (kinds["blk.0.attn_q.weight"], kinds["output_norm.weight"]) == ("Q8_0", "F32")
    assert export_gguf(tmp_path / "mine", base, tmp_path / "again.gguf").read_bytes() == written.read_bytes()


def test_a_student_without_a_template_keeps_the_originals(tmp_path: Path) -> None:
    student(tmp_path / "mine", "llama", chat=False)
    written = export_gguf(tmp_path / "mine", original(tmp_path / "base.gguf", "llama"), tmp_path / "out.gguf")
    assert gguf.GGUFReader(written).fields["tokenizer.chat_template"].contents() == "{{ messages }}"


def test_an_adapter_is_merged_first(tmp_path: Path) -> None:
    peft = importlib.import_module("peft")
    base = student(tmp_path / "base", "llama")
    untuned = {name: weight.clone() for name, weight in base.state_dict().items()}
    settings = peft.LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    tuned = peft.get_peft_model(base, settings).eval()
    tuned.peft_config["default"].base_model_name_or_path = str(tmp_path / "base")
    tuned.save_pretrained(tmp_path / "adapter")
    expected = tuned.merge_and_unload().state_dict()
    written = export_gguf(
        tmp_path / "adapter", original(tmp_path / "base.gguf", "llama"), tmp_path / "out.gguf", quantisation="f16"
    )
    tensors = read_back(written).state_dict()
    for name, weight in expected.items():
        assert torch.allclose(tensors[name], weight, rtol=2**-10, atol=1e-6), name
        touched = "q_proj" in name or "down_proj" in name
        assert torch.equal(weight, untuned[name]) != touched


def test_a_student_of_another_form_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    student(tmp_path / "llama", "llama")
    student(tmp_path / "more", "llama", vocab_size=tiny_models.WORDS + 4)
    student(tmp_path / "deep", "llama", num_hidden_layers=3)
    tiny_models.saved(tmp_path / "gpt2", "gpt2")
    base = original(tmp_path / "base.gguf", "llama")
    (tmp_path / "no.gguf").write_bytes(b"nothing of the kind" * 9)
    for folder, form, said in (
        ("llama", original(tmp_path / "q.gguf", "qwen2"), "its architecture is qwen2, the student's llama"),
        ("more", base, "'token_embd.weight' is 106 x 32 here and 102 x 32 in the original"),
        ("deep", base, "which the original does not have"),
        ("gpt2", base, "architecture gpt2 cannot be written"),
        ("llama", tmp_path / "no.gguf", "not a GGUF file"),
        ("llama", tmp_path / "absent.gguf", "not a GGUF file"),
    ):
        with pytest.raises(BadInput, match=said):
            export_gguf(tmp_path / folder, form, tmp_path / "out" / "s.gguf")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line_with_the_room_that_the_file_needs(tmp_path: Path) -> None:
    made = student(tmp_path / "student", "llama")
    base = original(tmp_path / "base.gguf", "llama")
    numbers = sum(weight.numel() for weight in made.state_dict().values())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(NoRoom) as error:
            export_gguf(tmp_path / "student", base, tmp_path / "s.gguf")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    least = ceil(numbers * 34 / 32 / 1e5) / 10
    assert "s.gguf: File too large (" in str(error.value)
    assert f" MB are free, at least {least:.1f} MB are needed): make room" in str(error.value)
    assert not (tmp_path / "s.gguf").exists()
