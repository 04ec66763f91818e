"""Rules that others wrote: each reads a whole task and says what it objects to, or nothing."""

import difflib
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, TypeAlias, cast

from selfinstruct import plugins
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.records import Task
from selfinstruct.text import shown

TaskRule: TypeAlias = Callable[[Task], str]
if TYPE_CHECKING:
    OwnRule: TypeAlias = Callable[[Task], str | bool]
    Given: TypeAlias = str | OwnRule | tuple[OwnRule, float]
else:
    Given = str
"""A rule as a stage takes it: a word, or in Python a function of a record, alone or with its weight."""


def words(given: "Iterable[Given]") -> tuple[str, ...]:
    """The same as words: a function by its dotted path, one with a weight as `PATH=WEIGHT`.

    >>> import json
    >>> words(["curate", json.dumps, (json.loads, 0.5)]), words("curate")
    (('curate', 'json:dumps', 'json:loads=0.5'), ('curate',))
    """
    return tuple(map(_word, (given,) if isinstance(given, str) else given))


def _word(given: "Given") -> str:
    if isinstance(given, tuple):
        return f"{plugins.hand_over(given[0])}={given[1]:g}"
    return plugins.hand_over(given) if callable(given) else given


def is_plugin_rule(name: str, place: str) -> bool:
    """Whether a name that is none of ours is a dotted path, or given by a package that is installed."""
    return plugins.find("rules", name, place) is not None


def unknown_rule(name: str, place: str, sets: Collection[str], rules: Collection[str]) -> BadInput:
    """The complaint about a rule that does not exist, with those that do."""
    known = (*sets, *rules, *plugins.names("rules"))
    close = difflib.get_close_matches(name, known, 1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    others = ", ".join((*rules, *plugins.names("rules")))
    fix = f"sets: {', '.join(sets)}; rules: {others}; one of your own: package.module:function"
    return BadInput(f"no rule '{shown(name)}'{hint}", place=place, fix=fix)


def plugin_rule(name: str, place: str) -> TaskRule:
    """The rule of that name; one that raises, or returns no text, becomes BadInput with the record.

    BadInput where it cannot be had, or is nothing that can be called.
    """
    plugin = plugins.find("rules", name, place)
    rule = None if plugin is None else plugin.load(place)
    if not callable(rule):
        fix = "write a function that takes a Task and returns what it objects to, or an empty text"
        raise BadInput(f"rule '{shown(name)}' is no function", place=place, fix=fix)

    def objects(task: Task) -> str:
        try:
            said = cast("Callable[[Task], object]", rule)(task)
        except SelfInstructError:
            raise
        except Exception as fault:
            place = f"record {task.id[:16]}"
            raise plugins.raised(fault, f"rule '{shown(name)}'", plugins.MEND_RULE, place) from fault
        if said is None or isinstance(said, bool):
            return name if said else ""
        if not isinstance(said, str):
            what = f"rule '{shown(name)}' returned {shown(repr(said), 60)} and no text"
            raise BadInput(what, place=f"record {task.id[:16]}", fix="return what it objects to, or an empty text")
        return said

    return objects
