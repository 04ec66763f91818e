"""Reads facts from a model's files before it is loaded: place, size, number format, whether it has a chat template."""

import hashlib
import json
import mmap
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.models.embedded import has_template
from selfinstruct.models.weights import GEMMA, embedded_weights, gemma_weights
from selfinstruct.text import shown

LOADABLE = "give a folder with config.json, tokenizer files and *.safetensors, a .gguf file, or a name on the Hub"
SMALL = 1_500_000_000  # parameters
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_ADAPTER, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_SETTINGS = (
    "config.json",
    "generation_config.json",
    _ADAPTER,
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "chat_template.jinja",
)
_BITS = 5  # of a parameter in a usual GGUF file
_HEADER = 100 * 2**20  # bytes; what the format allows
_FILE_TYPE, _WHOLE_NUMBER = b"general.file_type", 4  # a key of GGUF's, and the mark of four bytes without a sign
_GGUF_HEADER = 64 * 2**20  # bytes among which that key lies; some write it after the vocabulary
_FORMATS = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    7: "Q8_0",
    8: "Q5_0",
    9: "Q5_1",
    10: "Q2_K",
    11: "Q3_K_S",
    12: "Q3_K_M",
    13: "Q3_K_L",
    14: "Q4_K_S",
    15: "Q4_K_M",
    16: "Q5_K_S",
    17: "Q5_K_M",
    18: "Q6_K",
    19: "IQ2_XXS",
    20: "IQ2_XS",
    21: "Q2_K_S",
    22: "IQ3_XS",
    23: "IQ3_XXS",
    24: "IQ1_S",
    25: "IQ4_NL",
    26: "IQ3_S",
    27: "IQ3_M",
    28: "IQ2_S",
    29: "IQ2_M",
    30: "IQ4_XS",
    31: "IQ1_M",
    32: "BF16",
}
"""Numbers of the key `general.file_type`, as the format's definition has them."""
ON_HUB = {"embedded": "HuggingFaceTB/SmolLM2-135M-Instruct", GEMMA: "google/gemma-3-270m"}
"""What an adapter calls a base that we bring: the same model, as it was released and before it was quantised."""
TRAINING = "training.json"
"""Of a student: what it was made of; its `base` is a spec."""
_PATIENCE = 10  # seconds for the Hub to say whether it has a model
_SAMPLE, _SAMPLES = 4096, 64  # bytes, and how many times so many are read from a large file


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides how a model is asked."""

    parameters: int
    chat: bool
    """Its tokenizer says how a conversation is written."""


def find_weights(name: str) -> Path | None:
    """The folder or .gguf file that a name means, None for a name on the Hub; BadInput where there is nothing.

    `embedded`, `gemma` and the specs `gguf:PATH` and `hf:NAME` are understood, since adapters name their base by them.
    """
    name = name.removeprefix("hf:").removeprefix("gguf:")
    if name == "embedded":
        return embedded_weights()
    if name == GEMMA:
        return gemma_weights()
    place = Path(name)
    if place.is_dir():
        if (place / "recipe.yaml").is_file() and (place / "student").is_dir():  # a run that made one
            place /= "student"
        _check_folder(place)
        return place
    if place.is_file():
        with place.open("rb") as file:
            if file.read(4) == b"GGUF":
                return place
        raise BadInput("neither a folder nor a GGUF file", place=f"model 'hf:{name}'", fix=LOADABLE)
    if _HUB_NAME.fullmatch(name) and place.suffix != ".gguf" and (not _lies_in_a_folder(name) or _in_cache(name)):
        return None
    tilde = "write the whole path: only the shell knows what ~ is" if name.startswith("~") else "check the path"
    raise BadInput("no such file or folder", place=f"model 'hf:{name}'", fix=tilde)


def _lies_in_a_folder(name: str) -> bool:
    """Whether OWNER is a folder here, so that a path was meant."""
    return "/" in name and Path(name).parent.is_dir()


def _in_cache(name: str) -> bool:
    """Whether the Hub's client has it from before."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError:
        return False


def adapter_base(place: Path) -> str:
    """What an adapter is put upon: a folder, seen from the adapter's if it lies there, or a spec; empty for none."""
    if not (place / _ADAPTER).is_file() or not (place / ADAPTER_WEIGHTS).is_file():
        return ""
    base = _read(place / _ADAPTER).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        what = "does not name its base"
        raise BadInput(what, place=str(place / _ADAPTER), fix="give it a key 'base_model_name_or_path'")
    nearby = place / base
    return str(nearby) if nearby.is_dir() else _ours(place, base)


def _ours(place: Path, base: str) -> str:
    """The spec of a base that we bring, where the adapter was trained on it; else `base` as it is."""
    spec = next((spec for spec, name in ON_HUB.items() if name == base), "")
    if not spec or not (place / TRAINING).is_file():
        return base
    return spec if _read(place / TRAINING).get("base") == spec else base


def check_on_hub(spec: str) -> None:
    """BadInput where a name is neither a folder, nor in the Hub's cache, nor on the Hub, which is asked once."""
    name = spec.removeprefix("hf:")
    if name not in ON_HUB and find_weights(name) is None and not _in_cache(name):
        reach(name)


def reach(name: str) -> bool:
    """Ask the Hub, once and for seconds only, whether it has a model; False: it does not say so, but the cache has it.

    Its client would ask again and again, half a minute for each file, and then say the same. BadInput for neither.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    name = name.removeprefix("hf:")
    try:
        HfApi().model_info(name, timeout=_PATIENCE)
    except HFValidationError:
        what = "is no name of a model on the Hub, and no folder"
        raise BadInput(what, place=f"model 'hf:{name}'", fix="write hf:OWNER/NAME or hf:FOLDER") from None
    except Exception as fault:  # noqa: BLE001 - whatever its transport raises, the weights cannot be had
        if _in_cache(name):
            return False
        what = f"is neither here nor to be had from the Hub ({shown(str(fault), 120)})"
        raise BadInput(what, place=f"model 'hf:{name}'", fix="correct the name, or write hf:FOLDER") from None
    return True


def facts(place: Path, on_hub: Callable[[str], Facts]) -> Facts:
    """Of a local folder or file; `on_hub` is asked where an adapter's base lies there."""
    if place.is_file():
        return Facts(parameters=place.stat().st_size * 8 // _BITS, chat=has_template(place))
    base = adapter_base(place)
    if not base:
        return Facts(parameters=_parameters(_shards(place)), chat=_has_template(place))
    below = find_weights(base)
    known = on_hub(base) if below is None else facts(below, on_hub)
    return Facts(known.parameters, known.chat or _has_template(place))


def content_mark(place: Path) -> str:
    """Eight characters that change with the content: settings, sizes of the weights and samples of them.

    Folders of the same name, of two runs of a training for instance, are told apart by it.
    """
    digest = hashlib.sha256()
    base = adapter_base(place) if place.is_dir() else ""
    names = [place] if place.is_file() else [*(place / name for name in _SETTINGS), *_shards(place)]
    for path in names:
        if path.is_file():
            if path.name == _ADAPTER and place.is_dir():
                digest.update(_without_base(path))
                continue
            digest.update(f"{path.name if place.is_dir() else ''} {path.stat().st_size} ".encode())
            for piece in _samples(path):
                digest.update(piece)
    if base:
        below = find_weights(base)
        digest.update((base if below is None else content_mark(below)).encode())
    return digest.hexdigest()[:8]


def _without_base(settings: Path) -> bytes:
    """An adapter's settings without where its base lies, which says nothing of its content."""
    own_settings = {key: value for key, value in _read(settings).items() if key != "base_model_name_or_path"}
    return json.dumps(own_settings, sort_keys=True).encode()


def plain_name(name: str) -> str:
    """As `hf:` and the records name a model: nothing of where it lies on this machine, and a mark of its content."""
    place = find_weights(name)
    return f"hf:{name.removeprefix('hf:')}" if place is None else f"hf:{place.resolve().name}@{content_mark(place)}"


def made_from(place: Path) -> str:
    """The name of the base of an adapter, or of a student whose card tells it; empty for any other folder."""
    base = adapter_base(place)
    if base:
        spec = base.removeprefix("hf:")
        return spec if spec in ON_HUB else plain_name(base)
    stated_base = _read(place / TRAINING).get("base") if (place / TRAINING).is_file() else ""
    return stated_base if isinstance(stated_base, str) else ""


def stored_as(path: Path) -> str:
    """The number format of most of a GGUF file's weights, such as `Q4_1`; empty where the file does not say."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(_FILE_TYPE, 0, _GGUF_HEADER)
        file_type = content[at + len(_FILE_TYPE) : at + len(_FILE_TYPE) + 8] if at >= 0 else b""
    kind, number = (int.from_bytes(part, "little") for part in (file_type[:4], file_type[4:]))
    return _FORMATS.get(number, "") if kind == _WHOLE_NUMBER and len(file_type) == 8 else ""


def _check_folder(place: Path) -> None:
    if (place / _ADAPTER).is_file() and not (place / "config.json").is_file():
        missing = "" if (place / ADAPTER_WEIGHTS).is_file() else ADAPTER_WEIGHTS
    elif not (place / "config.json").is_file():
        missing = "config.json"
    else:
        missing = "" if _shards(place) else "*.safetensors"
    if missing:
        raise BadInput(f"cannot be loaded (no {missing} in it)", place=f"model 'hf:{place}'", fix=LOADABLE)


def _shards(place: Path) -> list[Path]:
    return sorted(path for path in place.glob("*.safetensors") if path.is_file())


def _parameters(shards: Iterable[Path]) -> int:
    """Counted from the headers; the weights stay unread."""
    return sum(_in_header(path) for path in shards if path.name != ADAPTER_WEIGHTS)


def _in_header(path: Path) -> int:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(min(length, _HEADER)))
        return sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BadInput("not a safetensors file", place=str(path), fix="copy it again") from fault


def _has_template(place: Path) -> bool:
    if (place / "chat_template.jinja").is_file() or (place / "chat_template.json").is_file():
        return True
    settings = place / "tokenizer_config.json"
    return settings.is_file() and bool(_read(settings).get("chat_template"))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise BadInput(f"not JSON ({fault})", place=str(path), fix="copy it again") from fault
    if not isinstance(content, dict):
        raise BadInput("not an object", place=str(path), fix="copy it again")
    return content


def _samples(path: Path) -> Iterable[bytes]:
    """All of a small file; evenly spread pieces of a large one, of which training changes every one."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= _SAMPLE * _SAMPLES:
            yield file.read()
            return
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
            yield file.read(_SAMPLE)
