"""Texts as vectors by static embeddings (model2vec, extra [semantic]): each token has one, and a text is their mean."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from selfinstruct.errors import BadInput
from selfinstruct.text import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embedder(Protocol):
    """What turns texts into vectors."""

    def encode(self, sentences: Sequence[str], /) -> "NDArray[np.float32]":
        """A row for each text; zero where nothing in it is known."""


def static_model(name: str, knob: str, *, hub: bool = False) -> Embedder:
    """The model in that folder, or with `hub` the one of that name on the Hub, downloaded once.

    Raises BadInput, which names the knob: the package is missing, no model is there, or it cannot be loaded.
    """
    place = f"knob '{knob}': {name}"
    try:
        model2vec = importlib.import_module("model2vec")  # loaded late: an extra
    except ImportError as missing:
        what = "static embeddings need the package model2vec"
        raise BadInput(what, place=place, fix="pip install 'selfinstruct[semantic]'") from missing
    if not (hub and not Path(name).exists()) and not (Path(name) / "model.safetensors").is_file():
        raise BadInput(
            "holds no model2vec model (model.safetensors)",
            place=place,
            fix="download one, such as minishlab/potion-base-8M, and give its folder",
        )
    try:
        return _Static(model2vec.StaticModel.from_pretrained(name, force_download=False))
    except Exception as unreadable:  # its three libraries raise their own, with no class in common
        raise BadInput(
            f"cannot be loaded as a model2vec model ({shown(str(unreadable))})", place=place, fix="download it again"
        ) from unreadable


@dataclass(frozen=True, slots=True)
class _Static:
    """The library's model: whole texts, in this process alone."""

    model: Any
    """A `model2vec.StaticModel`."""

    def encode(self, sentences: Sequence[str], /) -> "NDArray[np.float32]":
        """A row for each text."""
        rows: NDArray[np.float32] = self.model.encode(list(sentences), max_length=None, use_multiprocessing=False)
        return rows
