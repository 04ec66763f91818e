"""From a folder of fragments to a folder with a judge, its numbers and its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import RULE, THRESHOLD, Calibration, WholeAndCutCalibration
from selfinstruct.judge.cross_validation import CrossValidated
from selfinstruct.judge.judge_card import card
from selfinstruct.judge.judge_folder import CARD, ENCODER, LINE, WEIGHTS, emptied_folder, write_facts
from selfinstruct.judge.judge_metrics import evaluated
from selfinstruct.judge.read_fragments import LabelledFragment, LabelledFragments, read_fragments
from selfinstruct.judge.validate_on_reads import Labelled, completion_metrics, validated
from selfinstruct.records import Json, digest
from selfinstruct.stage import HiddenStates, Tone

_PROBED = 10
Backend: TypeAlias = Literal["linear", "probe", "encoder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a training."""

    judge: str
    """The version that every score will name."""
    facts: Mapping[str, Json]
    """All of `judge.json` but the hashes."""

    def as_json(self) -> dict[str, Json]:
        """The judge, its threshold, its metrics, and how it did on labelled completions (`{}`: not tried)."""
        keys = ("name", "backend", "pair_aware", "data", "threshold", "metrics", "validation")
        return {key: self.facts[key] for key in keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedJudge:
    """A judge whose weights are on disk, and what is worth saying of how it was made."""

    judge: Tone
    backend_facts: Mapping[str, Json]
    calibration: Calibration | WholeAndCutCalibration
    calibrated_on: str
    crossed: CrossValidated | None = None
    """What came of labelled completions that it learned from, each lineage left out in turn."""


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
    learn_labelled: bool = False,
    locked: Sequence[str] = (),
    states: HiddenStates | None = None,
    seed: int = 42,
) -> Report:
    """Train a judge and measure it on the test fragments, and on a set that was kept out of everything else.

    Args:
        fragments_folder: what `fragment` built.
        out_folder: new, or with a judge in it that may go.
        backend: `linear` (seconds, NumPy alone), `probe` (a line through hidden states of a small model; some tens of
            judgements a second) or `encoder` (minutes); the last two with the extra `train`.
        encoder: a Hub name or folder; empty: the packaged MiniLM.
        pair_aware: False: the response alone is judged, as in the paper.
        held_out: a set (where records were read) to keep out and measure on: tone must carry over to other sources.
        name: the judge's version, such as `ifs-v1`; empty: made of its content.
        labelled: completions of real models with their labels: how the judge does on them is measured and kept, so
            that scores can be corrected for it.
        learn_labelled: learn from them, too, and from whether their prompts are whole; they are then measured with
            their lineage left out. A probe learns from nothing else, its linear score aside.
        locked: lineages of `labelled` that teach nothing in any case, and are told apart.
        states: what a probe looks into.
        seed: for the intervals, and for the order in which an encoder sees fragments.

    Raises:
        BadInput: unusable fragments or completions, an unknown set, a folder with other things in it, no extra `train`.
    """
    if backend not in get_args(Backend):
        raise BadInput(f"backend '{backend}' is unknown", fix=f"one of: {', '.join(get_args(Backend))}")
    learns = backend == "probe" or (learn_labelled and backend == "linear")
    if learns:
        _check_labelled(labelled, locked)
    everything = read_fragments(fragments_folder)
    fragments = _without(everything, held_out, fragments_folder)
    emptied_folder(out_folder)
    reads = labelled if learns else ()
    if backend == "linear":
        made = _linear(fragments, out_folder, pair_aware=pair_aware, name=name, reads=reads, locked=locked)
    elif backend == "probe":
        made = _probe(fragments, out_folder, name=name, reads=reads, locked=locked, states=states)
    else:
        made = _encoder(fragments, out_folder / ENCODER, encoder=encoder, pair_aware=pair_aware, name=name, seed=seed)
    metrics: dict[str, Json] = {}
    for part, some in (("test", fragments.test), ("held_out", everything.of_set(held_out) if held_out else ())):
        if some:  # a probe looks at a few a second, and is meant for what models say: part of the fragments will do
            metrics[part] = evaluated(made.judge, some[:: _PROBED if backend == "probe" else 1], seed=seed)
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
        "validation": _validation(made, labelled, locked, seed),
    }
    (out_folder / CARD).write_text(card(facts), encoding="utf-8")
    write_facts(out_folder, facts)
    return Report(judge=made.judge.version, facts=facts)


def _check_labelled(labelled: Sequence[Labelled], locked: Sequence[str]) -> None:
    able = [
        completion.label for completion in labelled if completion.label is not None and completion.family not in locked
    ]
    if len(set(able)) < 2:
        what = f"{len(able)} labelled completions to learn from, and both labels are needed"
        raise BadInput(what, place="labelled", fix="name a file with completions of both, such as tone-v2")


def _validation(made: TrainedJudge, labelled: Sequence[Labelled], locked: Sequence[str], seed: int) -> dict[str, Json]:
    if not labelled:
        return {}
    if made.crossed is None:
        return validated(made.judge, labelled, seed=seed)
    metrics = completion_metrics(
        labelled, made.crossed.probabilities, threshold=made.judge.threshold, seed=seed, locked=sorted(set(locked))
    )
    return {**metrics, "unseen": made.crossed.unseen, "left_out": list(made.crossed.folds)}


def _without(fragments: LabelledFragments, held_out: str, folder: Path) -> LabelledFragments:
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


def _linear(
    fragments: LabelledFragments,
    folder: Path,
    *,
    pair_aware: bool,
    name: str,
    reads: Sequence[Labelled],
    locked: Sequence[str],
) -> TrainedJudge:
    from selfinstruct.judge.features import BITS, FEATURES_VERSION
    from selfinstruct.judge.judge_folder import packed
    from selfinstruct.judge.linear_judge import SCALE, LinearJudge, learned, learned_with_reads

    if reads:
        fit = learned_with_reads(fragments, reads, locked, pair_aware=pair_aware)
    else:
        fit = learned(fragments, pair_aware=pair_aware)
    raw = packed(fit.weights)
    (folder / WEIGHTS).write_bytes(raw)
    judge = LinearJudge(
        version=name or _version("linear", raw.hex(), fit.calibration),
        weights=fit.weights,
        calibration=fit.calibration,
        pair_aware=pair_aware,
    )
    features: dict[str, Json] = {"version": FEATURES_VERSION, "bits": BITS, "scale": SCALE}
    facts: dict[str, Json] = {"features": features}
    return TrainedJudge(
        judge=judge,
        backend_facts=facts | ({"reads": _reads(reads, locked)} if reads else {}),
        calibration=fit.calibration,
        calibrated_on=fit.calibrated_on,
        crossed=fit.crossed,
    )


def _probe(
    fragments: LabelledFragments,
    folder: Path,
    *,
    name: str,
    reads: Sequence[Labelled],
    locked: Sequence[str],
    states: HiddenStates | None,
) -> TrainedJudge:
    from selfinstruct.judge.features import BITS, FEATURES_VERSION
    from selfinstruct.judge.judge_folder import packed
    from selfinstruct.judge.linear_judge import SCALE, LinearJudge, learned
    from selfinstruct.judge.probe_judge import ProbeJudge, learned_line

    if states is None:
        raise BadInput("a probe needs a model to look into", place="backend: probe", fix="write backend: linear")
    words = learned(fragments, pair_aware=True)
    linear = LinearJudge(version="words", weights=words.weights, calibration=words.calibration, pair_aware=True)
    fit = learned_line(reads, locked, linear, states)
    raw, line = packed(words.weights), packed(fit.line.weights, "F32")
    (folder / WEIGHTS).write_bytes(raw)
    (folder / LINE).write_bytes(line)
    calibration = fit.crossed.calibration
    judge = ProbeJudge(
        version=name or _version("probe", [raw.hex(), line.hex(), fit.line.intercept], calibration),
        line=fit.line,
        linear=linear,
        states=states,
        calibration=calibration,
    )
    return TrainedJudge(
        judge=judge,
        backend_facts={
            "features": {"version": FEATURES_VERSION, "bits": BITS, "scale": SCALE},
            "states": states.name,
            "intercept": fit.line.intercept,
            "reads": _reads(reads, locked),
        },
        calibration=calibration,
        calibrated_on=f"completions that were read, scored by judges that saw none of their {fit.crossed.unseen}",
        crossed=fit.crossed,
    )


def _reads(reads: Sequence[Labelled], locked: Sequence[str]) -> dict[str, Json]:
    """How many were learned from, of which lineages, and what tells them."""
    able = [read for read in reads if read.label is not None and read.family not in locked]
    families = sorted({read.family for read in able})
    by_family: dict[str, Json] = {
        name: {
            "n": sum(read.family == name for read in able),
            "answer_like": sum(read.label or 0 for read in able if read.family == name),
        }
        for name in families
    }
    digests: list[Json] = [*sorted(digest(read.prompt, read.response, read.label) for read in able)]
    kept: list[Json] = [*sorted(set(locked))]
    return {"n": len(able), "by_lineage": by_family, "locked": kept, "sha256": digest("reads", digests)}


def _encoder(
    fragments: LabelledFragments, folder: Path, *, encoder: str, pair_aware: bool, name: str, seed: int
) -> TrainedJudge:
    from selfinstruct.judge.encoder_judge import EncoderJudge, train_encoder

    trained = train_encoder(fragments, folder, encoder=encoder, pair_aware=pair_aware, seed=seed)
    facts: dict[str, Json] = {"encoder": trained.encoder}
    version = name or _version("encoder", trained.sha256, trained.calibration)
    judge = EncoderJudge(
        version=version,
        model=trained.model,
        tokenizer=trained.tokenizer,
        calibration=trained.calibration,
        pair_aware=pair_aware,
    )
    return TrainedJudge(
        judge=judge, backend_facts=facts, calibration=trained.calibration, calibrated_on=trained.calibrated_on
    )


def _version(backend: str, weights: Json, calibration: Calibration | WholeAndCutCalibration) -> str:
    """Two judges that could ever disagree have different ones."""
    return f"{backend}-{digest(backend, weights, calibration.as_json(), THRESHOLD)[:12]}"


def _data(fragments: LabelledFragments, held_out: str) -> dict[str, Json]:
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


def _counts(fragments: Sequence[LabelledFragment]) -> dict[str, Json]:
    return {
        "n": len(fragments),
        "answer_like": sum(fragment.label for fragment in fragments),
        "sources": len({fragment.source for fragment in fragments}),
    }
