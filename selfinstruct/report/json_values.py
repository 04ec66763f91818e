"""Numbers, texts and rows out of measured values, whatever shape these turn out to have; what is not there is None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from selfinstruct.records import Json

_MOST = 10**15


@dataclass(frozen=True, slots=True)
class ShownEstimate:
    """A number, with its 95 % interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def apart(self) -> bool:
        """The interval leaves out 0.

        >>> ShownEstimate(0.2, 0.1, 0.3).apart, ShownEstimate(0.2, -0.1, 0.5).apart, ShownEstimate(0.2).apart
        (True, False, False)
        """
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def number_in(value: Json) -> float | None:
    """The value as a finite float; None where it is none.

    >>> number_in(3), number_in(True), number_in("3"), number_in(float("nan"))
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def count_in(value: Json) -> int | None:
    """A whole number that something can be counted to.

    >>> count_in(3), count_in(0), count_in(True), count_in(3.5), count_in(10**40)
    (3, 0, None, None, None)
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST else None


def text_in(value: Json) -> str:
    """A text; empty where there is none."""
    return value if isinstance(value, str) else ""


def part(value: "Json | Mapping[str, Json]", *names: str) -> Mapping[str, Json]:
    """What stands under names within names; empty where there is nothing of the kind.

    >>> part({"a": {"b": {"c": 1}}}, "a", "b"), part({"a": 1}, "a", "b")
    ({'c': 1}, {})
    """
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def rows(value: Json) -> Sequence[Mapping[str, Json]]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts_in(value: Json) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def estimate_in(value: Json) -> ShownEstimate | None:
    """A number with its interval, as `value`, `low` and `high`; or a number alone.

    >>> estimate_in({"value": 0.5, "low": 0.4, "high": 0.6}), estimate_in(0.5), estimate_in({"low": 0.4})
    (ShownEstimate(value=0.5, low=0.4, high=0.6), ShownEstimate(value=0.5, low=None, high=None), None)
    """
    fields = value if isinstance(value, dict) else {"value": value}
    number = number_in(fields.get("value"))
    return None if number is None else ShownEstimate(number, *_ends(fields.get("low"), fields.get("high")))


def estimate_beside(fields: Mapping[str, Json], name: str) -> ShownEstimate | None:
    """A number of `fields`, with its interval from `intervals` beside it.

    >>> estimate_beside({"ifs": 0.5, "intervals": {"ifs": [0.4, 0.6]}}, "ifs")
    ShownEstimate(value=0.5, low=0.4, high=0.6)
    """
    number = number_in(fields.get(name))
    if number is None:
        return None
    ends = part(fields.get("intervals")).get(name)
    return ShownEstimate(number, *_ends(*ends)) if isinstance(ends, list) and len(ends) == 2 else ShownEstimate(number)


def _ends(low: Json, high: Json) -> tuple[float | None, float | None]:
    """Both ends of an interval, or neither."""
    ends = number_in(low), number_in(high)
    return (None, None) if None in ends else ends
