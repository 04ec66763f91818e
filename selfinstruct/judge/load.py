"""Opens a judge's folder, whatever its backend."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import CalibrationByForm, calibration_of
from selfinstruct.judge.features import BITS, FEATURES_VERSION
from selfinstruct.judge.folder import ENCODER, FACTS, LINE, WEIGHTS, opened, other_version
from selfinstruct.judge.validation import confusions
from selfinstruct.stage import HiddenStates, Tone

if TYPE_CHECKING:
    from selfinstruct.judge.linear import LinearJudge

_MODEL = "take a linear judge, or pip install 'selfinstruct[train]' and `selfinstruct fetch embedded`"


def load_judge(folder: Path, states: HiddenStates | None = None) -> Tone:
    """The judge in a folder that `train-judge` made; `states`: what a probe looks into.

    Raises:
        BadInput: no judge, one of another version, or one that is damaged; extra `train` missing for an encoder.
    """
    facts = opened(folder)
    match facts["backend"]:
        case "linear":
            return _linear(folder, facts)
        case "probe":
            return _probe(folder, facts, states)
        case "encoder":
            from selfinstruct.judge.encoder import EncoderJudge  # loaded late: most judges are linear

            return EncoderJudge.opened(folder / ENCODER, facts)
        case other:
            raise BadInput(f"backend '{other}' is unknown", place=str(folder / FACTS), fix="use a newer release")


def _probe(folder: Path, facts: dict[str, Any], states: HiddenStates | None) -> Tone:
    from selfinstruct.judge.dense import Line
    from selfinstruct.judge.probe import ProbeJudge
    from selfinstruct.judge.tensors import unpacked_reals

    if states is None:
        raise BadInput(f"'{facts['name']}' looks into a model, and none is at hand", place=str(folder), fix=_MODEL)
    if facts["states"] != states.name:
        what = f"made with {facts['states']}; this release has {states.name}"
        raise BadInput(what, place=str(folder / FACTS), fix="train it again with `selfinstruct train-judge`")
    line = Line(unpacked_reals((folder / LINE).read_bytes()), facts["intercept"])
    calibration = calibration_of(facts["calibration"])
    assert isinstance(calibration, CalibrationByForm)
    return ProbeJudge(
        version=facts["name"],
        line=line,
        linear=_linear(folder, facts),
        states=states,
        calibration=calibration,
        threshold=facts["threshold"]["value"],
        confusion=confusions(facts.get("validation", {})),
        kinds=facts["validation"]["kinds"] if "unseen" in facts.get("validation", {}) else {},
    )


def _linear(folder: Path, facts: dict[str, Any]) -> "LinearJudge":
    from selfinstruct.judge.linear import SCALE, LinearJudge
    from selfinstruct.judge.tensors import unpacked

    features = facts["features"]
    if features != {"version": FEATURES_VERSION, "bits": BITS, "scale": SCALE}:
        raise other_version(folder, features["version"], FEATURES_VERSION)
    weights = unpacked((folder / WEIGHTS).read_bytes())
    return LinearJudge(
        version=facts["name"],
        weights=weights,
        calibration=calibration_of(facts["calibration"]),
        pair_aware=facts["pair_aware"],
        threshold=facts["threshold"]["value"],
        confusion=confusions(facts.get("validation", {})),
        kinds=facts["validation"]["kinds"] if "unseen" in facts.get("validation", {}) else {},
    )
