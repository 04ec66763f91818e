"""Makes the backend that the short string in a recipe names."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import cast

from selfinstruct import plugins
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.models.backend import Backend
from selfinstruct.models.hosted import PROVIDERS, HostedModel, connected
from selfinstruct.models.weights import GEMMA, GEMMA_NOTICE, gemma_weights
from selfinstruct.text import shown

_BACKEND = ("name", "traits", "in_flight", "notice", "answer", "close")
_OURS = ("embedded", GEMMA)  # one model each, so nothing comes after a colon


def make_backend(spec: str) -> Backend:
    """The backend of a spec such as `embedded` or `openai:NAME`; a folder that exists means `hf:`.

    BadInput lists the kinds that exist.
    """
    kind, _, rest = spec.partition(":")
    if kind not in KINDS and _is_folder(spec):
        return _hf(spec)
    check_spec(spec, paths=False)
    plugin = plugin_model(spec)
    return KINDS[kind](rest) if plugin is None else _made(spec, *plugin)


def plugin_model(spec: str) -> tuple[plugins.Plugin, str] | None:
    """Of a spec that is none of ours: what makes the backend, and what comes after its name; None for any other.

    `NAME:REST` for what a package gives that is installed, `package.module:Name:REST` for a dotted path; a dotted path
    has a dot before its colon.
    """
    kind, _, rest = spec.partition(":")
    if kind in KINDS or _is_folder(spec):
        return None
    name, _, argument = rest.partition(":")
    dotted = f"{kind}:{name}"
    if "." in kind and plugins.is_dotted(dotted):
        return plugins.Plugin(kind="models", name=dotted, where=dotted), argument
    plugin = plugins.find("models", kind, f"model '{shown(spec)}'")
    return None if plugin is None else (plugin, rest)


def _made(spec: str, plugin: plugins.Plugin, rest: str) -> Backend:
    """BadInput for what makes no backend."""
    place = f"model '{shown(spec)}'"
    make = plugin.load(place)
    fix = "write a function, or a class, that takes what comes after the name and gives a Backend"
    if not callable(make):
        raise BadInput(f"{plugin.where} makes nothing", place=place, fix=fix)
    try:
        made: object = make(rest)
    except SelfInstructError:
        raise
    except Exception as fault:
        raise plugins.raised(fault, plugin.where, "mend it, or name another model", place) from fault
    lacking = [name for name in _BACKEND if name not in dir(made)]
    if lacking:
        raise BadInput(f"what {plugin.where} makes has no {', '.join(lacking)}", place=place, fix=fix)
    return cast("Backend", made)


def check_spec(spec: str, *, paths: bool = True) -> None:
    """BadInput for a kind that does not exist, or that lacks its name; nothing is opened, and no environment read.

    `paths`: what looks like the path of a folder passes, although it is not there.

    >>> check_spec("opnai:m")
    Traceback (most recent call last):
    selfinstruct.errors.BadInput: model 'opnai:m': no model kind 'opnai' (did you mean 'openai'?); kinds: embedded, ...
    """
    kind, colon, rest = spec.partition(":")
    if kind in KINDS:
        if kind not in _OURS and not (colon and rest):
            what = "nothing after the colon" if colon else "does not say which model"
            raise BadInput(what, place=f"model '{spec}'", fix=f"write {_written(kind)}")
        return
    if plugin_model(spec) is not None:
        return
    if paths and ("/" in kind or "\\" in kind or kind in {".", ".."} or _is_folder(spec)):
        return
    near = difflib.get_close_matches(kind, [*KINDS, *plugins.names("models")], 1) if colon else []
    known = ", ".join((*KINDS, *plugins.names("models"))) + " (most take a name or a path after a colon)"
    what = f"no model kind '{shown(kind)}'" + (f" (did you mean '{near[0]}'?)" if near else "")
    endpoint = "" if colon or near else f"if it is a model's name, write openai:{shown(spec)} or its like; "
    raise BadInput(what, place=f"model '{shown(spec)}'", fix=f"{endpoint}kinds: {known}")


def _written(kind: str) -> str:
    """What goes after the colon."""
    after = {"gguf": "PATH", "replay": "PATH", "scripted": "FILE", "hf": "NAME_OR_FOLDER"}
    example = {"openai": ", such as openai:gpt-4.1-mini", "ollama": ", such as ollama:llama3.1:8b"}
    return f"{kind}:{after.get(kind, 'NAME')}{example.get(kind, '')}"


def _is_folder(spec: str) -> bool:
    try:
        return bool(spec) and Path(spec).is_dir()
    except (OSError, ValueError):  # no folder can have such a name
        return False


def _embedded(_rest: str) -> Backend:
    from selfinstruct.models.embedded import Embedded

    return Embedded(None)


def _gemma(_rest: str) -> Backend:
    from selfinstruct.models.embedded import Embedded

    return Embedded(gemma_weights(), name=GEMMA, notice=GEMMA_NOTICE)


def _gguf(path: str) -> Backend:
    from selfinstruct.models.embedded import Embedded

    return Embedded(Path(path))


def _hf(name: str) -> Backend:
    from selfinstruct.models.transformers_model import TransformersModel

    return TransformersModel.from_environment(name)


def _behind(kind: str) -> Callable[[str], Backend]:
    def make(name: str) -> Backend:
        return connected(HostedModel(kind=kind, model=name))

    return make


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
    **{kind: _behind(kind) for kind in PROVIDERS},
    "replay": _replay,
    "scripted": _scripted,
}
