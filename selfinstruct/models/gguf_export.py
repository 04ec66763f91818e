"""Writes a student back into the GGUF form of the model it was tuned from, so that llama.cpp can serve it.

Everything but the weights is copied from the original file: metadata, and the tokenizer to the last token. Weights are
put under the names, and into the order, that llama.cpp expects.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from selfinstruct.atomic_files import create, room, sweep_beside, sync_file, temporary_name
from selfinstruct.errors import BadInput, NoRoom
from selfinstruct.models.transformers_weights import load_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Quantisation: TypeAlias = Literal["q8_0", "f16"]
Change: TypeAlias = "Callable[[str, NDArray[np.float32], Mapping[str, Any]], NDArray[np.float32]]"
"""From a tensor's name, its numbers and the original's metadata to the numbers that llama.cpp wants."""

_BLOCK = 32  # numbers of a row that q8_0 writes together
_TEMPLATE = "tokenizer.chat_template"
_FREQUENCIES = "rope_freqs.weight"  # made from settings, not trained: kept as it is


def export_gguf(student: Path, original: Path, out: Path, *, quantisation: Quantisation = "q8_0") -> Path:
    """Write the student (a folder, or an adapter, which is merged) in the form of the GGUF file `original`.

    Matrices are written in 8 bits a number (`q8_0`) or 16 (`f16`), vectors in 32. Fewer bits change answers. The file
    appears whole or not at all.

    Raises:
        BadInput: no GGUF file, another architecture or size than the student's, or one that is not known here.
        NoRoom: the file cannot be written.
    """
    loaded = load_weights(str(student), device="cpu", dtype="float32")
    form = _form_of(original)
    change = _change_for(loaded.model.config.model_type, form.architecture, original)
    tensors = _tensors(loaded.model, form, student)
    out.parent.mkdir(parents=True, exist_ok=True)
    sweep_beside(out)
    made = temporary_name(out)
    try:
        create(made).close()
        template = getattr(loaded.tokenizer, "chat_template", None)
        _write(made, form, tensors, change, quantisation, name=student.name, template=template)
        sync_file(made)
        made.replace(out)
    except OSError as refusal:
        message = f"{out}: {refusal.strerror or refusal} ({room(out, _bytes_of(tensors, quantisation))})"
        raise NoRoom(f"{message}: make room or permit writing there, then run it again") from refusal
    finally:
        made.unlink(missing_ok=True)
    return out


def _bytes_of(tensors: Mapping[str, Any], quantisation: Quantisation) -> int:
    """What the numbers will take, without what the file says of them."""
    per_block = _BLOCK + 2 if quantisation == "q8_0" else 2 * _BLOCK
    return sum(int(tensor.numel()) for tensor in tensors.values()) * per_block // _BLOCK


@dataclass(frozen=True, slots=True)
class _Form:
    """What is taken from the original file."""

    architecture: str
    reader: Any
    metadata: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    """Of its tensors by name, rows first."""


def _form_of(original: Path) -> _Form:
    try:
        import gguf
    except ImportError as fault:
        raise BadInput("gguf is not installed", place=str(original), fix="pip install 'selfinstruct[train]'") from fault
    try:
        reader = gguf.GGUFReader(original)
    except (OSError, ValueError, IndexError, KeyError) as fault:
        raise BadInput(f"not a GGUF file ({fault})", place=str(original), fix="name a .gguf file") from fault
    metadata = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str):
        raise BadInput("does not name its architecture", place=str(original), fix="name the file of a language model")
    shapes = {tensor.name: tuple(int(size) for size in tensor.shape[::-1]) for tensor in reader.tensors}
    return _Form(architecture, reader, metadata, shapes)


def _tensors(model: Any, form: _Form, student: Path) -> dict[str, Any]:  # noqa: ANN401 - imported late
    """The student's tensors by their names in the file, in the order of the original; BadInput if they do not fit."""
    import gguf

    architectures = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(architectures[form.architecture], model.config.num_hidden_layers)
    weights = model.state_dict()
    if "output.weight" not in form.shapes and getattr(model.config, "tie_word_embeddings", False):
        weights.pop("lm_head.weight", None)  # the same numbers as the embeddings, and told by the absence
    tensors: dict[str, Any] = {}
    for own, tensor in weights.items():
        stem, _, kind = own.rpartition(".")
        name = names.get_name(stem)
        if name is None:
            raise BadInput(f"has weights '{own}' that the form does not know", place=str(student), fix=_FIX)
        tensors[f"{name}.{kind}"] = tensor
    for name, shape in form.shapes.items():
        if name not in tensors and name != _FREQUENCIES:
            raise BadInput(f"lacks what the original calls '{name}'", place=str(student), fix=_FIX)
        if name in tensors and tuple(tensors[name].shape) != shape:
            what = f"'{name}' is {_size(tuple(tensors[name].shape))} here and {_size(shape)} in the original"
            raise BadInput(what, place=str(student), fix=_FIX)
    more = sorted(set(tensors) - set(form.shapes) - {"output.weight"})
    if more:
        raise BadInput(f"has '{more[0]}', which the original does not have", place=str(student), fix=_FIX)
    return {name: tensors[name] for name in [*form.shapes, *tensors] if name in tensors}


_FIX = "give the GGUF file from which the student was tuned"


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _write(
    path: Path,
    form: _Form,
    tensors: Mapping[str, Any],
    change: Change,
    quantisation: Quantisation,
    *,
    name: str,
    template: str | None,
) -> None:
    """One tensor after another, so that memory holds only one of them twice."""
    import gguf

    kinds = {tensor: _kind(gguf, tuple(numbers.shape), quantisation) for tensor, numbers in tensors.items()}
    writer = gguf.GGUFWriter(path, form.architecture)
    writer.data_alignment = int(form.reader.alignment)
    try:
        for key, value, types in _kept(gguf, form, name, template, quantisation):
            writer.add_key_value(key, value, types[0], types[-1] if len(types) > 1 else None)
        kept = [original for original in form.reader.tensors if original.name == _FREQUENCIES]
        for original in kept:
            writer.add_tensor_info(
                original.name, original.data.shape, original.data.dtype, original.data.nbytes, original.tensor_type
            )
        for tensor, numbers in tensors.items():
            shape, kind = tuple(numbers.shape), kinds[tensor]
            block, size = gguf.GGML_QUANT_SIZES[kind]
            writer.add_tensor_info(tensor, shape, _float32(), numbers.numel() // block * size, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for original in kept:
            writer.write_tensor_data(original.data)
        for tensor, numbers in tensors.items():
            changed = change(tensor, numbers.float().numpy(), form.metadata)
            writer.write_tensor_data(gguf.quants.quantize(changed, kinds[tensor]))
    finally:
        writer.close()


def _kept(
    gguf: Any,  # noqa: ANN401 - imported late
    form: _Form,
    name: str,
    template: str | None,
    quantisation: Quantisation,
) -> Iterator[tuple[str, Any, list[Any]]]:
    """The original's metadata with the few that are another now: key, value, and the types of the value."""
    number, text = [gguf.GGUFValueType.UINT32], [gguf.GGUFValueType.STRING]
    files = gguf.LlamaFileType
    writers: dict[str, tuple[Any, list[Any]]] = {
        key: (value, form.reader.fields[key].types)
        for key, value in form.metadata.items()
        if key != "general.architecture" and not (isinstance(value, list) and not value)
    }
    writers["general.name"] = (name, text)
    writers["general.file_type"] = (files.MOSTLY_Q8_0 if quantisation == "q8_0" else files.MOSTLY_F16, number)
    writers["general.quantization_version"] = (gguf.GGML_QUANT_VERSION, number)
    if template:  # a student may be tuned to another form of conversation
        writers[_TEMPLATE] = (template, text)
    for key, (value, types) in writers.items():
        yield key, value, types


def _kind(gguf: Any, shape: tuple[int, ...], quantisation: Quantisation) -> Any:  # noqa: ANN401 - imported late
    kinds = gguf.GGMLQuantizationType
    if len(shape) < 2:
        return kinds.F32
    return kinds.Q8_0 if quantisation == "q8_0" and shape[-1] % _BLOCK == 0 else kinds.F16


def _float32() -> Any:  # noqa: ANN401 - imported late
    import numpy as np

    return np.dtype(np.float32)


def _as_it_is(name: str, numbers: "NDArray[np.float32]", metadata: Mapping[str, Any]) -> "NDArray[np.float32]":
    del name, metadata
    return numbers


def _interleaved(name: str, numbers: "NDArray[np.float32]", metadata: Mapping[str, Any]) -> "NDArray[np.float32]":
    """Rotary positions turn neighbouring numbers here, and numbers half a head apart in Transformers."""
    if ".attn_q." in name:
        heads = metadata["llama.attention.head_count"]
    elif ".attn_k." in name:
        heads = metadata.get("llama.attention.head_count_kv", metadata["llama.attention.head_count"])
    else:
        return numbers
    halves = numbers.reshape(heads, 2, numbers.shape[0] // heads // 2, *numbers.shape[1:])
    return halves.swapaxes(1, 2).reshape(numbers.shape)


def _norms_from_one(name: str, numbers: "NDArray[np.float32]", metadata: Mapping[str, Any]) -> "NDArray[np.float32]":
    """Gemma's norms are stored as what is added to 1; llama.cpp multiplies by what it reads."""
    del metadata
    return numbers + 1 if name.endswith("norm.weight") else numbers


def _change_for(model_type: str, architecture: str, original: Path) -> Change:
    if model_type not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        what = f"a student of the architecture {model_type} cannot be written as GGUF here"
        raise BadInput(what, place=str(original), fix=f"known are {known}; llama.cpp's own converter knows more")
    form, change = _ARCHITECTURES[model_type]
    if form != architecture:
        raise BadInput(f"its architecture is {architecture}, the student's {form}", place=str(original), fix=_FIX)
    return change


_ARCHITECTURES: Mapping[str, tuple[str, Change]] = {
    "llama": ("llama", _interleaved),
    "mistral": ("llama", _interleaved),
    "qwen2": ("qwen2", _as_it_is),
    "qwen3": ("qwen3", _as_it_is),
    "gemma2": ("gemma2", _norms_from_one),
    "gemma3_text": ("gemma3", _norms_from_one),
}
"""By Transformers' name: that of GGUF, and what its tensors need."""
