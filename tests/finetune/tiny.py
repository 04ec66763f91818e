"""A tiny causal model with random weights and a tokenizer of one token a word, made where a test needs them."""

import importlib
from typing import Any

_MEANT = ("name", "river", "answer", "write", "short", "text", "it", "is", "the", "of", "and", "end")
WORDS = ("<end>", "<unknown>", *"abcdefgh", *_MEANT)


def tokenizer() -> Any:
    transformers, tokenizers = importlib.import_module("transformers"), importlib.import_module("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: at for at, word in enumerate(WORDS)}, "<unknown>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<end>", pad_token="<end>", unk_token="<unknown>"
    )


def model(seed: int = 1, kind: str = "llama", **settings: Any) -> Any:
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 256,
        "vocab_size": len(WORDS),
        "initializer_range": 0.2,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    config = {"llama": "LlamaConfig", "gemma3": "Gemma3TextConfig", "qwen2": "Qwen2Config", "mamba": "MambaConfig"}[
        kind
    ]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = transformers.AutoModelForCausalLM.from_config(getattr(transformers, config)(**sizes | settings))
    return made.eval()


def lora(base: Any, seed: int = 2) -> Any:
    """With an adapter that already says something."""
    torch, peft = importlib.import_module("torch"), importlib.import_module("peft")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = peft.get_peft_model(
            base,
            peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM"),
        )
    return made.eval()
