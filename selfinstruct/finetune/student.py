"""The student's folder: weights, tokenizer, settings, curve, the facts of its training and the card that tells them.

It is there whole or not at all.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from selfinstruct.finetune.adapter import merged
from selfinstruct.finetune.checkpoint import Progress, whole_folder
from selfinstruct.finetune.examples import Prepared
from selfinstruct.finetune.launch import Engine, engine_name, process
from selfinstruct.finetune.machine_probe import MachineCapabilities, Precision
from selfinstruct.finetune.packing import steps, useful_share
from selfinstruct.finetune.training import Hyperparameters
from selfinstruct.finetune.training_text import Template
from selfinstruct.records import Json
from selfinstruct.text import shown
from selfinstruct.text.tables import markdown_rows
from selfinstruct.tone.tone_metrics import columns_of


class TuningKnobs(Protocol):
    """The knobs of a tuning that its loop does not need and its student's card tells."""

    @property
    def engine(self) -> Engine:
        """Whose loop trains: ours or TRL's."""

    @property
    def method(self) -> str:
        """`lora` or `full`."""

    @property
    def template(self) -> Template:
        """The template in which tasks are written."""

    @property
    def rank(self) -> int:
        """Rank of LoRA's matrices."""

    @property
    def alpha(self) -> int:
        """LoRA's scale: what it adds counts alpha / rank times."""

    @property
    def targets(self) -> Sequence[str]:
        """Layers that LoRA adapts."""

    @property
    def max_tokens(self) -> int:
        """Of an example, the most that is read."""

    @property
    def merge(self) -> bool:
        """Base and adapter are one model."""

    @property
    def shuffled(self) -> bool:
        """Another record's answers were learned."""


def recipe_facts(
    stage: TuningKnobs, recipe: Hyperparameters, numbers: Precision, examined: MachineCapabilities
) -> dict[str, Json]:
    """The knobs that made the student what it is."""
    lora: dict[str, Json] = {"rank": stage.rank, "alpha": stage.alpha, "targets": list(stage.targets)}
    return {
        "engine": engine_name(stage.engine),
        "method": stage.method,
        "template": stage.template,
        **(lora if stage.method == "lora" else {}),
        "learning_rate": recipe.learning_rate,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
        "accumulate": recipe.accumulate,
        "max_tokens": min(stage.max_tokens, examined.context),
        "warm_up": recipe.warm_up,
        "neftune": recipe.neftune,
        "dtype": numbers.name,
        "layout": examined.batching,
        **({"processes": process().count} if process().count > 1 else {}),
        **({"merged": True} if stage.merge and stage.method == "lora" else {}),
        "seed": recipe.seed,
        "shuffled": stage.shuffled,
    }


def training_facts(
    model: Any,  # noqa: ANN401 - imported late
    prepared: Prepared,
    recipe: Hyperparameters,
    examined: MachineCapabilities,
    progress: Progress,
) -> dict[str, Json]:
    """Steps, losses and sizes."""
    plan = steps(len(prepared.examples), recipe.batch * recipe.accumulate, recipe.epochs, recipe.seed)
    few = max(1, progress.step // 10)
    lengths = [len(example) for example in prepared.examples]
    useful = useful_share(lengths, plan[: progress.step], recipe.batch, examined.batching, examined.together)
    return {
        "steps": progress.step,
        "planned_steps": len(plan),
        "examples_seen": progress.examples,
        "learned_tokens": progress.tokens,
        "loss_first": _mean(progress.losses[:few]),
        "loss_last": _mean(progress.losses[-few:]),
        "useful_share": round(useful, 4),
        "parameters": sum(map(_numbers, model.parameters())),
        "trained_parameters": sum(_numbers(weight) for weight in model.parameters() if weight.requires_grad),
    }


def _numbers(weight: Any) -> int:  # noqa: ANN401 - imported late
    """How many a tensor holds; in 4 bits two of them lie in a byte."""
    packed = 2 * weight.element_size() if hasattr(weight, "quant_state") else 1
    return int(weight.numel() * packed)


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None


_OURS = ("embedded", "gemma")  # specs of bases that the Hub has by other names
_OTHER_NUMBERS = (
    "It learned on `{spec}`, which is {hub} quantised. The code above puts it on the weights as they were released: a "
    'little other in their numbers. `load_weights("THIS_FOLDER")` of `selfinstruct.models.transformers_weights` loads '
    "those that it learned on; so does `selfinstruct score`. `selfinstruct finetune --merge` writes one model that "
    "needs neither."
)


def card(facts: Mapping[str, Json], curve: Sequence[Mapping[str, Json]], *, adapter_base: str = "") -> str:
    """Markdown, with the front matter that model hubs read; `facts` are what `training.json` says.

    `adapter_base`: what an adapter's settings call its base; empty for a whole model.
    """
    base, notice = shown(str(facts["base"]), 200), str(facts["notice"])
    recipe, counts = facts["recipe"], facts["data"]
    assert isinstance(recipe, dict)
    assert isinstance(counts, dict)
    lora = recipe["method"] == "lora"
    kind = "A LoRA adapter for" if adapter_base else "A LoRA adapter, merged into" if lora else "All weights of"
    lines = [
        "---",
        *_front(base, adapter_base),
        "---",
        "",
        "# Student",
        "",
        f"{kind} `{base}`, tuned on {counts['examples']} examples to follow instructions.",
        *([f"The base: {shown(notice, 400)}."] if notice else ()),
        "Terms and limits of the base hold for it, too, and those of the data.",
        "",
        "## Data",
        "",
        *(f"- {_words(name)}: {value}" for name, value in counts.items()),
        "",
        "Loss was on the assistant's tokens and the mark that ends an answer, of every turn, and on nothing else.",
        "",
        "## Recipe",
        "",
        "| knob | value |",
        "|---|---|",
        *(f"| {name} | {_cell(value)} |" for name, value in recipe.items()),
        "",
        "## Training",
        "",
        *(f"- {_words(name)}: {_cell(value)}" for name, value in _training_lines(facts)),
        "",
        *_curve(curve),
        "## Use",
        "",
        "```python",
        *_use(base, adapter_base),
        "```",
        "",
        *([_OTHER_NUMBERS.format(spec=base, hub=adapter_base), ""] if base in _OURS and adapter_base else ()),
        "or `selfinstruct score hf:THIS_FOLDER -o OUT`.",
        "",
    ]
    return "\n".join(lines)


def _front(base: str, adapter_base: str) -> list[str]:
    kind, _, name = base.partition(":")
    name = adapter_base if base in _OURS else name if kind == "hf" else ""
    known = [f"base_model: {name}"] if "/" in name else []
    library = "peft" if adapter_base else "transformers"
    return [f"library_name: {library}", *known, "pipeline_tag: text-generation", "tags: [instruction-tuning]"]


def _training_lines(facts: Mapping[str, Json]) -> list[tuple[str, Json]]:
    training = facts["training"]
    assert isinstance(training, dict)
    return list(training.items())


def _curve(curve: Sequence[Mapping[str, Json]]) -> list[str]:
    if not curve:
        return []
    of_tone = (metric.key for metric in columns_of("card"))
    columns = ("examples", "loss", *of_tone, "objecqa", "kl_prose", "kl_reference", "stop")
    return [
        "## Curve",
        "",
        "Checks on the way; intervals are in `curve.jsonl`.",
        "",
        *markdown_rows([columns]),
        "|" + "---|" * len(columns),
        *markdown_rows([_cell(check.get(name)) for name in columns] for check in curve),
        "",
    ]


def _use(base: str, adapter_base: str) -> list[str]:
    if not adapter_base:
        return [
            "from transformers import AutoModelForCausalLM, AutoTokenizer",
            "",
            'model = AutoModelForCausalLM.from_pretrained("THIS_FOLDER")',
            'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
        ]
    if adapter_base.startswith("gguf:"):
        return [
            "from selfinstruct.models.transformers_weights import load_weights",
            "",
            f'loaded = load_weights("THIS_FOLDER", merge=False)  # a PeftModel on {base}',
            "model, tokenizer = loaded.model, loaded.tokenizer",
        ]
    if base in _OURS or base == f"hf:{adapter_base}":  # a name on the Hub, which everybody finds
        return [
            "from peft import AutoPeftModelForCausalLM",
            "from transformers import AutoTokenizer",
            "",
            f'model = AutoPeftModelForCausalLM.from_pretrained("THIS_FOLDER")  # its base: {adapter_base}',
            'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
        ]
    return [
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f'base = AutoModelForCausalLM.from_pretrained("BASE")  # {base}',
        'model = PeftModel.from_pretrained(base, "THIS_FOLDER")',
        'tokenizer = AutoTokenizer.from_pretrained("THIS_FOLDER")',
    ]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).replace("|", "\\|")


FACTS, CARD, CURVE = "training.json", "README.md", "curve.jsonl"
_ADAPTER = "adapter_config.json"


def write_student(
    place: Path,
    model: Any,  # noqa: ANN401 - imported late
    tokenizer: Any,  # noqa: ANN401
    facts: Mapping[str, Json],
    curve: Path | None = None,
    *,
    merge: bool = False,
) -> Path:
    """A folder for `from_pretrained`, or for `PeftModel.from_pretrained` where the model has an adapter.

    Safetensors only; same weights and facts, same bytes. `facts` become `training.json` and the card. With `merge` an
    adapter becomes part of its base, in place, and the folder is one for `from_pretrained`.

    Raises:
        NoRoom: it could not be written; nothing is there, or what was.
    """
    checks, base = _checks(curve), "" if merge else _adapter_base(model)
    if merge and hasattr(model, "peft_config"):
        model = merged(model)
    kept = [weight for weight in model.parameters() if weight.requires_grad or not hasattr(model, "peft_config")]
    with whole_folder(place, sum(weight.numel() * weight.element_size() for weight in kept)) as made, no_bars():
        if hasattr(model, "peft_config"):
            model.save_pretrained(made, save_embedding_layers=False)
            _sort(made / _ADAPTER)
        else:
            model.save_pretrained(made)
        tokenizer.save_pretrained(made)
        (made / FACTS).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (made / CARD).write_text(card(facts, checks, adapter_base=base), encoding="utf-8")
        if curve is not None and checks:
            shutil.copyfile(curve, made / CURVE)
    return place


def _adapter_base(model: Any) -> str:  # noqa: ANN401 - imported late
    """What the settings of an adapter call its base; empty where there is no adapter."""
    return next((str(config.base_model_name_or_path) for config in getattr(model, "peft_config", {}).values()), "")


@contextmanager
def no_bars() -> Iterator[None]:
    """Without the bars that the library draws while it writes; progress is shown by the run."""
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
    names = json.loads(settings.read_text(encoding="utf-8"))
    ordered = {name: sorted(value) if _is_names(value) else value for name, value in sorted(names.items())}
    settings.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _checks(curve: Path | None) -> list[dict[str, Json]]:
    if curve is None or not curve.is_file():
        return []
    return [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines() if line]
