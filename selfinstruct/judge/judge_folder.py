"""A judge's folder (`judge.json`, weights as safetensors, a card): written, and opened if every byte is as written."""

import json
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from selfinstruct.atomic_files import file_sha256
from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import WholeAndCutCalibration, calibration_of
from selfinstruct.judge.features import BITS, FEATURES_VERSION
from selfinstruct.judge.validate_on_reads import confusions
from selfinstruct.records import Json, digest
from selfinstruct.stage import HiddenStates, Tone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from selfinstruct.judge.linear_judge import LinearJudge


FORMAT = "selfinstruct-judge"
VERSION = 1
"""Of the folder's layout; what the features mean has a version of its own."""
FACTS, CARD, WEIGHTS, LINE, ENCODER = "judge.json", "README.md", "weights.safetensors", "line.safetensors", "encoder"
_AGAIN = "train it again with `selfinstruct train-judge`"
Kind: TypeAlias = Literal["I16", "F32"]
_NAME = "weights"
_NUMPY = {"I16": "<i2", "F32": "<f4"}
_MODEL = "take a linear judge, or pip install 'selfinstruct[train]' and `selfinstruct fetch embedded`"


def emptied_folder(folder: Path) -> None:
    """Make the folder, without a judge that may be in it.

    Raises:
        BadInput: something else is in it.
    """
    if folder.exists() and (not folder.is_dir() or foreign_files(folder)):
        raise BadInput("there is something else here", place=str(folder), fix="name a new folder for the judge")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (FACTS, CARD, WEIGHTS, LINE):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / ENCODER, ignore_errors=True)


def foreign_files(folder: Path) -> list[str]:
    """Names in a folder that are no part of a judge."""
    return sorted({path.name for path in folder.iterdir()} - {FACTS, CARD, WEIGHTS, LINE, ENCODER})


def write_facts(folder: Path, facts: Mapping[str, Json]) -> None:
    """Write `judge.json`, last, with the hash of each file of weights and of itself."""
    files: dict[str, Json] = {name: file_sha256(folder / name) for name in _weight_files(folder)}
    whole: dict[str, Json] = {"format": FORMAT, "version": VERSION, **facts, "files": files}
    whole["sha256"] = digest("judge", whole)
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def read_facts(folder: Path) -> dict[str, Any]:
    """What `judge.json` says, after its own and all other hashes were found right.

    Raises:
        BadInput: no judge, one of another version, or one that is damaged.
    """
    place = folder / FACTS
    if not place.is_file():
        raise BadInput("no judge here: judge.json is missing", place=str(folder), fix=_AGAIN)
    try:
        facts = json.loads(place.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadInput("damaged: not JSON", place=str(place), fix=_AGAIN) from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise BadInput("not a judge's file", place=str(place), fix=_AGAIN)
    if facts.get("version") != VERSION:
        raise other_version(folder, facts.get("version"), VERSION)
    stated = facts.pop("sha256", None)
    if digest("judge", facts) != stated:
        raise BadInput("damaged or changed by hand: its hash is another", place=str(place), fix=_AGAIN)
    for name, expected in facts["files"].items():
        if not (folder / name).is_file() or file_sha256(folder / name) != expected:
            raise BadInput("missing or damaged: its hash is another", place=str(folder / name), fix=_AGAIN)
    return facts


def other_version(folder: Path, version: Json, known: int) -> BadInput:
    """The complaint about a judge that another release made."""
    return BadInput(f"a judge of version {version}; this release reads {known}", place=str(folder / FACTS), fix=_AGAIN)


def _weight_files(folder: Path) -> list[str]:
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in names if name not in (FACTS, CARD))


def packed(weights: "NDArray[Any]", kind: Kind = "I16") -> bytes:
    """The file's bytes: the same for the same weights.

    By hand: safetensors writes its header eight bytes shorter, and the shipped judges, which their recipes make again
    byte for byte, would have other hashes than their cards say.

    >>> import numpy as np
    >>> unpacked(packed(np.array([1, -2, 3], np.int16))).tolist()
    [1, -2, 3]
    """
    raw = weights.astype(_NUMPY[kind]).tobytes()
    header = json.dumps({_NAME: {"dtype": kind, "shape": [len(weights)], "data_offsets": [0, len(raw)]}}).encode()
    header += b" " * (-len(header) % 8)  # the format wants the numbers aligned
    return struct.pack("<Q", len(header)) + header + raw


def unpacked(raw: bytes) -> "NDArray[np.int16]":
    """The inverse of `packed`, of whole numbers.

    Raises:
        ValueError: these are other bytes.
    """
    import numpy as np

    return _numbers(raw, "I16").astype(np.int16)


def unpacked_reals(raw: bytes) -> "NDArray[np.float64]":
    """The inverse of `packed`, of reals.

    Raises:
        ValueError: these are other bytes.
    """
    import numpy as np

    return _numbers(raw, "F32").astype(np.float64)


def _numbers(raw: bytes, kind: Kind) -> "NDArray[Any]":
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(raw).get(_NAME)
    except SafetensorError as fault:
        raise ValueError(f"not weights of such a judge ({fault})") from fault
    if weights is None or weights.dtype != _NUMPY[kind] or weights.ndim != 1:
        raise ValueError("not weights of such a judge")
    return weights


def load_judge(folder: Path, states: HiddenStates | None = None) -> Tone:
    """The judge in a folder that `train-judge` made; `states`: what a probe looks into.

    Raises:
        BadInput: no judge, one of another version, or one that is damaged; extra `train` missing for an encoder.
    """
    facts = read_facts(folder)
    match facts["backend"]:
        case "linear":
            return _linear(folder, facts)
        case "probe":
            return _probe(folder, facts, states)
        case "encoder":
            from selfinstruct.judge.encoder_judge import EncoderJudge  # loaded late: most judges are linear

            return EncoderJudge.opened(folder / ENCODER, facts)
        case other:
            raise BadInput(f"backend '{other}' is unknown", place=str(folder / FACTS), fix="use a newer release")


def _probe(folder: Path, facts: dict[str, Any], states: HiddenStates | None) -> Tone:
    from selfinstruct.judge.probe_judge import LinearProbe, ProbeJudge

    if states is None:
        raise BadInput(f"'{facts['name']}' looks into a model, and none is at hand", place=str(folder), fix=_MODEL)
    if facts["states"] != states.name:
        what = f"made with {facts['states']}; this release has {states.name}"
        raise BadInput(what, place=str(folder / FACTS), fix="train it again with `selfinstruct train-judge`")
    line = LinearProbe(unpacked_reals((folder / LINE).read_bytes()), facts["intercept"])
    calibration = calibration_of(facts["calibration"])
    assert isinstance(calibration, WholeAndCutCalibration)
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
    from selfinstruct.judge.linear_judge import SCALE, LinearJudge

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
