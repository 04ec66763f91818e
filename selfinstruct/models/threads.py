"""Threads of the numerical libraries, kept civil on a machine that others use too."""

import contextlib
import os
from collections.abc import Iterator

_POLICY = "OMP_WAIT_POLICY"


@contextlib.contextmanager
def asleep_while_waiting() -> Iterator[None]:
    """Threads of what is loaded within sleep while they wait for each other, unless the user says otherwise.

    By default they spin, and when somebody else needs a core, two threads become many times slower than one; asleep
    they share it fairly. OpenMP reads the wish once, while it is loaded.
    """
    wish = os.environ.get(_POLICY)
    os.environ[_POLICY] = wish or "passive"
    try:
        yield
    finally:
        if wish is None:
            del os.environ[_POLICY]
