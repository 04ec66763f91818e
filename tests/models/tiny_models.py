"""Tiny Transformers models with random weights, made where a test needs them."""

import importlib
from pathlib import Path
from typing import Any

MARKS = ("<s>", "</s>", "<|turn|>", "<|end|>")
# Bytes as byte-level tokenizers write them: what can be typed, a space, a line's end, and the two bytes of an é.
LETTERS = (*map(chr, range(33, 127)), "\u0120", "\u010a", "\u00c3", "\u00a9")
WORDS = len(MARKS) + len(LETTERS)
TEMPLATE = (
    "{% for turn in messages %}{% if turn.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "<|turn|>{{ turn.role }}\n{{ turn.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)


def tokenizer(*, chat: bool = True) -> Any:
    """One token a byte, and four marks."""
    transformers, tokenizers = importlib.import_module("transformers"), importlib.import_module("tokenizers")
    pieces = {piece: at for at, piece in enumerate([*MARKS, *LETTERS])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(pieces, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=list(MARKS[2:]),
    )
    fast.chat_template = TEMPLATE if chat else None
    return fast


def model(kind: str = "llama", *, seed: int = 1, words: int = WORDS, context: int = 128) -> Any:
    """Of an architecture, with weights wide enough that its texts wander; `</s>` comes now and then."""
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    torch.manual_seed(seed)
    marks = {"vocab_size": words, "bos_token_id": 0, "eos_token_id": 1, "initializer_range": 0.7}
    sizes = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 4,
        "max_position_embeddings": context,
        **marks,
    }
    if kind == "gpt2":  # places are learned, and every head has its own keys
        config = transformers.GPT2Config(n_embd=16, n_layer=2, n_head=4, n_positions=context, **marks)
    elif kind == "gemma3":  # every other layer sees eight tokens
        config = transformers.Gemma3TextConfig(
            **sizes,
            sliding_window=8,
            layer_types=["sliding_attention", "full_attention"],
            tie_word_embeddings=False,
        )
    elif kind == "mamba":
        config = transformers.MambaConfig(hidden_size=16, num_hidden_layers=2, **marks)
    else:
        config = transformers.LlamaConfig(**sizes)
    made = transformers.AutoModelForCausalLM.from_config(config).eval()
    made.generation_config.eos_token_id = 1
    return made


def encoded(kind: str) -> Any:
    """With an encoder: T5 knows how far words are apart, BART where they stand."""
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    torch.manual_seed(3)
    marks = {"vocab_size": WORDS, "eos_token_id": 1, "pad_token_id": 0, "decoder_start_token_id": 0}
    config: Any
    if kind == "t5":
        config = transformers.T5Config(
            d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=4, initializer_factor=8.0, **marks
        )
    else:
        sizes = {f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")}
        wide = {"encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 128, "init_std": 0.7}
        config = transformers.BartConfig(d_model=16, **sizes, **wide, **marks)
    return transformers.AutoModelForSeq2SeqLM.from_config(config).eval()


def saved(folder: Path, kind: str = "llama", *, chat: bool = True, seed: int = 1) -> Path:
    """A folder as `save_pretrained` writes it."""
    model(kind, seed=seed).save_pretrained(folder)
    tokenizer(chat=chat).save_pretrained(folder)
    return folder
