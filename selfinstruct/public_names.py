"""The public names of a room: loaded when they are first used, so that a door plate costs nothing."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def public_names(room: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a room, whose names lie at `module:name` within it; knobs of stages are checked.

    >>> load, names = public_names("selfinstruct.dedup", {"Exact": "exact:Exact"})
    >>> load("Exact").name, names()
    ('exact', ['Exact'])
    """

    def load(name: str) -> Any:  # noqa: ANN401 - whatever has that name
        if name not in places:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module, _, attribute = places[name].partition(":")
        loaded = getattr(import_module(f"{room}.{module}"), attribute)
        if isinstance(loaded, type) and {"scope", "version"} <= {*vars(loaded)}:
            from selfinstruct.arguments import knobs_checked

            knobs_checked(loaded, name)
        return loaded

    return load, lambda: sorted(places)
