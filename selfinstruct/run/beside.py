"""Files that a recipe names are found beside it; what a person types is found in the working directory.

A recipe names them in `seeds`, `inputs`, `models`, `limits.prices` and in knobs of stages. What is not beside the
recipe is left as it stands: a name that comes with the package, a set on the Hub, a file in the working directory.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from selfinstruct.formats.sources import there
from selfinstruct.store.run_folder import MARK

_KNOBS = frozenset(
    {
        "against",
        "held_out_seeds",
        "gold",
        "prompts",
        "questions",
        "labelled",
        "judge",
        "encoder",
        "ifeval",
        "superni",
        "user_oriented",
    }
)  # of stages
_OURS = frozenset(
    {
        "builtin",
        "embedded",
        "gemma",
        "judge",
        "ifs-v1",
        "ifs-v2",
        "ifs-v2-linear",
        "objecqa-v1",
        "tone-v1",
        "tone-v2",
        "ifeval-v1",
        "user-v1",
        "superni-v1",
    }
)
"""Names that stand for what is shipped or built, also where a file is called so."""
_KINDS = frozenset({"gguf", "hf", "replay", "scripted"})  # of models, with a path after the colon


def found_beside(recipe: Mapping[str, Any], file: str) -> dict[str, Any]:
    """The recipe, with the paths of what lies beside its file; `file` is its name."""
    folder = _folder(file)
    if folder is None:
        return dict(recipe)
    return {key: _value(key, value, folder) for key, value in recipe.items()}


def word_beside(word: str, file: str) -> str:
    """The same for a change that a recipe holds itself, as one of its `arms`: `seeds=mine.jsonl`."""
    folder, (path, equals, text) = _folder(file), word.partition("=")
    knob = path.rpartition(".")[2]
    if folder is None or not equals or not (knob in _KNOBS or path in {"seeds", "inputs", "limits.prices"}):
        return word
    try:
        given = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # `resolve` says what is wrong with it
        return word
    placed = _place(given, folder)
    return word if placed == given else f"{path}={yaml.safe_dump(placed, default_flow_style=True, width=10**9).strip()}"


def _folder(file: str) -> Path | None:
    """Where the recipe lies; None where its names are of the working directory: it is here, or is that of a run."""
    folder = Path(file).parent
    return None if folder == Path() or (folder / MARK).exists() else folder


def _value(key: str, value: object, folder: Path) -> object:
    if key in {"seeds", "inputs"}:
        return _place(value, folder)
    if key == "models" and isinstance(value, dict):
        return {role: _model(spec, folder) for role, spec in value.items()}
    if key == "limits" and isinstance(value, dict):
        return {name: _place(item, folder) if name == "prices" else item for name, item in value.items()}
    if key in {"rounds", "stages"} and isinstance(value, list | tuple):
        return [_step(step, folder) for step in value]
    return value


def _step(step: object, folder: Path) -> object:
    if not isinstance(step, dict):
        return step
    return {
        name: {knob: _place(value, folder) if knob in _KNOBS else value for knob, value in knobs.items()}
        if isinstance(knobs, dict)
        else knobs
        for name, knobs in step.items()
    }


def _place(given: object, folder: Path) -> object:
    if isinstance(given, list | tuple):
        return [_place(item, folder) for item in given]
    if isinstance(given, dict):
        return {key: _place(item, folder) if key == "path" else item for key, item in given.items()}
    return str(folder / given) if isinstance(given, str) and _lies(folder, given) else given


def _model(spec: object, folder: Path) -> object:
    """A model's spec, or the mapping that one may be."""
    if isinstance(spec, dict):
        return {key: _place(value, folder) if key in _KINDS else value for key, value in spec.items()}
    if not isinstance(spec, str):
        return spec
    kind, colon, name = spec.partition(":")
    if not colon:
        return _place(spec, folder)
    return f"{kind}:{folder / name}" if kind in _KINDS and _lies(folder, name) else spec


def _lies(folder: Path, given: str) -> bool:
    """Whether a file or folder of that name lies beside the recipe; `NAME#SPLIT` is a part of NAME."""
    if given in _OURS or not given or Path(given).is_absolute():
        return False
    return there(str(folder / given))
