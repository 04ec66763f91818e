"""When to stop asking: too many requests, in their order, got no answer."""

from collections import Counter, deque

from selfinstruct.errors import ProviderDown
from selfinstruct.records import Failure

_ABOUT_THE_REQUEST = frozenset({"not_recorded", "too_long"})
"""Failures that say nothing about the endpoint."""
_LOOKED_BACK = 32  # requests; where most of them fail, and never enough in a row, the others are not worth their price


class Fates:
    """What became of the last requests of one model; in request order, so that it is the same at any concurrency."""

    def __init__(self, most_in_a_row: int) -> None:
        """`most_in_a_row`: so many failures without an answer between them are too many."""
        self._most = most_in_a_row
        self._row: list[Failure] = []
        self._last: deque[Failure | None] = deque(maxlen=max(_LOOKED_BACK, 2 * most_in_a_row))

    def answered(self) -> None:
        """One request got its answer."""
        self._row.clear()
        self._last.append(None)

    def failed(self, model: str, failure: Failure) -> None:
        """One got none; ProviderDown, with the reason that most of them had, where it is one too many."""
        if failure.kind in _ABOUT_THE_REQUEST:
            return
        self._row.append(failure)
        self._last.append(failure)
        if len(self._row) >= self._most:
            raise _too_many(model, f"{len(self._row)} requests in a row failed", self._row)
        lately = [one for one in self._last if one is not None]
        if len(self._last) == self._last.maxlen and 2 * len(lately) > len(self._last):
            raise _too_many(model, f"{len(lately)} of the last {len(self._last)} requests failed", lately)


def _too_many(model: str, what: str, failures: list[Failure]) -> ProviderDown:
    [(kind, count)] = Counter(failure.kind for failure in failures).most_common(1)
    said = next(failure.message for failure in reversed(failures) if failure.kind == kind)
    which = f"all as {kind}" if count == len(failures) else f"{count} of them as {kind}"
    return ProviderDown(f"{model}: {what}, {which}: {said}; run the same command again to go on")
