"""A tiny base, students of it and an adapter on it, in folders, and a set of prompts."""

import importlib
import json
from pathlib import Path
from typing import Any

from selfinstruct.models.transformers_weights import TransformersWeights, load_weights
from selfinstruct.records import Instance, Provenance, Task
from tests.models import tiny_models


def adapter(folder: Path, base: Path, *, seed: int = 3, strength: float = 2.0) -> Path:
    """LoRA that says something, as peft saves it; strength 0 says nothing."""
    peft, torch = importlib.import_module("peft"), importlib.import_module("torch")
    plan = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    tuned: Any = peft.get_peft_model(load_weights(str(base)).model, plan)
    torch.manual_seed(seed)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=strength) if strength else torch.nn.init.zeros_(weight)
    tuned.save_pretrained(folder)
    settings = folder / "adapter_config.json"
    page = json.loads(settings.read_text())
    settings.write_text(json.dumps({**page, "base_model_name_or_path": str(base)}))
    tiny_models.tokenizer().save_pretrained(folder)
    return folder


def weights(place: Path) -> TransformersWeights:
    """On the processor, whatever else there is."""
    return TransformersWeights(f"hf:{place}", device="cpu")


def tasks(*instructions: str, output: str = "") -> list[Task]:
    """Records that ask so."""
    return [
        Task(
            instruction=instruction,
            instances=(Instance("", output),) if output else (),
            provenance=Provenance(stage="input", source="prompts.jsonl"),
        )
        for instruction in instructions
    ]
