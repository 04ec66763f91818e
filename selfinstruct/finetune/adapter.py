"""LoRA: small matrices beside the weights of a base, which stays as it is (peft)."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.stage import Loaded, Weights

ALL_LINEAR = "all-linear"
"""Every linear layer but the head; the paper (arXiv 2402.05119) does not say which ones it took."""


def with_adapter(
    model: Any,  # noqa: ANN401 - imported late
    *,
    rank: int,
    alpha: int,
    targets: Sequence[str],
    seed: int,
    base: str,
) -> Any:  # noqa: ANN401
    """The model with a fresh adapter, which alone learns; its own numbers are in 4 bytes even on a base of 2.

    `targets`: names of layers, or `all-linear`; `base`: what the saved adapter calls its base.

    Raises:
        BadInput: peft is not there, or no layer has such a name.
    """
    import torch

    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as fault:
        missing = "LoRA needs one more package"
        raise BadInput(missing, place="stage finetune", fix="pip install 'selfinstruct[train]'") from fault
    names = ALL_LINEAR if list(targets) == [ALL_LINEAR] else list(targets)
    how = LoraConfig(task_type="CAUSAL_LM", r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=names)
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on layers stored transposed, which peft then handles by itself
            made = get_peft_model(model, how)
    except ValueError as refusal:
        known = sorted({name.rpartition(".")[2] for name, part in model.named_modules() if hasattr(part, "weight")})
        what = f"the base has no layer to adapt among {', '.join(targets)}"
        raise BadInput(what, place="stage finetune: targets", fix=f"layers: {', '.join(known)}") from refusal
    made.peft_config[made.active_adapter].base_model_name_or_path = base
    return made


def base_name(loaded: Loaded, weights: Weights) -> str:
    """What a saved adapter calls its base: a spec, a name on the Hub, or the path of a folder.

    Raises:
        BadInput: the base is an adapter.
    """
    if loaded.source:
        source = loaded.source
    elif ":" not in weights.name:
        source = weights.name
    else:
        source = str(getattr(loaded.model, "name_or_path", "")) or weights.name
    if (Path(source) / "adapter_config.json").is_file() and not (Path(source) / "config.json").is_file():
        what = "the base is an adapter, and an adapter on an adapter cannot be loaded again"
        raise BadInput(what, place=f"model '{weights.name}'", fix="write method: full, or merge the base first")
    return source.removeprefix("hf:")


def check_mergeable(model: Any) -> None:  # noqa: ANN401 - imported late
    """BadInput where the head is adapted and shares its weights with the embeddings, which merging would change, too.

    `model`: as `with_adapter` makes it.
    """
    head, words = model.get_output_embeddings(), model.get_input_embeddings()
    adapted = hasattr(head, "lora_A") or hasattr(words, "lora_A")
    if adapted and getattr(head, "base_layer", head).weight is getattr(words, "base_layer", words).weight:
        what = "the head is adapted and shares its weights with the embeddings: merged, both would change"
        raise BadInput(what, place="stage finetune: merge", fix="leave merge out, or the head out of targets")


def merged(model: Any) -> Any:  # noqa: ANN401 - imported late
    """Base and adapter as one model in 4 bytes, in place: what an adapter adds is lost in the rounding of 2."""
    return model.float().merge_and_unload()
