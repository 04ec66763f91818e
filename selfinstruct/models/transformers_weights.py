"""Loads a Transformers model, to ask or to train: a folder, an adapter on its base, a GGUF file, a name on the Hub."""

import contextlib
import importlib
import importlib.util
import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from selfinstruct.atomic_files import file_sha256
from selfinstruct.errors import BadInput
from selfinstruct.models.embedded import soon_asleep_while_waiting
from selfinstruct.models.model_files import (
    ADAPTER_WEIGHTS,
    LOADABLE,
    ON_HUB,
    Facts,
    adapter_base,
    content_mark,
    find_weights,
    made_from,
    plain_name,
    reach,
    stored_as,
)
from selfinstruct.models.weights import GEMMA, GEMMA_NOTICE, cache_folder
from selfinstruct.stage import DTYPES, FOUR_BITS, Dtype, Loaded
from selfinstruct.text.grammar import with_article

_SIZES = re.compile(r"size mismatch for (\S+): .*?Size\(\[([\d, ]*)\]\) from .*? is torch\.Size\(\[([\d, ]*)\]\)")
_RIGHT_BASE = "name the base that it was trained on in adapter_config.json: base_model_name_or_path"
KINDS = ("hf", "gguf", "embedded", GEMMA)
"""What can be trained; a folder that exists means `hf:`, as everywhere."""
_UNQUANTISED = ("F32", "F16", "BF16")  # number formats of a GGUF file


def load_weights(
    name: str,
    *,
    device: str = "",
    dtype: Dtype | Literal["4bit"] = "auto",
    merge: bool = True,
    to_ask: bool = False,
) -> Loaded:
    """The model of `NAME_OR_FOLDER`, a .gguf file, or `embedded`; BadInput says in one line why it cannot be loaded.

    `device`: as torch calls it, by default a GPU where there is one. With `merge` an adapter becomes part of its base;
    without, the model is a `PeftModel`, whose adapter can be switched and trained. With `to_ask` it may have an
    encoder, too, as T5 has; such a model is asked, and neither tuned nor looked into. No code that comes with weights
    is ever run, and only safetensors are read.

    `dtype` `auto`: 4-byte floats on a processor, what the weights are stored in on a GPU. On a processor 2-byte floats
    are no default: with them 5 of 12 texts changed with their neighbours in a batch, with 4-byte floats none did, and
    only processors with instructions for them gain any time (SmolLM2-135M: 301 against 117 tokens a second with them,
    28 against 59 without). The texts are as likely either way. In 4 bits (QLoRA) a model is tuned, and on a GPU alone.
    """
    place = find_weights(name)
    local = place is not None or not reach(name)
    torch, transformers = libraries()
    base = adapter_base(place) if place is not None else ""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    with loading(name), quiet(transformers):
        if dtype == FOUR_BITS:
            _check_four_bits(torch, name, base)
        elif base:
            return _adapted(name, base, device, dtype, merge=merge)
        source = _folder(place) if place is not None else name.removeprefix("hf:")
        known = _known(local=local)
        how = _four_bits(torch, transformers, device) if dtype == FOUR_BITS else _held(dtype, device)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **known)
        config = transformers.AutoConfig.from_pretrained(source, **known)
        maker = transformers.AutoModelForCausalLM
        if to_ask and _has_encoder(transformers, config):
            maker = transformers.AutoModelForSeq2SeqLM
        else:
            _check_kind(transformers, name, config)
        model = _whole(maker, name, source, use_safetensors=True, **how, **known)
        return Loaded((model if dtype == FOUR_BITS else model.to(device)).eval(), tokenizer)


def _held(dtype: str, device: str) -> dict[str, Any]:
    return {"dtype": ("float32" if device == "cpu" else "auto") if dtype == "auto" else dtype}


def _check_four_bits(torch: Any, name: str, base: str) -> None:  # noqa: ANN401 - imported late
    """BadInput where weights cannot be had in 4 bits."""
    place = f"model 'hf:{name.removeprefix('hf:')}'"
    if base:
        raise BadInput("an adapter's base cannot be had in 4 bits", place=place, fix="merge it into its base first")
    if not torch.cuda.is_available():
        raise BadInput("4 bits need a GPU, and torch finds none here", place=place, fix="leave quantize: 4bit away")


def _four_bits(torch: Any, transformers: Any, device: str) -> dict[str, Any]:  # noqa: ANN401 - imported late
    """As in arXiv 2305.14314: 4-bit NormalFloat, its constants quantised again, computed with in two bytes."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BadInput("bitsandbytes is not installed", place="4 bits", fix="pip install 'selfinstruct[qlora]'")
    kind = transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"dtype": torch.bfloat16, "quantization_config": kind, "device_map": {"": device}}


def facts_on_hub(name: str) -> Facts:
    """What the Hub tells of a model without its weights."""
    reached = reach(name)
    torch, transformers = libraries()
    with loading(name), quiet(transformers):
        known, source = _known(local=not reached), name.removeprefix("hf:")
        config = transformers.AutoConfig.from_pretrained(source, **known)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, **known)
        with torch.device("meta"):  # shapes only
            model = transformers.AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        return Facts(parameters=model.num_parameters(), chat=bool(tokenizer.chat_template))


def libraries() -> tuple[Any, Any]:
    """Torch and transformers, loaded late: they take seconds, and are an extra."""
    with soon_asleep_while_waiting():
        return _library("torch"), _library("transformers")


@contextlib.contextmanager
def loading(name: str) -> Iterator[None]:
    """What the libraries say of weights they cannot load, as one line."""
    try:
        yield
    except BadInput:
        raise
    except Exception as fault:  # the tokenizers' library raises nothing more special
        said = str(fault).strip().partition("\n")[0] or type(fault).__name__
        raise BadInput(
            f"cannot be loaded ({said})", place=f"model 'hf:{name.removeprefix('hf:')}'", fix=LOADABLE
        ) from fault


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:  # noqa: ANN401 - imported late
    """No progress bars and no advice from the library: progress is told by whoever runs the stage."""
    words = transformers.utils.logging
    level, bars = words.get_verbosity(), words.is_progress_bar_enabled()
    words.set_verbosity_error()
    words.disable_progress_bar()
    try:
        yield
    finally:
        words.set_verbosity(level)
        if bars:
            words.enable_progress_bar()


@contextlib.contextmanager
def _no_bar() -> Iterator[None]:
    """The bar of the library's GGUF reader, which no setting turns off."""
    reader = _library("transformers.modeling_gguf_pytorch_utils")
    bar = getattr(reader, "tqdm", None)
    if bar is None:
        yield
        return
    reader.tqdm = lambda steps, **_: steps
    try:
        yield
    finally:
        reader.tqdm = bar


def _library(name: str) -> Any:  # noqa: ANN401 - optional packages
    try:
        return importlib.import_module(name)
    except ImportError as fault:
        raise BadInput(
            f"{fault.name or name} is not installed", place="a model 'hf:...'", fix="pip install 'selfinstruct[train]'"
        ) from fault


def _whole(maker: Any, name: str, source: Path | str, **how: Any) -> Any:  # noqa: ANN401 - imported late
    """The model, if every weight was there; the library would make up the others by chance."""
    model, loading_info = maker.from_pretrained(source, output_loading_info=True, **how)
    lost = sorted(loading_info["missing_keys"]) + sorted(str(key) for key in loading_info["mismatched_keys"])
    if lost:
        what = f"{len(lost)} of its weights are missing or of another shape, the first {lost[0]}"
        raise BadInput(what, place=f"model 'hf:{name.removeprefix('hf:')}'", fix="copy it again")
    return model


def _has_encoder(transformers: Any, config: Any) -> bool:  # noqa: ANN401 - imported late
    """Whether a text is read by an encoder first, and the answer is no continuation of it: T5, BART."""
    makers = transformers.models.auto.modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
    return bool(getattr(config, "is_encoder_decoder", False)) and config.model_type in makers


def _check_kind(transformers: Any, name: str, config: Any) -> None:  # noqa: ANN401 - imported late
    """BadInput for weights that continue no text: the library would load some encoders as if they did."""
    makers = transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    architectures = [str(kind) for kind in getattr(config, "architectures", None) or ()]
    known = {name for maker in makers.values() for name in ((maker,) if isinstance(maker, str) else maker)}
    if config.model_type not in makers or (architectures and not known & {*architectures}):
        what = f"{with_article(architectures[0] if architectures else config.model_type)} is no causal language model"
        raise BadInput(what, place=f"model 'hf:{name.removeprefix('hf:')}'", fix="name one that continues texts")


def _known(*, local: bool) -> dict[str, bool]:
    return {"trust_remote_code": False, "local_files_only": local}


def _adapted(name: str, base: str, device: str, dtype: Dtype, *, merge: bool) -> Loaded:
    place = find_weights(name)
    assert place is not None  # only a folder has an adapter's settings
    peft = _library("peft")
    below = find_weights(base)
    if below is not None and adapter_base(below):
        raise BadInput("its base is an adapter, too", place=f"model 'hf:{name}'", fix="merge the base first")
    loaded = load_weights(base, device=device, dtype=dtype)
    # The file is there, and safe: `find_weights` looked. A pickle beside it is not read.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between two libraries, about a name; nobody here can act on it
        warnings.filterwarnings("ignore", "Found missing adapter keys")  # `_check_fit` says it, and stops
        try:
            model = peft.PeftModel.from_pretrained(loaded.model, str(place), torch_device=device).eval()
        except RuntimeError as refusal:
            raise _misfit(name, base, str(refusal)) or refusal from refusal
    _check_fit(peft, name, base, model, place / ADAPTER_WEIGHTS)
    tokenizer = loaded.tokenizer
    if (place / "tokenizer_config.json").is_file():
        tokenizer = _library("transformers").AutoTokenizer.from_pretrained(place, **_known(local=True))
    return Loaded(model.merge_and_unload() if merge else model, tokenizer)


def _misfit(name: str, base: str, said: str) -> BadInput | None:
    """Of weights with other sizes than the base has room for; None for any other complaint."""
    sizes = _SIZES.findall(said)
    if not sizes:
        return None
    first, here, there = sizes[0]
    what = f"does not fit its base {base}: {len(sizes)} of its weights have other sizes"
    return BadInput(
        f"{what}, the first {first}: [{here}] in the adapter, [{there}] on this base",
        place=f"model 'hf:{name.removeprefix('hf:')}'",
        fix=_RIGHT_BASE,
    )


def _check_fit(peft: Any, name: str, base: str, model: Any, file: Path) -> None:  # noqa: ANN401 - imported late
    """BadInput where the base lacks layers that the adapter changes: the library would leave those out."""
    with _library("safetensors").safe_open(file, "pt") as opened:
        adapter_keys = [key for key in opened.keys() if ".lora_" in key]  # noqa: SIM118 - no mapping
    known = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    lost = [key for key in adapter_keys if key not in known]
    if lost:
        what = f"does not fit its base {base}: {len(lost)} of its {len(adapter_keys)} weights have no layer there"
        place = f"model 'hf:{name.removeprefix('hf:')}'"
        raise BadInput(f"{what}, the first {lost[0]}", place=place, fix=_RIGHT_BASE)


def _folder(place: Path) -> Path:
    return place if place.is_dir() else converted(place)


def converted(path: Path) -> Path:
    """A GGUF file as a folder of 4-byte weights in the cache, made once for each content.

    They are what the file says, quantised as it was: not the weights from which the file was made.
    """
    from filelock import FileLock

    torch, transformers = libraries()
    _library("gguf")
    content = file_sha256(path)
    place = cache_folder() / "converted" / f"{path.stem}-{content[:16]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f"{place.name}.lock")):
        if place.is_dir():
            return place
        with tempfile.TemporaryDirectory(dir=place.parent) as scratch, quiet(transformers), _no_bar():
            kept: dict[str, Any] = {"gguf_file": path.name, **_known(local=True)}
            tokenizer = transformers.AutoTokenizer.from_pretrained(path.parent, **kept)
            if hasattr(transformers, "GgufConfig"):  # without it newer versions keep weights that cannot be saved
                kept["quantization_config"] = transformers.GgufConfig(dequantize=True)
            model = _whole(transformers.AutoModelForCausalLM, str(path), path.parent, dtype=torch.float32, **kept)
            made = Path(scratch) / "model"
            model.save_pretrained(made)
            tokenizer.save_pretrained(made)
            made.rename(place)
    return place


def trainable(spec: str) -> str:
    """What stands after the kind, as `load_weights` takes it; BadInput for a model that can only be asked.

    No file is looked at, so that a recipe can be checked where its models are not.

    >>> trainable("hf:nobody/nothing"), trainable("gguf:a/b.gguf"), trainable("embedded")
    ('nobody/nothing', 'a/b.gguf', 'embedded')
    """
    kind, colon, rest = spec.partition(":")
    if kind in {"embedded", GEMMA}:
        return kind
    if kind in {"hf", "gguf"}:
        if not (colon and rest):
            raise BadInput("nothing after the colon", place=f"model '{spec}'", fix=f"write {kind}:PATH")
        return rest
    if not colon:
        return spec
    what = "can be asked and not trained: its weights are not here"
    raise BadInput(what, place=f"model '{spec}'", fix="name hf:NAME_OR_FOLDER, gguf:PATH, embedded or gemma")


@dataclass(frozen=True)
class TransformersWeights:
    """The weights of `hf:NAME_OR_FOLDER`, `gguf:PATH`, `embedded`, `gemma` or a folder; a GGUF file is converted once.

    BadInput where there are none; nothing is loaded before `load`.
    """

    spec: str
    device: str = ""
    """As torch calls it; by default a GPU where there is one."""

    def __post_init__(self) -> None:
        """Refuse a spec that nothing can be loaded from."""
        name = trainable(self.spec)
        if name == self.spec and name not in {"embedded", GEMMA} and not Path(name).is_dir():
            known = ", ".join(KINDS) + " (or the path of a folder)"
            raise BadInput("no such folder, and no model kind", place=f"model '{self.spec}'", fix=f"kinds: {known}")
        find_weights(name)

    @cached_property
    def name(self) -> str:
        """As in `Weights`; contents of folders are told apart by a mark, as in the records that they write."""
        kind, _, rest = self.spec.partition(":")
        if trainable(self.spec) in ON_HUB:  # `hf:embedded` is no other base than `embedded`
            return trainable(self.spec)
        return f"gguf:{Path(rest).name}" if kind == "gguf" else plain_name(trainable(self.spec))

    @cached_property
    def mark(self) -> str:
        """Changes with the content of what is here; of a name on the Hub the name."""
        place = find_weights(trainable(self.spec))
        return self.name if place is None else content_mark(place)

    @cached_property
    def notice(self) -> str:
        """As in `Weights`; an adapter's is that of its base."""
        name = trainable(self.spec)
        place = find_weights(name)
        while place is not None and place.is_dir() and adapter_base(place):
            name = adapter_base(place)
            place = find_weights(name)
        terms = f"; {GEMMA_NOTICE}" if name == GEMMA else ""
        return "" if place is None or place.is_dir() else f"{_dequantised(stored_as(place))}{terms}"

    @cached_property
    def tuned_from(self) -> str:
        """As in `Weights`: what an adapter's settings say, or else the card of a student."""
        place = find_weights(trainable(self.spec))
        return "" if place is None or not place.is_dir() else made_from(place)

    def load(self, *, dtype: str = "auto", merge: bool = True) -> Loaded:
        """As in `Weights`; BadInput says in one line why it cannot."""
        known = (*DTYPES, FOUR_BITS)
        if dtype not in known:
            raise BadInput(f"no number format '{dtype}'", place="dtype", fix=f"one of: {', '.join(known)}")
        loaded = load_weights(trainable(self.spec), device=self.device, dtype=dtype, merge=merge)
        return replace(loaded, source=self._source())

    def _source(self) -> str:
        name = trainable(self.spec)
        place = None if name in ON_HUB else find_weights(name)
        if place is None:
            return ON_HUB.get(name, name)
        return f"{'gguf:' if place.is_file() else ''}{place.resolve()}"


def _dequantised(kind: str) -> str:
    if kind in _UNQUANTISED:
        return ""
    bits = "".join(sign for sign in kind.partition("_")[0] if sign.isdigit())
    description = f"{'an' if bits == '8' else 'a'} {bits}-bit file ({kind})" if bits else "a GGUF file"
    return f"weights dequantised from {description}: not the original release"
