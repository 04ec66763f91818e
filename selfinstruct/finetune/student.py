"""The student's folder: weights, tokenizer, settings, card and curve, there whole or not at all."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfinstruct.finetune.adapter import merged
from selfinstruct.finetune.card import card
from selfinstruct.finetune.folder import whole
from selfinstruct.records import Json

FACTS, CARD, CURVE = "training.json", "README.md", "curve.jsonl"
_ADAPTER = "adapter_config.json"


def write_student(
    place: Path,
    model: Any,  # noqa: ANN401 - imported late
    tokenizer: Any,  # noqa: ANN401
    told: Mapping[str, Json],
    curve: Path | None = None,
    *,
    merge: bool = False,
) -> Path:
    """A folder for `from_pretrained`, or for `PeftModel.from_pretrained` where the model has an adapter.

    Safetensors only; same weights and facts, same bytes. `told` becomes `training.json` and the card. With `merge` an
    adapter becomes part of its base, in place, and the folder is one for `from_pretrained`.

    Raises:
        NoRoom: it could not be written; nothing is there, or what was.
    """
    checks, base = _checks(curve), "" if merge else _adapter_base(model)
    if merge and hasattr(model, "peft_config"):
        model = merged(model)
    kept = [one for one in model.parameters() if one.requires_grad or not hasattr(model, "peft_config")]
    with whole(place, sum(one.numel() * one.element_size() for one in kept)) as made, _no_bars():
        if hasattr(model, "peft_config"):
            model.save_pretrained(made, save_embedding_layers=False)
            _sort(made / _ADAPTER)
        else:
            model.save_pretrained(made)
        tokenizer.save_pretrained(made)
        (made / FACTS).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (made / CARD).write_text(card(told, checks, adapter_base=base), encoding="utf-8")
        if curve is not None and checks:
            shutil.copyfile(curve, made / CURVE)
    return place


def _adapter_base(model: Any) -> str:  # noqa: ANN401 - imported late
    """What the settings of an adapter call its base; empty where there is no adapter."""
    return next((str(one.base_model_name_or_path) for one in getattr(model, "peft_config", {}).values()), "")


@contextmanager
def _no_bars() -> Iterator[None]:
    """The library draws bars while it writes; progress is told by whoever runs the stage."""
    import transformers

    words: Any = transformers.utils.logging
    shown = words.is_progress_bar_enabled()
    words.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            words.enable_progress_bar()


def _sort(settings: Path) -> None:
    """Names of layers in order: peft writes a set as it comes, and that is another order each time."""
    told = json.loads(settings.read_text(encoding="utf-8"))
    ordered = {name: sorted(value) if _is_names(value) else value for name, value in sorted(told.items())}
    settings.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _checks(curve: Path | None) -> list[dict[str, Json]]:
    if curve is None or not curve.is_file():
        return []
    return [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines() if line]
