"""From a folder of fragments to a folder with a judge, its numbers and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import RULE, THRESHOLD, Calibration
from selfinstruct.judge.card import card
from selfinstruct.judge.evaluation import evaluated
from selfinstruct.judge.folder import CARD, ENCODER, WEIGHTS, emptied, sealed
from selfinstruct.judge.fragments import Fragment, Fragments, read_fragments
from selfinstruct.judge.validation import Labelled, validated
from selfinstruct.records import Json, digest
from selfinstruct.stage import Tone

Backend: TypeAlias = Literal["linear", "encoder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a training."""

    judge: str
    """The version that every score will name."""
    facts: Mapping[str, Json]
    """All of `judge.json` but the hashes."""

    def as_json(self) -> dict[str, Json]:
        """The judge, its threshold, its metrics, and how it did on labelled completions (`{}`: not tried)."""
        told = ("name", "backend", "pair_aware", "data", "threshold", "metrics", "validation")
        return {key: self.facts[key] for key in told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A judge whose weights are on disk, and what is worth saying of how it was made."""

    judge: Tone
    backend_facts: Mapping[str, Json]
    calibration: Calibration
    calibrated_on: str


def train(  # noqa: PLR0913 - knobs, each by name
    fragments_folder: Path,
    out_folder: Path,
    *,
    backend: Backend = "linear",
    encoder: str = "",
    pair_aware: bool = True,
    held_out: str = "",
    name: str = "",
    labelled: Sequence[Labelled] = (),
    seed: int = 42,
) -> Report:
    """Train a judge and measure it on the test fragments, and on a set that was kept out of everything else.

    Args:
        fragments_folder: what `fragment` built.
        out_folder: new, or with a judge in it that may go.
        backend: `linear` (seconds, NumPy alone) or `encoder` (minutes, extra `train`).
        encoder: a Hub name or folder; empty: the packaged MiniLM.
        pair_aware: False: the response alone is judged, as in the paper.
        held_out: a set (where records were read) to keep out and measure on: tone must carry over to other sources.
        name: the judge's version, such as `ifs-v1`; empty: made of its content.
        labelled: completions of real models with their labels: how the judge does on them is measured and kept, so
            that scores can be corrected for it.
        seed: for the intervals, and for the order in which an encoder sees fragments.

    Raises:
        BadInput: unusable fragments, an unknown set, a folder with other things in it, no extra `train`.
    """
    if backend not in get_args(Backend):
        raise BadInput(f"backend '{backend}' is unknown", fix="write linear or encoder")
    everything = read_fragments(fragments_folder)
    fragments = _without(everything, held_out, fragments_folder)
    emptied(out_folder)
    if backend == "linear":
        made = _linear(fragments, out_folder, pair_aware=pair_aware, name=name)
    else:
        made = _encoder(fragments, out_folder / ENCODER, encoder=encoder, pair_aware=pair_aware, name=name, seed=seed)
    metrics: dict[str, Json] = {}
    for part, some in (("test", fragments.test), ("held_out", everything.of_set(held_out) if held_out else ())):
        if some:
            metrics[part] = evaluated(made.judge, some, seed=seed)
    facts: dict[str, Json] = {
        "name": made.judge.version,
        "backend": backend,
        "pair_aware": pair_aware,
        **made.backend_facts,
        "data": _data(fragments, held_out),
        "seed": seed,
        "threshold": {"value": made.judge.threshold, "rule": RULE},
        "calibration": {**made.calibration.as_json(), "on": made.calibrated_on},
        "metrics": metrics,
        "validation": validated(made.judge, labelled, seed=seed) if labelled else {},
    }
    (out_folder / CARD).write_text(card(facts), encoding="utf-8")
    sealed(out_folder, facts)
    return Report(judge=made.judge.version, facts=facts)


def _without(fragments: Fragments, held_out: str, folder: Path) -> Fragments:
    if not held_out:
        return fragments
    others = fragments.without(held_out)
    if held_out not in fragments.sets():
        known = ", ".join(name or "unnamed" for name in fragments.sets())
        raise BadInput(f"no set '{held_out}' to hold out", place=str(folder), fix=f"there are: {known}")
    for part in (others.train, others.validation):
        if len({fragment.label for fragment in part}) < 2:
            raise BadInput(f"without '{held_out}' too little is left to learn from", place=str(folder))
    return others


def _linear(fragments: Fragments, folder: Path, *, pair_aware: bool, name: str) -> Made:
    from selfinstruct.judge.features import BITS, FEATURES_VERSION
    from selfinstruct.judge.linear import SCALE, LinearJudge, learned
    from selfinstruct.judge.tensors import packed

    found = learned(fragments, pair_aware=pair_aware)
    raw = packed(found.weights)
    (folder / WEIGHTS).write_bytes(raw)
    judge = LinearJudge(
        version=name or _version("linear", raw.hex(), found.calibration),
        weights=found.weights,
        calibration=found.calibration,
        pair_aware=pair_aware,
    )
    features: dict[str, Json] = {"version": FEATURES_VERSION, "bits": BITS, "scale": SCALE}
    return Made(
        judge=judge,
        backend_facts={"features": features},
        calibration=found.calibration,
        calibrated_on=found.calibrated_on,
    )


def _encoder(fragments: Fragments, folder: Path, *, encoder: str, pair_aware: bool, name: str, seed: int) -> Made:
    from selfinstruct.judge.encoder import EncoderJudge
    from selfinstruct.judge.tuning import tuned

    found = tuned(fragments, folder, encoder=encoder, pair_aware=pair_aware, seed=seed)
    facts: dict[str, Json] = {"encoder": found.encoder}
    version = name or _version("encoder", found.sha256, found.calibration)
    judge = EncoderJudge(
        version=version,
        model=found.model,
        tokenizer=found.tokenizer,
        calibration=found.calibration,
        pair_aware=pair_aware,
    )
    return Made(judge=judge, backend_facts=facts, calibration=found.calibration, calibrated_on=found.calibrated_on)


def _version(backend: str, weights: Json, calibration: Calibration) -> str:
    """Two judges that could ever disagree have different ones."""
    return f"{backend}-{digest(backend, weights, calibration.as_json(), THRESHOLD)[:12]}"


def _data(fragments: Fragments, held_out: str) -> dict[str, Json]:
    return {
        "sha256": fragments.sha256,
        "sets": [name for name in fragments.sets() if name],
        "held_out": held_out,
        "fragments": {
            "train": _counts(fragments.train),
            "validation": _counts(fragments.validation),
            "test": _counts(fragments.test),
        },
    }


def _counts(fragments: Sequence[Fragment]) -> dict[str, Json]:
    return {
        "n": len(fragments),
        "answer_like": sum(fragment.label for fragment in fragments),
        "sources": len({fragment.source for fragment in fragments}),
    }
