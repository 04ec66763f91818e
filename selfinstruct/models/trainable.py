"""Weights that can be trained and looked into: what a spec names, what must be said of them, and how they load."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.models.gemma import GEMMA
from selfinstruct.models.gemma import NOTICE as GEMMA_NOTICE
from selfinstruct.models.transformers_weights import load_weights
from selfinstruct.models.weights_facts import (
    ON_HUB,
    adapter_base,
    content_mark,
    find_weights,
    made_from,
    plain_name,
    stored_as,
)
from selfinstruct.stage import DTYPES, Loaded

KINDS = ("hf", "gguf", "embedded", GEMMA)
"""What can be trained; a folder that exists means `hf:`, as everywhere."""
_UNQUANTISED = ("F32", "F16", "BF16")  # number formats of a GGUF file


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
        if dtype not in DTYPES:
            raise BadInput(f"no number format '{dtype}'", place="dtype", fix=f"one of: {', '.join(DTYPES)}")
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
    told = f"{'an' if bits == '8' else 'a'} {bits}-bit file ({kind})" if bits else "a GGUF file"
    return f"weights dequantised from {told}: not the original release"
