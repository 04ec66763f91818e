"""Layouts that others wrote: how a record becomes a task, and how a task becomes the columns of a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from selfinstruct import plugins
from selfinstruct.errors import BadInput, SelfInstructError
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.text import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A layout of one's own, for reading, for writing, or for both.

    It is named with `--from` and `--to`, and `from:` and `publish.format` of a recipe; nothing is taken for it by its
    looks alone.
    """

    about: str
    """What a record of it looks like, in a few words."""
    fits: Callable[[Any], bool] | None = None
    """Whether a JSON value is such a record."""
    read: Callable[[Any, Provenance], Task] | None = None
    """A value that fits as a task; `BadRecord` for one that is broken."""
    write: Callable[[Task, Instance], Mapping[str, Json]] | None = None
    """The columns for one instance of a task."""
    columns: tuple[str, ...] = ()
    """Their names, in order; all of them in each row."""
    one_turn: bool = True
    """It has no room for a conversation, or for what its system turn says."""


def plugin_format(name: str, place: str) -> Format | None:
    """The layout of that name; None where nobody wrote one.

    BadInput for one that cannot be had, or is no `Format`.
    """
    plugin = plugins.find("formats", name, place)
    if plugin is None:
        return None
    made = plugin.load(place)
    if not isinstance(made, Format):
        fix = "let it be a selfinstruct.formats.plugin_formats.Format"
        raise BadInput(f"format '{shown(name)}': {plugin.where} is no Format", place=place, fix=fix)
    if (made.fits is None) != (made.read is None) or (made.write is None) == bool(made.columns):
        what = f"format '{shown(name)}': `fits` goes with `read`, and `columns` with `write`"
        raise BadInput(what, place=place, fix="give both or neither")
    return replace(
        made,
        fits=_guarded("fits", name, made.fits),
        read=_guarded("read", name, made.read),
        write=_guarded("write", name, made.write),
    )


def _guarded(part: str, name: str, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The same function; an exception of its own is BadInput with its file and line, and fails no record."""
    if function is None:
        return None

    def call(*given: object) -> object:
        try:
            return function(*given)
        except SelfInstructError:
            raise
        except Exception as fault:
            who = f"`{part}` of format '{shown(name)}'"
            raise plugins.raised(fault, who, "mend it, then run the same command again") from fault

    return call


def writable(name: str, place: str) -> Format | None:
    """The layout of that name that others wrote for writing; None where nobody wrote one."""
    layout = plugin_format(name, place)
    if layout is not None and layout.write is None:
        raise BadInput(f"format '{shown(name)}' is for reading alone", place=place, fix="take another")
    return layout
