"""Finds what others add: stages, rules, formats and models, by a dotted path or by the name of an entry point.

A recipe may name `package.module:Name` wherever it names a stage, a rule, a layout or a model. A package that is
installed gives such things short names by entry points of the groups `selfinstruct.stages`, `.rules`, `.formats` and
`.models`. Nothing of them is imported until it is asked for, and what fails to load ends no run that does not name it.
"""

import difflib
import hashlib
import importlib
import inspect
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.text import shown

Kind: TypeAlias = Literal["stages", "rules", "formats", "models"]
KINDS: tuple[Kind, ...] = ("stages", "rules", "formats", "models")
_ONE: dict[Kind, str] = {"stages": "stage", "rules": "rule", "formats": "format", "models": "model"}
_WORD = r"[A-Za-z_]\w*"
DOTTED = rf"^{_WORD}(\.{_WORD})*:{_WORD}(\.{_WORD})*$"
"""A dotted path, `package.module:Name`, as a regular expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """Something that others wrote, not yet loaded."""

    kind: Kind
    name: str
    """As a recipe says it: the name of an entry point, or a dotted path."""
    where: str
    """`package.module:Name`."""
    package: str = ""
    """That brings it, as it is called on an index; empty: a dotted path."""
    version: str = ""
    """Of that package."""

    def load(self, place: str = "") -> object:
        """The thing itself; BadInput, in one line, where it cannot be had."""
        return _loaded(self, place)

    def mark(self, place: str = "") -> dict[str, str]:
        """What makes a run with it another run: where it is, of which version, and of a function its source."""
        thing = self.load(place)
        source = {"source": source_hash(thing)} if isinstance(thing, FunctionType) else {}
        return {"where": self.where, "version": self.version, **source}


def is_dotted(word: str) -> bool:
    """Whether a word is a dotted path.

    >>> is_dotted("acme.rules:shouting"), is_dotted("openai:gpt-5"), is_dotted("shouting")
    (True, False, False)
    """
    return re.fullmatch(DOTTED, word, re.ASCII) is not None


def find(kind: Kind, name: str, place: str = "") -> Plugin | None:
    """What a recipe means by a name that is none of ours; None where nobody knows it.

    BadInput where several packages give something of that name.
    """
    if is_dotted(name):
        return Plugin(kind=kind, name=name, where=name)
    found = [one for one in installed(kind) if one.name == name]
    if len(found) > 1:
        ways = " or ".join(one.where for one in found)
        packages = " and ".join(dict.fromkeys(one.package for one in found))
        raise BadInput(f"{packages} both give a {_ONE[kind]} '{name}'", place=place, fix=f"write {ways}")
    return found[0] if found else None


def names(kind: Kind) -> tuple[str, ...]:
    """Short names that installed packages give, each once."""
    return tuple(dict.fromkeys(one.name for one in installed(kind)))


def installed(kind: Kind) -> tuple[Plugin, ...]:
    """What installed packages say they give, by name and place; nothing of it is imported."""
    return _installed(kind, tuple(sys.path))


@cache
def _installed(kind: Kind, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    del path  # what is found depends on it
    from importlib.metadata import entry_points

    found = (
        Plugin(
            kind=kind,
            name=one.name,
            where=one.value.replace(" ", "").partition("[")[0],
            package=one.dist.name if one.dist else "",
            version=one.dist.version if one.dist else "",
        )
        for one in entry_points(group=f"selfinstruct.{kind}")
    )
    return tuple(sorted(found, key=lambda one: (one.name, one.where)))


_folders: dict[str, None] = {}  # where dotted paths may begin, beside what is installed


def reachable(folder: Path) -> None:
    """Let dotted paths begin in a folder, after all that is installed: where a recipe lies, or where one works."""
    _folders[str(folder.resolve())] = None


def _reach() -> None:
    """Only once a dotted path is followed, for a folder may be called as a package is that is not installed."""
    new = [path for path in _folders if path not in sys.path]
    if new:
        sys.path.extend(new)
        importlib.invalidate_caches()


def source_hash(thing: FunctionType) -> str:
    """SHA-256 of a function's source; of its code where the source is not here."""
    try:
        text = inspect.getsource(thing).encode()
    except (OSError, TypeError):
        text = thing.__code__.co_code + repr(thing.__code__.co_consts).encode()
    return hashlib.sha256(text).hexdigest()


def _loaded(plugin: Plugin, place: str) -> object:
    module_name, _, path = plugin.where.partition(":")
    who = f"{_ONE[plugin.kind]} '{shown(plugin.name)}'"
    if plugin.package:
        who += f" of {plugin.package}"
    else:
        _reach()
    try:
        thing: object = importlib.import_module(module_name)
    except ModuleNotFoundError as fault:
        if fault.name is not None and f"{module_name}.".startswith(f"{fault.name}."):
            fix = "install its package, or begin where its module lies"
            raise BadInput(f"{who}: no module '{shown(fault.name)}'", place=place, fix=fix) from None
        raise _broken(who, module_name, fault, place) from fault
    except Exception as fault:  # whatever a stranger's module does as it is imported
        raise _broken(who, module_name, fault, place) from fault
    for name in filter(None, path.split(".")):
        try:
            thing = getattr(thing, name)
        except AttributeError:
            close = difflib.get_close_matches(name, [one for one in dir(thing) if not one.startswith("_")], 1)
            hint = f" (did you mean '{close[0]}'?)" if close else ""
            what = f"{who}: '{module_name}' has no '{shown(name)}'{hint}"
            raise BadInput(what, place=place, fix="correct the path") from None
    return thing


def _broken(who: str, module: str, fault: Exception, place: str) -> BadInput:
    told = shown(f"{type(fault).__name__}: {fault}", 300)
    return BadInput(f"{who}: '{module}' fails to load ({told})", place=place, fix="mend it, or leave it out")
