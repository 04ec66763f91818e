"""Small sets, a tokenizer of one token a byte, and weights in a folder."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from selfinstruct.finetune.examples import TrainingExample, prepare
from selfinstruct.finetune.finetune import Finetune
from selfinstruct.finetune.machine_probe import MachineCapabilities
from selfinstruct.finetune.training import Hyperparameters
from selfinstruct.records import Instance, Message, Provenance, Task
from selfinstruct.stage import Bench, Built, Loaded, Measured, Outcome
from tests.finetune import tiny

MARKS = ("<s>", "</s>", "<|im_start|>", "<|im_end|>")
LETTERS = (*map(chr, range(33, 127)), "\u0120", "\u010a", "\u00c3", "\u00a9")
WORDS = len(MARKS) + len(LETTERS)
CHATML = (
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content | trim }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(template: str | None = CHATML, *, end: str | None = "<|im_end|>", begins: bool = False) -> Any:
    """Byte by byte; with `begins`, `<s>` stands before every text."""
    transformers, tokenizers = importlib.import_module("transformers"), importlib.import_module("tokenizers")
    pieces = {piece: at for at, piece in enumerate([*MARKS, *LETTERS])}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(pieces, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    if begins:
        made.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token=end, additional_special_tokens=list(MARKS[1:])
    )
    fast.chat_template = template
    return fast


def model(kind: str = "llama", seed: int = 1, **settings: Any) -> Any:
    return tiny.model(seed, kind, **{"vocab_size": WORDS, "bos_token_id": 0, "eos_token_id": 3} | settings)


def task(instruction: str, output: str = "Yes.", given: str = "", **more: Any) -> Task:
    instances = (Instance(given, output),)
    return Task(instruction=instruction, instances=instances, provenance=Provenance(stage="seed"), **more)


def talk() -> Task:
    """Two answers and a last word to them."""
    later = (Message("user", "And a lake?"), Message("assistant", "Lake Como."), Message("user", "Thanks!"))
    return task("Name a river.", "The Nile.", system="Be brief.", later=later)


def tasks(count: int, seed: int = 0) -> list[Task]:
    """Of uneven length."""
    draw = Random(seed)
    words = ["river", "lake", "hill", "field", "road", "house", "green", "small", "old", "seven"]
    return [
        task(" ".join(draw.choices(words, k=draw.randint(1, 4))), " ".join(draw.choices(words, k=draw.randint(1, 6))))
        for _ in range(count)
    ]


def examples(count: int = 8, seed: int = 0) -> Sequence[TrainingExample]:
    return prepare(tasks(count, seed), tokenizer(), template="chat", max_tokens=256).examples


def recipe(**knobs: Any) -> Hyperparameters:
    usual: dict[str, Any] = {
        "learning_rate": 0.01,
        "epochs": 2.0,
        "batch": 2,
        "accumulate": 2,
        "warm_up": 0.1,
        "neftune": 0.0,
        "autocast": False,
        "seed": 5,
        "save_every": 8,
    }
    return Hyperparameters(**usual | knobs)


PACKED = MachineCapabilities(batching="packed", plain_head=True, context=256, together=512, words=WORDS)
PADDED = MachineCapabilities(batching="padded", plain_head=False, context=256, together=512, words=WORDS)


@dataclass
class Folder:
    """Weights that lie in a folder."""

    place: Path
    name: str = "hf:tiny"
    notice: str = "weights made by chance"
    tuned_from: str = ""

    @classmethod
    def made(cls, place: Path, **kind: Any) -> "Folder":
        model(**{"max_position_embeddings": 128} | kind).save_pretrained(place)
        tokenizer().save_pretrained(place)
        return cls(place)

    def load(self, *, dtype: str = "auto", merge: bool = True) -> Loaded:
        del merge
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
        kind = getattr(torch, dtype if dtype != "auto" else "float32")
        made = transformers.AutoModelForCausalLM.from_pretrained(self.place, dtype=kind)
        return Loaded(made.eval(), transformers.AutoTokenizer.from_pretrained(self.place), source=str(self.place))


QUICK: dict[str, Any] = {
    "stop": "none",
    "batch": 2,
    "accumulate": 2,
    "learning_rate": 0.01,
    "save_every": 8,
    "rank": 2,
    "max_tokens": 200,
}
"""Knobs of a training of seconds, without checks."""


def tuned(stage: Finetune, records: list[Task], bench: Bench) -> tuple[list[Outcome], dict[str, Path], dict[str, Any]]:
    """What the stage said, what it built and what it measured."""
    outcomes = list(stage(records, bench))
    built = {outcome.name: outcome.path for outcome in outcomes if isinstance(outcome, Built)}
    (measured,) = (outcome.value for outcome in outcomes if isinstance(outcome, Measured))
    assert isinstance(measured, dict)
    return outcomes, built, measured


def bench_of(tmp_path: Path, **more: Any) -> Bench:
    place = tmp_path / "base"
    base = Folder(place) if place.exists() else Folder.made(place)
    return Bench(weights={"base": base}, scratch=tmp_path / "scratch", **more)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
