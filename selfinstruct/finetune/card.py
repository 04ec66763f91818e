"""The README of a student: what it was made of, how, and how to use it."""

from collections.abc import Mapping, Sequence

from selfinstruct.records import Json
from selfinstruct.text import shown

_OURS = ("embedded", "gemma")  # specs of bases that the Hub has by other names
_OTHER_NUMBERS = (
    "It learned on `{spec}`, which is {hub} quantised. The code above puts it on the weights as they were released: a "
    'little other in their numbers. `load_weights("THIS_FOLDER")` of `selfinstruct.models.transformers_weights` loads '
    "those that it learned on; so does `selfinstruct score`. `selfinstruct finetune --merge` writes one model that "
    "needs neither."
)
_COLUMNS = ("examples", "loss", "ifs", "ifs_partial", "ifs_full", "objecqa", "kl_prose", "kl_reference", "stop")


def card(told: Mapping[str, Json], curve: Sequence[Mapping[str, Json]], *, adapter_base: str = "") -> str:
    """Markdown, with the front matter that model hubs read; `told` is what `training.json` says.

    `adapter_base`: what an adapter's settings call its base; empty for a whole model.
    """
    base, notice = shown(str(told["base"]), 200), str(told["notice"])
    recipe, counts = told["recipe"], told["data"]
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
        *(f"- {_words(name)}: {_cell(value)}" for name, value in _told_of_training(told)),
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


def _told_of_training(told: Mapping[str, Json]) -> list[tuple[str, Json]]:
    found = told["training"]
    assert isinstance(found, dict)
    return list(found.items())


def _curve(curve: Sequence[Mapping[str, Json]]) -> list[str]:
    if not curve:
        return []
    return [
        "## Curve",
        "",
        "Checks on the way; intervals are in `curve.jsonl`.",
        "",
        "| " + " | ".join(_COLUMNS) + " |",
        "|" + "---|" * len(_COLUMNS),
        *("| " + " | ".join(_cell(check.get(name)) for name in _COLUMNS) + " |" for check in curve),
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
