"""What a recipe needs on this machine, looked for before a folder is taken and before anything is paid or trained."""

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.run.recipe.keys import built_name
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.tone_judges import check_judge
from selfinstruct.stage import Stage

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "train": ("torch", "transformers", "peft", "accelerate", "safetensors"),
    "trl": ("trl",),
    "qlora": ("bitsandbytes",),
    "tensorboard": ("tensorboard",),
    "trackio": ("trackio",),
    "wandb": ("wandb",),
    "semantic": ("model2vec",),
    "nlp": ("spacy",),
    "redis": ("redis",),
}
"""By extra, the packages without which it is not installed. Of `embedded` the engine's room knows more."""


def check_needs(resolved: Resolved) -> None:
    """BadInput names every package and folder that a stage will ask for and that is not here."""
    missing: dict[str, dict[str, None]] = {}
    for stage in (*resolved.rounds, *resolved.stages):
        for extra in needed(stage, resolved.recipe.specs):
            if any(importlib.util.find_spec(name) is None for name in EXTRAS[extra]):
                missing.setdefault(extra, {})[stage.name] = None
        check_judge(stage)
    if missing:
        lacking = [f"{' and '.join(stages)}: {_absent(extra)}" for extra, stages in missing.items()]
        what = f"packages that stages need are not installed here ({'; '.join(lacking)})"
        raise BadInput(what, place="the recipe", fix=f"pip install 'selfinstruct[{','.join(missing)}]'")
    _check_gpu(resolved)
    _check_embedded(resolved)


def check_hub(resolved: Resolved) -> None:
    """BadInput for weights that are neither here nor on the Hub: asked before a folder is taken for them."""
    from selfinstruct.models.model_files import check_on_hub

    specs = resolved.recipe.specs
    roles = {role for stage in (*resolved.rounds, *resolved.stages) for role in stage.needs.weights}
    for role in sorted(roles):
        spec = specs.get(role, "")
        if spec.startswith("hf:") and not built_name(spec):
            check_on_hub(spec)


def needed(stage: Stage, models: Mapping[str, str]) -> Iterator[str]:
    """Extras: those that a stage names, and those of the models that it asks, measures with or tunes."""
    needs = stage.needs
    yield from needs.extras
    asked = [models[role] for role in needs.models if role in models]
    if needs.scorer or needs.weights or any(built_name(spec) or _by_transformers(spec) for spec in asked):
        yield "train"


def _check_gpu(resolved: Resolved) -> None:
    wanting = [stage.name for stage in (*resolved.rounds, *resolved.stages) if stage.needs.gpu]
    if not wanting:
        return
    import torch

    if not torch.cuda.is_available():
        what = "it needs a GPU, and torch finds none here"
        raise BadInput(what, place=f"stage {wanting[0]}", fix="leave quantize: 4bit away, or run it where there is one")


def _by_transformers(spec: str) -> bool:
    return spec.startswith("hf:") or Path(spec).is_dir()


def _absent(extra: str) -> str:
    return ", ".join(name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None)


def _check_embedded(resolved: Resolved) -> None:
    """BadInput where the embedded model is asked, and its engine or its weights are not here."""
    from selfinstruct.models.weights import check_machine, embedded_weights

    stages = (*resolved.rounds, *resolved.stages)
    specs = {resolved.recipe.specs.get(role, "") for stage in stages for role in stage.needs.models}
    if any(spec in {"embedded", "gemma"} or spec.startswith("gguf:") for spec in specs):
        check_machine()
    if "embedded" in specs:
        embedded_weights()
