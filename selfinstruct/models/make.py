"""From the short string in a recipe to the backend it names."""

from collections.abc import Callable
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Backend
from selfinstruct.models.gemma import GEMMA, NOTICE, gemma_weights

_OURS = ("embedded", GEMMA)  # one model each, so nothing comes after a colon


def make_backend(spec: str) -> Backend:
    """The backend of a spec such as `embedded` or `openai:NAME`; a folder that exists means `hf:`.

    BadInput lists the kinds that exist.
    """
    kind, colon, rest = spec.partition(":")
    if kind not in KINDS:
        if Path(spec).is_dir():
            return _hf(spec)
        known = ", ".join(KINDS) + " (most take a name or a path after a colon)"
        raise BadInput(f"no model kind '{kind}'", place=f"model '{spec}'", fix=f"kinds: {known}")
    if kind not in _OURS and not (colon and rest):
        raise BadInput("nothing after the colon", place=f"model '{spec}'", fix=f"write {kind}:NAME or {kind}:PATH")
    return KINDS[kind](rest)


def _embedded(_rest: str) -> Backend:
    from selfinstruct.models.embedded import Embedded

    return Embedded(None)


def _gemma(_rest: str) -> Backend:
    from selfinstruct.models.embedded import Embedded

    return Embedded(gemma_weights(), name=GEMMA, notice=NOTICE)


def _gguf(path: str) -> Backend:
    from selfinstruct.models.embedded import Embedded

    return Embedded(Path(path))


def _hf(name: str) -> Backend:
    from selfinstruct.models.transformers_model import TransformersModel

    return TransformersModel.from_environment(name)


def _openai(name: str) -> Backend:
    from selfinstruct.models.openai_compatible import OpenAICompatible

    return OpenAICompatible.from_environment(name)


def _replay(path: str) -> Backend:
    from selfinstruct.models.replay import Replay

    return Replay.load(Path(path))


def _scripted(path: str) -> Backend:
    from selfinstruct.models.scripted import Scripted, find_script

    return Scripted.load(find_script(path))


KINDS: dict[str, Callable[[str], Backend]] = {
    "embedded": _embedded,
    GEMMA: _gemma,
    "gguf": _gguf,
    "hf": _hf,
    "openai": _openai,
    "replay": _replay,
    "scripted": _scripted,
}
