"""Opens a judge's folder, whatever its backend."""

from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import Calibration
from selfinstruct.judge.features import BITS, FEATURES_VERSION
from selfinstruct.judge.folder import ENCODER, FACTS, WEIGHTS, opened, other_version
from selfinstruct.judge.validation import confusions
from selfinstruct.stage import Tone


def load_judge(folder: Path) -> Tone:
    """The judge in a folder that `train-judge` made.

    Raises:
        BadInput: no judge, one of another version, or one that is damaged; extra `train` missing for an encoder.
    """
    facts = opened(folder)
    match facts["backend"]:
        case "linear":
            return _linear(folder, facts)
        case "encoder":
            from selfinstruct.judge.encoder import EncoderJudge  # loaded late: most judges are linear

            return EncoderJudge.opened(folder / ENCODER, facts)
        case other:
            raise BadInput(f"backend '{other}' is unknown", place=str(folder / FACTS), fix="use a newer release")


def _linear(folder: Path, facts: dict[str, Any]) -> Tone:
    from selfinstruct.judge.linear import SCALE, LinearJudge
    from selfinstruct.judge.tensors import unpacked

    features = facts["features"]
    if features != {"version": FEATURES_VERSION, "bits": BITS, "scale": SCALE}:
        raise other_version(folder, features["version"], FEATURES_VERSION)
    weights = unpacked((folder / WEIGHTS).read_bytes())
    return LinearJudge(
        version=facts["name"],
        weights=weights,
        calibration=Calibration.from_json(facts["calibration"]),
        pair_aware=facts["pair_aware"],
        threshold=facts["threshold"]["value"],
        confusion=confusions(facts.get("validation", {})),
    )
