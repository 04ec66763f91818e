"""A misspelt argument is told with the nearest name that there is, where Python would say only that it is none."""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from selfinstruct.errors import BadInput

Given = ParamSpec("Given")
Made = TypeVar("Made")


class UnknownArgument(BadInput, TypeError):
    """An argument of a name that a function, or a stage, does not have: a TypeError, as any other would be."""


def names_checked(call: Callable[Given, Made]) -> Callable[Given, Made]:
    """The same function; UnknownArgument for an argument that it does not have.

    >>> @names_checked
    ... def bake(*, minutes=30): ...
    >>> bake(minuets=25)
    Traceback (most recent call last):
    selfinstruct.arguments.UnknownArgument: bake: no argument 'minuets' (did you mean 'minutes'?); arguments: minutes
    """
    known = inspect.signature(call).parameters
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())

    @functools.wraps(call)
    def checked(*args: Given.args, **given: Given.kwargs) -> Made:
        for name in given if not open_ended else ():
            if name not in known:
                raise _unknown(call, name, [other for other in known if other not in {"self", "cls"}])
        return call(*args, **given)

    return checked


def knobs_checked(made: type[Made]) -> type[Made]:
    """The same class; UnknownArgument for a knob that it does not have."""
    made.__init__ = names_checked(made.__init__)  # type: ignore[method-assign]  # the same, but for what it says
    return made


def _unknown(call: Callable[..., object], name: str, known: list[str]) -> UnknownArgument:
    near = difflib.get_close_matches(name, known, 1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    who = call.__qualname__.removesuffix(".__init__")
    return UnknownArgument(f"no argument '{name}'{hint}", place=who, fix=f"arguments: {', '.join(known) or 'none'}")
