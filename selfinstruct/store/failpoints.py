"""Named places where a test may pull the plug; nothing happens there otherwise."""

from collections.abc import Callable


def _pass(_name: str) -> None:
    """Do nothing: no test has set a failpoint."""


reached: Callable[[str], None] = _pass
"""Replaced by the crash tests, in a process of their own, with something that kills it."""


def failpoint(name: str) -> None:
    """Say that the place called `name` was reached."""
    reached(name)
