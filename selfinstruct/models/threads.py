"""Threads of the numerical libraries, kept civil on a machine that others use too."""

import contextlib
import os
from collections.abc import Iterator

_WISHES = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "10000"}  # the second, where known, outweighs the first


@contextlib.contextmanager
def soon_asleep_while_waiting() -> Iterator[None]:
    """Threads of what is loaded within soon sleep while they wait for each other, unless the user says otherwise.

    By default they spin for milliseconds, and when somebody else needs a core, two threads become many times slower
    than one; asleep at once, they take longer to wake up than small matrices take to multiply. A few thousandths of a
    millisecond are best on a free machine and on a busy one (`benchmarks/NOTES.md`). OpenMP reads the wish once, while
    it is loaded.
    """
    said = any(name in os.environ for name in _WISHES)
    if not said:
        os.environ.update(_WISHES)
    try:
        yield
    finally:
        if not said:
            for name in _WISHES:
                os.environ.pop(name, None)
