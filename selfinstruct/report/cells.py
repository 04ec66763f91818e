"""Numbers as cells of a table: to three digits, the interval below, and a dash for what is not known."""

from collections.abc import Iterable, Mapping

from selfinstruct.records import Json
from selfinstruct.report.json_values import Estimate, count_in, number_in
from selfinstruct.report.phrases import number, prose

DASH = "&ndash;"
"""For what was not measured, or does not exist; never 0."""


def decimals(value: float, digits: int = 3) -> str:
    """To so many digits, and 0 without a sign.

    >>> decimals(0.12345), decimals(-0.0001), decimals(12.345, 1)
    ('0.123', '0.000', '12.3')
    """
    return f"{round(value, digits) + 0.0:,.{digits}f}"


def share_cell(found: Estimate | None, digits: int = 3) -> str:
    """A number and its interval.

    >>> share_cell(Estimate(0.5, 0.4, 0.6)), share_cell(None), share_cell(Estimate(0.5))
    ('0.500<small>0.400&ndash;0.600</small>', '&ndash;', '0.500')
    """
    if found is None:
        return DASH
    value = decimals(found.value, digits)
    if found.low is None or found.high is None:
        return value
    to = "&ndash;" if found.low >= 0 else " to "  # a dash beside a minus sign could not be read
    return f"{value}<small>{decimals(found.low, digits)}{to}{decimals(found.high, digits)}</small>"


def change_cell(found: Estimate | None, digits: int = 3) -> str:
    """A difference with its sign; strong where its interval leaves out 0.

    >>> change_cell(Estimate(0.2, 0.1, 0.3)), change_cell(Estimate(-0.2, -0.5, 0.1), 1)
    ('<strong>+0.200</strong><small>+0.100 to +0.300</small>', '-0.2<small>-0.5 to +0.1</small>')
    """
    if found is None:
        return DASH
    value = _signed(found.value, digits)
    if found.low is None or found.high is None:
        return value
    shown = f"<strong>{value}</strong>" if found.apart else value
    return f"{shown}<small>{_signed(found.low, digits)} to {_signed(found.high, digits)}</small>"


def count_cell(value: Json) -> str:
    """A whole number, or a dash."""
    count = count_in(value)
    return DASH if count is None else number(count)


def number_cell(value: Json, digits: int = 3) -> str:
    """A number without an interval, or a dash."""
    found = number_in(value)
    return DASH if found is None else decimals(found, digits)


def flag_cell(value: Json) -> str:
    """Yes, no, or a dash.

    >>> flag_cell(True), flag_cell(False), flag_cell(None)
    ('yes', 'no', '&ndash;')
    """
    return ("yes" if value else "no") if isinstance(value, bool) else DASH


def text_cell(value: Json, limit: int = 80) -> str:
    """A text, or a dash for none."""
    return prose(value, limit) if isinstance(value, str) and value else DASH


def names_of(parts: Iterable[Mapping[str, Json]]) -> list[str]:
    """The names in any of the parts, each once, in order of appearance.

    >>> names_of([{"a": 1}, {"b": 1, "a": 2}])
    ['a', 'b']
    """
    return list(dict.fromkeys(name for one in parts for name in one))


def _signed(value: float, digits: int) -> str:
    rounded = round(value, digits) + 0.0
    return f"{rounded:+,.{digits}f}" if rounded else decimals(0.0, digits)
