"""The limits against simulated endpoints, in virtual time: no sleeping, no luck."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.models.limits import CUT, SUCCESSES_PER_STEP, Bucket, EndpointLimits

EVER = float("inf")


@dataclass
class Endpoint:
    """Lets in what its allowance covers; the rest is told to slow down at once."""

    rate: Callable[[float], float]
    latency: float = 0.05
    retry_after: Callable[[float], float | None] = lambda _: None
    saved: float = 1.0
    level: float = 1e9
    at: float = 0.0
    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def let_in(self, now: float) -> bool:
        rate = self.rate(now)
        self.level = min(rate * self.saved, self.level + (now - self.at) * rate)
        self.at = now
        if self.level < 1.0:
            self.refused.append(now)
            return False
        self.level -= 1.0
        self.accepted.append(now)
        return True

    def used(self, start: float, end: float) -> float:
        wanted = sum(self.rate(start + step * 0.1) * 0.1 for step in range(round((end - start) * 10)))
        return sum(start <= at < end for at in self.accepted) / wanted


def simulate(
    limits: EndpointLimits, endpoint: Endpoint, *, seconds: float, requests: float = EVER, seed: int = 1
) -> float:
    """Endless demand; answers after the latency, give or take a fifth. Returns when the last answer came."""
    draw, number = Random(seed), count()
    events: list[tuple[float, int, float, bool]] = []
    now = last = 0.0
    answered = 0
    while now < seconds and answered < requests:
        wait = limits.wait(now)
        if wait == 0.0 and answered + len(events) < requests:
            limits.take(now, 1)
            fine = endpoint.let_in(now)
            delay = endpoint.latency * draw.uniform(0.8, 1.2) if fine else 0.002
            heapq.heappush(events, (now + delay, next(number), now, fine))
            continue
        later = now + wait if wait else EVER
        if events and events[0][0] <= later:
            now, _, sent, fine = heapq.heappop(events)
            limits.back()
            if fine:
                limits.succeeded(now, sent)
                answered, last = answered + 1, now
            else:
                limits.slower(now, sent, endpoint.retry_after(now))
        else:
            assert later < EVER, "nothing is on its way and nothing is due: stuck"
            now = later
    return last


@pytest.mark.parametrize("retry_after", [None, 1.0])
@pytest.mark.parametrize("rate", [10.0, 100.0, 400.0])
def test_a_limit_nobody_told_of_is_found_and_used_to_95_percent_with_one_percent_refused(
    rate: float, retry_after: float | None
) -> None:
    endpoint = Endpoint(rate=lambda _: rate, retry_after=lambda _: retry_after)
    simulate(EndpointLimits(64), endpoint, seconds=240.0)
    assert endpoint.used(30.0, 240.0) >= 0.95
    late = [at for at in endpoint.refused if at > 30.0]
    assert len(late) <= 0.01 * len([at for at in endpoint.accepted if at > 30.0])


@pytest.mark.parametrize("rate", [2.0, 50.0, 500.0])
def test_a_limit_set_by_hand_is_used_to_95_percent_and_never_overrun(rate: float) -> None:
    endpoint = Endpoint(rate=lambda _: rate, saved=max(0.1, 1.5 / rate))
    simulate(EndpointLimits(512, requests_per_minute=rate * 60), endpoint, seconds=120.0)
    assert endpoint.used(5.0, 120.0) >= 0.95
    assert len(endpoint.refused) <= 0.01 * len(endpoint.accepted)


def test_a_limit_that_drops_to_a_quarter_and_rises_again_is_followed_both_ways() -> None:
    endpoint = Endpoint(rate=lambda now: 50.0 if 60.0 <= now < 120.0 else 200.0)
    simulate(EndpointLimits(128), endpoint, seconds=220.0)
    assert endpoint.used(90.0, 120.0) >= 0.95
    assert endpoint.used(150.0, 220.0) >= 0.95


@pytest.mark.parametrize("retry_after", [None, 1.0])
@pytest.mark.parametrize("high", [20.0, 100.0, 400.0])
@pytest.mark.parametrize("rises", [100.0, 107.0, 114.0])
def test_thirty_seconds_after_a_limit_has_risen_it_is_used(
    rises: float, high: float, retry_after: float | None
) -> None:
    endpoint = Endpoint(
        rate=lambda now: high / 4 if 60.0 <= now < rises else high, retry_after=lambda _: retry_after, latency=0.2
    )
    simulate(EndpointLimits(256), endpoint, seconds=rises + 70.0)
    assert endpoint.used(rises + 30.0, rises + 70.0) >= 0.95


@pytest.mark.parametrize("retry_after", [None, 5.0, 1e9])
def test_a_storm_of_refusals_is_waited_out_with_few_probes(retry_after: float | None) -> None:
    def stormy(now: float) -> bool:
        return 10.0 <= now < 70.0

    endpoint = Endpoint(
        rate=lambda now: 1e-9 if stormy(now) else 200.0, retry_after=lambda now: retry_after if stormy(now) else None
    )
    last = simulate(EndpointLimits(32), endpoint, seconds=1000.0, requests=12_000)  # a minute's work
    sent = len(endpoint.accepted) + len(endpoint.refused)
    assert len(endpoint.accepted) == 12_000
    assert sent <= 1.05 * 12_000
    assert endpoint.used(100.0, last) >= 0.90  # 30 seconds after the storm


@pytest.mark.parametrize("storm", [35.0, 67.0, 200.0])
@pytest.mark.parametrize("asks", [0.0, 1.0, 5.0, 20.0])
def test_the_first_answer_after_a_storm_comes_when_the_endpoint_allows(storm: float, asks: float) -> None:
    def stormy(now: float) -> bool:
        return 10.0 <= now < 10.0 + storm

    endpoint = Endpoint(
        rate=lambda now: 1e-9 if stormy(now) else 200.0, retry_after=lambda now: asks if stormy(now) else None
    )
    simulate(EndpointLimits(32), endpoint, seconds=storm + 60.0)
    first = min(at for at in endpoint.accepted if at >= 10.0 + storm)
    assert first - (10.0 + storm) <= asks + 0.3
    if asks:
        assert sum(at >= 10.5 for at in endpoint.refused) <= 1.1 * storm / asks + 5


def test_a_burst_of_refusals_cuts_once() -> None:
    limits = EndpointLimits(64)
    for _ in range(200):
        limits.take(0.0, 1)
        limits.back()
        limits.succeeded(1.0, 0.0)
    window = limits.window
    for _ in range(20):
        limits.take(2.0, 1)
    for _ in range(20):
        limits.back()
        limits.slower(2.1, 2.0, None)
    assert limits.window == window * CUT


def test_faults_stop_growth_and_never_cut() -> None:
    limits = EndpointLimits(64)
    window = limits.window
    for now in range(4):
        limits.faulted(float(now), float(now))
        limits.succeeded(float(now), float(now))
    assert limits.window == window
    limits.succeeded(60.0, 60.0)
    assert limits.window == window + 1


def test_an_endpoint_that_only_fails_is_asked_by_one_request_at_a_time_until_it_answers() -> None:
    limits = EndpointLimits(64)
    for _ in range(8):
        limits.take(0.0, 1)
    for _ in range(8):
        limits.back()
        limits.faulted(0.1, 0.0)
    assert limits.probing
    wait = limits.wait(0.1)
    assert wait is not None
    assert wait > 0
    limits.take(10.0, 1)
    assert limits.wait(10.0) is None
    limits.back()
    limits.succeeded(10.1, 10.0)
    assert limits.wait(10.1) == 0.0


@pytest.mark.parametrize("in_flight", [1, 8, 16])
def test_the_pause_between_probes_doubles_with_each_however_many_failed_together(in_flight: int) -> None:
    limits = EndpointLimits(64)
    for _ in range(5):
        limits.faulted(0.0, -1.0)
    for _ in range(in_flight):
        limits.faulted(0.1, -1.0)  # they left before the pause
    now, pauses = 0.1, list[float]()
    for _ in range(6):
        wait = limits.wait(now)
        assert wait is not None
        pauses.append(round(wait, 6))
        now += wait
        limits.faulted(now + 0.001, now)
        now += 0.001
    assert pauses == [0.15, 0.5, 1.0, 2.0, 4.0, 8.0]
    limits.succeeded(now, now)
    for _ in range(5):
        limits.faulted(100.0, 99.0)
    assert limits.wait(100.0) == 0.25


def test_after_the_first_burst_growth_takes_25_successes_a_step() -> None:
    limits = EndpointLimits(64)
    limits.slower(0.0, 0.0, 0.0)
    window = limits.window
    for _ in range(SUCCESSES_PER_STEP - 1):
        limits.succeeded(1.0, 1.0)
    assert limits.window == window
    limits.succeeded(1.0, 1.0)
    assert limits.window == window + 1


@settings(max_examples=200)
@given(
    st.floats(0.1, 100.0),
    st.floats(0.1, 10.0),
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 20.0)), max_size=60),
)
def test_a_bucket_never_lets_out_more_than_flowed_in_plus_one_debt(
    rate: float, depth: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, taken, largest = Bucket(rate, depth), 0.0, 0.0, 0.0
    for pause, amount in steps:
        now += pause + bucket.wait(now + pause)
        if bucket.wait(now) <= 1e-6:
            bucket.take(now, amount)
            taken, largest = taken + amount, max(largest, amount)
        assert taken <= depth + rate * now + largest + 1e-6


def test_unused_tokens_flow_back() -> None:
    limits = EndpointLimits(8, tokens_per_minute=60_000)
    limits.take(0.0, 5_000)
    dear = limits.wait(0.0)
    limits.back(4_000)
    cheap = limits.wait(0.0)
    assert dear is not None
    assert cheap is not None
    assert 0 < cheap < dear / 2


@pytest.mark.parametrize("most", [32, 64, 256])
def test_an_endpoint_that_takes_them_all_has_as_many_as_may_be_within_six_answers(most: int) -> None:
    limits, endpoint = EndpointLimits(most), Endpoint(rate=lambda _: 1e6, latency=1.0)
    simulate(limits, endpoint, seconds=6.0)
    assert limits.window == most
    assert not endpoint.refused
