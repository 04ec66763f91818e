"""Retry policy, concurrency and rate limits of an endpoint: pure logic, with the clock handed in.

Two things are learned from the endpoint's own answers. The *window* is the number of requests in flight: slow start
(as many more as came back, so twice as many each time) until the first burst of "slow down", then one more for every 25
successes; times 0.75 once for each such burst. The *pace* is a number of requests a second, unknown until the first
burst: a quick endpoint can be overrun by a single request in flight, so a window alone cannot keep to its limit.
Faults (5xx, time-outs) stop growth but never cut. While an endpoint does nothing but refuse, one request at a time
finds out whether it is back.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

SUCCESSES_PER_STEP = 25
CUT = 0.75
PACE_CUT = 0.96
FIRST_WINDOW = 8
HEADROOM = 0.98  # of a limit set by hand: clocks and networks jitter
_BURST_SECONDS = 0.02  # requests due this soon leave together: timers are no finer
_MEASURED_SECONDS = 3.0
_FIRST_PAUSE = 0.25
_INSTANT = 1e-6  # less than this is rounding
_SETTLED_SECONDS = 3.0  # a refusal this soon after a pause says that the pause was too short
RISEN_SECONDS = 12.0  # without a refusal: by then the old limit would have said so
_LEAST_OFTEN = 0.65
_FAULTS_BEFORE_PROBING = 5
_GROWTH_PAUSE = 5.0
_FIRST_WAIT = 0.5
_RESET = re.compile(r"(?:x-|anthropic-)?ratelimit-(?:reset(?:-[a-z-]+)?|[a-z-]+-reset)")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "\u00b5s": 1e-6}
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|us|\u00b5s|[dhms])")
_SPAN = re.compile(rf"(?:{_PIECE.pattern}){{1,6}}")
_SECONDS_SINCE_1970, _MILLISECONDS_SINCE_1970 = 1e9, 1e12  # no wait is that long


@dataclass(slots=True)
class Bucket:
    """An allowance that fills evenly; it may go into debt, so that a large request is never stuck for ever.

    >>> bucket = Bucket(rate=2.0, depth=1.0)
    >>> bucket.take(0.0, 2.0), bucket.wait(0.0), bucket.wait(0.5)
    (None, 1.0, 0.5)
    """

    rate: float
    """Units a second."""
    depth: float
    """What may be saved up."""
    level: float = field(init=False)
    _at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Start with what is enough for one."""
        self.level = 0.0

    def wait(self, now: float) -> float:
        """Seconds until something may be taken."""
        self._fill(now)
        return 0.0 if self.level >= 0.0 else -self.level / self.rate

    def take(self, now: float, amount: float) -> None:
        """Take, into debt if need be."""
        self._fill(now)
        self.level -= amount

    def give_back(self, amount: float) -> None:
        """What was taken and not used."""
        self.level = min(self.depth, self.level + amount)

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self.level = min(self.depth, self.level + max(0.0, now - self._at) * self.rate)
        self._at = now if self._at is None else max(now, self._at)


@dataclass(slots=True)
class Pace:
    """Requests a second, learned: set just below what got through, raised slowly at first and then ever faster."""

    base: float = 0.0
    """0: nothing learned yet, so no bound."""
    since: float = 0.0
    _due: float = 0.0
    _slack: float = _BURST_SECONDS

    def rate(self, now: float) -> float:
        """The pace now: some 4 % up in twelve quiet seconds; by then the limit has risen, and it grows quickly."""
        # A slow endpoint is tried less often: else the tries would be more than one request in a hundred.
        quiet, often = max(0.0, now - self.since), min(1.0, max(_LEAST_OFTEN, self.base / 20.0))
        growth = 0.002 * quiet * often + 1.6e-4 * max(0.0, quiet * often - 8.0) ** 3
        growth += 0.2 * max(0.0, quiet - RISEN_SECONDS / often)
        return float(self.base * 2.718281828 ** min(growth, 20.0))

    def wait(self, now: float) -> float:
        """Seconds until the next request is due."""
        return max(0.0, self._due - now - _BURST_SECONDS) if self.base else 0.0

    def take(self, now: float) -> None:
        """Count a request that leaves."""
        if self.base:
            self._due = max(self._due, now - self._slack) + 1.0 / self.rate(now)
            if self._due > now - _BURST_SECONDS:
                self._slack = _BURST_SECONDS

    def restart(self, base: float, now: float, *, saved: float = 0.0) -> None:
        """A new pace from `now` on; `saved` seconds of it may be caught up."""
        self.base, self.since, self._due, self._slack = base, now, now - saved, max(saved, _BURST_SECONDS)


class EndpointLimits:
    """The bounds on one endpoint. Times are seconds of one monotonic clock."""

    def __init__(
        self,
        most: int,
        *,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        longest_pause: float = 60.0,
    ) -> None:
        """`most`: requests in flight, whatever the endpoint would take."""
        self.most, self.window, self.in_flight = most, float(min(most, FIRST_WINDOW)), 0
        self.pace = Pace()
        self._requests = None if requests_per_minute is None else _bucket(requests_per_minute)
        self._tokens = None if tokens_per_minute is None else _bucket(tokens_per_minute)
        self._longest = longest_pause
        self._slow_start, self._successes, self._no_growth_until = True, 0, -1e18
        self._recent: deque[float] = deque(maxlen=8192)
        self._cut_at, self._paused_until = -1e18, -1e18
        self._pause, self._catch_up = 0.0, 1.0
        self._faults, self._left_since_cut = 0, 0
        self._fault_pause, self._fault_pause_at = 0.0, -1e18
        self.probing = False

    def wait(self, now: float) -> float | None:
        """Seconds until one more may leave; 0.0: now; None: not before one comes back."""
        if self.in_flight >= (1 if self.probing else max(1, int(self.window))):
            return None
        waits = [self._paused_until - now, self.pace.wait(now)]
        waits += [bucket.wait(now) for bucket in (self._requests, self._tokens) if bucket is not None]
        wait = max(waits)
        return wait if wait > _INSTANT else 0.0

    def take(self, now: float, tokens: int) -> None:
        """Count a request that leaves, expected to use that many tokens."""
        self.in_flight += 1
        self._left_since_cut += 1
        self.pace.take(now)
        if self._requests is not None:
            self._requests.take(now, 1.0)
        if self._tokens is not None:
            self._tokens.take(now, float(tokens))

    def back(self, unused_tokens: int = 0) -> None:
        """Count a request that came back, however it went."""
        self.in_flight -= 1
        if self._tokens is not None and unused_tokens > 0:
            self._tokens.give_back(float(unused_tokens))

    def succeeded(self, now: float, sent: float) -> None:
        """An answer came to what left at `sent`."""
        self._recent.append(now)
        self._faults, self._fault_pause = 0, 0.0
        if sent >= self._cut_at:  # else it was let in before the burst, and says nothing about now
            self.probing = False
        if now < self._no_growth_until:
            return
        self._successes += 1
        if self._successes >= self._successes_per_step(now):
            self.window = min(float(self.most), self.window + 1.0)
            self._successes = 0

    def alive(self) -> None:
        """The endpoint said something sensible, if only that a request is wrong."""
        self._faults, self._fault_pause, self.probing = 0, 0.0, False

    def slower(self, now: float, sent: float, after: float | None) -> None:
        """The endpoint refused a request sent at `sent`, and asked to wait `after` seconds, or did not say."""
        if sent < self._cut_at:  # left before the cut: part of a burst that was dealt with
            if after is not None:
                self._hold(now, after)
            return
        silent = self.probing  # refused ever since the last burst
        soon = sent - self._paused_until < _SETTLED_SECONDS
        self._pause = min(self._longest, self._pause * 2) if silent and after is None and self._pause else _FIRST_PAUSE
        # What the endpoint asks for wins, however often it asks: it alone knows when it lets requests in again.
        pause = min(self._longest, self._pause if after is None else max(after, _FIRST_PAUSE))
        rate = self._learned(now, sent, silent=silent, soon=soon)
        # An endpoint that names a time has an allowance that fills again meanwhile; this much is caught up.
        if soon:
            self._catch_up *= 0.25  # or not: this one seems to save little
        saved = 0.0 if soon or after is None else self._catch_up * min(1.0, pause)
        self._hold(now, pause)
        self.pace.restart(rate, self._paused_until, saved=saved)
        if not silent:  # a refused probe says nothing about how many may be in flight
            self.window = max(1.0, self.window * CUT)
        self._slow_start, self._successes, self._left_since_cut = False, 0, 0
        self._cut_at, self.probing = now, True

    def faulted(self, now: float, sent: float, after: float | None = None) -> None:
        """A passing fault of what left at `sent`: stop growing; after several and nothing else, let single ones probe.

        The pause between two probes doubles with each of them, however many were on their way when the faults began.
        """
        self._no_growth_until = now + _GROWTH_PAUSE
        self._faults += 1
        if after is not None:
            self._hold(now, after)
        if self._faults >= _FAULTS_BEFORE_PROBING and now >= self._paused_until and sent > self._fault_pause_at:
            self.probing = True
            self._fault_pause = min(self._longest, 2.0 * self._fault_pause) if self._fault_pause else _FIRST_PAUSE
            self._fault_pause_at = now
            self._hold(now, self._fault_pause)

    def _hold(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + min(self._longest, seconds))

    def _successes_per_step(self, now: float) -> int:
        if not self._slow_start:
            return 4 if now - self._cut_at > RISEN_SECONDS else SUCCESSES_PER_STEP
        return 1

    def _learned(self, now: float, sent: float, *, silent: bool, soon: bool) -> float:
        """The pace after a burst, from what was let in."""
        known, measured = self.pace.rate(now), self._measured(now)
        if silent or not measured:
            return known
        if not known:
            return CUT * measured  # at first, saved-up allowance flatters
        if soon:  # since the last burst, its pause included, just what flowed in was let out
            let_out = max(self._left_since_cut - 1, 1) / max(sent - self._cut_at, 1e-3)
            return max(CUT * known, PACE_CUT * min(known, let_out))
        return PACE_CUT * min(known, measured)

    def _measured(self, now: float) -> float:
        """Successes a second of late; 0.0 if there were none."""
        while self._recent and self._recent[0] < now - _MEASURED_SECONDS:
            self._recent.popleft()
        return len(self._recent) / max(now - self._recent[0], 0.05) if self._recent else 0.0


def _bucket(per_minute: float) -> Bucket:
    rate = HEADROOM * per_minute / 60.0
    return Bucket(rate=rate, depth=rate * _BURST_SECONDS)


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
        match = _RESET.fullmatch(name.lower())
        seconds = _span(value.strip(), now) if match else None
        if match and seconds is not None:
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
