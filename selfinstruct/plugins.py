"""Finds what others add: stages, rules, formats and models, by a dotted path or by the name of an entry point.

What Python hands over (a function, a class) is named by its dotted path, too; a lambda or a function inside another has
none that leads back to it, and is known to this process alone.

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
from traceback import walk_tb
from types import FunctionType
from typing import Literal, TypeAlias, cast

from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.text import shown
from selfinstruct.text.grammar import with_article

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
        source = {"source": source_hash(thing)} if isinstance(thing, FunctionType) or self.where in _handed else {}
        return {"where": self.where, "version": self.version, **source}


def is_dotted(word: str) -> bool:
    """Whether a word is a dotted path.

    >>> is_dotted("acme.rules:shouting"), is_dotted("openai:gpt-5"), is_dotted("shouting")
    (True, False, False)
    """
    return re.fullmatch(DOTTED, word, re.ASCII) is not None


def find(kind: Kind, name: str, place: str = "") -> Plugin | None:
    """What a recipe means by a name that is none of ours; None where no package has it.

    BadInput where several packages give something of that name.
    """
    if is_dotted(name) or name in _handed:
        return Plugin(kind=kind, name=name, where=name)
    if ":<" in name or ".<" in name:
        what = f"'{shown(name)}' is a lambda or inside a function, and nothing can find it again"
        raise BadInput(what, place=place, fix="run the recipe from Python, or put it at the top of a module")
    given = [plugin for plugin in installed(kind) if plugin.name == name]
    if len(given) > 1:
        ways = " or ".join(plugin.where for plugin in given)
        packages = " and ".join(dict.fromkeys(plugin.package for plugin in given))
        raise BadInput(f"{packages} both give {with_article(_ONE[kind])} '{name}'", place=place, fix=f"write {ways}")
    return given[0] if given else None


def names(kind: Kind) -> tuple[str, ...]:
    """Short names that installed packages give, each once."""
    return tuple(dict.fromkeys(plugin.name for plugin in installed(kind)))


def installed(kind: Kind) -> tuple[Plugin, ...]:
    """What installed packages say they give, by name and place; nothing of it is imported."""
    return _installed(kind, tuple(sys.path))


@cache
def _installed(kind: Kind, path: tuple[str, ...]) -> tuple[Plugin, ...]:
    del path  # what is found depends on it
    from importlib.metadata import entry_points

    given = (
        Plugin(
            kind=kind,
            name=entry_point.name,
            where=entry_point.value.replace(" ", "").partition("[")[0],
            package=entry_point.dist.name if entry_point.dist else "",
            version=entry_point.dist.version if entry_point.dist else "",
        )
        for entry_point in entry_points(group=f"selfinstruct.{kind}")
    )
    return tuple(sorted(given, key=lambda plugin: (plugin.name, plugin.where)))


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


UNREPEATABLE = "cannot be found again"
"""Stands for the hash of a source that nothing leads back to."""

_handed: dict[str, object] = {}  # what Python handed over and no path leads to, by the word that stands for it


def hand_over(thing: object) -> str:
    """The word by which a recipe names it: its dotted path, or, where that does not lead to it, one of this process.

    >>> import json
    >>> hand_over(json.dumps)
    'json:dumps'
    """
    path = _path(thing)
    if _leads_to(path, thing):
        return path
    known = next((word for word, handed in _handed.items() if handed is thing), "")
    word = known or (f"{path}#{len(_handed) + 1}" if path in _handed else path)
    _handed[word] = thing
    return word


def _path(thing: object) -> str:
    named = thing if hasattr(thing, "__qualname__") else type(thing)  # an object that can be called
    return f"{named.__module__}:{getattr(named, '__qualname__', '')}"


def _leads_to(path: str, thing: object) -> bool:
    module, _, names = path.partition(":")
    reached: object = sys.modules.get(module)
    for name in names.split("."):
        reached = getattr(reached, name, None)
    return reached is thing


def source_hash(thing: object) -> str:
    """SHA-256 of the source of a function or class, or of a function's code where that is not here.

    `UNREPEATABLE` where no path leads to it. What it calls in turn is not counted.
    """
    if not _leads_to(_path(thing), thing):
        return UNREPEATABLE
    try:
        text = inspect.getsource(cast("type", thing)).encode()
    except (OSError, TypeError):
        if not isinstance(thing, FunctionType):
            return UNREPEATABLE
        text = thing.__code__.co_code + repr(thing.__code__.co_consts).encode()
    return hashlib.sha256(text).hexdigest()


def _loaded(plugin: Plugin, place: str) -> object:
    if plugin.where in _handed:
        return _handed[plugin.where]
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
    except (Exception, SystemExit) as fault:  # whatever a stranger's module does as it is imported
        raise _broken(who, module_name, fault, place) from fault
    for name in filter(None, path.split(".")):
        try:
            thing = getattr(thing, name)
        except AttributeError:
            close = difflib.get_close_matches(
                name, [attribute for attribute in dir(thing) if not attribute.startswith("_")], 1
            )
            hint = f" (did you mean '{close[0]}'?)" if close else ""
            what = f"{who}: '{module_name}' has no '{shown(name)}'{hint}"
            script = "it stood in a script or a notebook: run the recipe from there, or put it into a module"
            raise BadInput(what, place=place, fix=script if module_name == "__main__" else "correct the path") from None
    return thing


MEND_RULE = "mend the rule, then run the same command with --fresh (answers that were paid for are kept)"
"""A rule's source makes the run what it is, so that a run that goes on would be refused with another."""
MEND_STAGE = "mend it, then run the same command again (answers that were paid for are kept)"


def module_of(thing: object) -> str:
    """The module in which a class, a function or the class of an object stands."""
    return str(getattr(thing, "__module__", ""))


def is_foreign(thing: object) -> bool:
    """Whether a class, a function or an object of a class was written by others."""
    return module_of(thing).partition(".")[0] != __name__.partition(".")[0]


def raised(fault: Exception, who: str, fix: str, place: str = "") -> BadInput:
    """What others wrote raised an exception, in one line: of what kind, in which file and line, with which record.

    Of the frames outside this package that handle a record the innermost counts; where none does, the innermost at all.
    """
    where, record = "", ""
    for frame, line in walk_tb(fault.__traceback__):
        if frame.f_globals.get("__name__", "").partition(".")[0] == __name__.partition(".")[0]:
            continue
        tasks = [value for value in frame.f_locals.values() if isinstance(value, Task)]
        if tasks or not record:
            where = f"{frame.f_code.co_filename}:{line}"
            record = tasks[-1].id if tasks else ""
    said = shown(f"{type(fault).__name__}: {fault}", 200)
    what = f"{who} raised {said}" + (f" ({shown(where, 200)})" if where else "")
    return BadInput(what, place=place or (f"record {record[:16]}" if record else ""), fix=fix)


def _broken(who: str, module: str, fault: BaseException, place: str) -> BadInput:
    said = shown(f"{type(fault).__name__}: {fault}", 300)
    return BadInput(f"{who}: '{module}' fails to load ({said})", place=place, fix="mend it, or leave it out")
