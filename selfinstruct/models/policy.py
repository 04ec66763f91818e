"""How patient to be with an endpoint, and for how long to wait before asking again."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

_FIRST_WAIT = 0.5
_RESET = re.compile(r"(?:x-|anthropic-)?ratelimit-(?:reset(?:-[a-z-]+)?|[a-z-]+-reset)")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "\u00b5s": 1e-6}
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|us|\u00b5s|[dhms])")
_SPAN = re.compile(rf"(?:{_PIECE.pattern}){{1,6}}")
_SECONDS_SINCE_1970, _MILLISECONDS_SINCE_1970 = 1e9, 1e12  # no wait is that long


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Bounds on speed and patience: they change when an answer comes, never what it is. Times are seconds."""

    in_flight: int | None = None
    """Most requests at a time; None: the backend's own number."""
    look_ahead: int | None = None
    """How many requests are taken from a stage before their answers are; None: four for each in flight, at least 64."""
    attempts: int = 6
    """Tries for one request; being asked to slow down is not counted."""
    timeout: float = 600.0
    """For one try, from sending to the last byte."""
    longest_wait: float = 60.0
    """Between two tries, whatever the endpoint asks for."""
    patience: float = 300.0
    """How long an endpoint may give nothing but refusals and faults."""
    first_patience: float = 30.0
    """The same before its very first answer, for faults: nobody may be there at all."""
    give_up_after: int = 8
    """Requests in a row that fail for good before the run stops."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    thinking_tokens: int | None = None
    """Tokens for thinking, beside those of each choice; None: none until the model is seen to think, then enough."""
    drain: float = 8.0
    """How long to wait, when stopping, for answers that were asked for and will be paid for."""

    def ahead(self, in_flight: int) -> int:
        """The look-ahead for so many in flight."""
        return max(4 * in_flight, 64) if self.look_ahead is None else self.look_ahead


def backoff(attempt: int, longest: float, draw: Callable[[], float]) -> float:
    """Full jitter: anything from nothing to a bound that doubles; `draw` gives numbers from 0 to 1.

    >>> [backoff(attempt, 60.0, lambda: 1.0) for attempt in (1, 2, 3, 12)]
    [0.5, 1.0, 2.0, 60.0]
    """
    return draw() * min(longest, _FIRST_WAIT * 2.0 ** min(attempt - 1, 30))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an endpoint asks to wait; `now` is seconds since 1970.

    From `retry-after-ms` or `retry-after`, else from when the limits that it names (`x-ratelimit-reset-requests` and
    the like) are open again. A date is measured against the endpoint's own clock where it tells it. What makes no sense
    is not heard.

    >>> retry_after({"retry-after": "2"}, 0.0), retry_after({"retry-after-ms": "250"}, 0.0), retry_after({}, 0.0)
    (2.0, 0.25, None)
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:30 GMT"}, 10.0), retry_after({"retry-after": "soon"}, 0.0)
    (20.0, None)
    >>> retry_after({"x-ratelimit-reset-requests": "1m2.5s", "x-ratelimit-reset-tokens": "76ms"}, 0.0)
    62.5
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, ""))
        if seconds is not None:
            return seconds * unit
    now_there = _date(headers.get("date", ""))
    there = now if now_there is None else now_there
    date = _date(headers.get("retry-after", ""))
    return _reset(headers, there) if date is None else max(0.0, date - there)


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """Until the last limit that is used up is open again; of all of them where it is not said which."""
    waits: dict[str, float] = {}
    for name, value in headers.items():
        found = _RESET.fullmatch(name.lower())
        seconds = _span(value.strip(), now) if found else None
        if found and seconds is not None:
            waits[name.lower()] = seconds
    left = {name: headers.get(name.replace("reset", "remaining"), "") for name in waits}
    used_up = [waits[name] for name, rest in left.items() if _number(rest) == 0.0]
    unsaid = [waits[name] for name, rest in left.items() if _number(rest) is None]
    return max(used_up or unsaid, default=None)


def _span(text: str, now: float) -> float | None:
    """Seconds as `1m2.5s`, `76ms` or a plain number; also a time since 1970 in (milli)seconds, or a date."""
    number = _number(text)
    if number is not None:
        number = number / 1000.0 if number > _MILLISECONDS_SINCE_1970 else number
        return max(0.0, number - now) if number > _SECONDS_SINCE_1970 else number
    if text and _SPAN.fullmatch(text):
        return sum(float(count) * _UNITS[unit] for count, unit in _PIECE.findall(text))
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now) if date.tzinfo else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value < float("inf") else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError, OverflowError):
        return None
