"""The gate: order, look-ahead, durability, retries, caps, and what happens when it must stop."""

import asyncio
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.errors import BadInput, Capped, NoRoom, ProviderDown
from selfinstruct.models.backend import Answer, AnswersInMemory, CallError, Spent
from selfinstruct.models.gate import Gate, Policy, ScopedModel
from selfinstruct.models.prices_and_budget import Budget, Price, Prices
from selfinstruct.records import Choice, Completion, Failure, Request, Usage
from selfinstruct.stage import Traits
from selfinstruct.store.journal import Journal

QUICK = Policy(longest_wait=0.005, drain=1.0)
PRICES = Prices({"openai:teacher": Price(Decimal(1_000_000), Decimal(1_000_000))})  # a dollar a token

Act = Callable[[Request, int], float | CallError | Exception]
"""Request and attempt (from 0) -> seconds to answer after, or what to raise."""


@dataclass
class Teacher:
    """A backend that does as told and keeps its own ledger of what it billed."""

    act: Act = lambda _request, _attempt: 0.0
    name: str = "openai:teacher"
    traits: Traits = field(default_factory=Traits)
    in_flight: int = 8
    notice: str = ""
    billed: int = 0
    most_at_once: int = 0
    closed: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    _now: int = 0

    async def answer(self, request: Request) -> Answer:
        attempt = self.asked[str(request.prompt)]
        self.asked[str(request.prompt)] += 1
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            fate = self.act(request, attempt)
            if isinstance(fate, CallError):
                self.billed += request.max_tokens if fate.billed else 0
                await asyncio.sleep(0)
                raise fate
            if isinstance(fate, Exception):
                raise fate
            self.billed += request.max_tokens
            await asyncio.sleep(fate)
        finally:
            self._now -= 1
        usage = Usage(prompt_tokens=0, completion_tokens=request.max_tokens)
        return Answer(choices=(Choice(f"re: {request.prompt}", "stop"),), usage=usage, raw="{}")

    async def close(self) -> None:
        self.closed = True


class Slow(AnswersInMemory):
    """A book whose rows are durable only after a while, and that knows which are."""

    def __init__(self) -> None:
        super().__init__()
        self.durable: list[str] = []
        self.reserved: list[tuple[str, str, int]] = []

    def reserve(self, key: str, scope: str, ordinal: int, cost: Decimal | None, tokens: int) -> "Future[None]":
        self.reserved.append((key, scope, tokens))
        return super().reserve(key, scope, ordinal, cost, tokens)

    def write(
        self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
    ) -> "Future[None]":
        super().write(scope, ordinal, request, completion, raw, sent)
        done: Future[None] = Future()

        def commit() -> None:
            self.durable.append(completion.request)
            done.set_result(None)

        threading.Timer(0.003, commit).start()
        return done


def prompts(count: int, most: int = 4) -> list[Request]:
    return [Request(prompt=f"task {number}", max_tokens=most) for number in range(count)]


def texts(outcomes: Sequence[Completion | Failure]) -> list[str]:
    return [outcome.choices[0].text if isinstance(outcome, Completion) else outcome.kind for outcome in outcomes]


def later(kind: str = "server_error", after: float | None = None) -> CallError:
    return CallError(kind, "try later", retry="later", after=after)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 40), st.integers(1, 16), st.integers(0, 9))
def test_answers_come_in_request_order_whatever_order_they_arrive_in(count: int, in_flight: int, seed: int) -> None:
    draw = Random(seed)
    teacher = Teacher(lambda _request, _attempt: draw.random() * 0.004)
    with Gate(teacher, AnswersInMemory(), Policy(in_flight=in_flight)) as gate:
        answers = list(gate.scoped("s").complete(prompts(count)))
    assert texts(answers) == [f"re: task {number}" for number in range(count)]
    assert teacher.most_at_once <= in_flight


def test_requests_are_taken_no_further_than_the_look_ahead() -> None:
    pulled = 0

    def source() -> Iterator[Request]:
        nonlocal pulled
        for request in prompts(1000):
            pulled += 1
            yield request

    with Gate(Teacher(), AnswersInMemory(), Policy(look_ahead=10)) as gate:
        model = gate.scoped("s")
        answers = model.complete(source())
        assert pulled == 0
        for taken in range(1, 30):
            next(answers)
            assert pulled <= 10 + taken - 1
        answers.close()  # type: ignore[attr-defined]  # an iterator that is a generator
    assert pulled < 50
    assert Policy().ahead(8) == 64
    assert Policy().ahead(512) == 2048


def test_an_answer_is_durable_before_it_is_handed_out() -> None:
    book = Slow()
    with Gate(Teacher(), book) as gate:
        for answer in gate.scoped("s").complete(prompts(30)):
            assert answer.id in book.durable


def test_what_is_on_record_is_never_asked_again_and_equal_requests_are_told_apart(tmp_path: Path) -> None:
    requests = [*prompts(5), *prompts(5), *prompts(3)]
    with Journal(tmp_path / "journal.sqlite") as journal:
        with Gate(Teacher(), journal) as gate:
            first = list(gate.scoped("round-00001/01-propose").complete(requests))
        assert [answer.id.rpartition(".")[2] for answer in first] == ["0"] * 5 + ["1"] * 5 + ["2"] * 3
        again = Teacher(lambda _request, _attempt: RuntimeError("asked again"))
        with Gate(again, journal) as gate:
            model = gate.scoped("round-00001/01-propose")
            half = list(model.complete(requests[:7])) + list(model.complete(requests[7:]))
            assert half == first
            assert (model.requests, model.answered, model.counts.replayed) == (13, 13, 13)
        assert again.asked.total() == 0
        with Gate(Teacher(), journal) as gate:
            other = gate.scoped("round-00002/01-propose")
            list(other.complete(requests))
            assert other.counts.replayed == 0


def test_passing_faults_are_tried_again_within_bounds_and_the_sums_close() -> None:
    def act(request: Request, attempt: int) -> float | CallError:
        number = int(str(request.prompt).split()[1])
        if number % 7 == 3:
            return later()
        return later() if attempt < number % 3 else 0.0

    teacher = Teacher(act)
    with Gate(teacher, AnswersInMemory(), QUICK) as gate:
        model = gate.scoped("s")
        answers = list(model.complete(prompts(60)))
    failed = {answer.request for answer in answers if isinstance(answer, Failure)}
    assert len(answers) == 60
    assert texts(answers)[:4] == ["re: task 0", "re: task 1", "re: task 2", "server_error"]
    assert (model.requests, model.answered, model.counts.failed) == (60, 60 - len(failed), len(failed))
    assert len(failed) == 9
    assert max(teacher.asked.values()) == QUICK.attempts


def test_who_waits_for_long_is_told_why_once_until_an_answer_comes() -> None:
    notices: list[str] = []

    def act(request: Request, _attempt: int) -> float | CallError:
        return 0.0 if request.prompt == "task 0" or (request.prompt == "task 1" and len(notices) == 1) else later()

    patient = Policy(in_flight=1, longest_wait=0.002, attempts=50)
    with Gate(
        Teacher(act), AnswersInMemory(), patient, clock=lambda: 1000.0 * time.monotonic(), notice=notices.append
    ) as gate:  # a second in a millisecond
        answers = gate.scoped("s").complete(prompts(20))
        assert texts([next(answers), next(answers)]) == ["re: task 0", "re: task 1"]
        with pytest.raises(ProviderDown, match="run the same call again"):
            list(answers)
    assert len(notices) == 2, notices
    for line in notices:
        assert line.startswith("openai:teacher: no answer for ")
        assert line.endswith("the last with: try later; trying on, for 300 seconds at most")


def test_a_refused_request_is_a_failure_at_once_and_the_others_go_on() -> None:
    def act(request: Request, _attempt: int) -> float | CallError:
        return CallError("too_long", "does not fit", retry="never") if request.prompt != "task 5" else 0.0

    teacher = Teacher(act)
    with Gate(teacher, AnswersInMemory(), QUICK) as gate:
        answers = list(gate.scoped("s").complete(prompts(20)))
    assert texts(answers).count("too_long") == 19
    assert set(teacher.asked.values()) == {1}


@pytest.mark.parametrize("after", [None, 0.002, 1e12])
def test_a_storm_of_429_loses_nothing_and_hardly_asks_more_than_needed(after: float | None) -> None:
    began: list[float] = []

    def act(_request: Request, _attempt: int) -> float | CallError:
        began.append(time.monotonic())
        if began[-1] - began[0] > 0.1 and began[-1] - began[0] < 0.6:
            return CallError("rate_limited", "slow down", retry="slower", after=after)
        return 0.001

    teacher = Teacher(act)
    with Gate(teacher, AnswersInMemory(), Policy(attempts=2, longest_wait=0.2)) as gate:
        answers = list(gate.scoped("s").complete(prompts(900)))
    assert texts(answers) == [f"re: task {number}" for number in range(900)]
    assert teacher.asked.total() <= 1.05 * 900


def test_a_dead_endpoint_stops_the_run_with_a_sentence() -> None:
    teacher = Teacher(lambda _request, _attempt: later("no_connection"))
    with Gate(teacher, AnswersInMemory(), Policy(longest_wait=0.001, attempts=2, give_up_after=8)) as gate:
        model = gate.scoped("s")
        answers: list[Completion | Failure] = []
        with pytest.raises(ProviderDown, match=r"8 requests in a row failed.*try later.*same call"):
            answers.extend(model.complete(prompts(200)))
    assert max(teacher.asked.values()) <= 2
    assert len(teacher.asked) < 40


def test_nobody_is_waited_for_beyond_patience() -> None:
    teacher = Teacher(lambda _request, _attempt: later("no_connection"))
    policy = Policy(longest_wait=0.02, attempts=6, first_patience=0.05, give_up_after=10**6)
    with Gate(teacher, AnswersInMemory(), policy) as gate, pytest.raises(ProviderDown, match="no answer for 0 seconds"):
        list(gate.scoped("s").complete(prompts(50)))


def test_a_hopeless_refusal_stops_after_what_was_answered_before_and_wastes_one_request_a_worker() -> None:
    def act(request: Request, _attempt: int) -> float | CallError:
        number = int(str(request.prompt).split()[1])
        return CallError("refused", "check OPENAI_API_KEY", retry="stop") if number >= 10 else 0.001

    teacher = Teacher(act, in_flight=4)
    with Gate(teacher, AnswersInMemory(), QUICK) as gate:
        model = gate.scoped("s")
        seen: list[Completion | Failure] = []
        with pytest.raises(ProviderDown, match="check OPENAI_API_KEY"):
            seen.extend(model.complete(prompts(100)))
    assert texts(seen) == [f"re: task {number}" for number in range(10)]
    assert teacher.asked.total() <= 10 + 4


def test_what_was_sent_is_journalled_when_the_reader_leaves_and_nothing_more_is_sent() -> None:
    book = Slow()
    teacher = Teacher(lambda _request, _attempt: 0.03, in_flight=6)
    with Gate(teacher, book, QUICK) as gate:
        answers = gate.scoped("s").complete(prompts(500))
        next(answers)
        answers.close()  # type: ignore[attr-defined]  # an iterator that is a generator
        asked = teacher.asked.total()
        assert len(book.durable) == asked
        time.sleep(0.1)
        assert teacher.asked.total() == asked < 30
    assert teacher.closed


def test_closing_the_gate_first_is_as_good() -> None:
    book = Slow()
    teacher = Teacher(lambda _request, _attempt: 0.03, in_flight=6)
    gate = Gate(teacher, book, QUICK)
    answers = gate.scoped("s").complete(prompts(500))
    next(answers)
    gate.close()
    answers.close()  # type: ignore[attr-defined]  # an iterator that is a generator
    assert teacher.closed
    assert teacher.asked.total() < 30
    with pytest.raises(RuntimeError, match="closed"):
        next(gate.scoped("t").complete(prompts(1)))


def test_what_hangs_is_broken_off_after_the_drain() -> None:
    teacher = Teacher(lambda request, _attempt: 0.0 if request.prompt == "task 0" else 60.0)
    with Gate(teacher, AnswersInMemory(), Policy(drain=0.05)) as gate:
        answers = gate.scoped("s").complete(prompts(50))
        next(answers)
        before = time.monotonic()
        answers.close()  # type: ignore[attr-defined]  # an iterator that is a generator
        assert time.monotonic() - before < 25


def test_an_interrupt_while_requests_are_made_goes_through_and_sends_nothing() -> None:
    def source() -> Iterator[Request]:
        yield from prompts(3)
        raise KeyboardInterrupt

    teacher = Teacher()
    with Gate(teacher, AnswersInMemory(), QUICK) as gate, pytest.raises(KeyboardInterrupt):
        list(gate.scoped("s").complete(source()))
    assert teacher.asked.total() == 0


def test_an_answer_that_takes_too_long_is_a_timeout() -> None:
    teacher = Teacher(lambda _request, attempt: 60.0 if attempt == 0 else 0.0)
    with Gate(teacher, AnswersInMemory(), Policy(timeout=0.05, longest_wait=0.001)) as gate:
        assert texts(list(gate.scoped("s").complete(prompts(3)))) == ["re: task 0", "re: task 1", "re: task 2"]
    assert set(teacher.asked.values()) == {2}


def test_a_stage_that_breaks_while_making_requests_gets_the_answers_before_first() -> None:
    def source() -> Iterator[Request]:
        yield from prompts(3)
        raise ZeroDivisionError

    seen: list[Completion | Failure] = []
    with Gate(Teacher(), AnswersInMemory()) as gate, pytest.raises(ZeroDivisionError):
        seen.extend(gate.scoped("s").complete(source()))
    assert len(seen) == 3


def test_a_full_disk_stops_the_sending() -> None:
    class Full(AnswersInMemory):
        def write(
            self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
        ) -> "Future[None]":
            super().write(scope, ordinal, request, completion, raw, sent)
            done: Future[None] = Future()
            if len(self.answers) > 20:
                done.set_exception(NoRoom("the disk is full"))
            else:
                done.set_result(None)
            return done

    teacher = Teacher(lambda _request, _attempt: 0.002, in_flight=4)
    seen: list[Completion | Failure] = []
    with Gate(teacher, Full(), QUICK) as gate, pytest.raises(NoRoom, match="the disk is full"):
        seen.extend(gate.scoped("s").complete(prompts(500)))
    assert len(seen) == 20
    assert teacher.asked.total() <= 20 + 2 * 4


def test_a_defect_in_a_backend_is_not_hidden() -> None:
    teacher = Teacher(lambda _request, _attempt: ZeroDivisionError("a defect"))
    says = r"model 'openai:teacher' raised ZeroDivisionError: a defect \(\S+test_gate\.py:\d+\)"  # it is one of others
    with Gate(teacher, AnswersInMemory(), QUICK) as gate, pytest.raises(BadInput, match=says) as fault:
        list(gate.scoped("s").complete(prompts(3)))
    assert isinstance(fault.value.__cause__, ZeroDivisionError)


def test_a_cap_on_money_with_an_unknown_price_is_refused_naming_model_and_option() -> None:
    with pytest.raises(BadInput, match=r"openai:teacher.*prices"):
        Gate(Teacher(), AnswersInMemory(), budget=Budget(max_cost=Decimal(1)))


def chaos(seed: int) -> Act:
    """Answers, 429s, faults that were billed and faults that were not, at random."""
    draw = Random(seed)

    def act(_request: Request, _attempt: int) -> float | CallError:
        fate = draw.random()
        if fate < 0.05:
            return CallError("rate_limited", "slow down", retry="slower", after=0.001)
        if fate < 0.35:
            return CallError("timeout", "billed all the same", retry="later")
        if fate < 0.45:
            return CallError("no_connection", "not billed", retry="later", billed=False)
        return draw.random() * 0.003

    return act


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("in_flight", [1, 64])
def test_a_cap_is_never_passed_by_the_endpoints_own_ledger(seed: int, in_flight: int, tmp_path: Path) -> None:
    cap = 700
    teacher = Teacher(chaos(seed))
    with Journal(tmp_path / "journal.sqlite") as journal:
        policy = Policy(longest_wait=0.002, in_flight=in_flight, give_up_after=10**6)
        with Gate(teacher, journal, policy, Budget(Decimal(cap), None, journal.spent()), PRICES) as gate:
            outcomes = drain(gate.scoped("s"), prompts(250, most=10))
        spent = journal.spent()
        assert teacher.billed <= cap
        assert spent.cost + spent.unconfirmed_cost <= cap
        assert teacher.billed <= spent.cost + spent.unconfirmed_cost
        assert teacher.billed > cap / 3
        assert [answer.id for answer in outcomes if isinstance(answer, Completion)]
        before = journal.spent()
        with Gate(teacher, journal, policy, Budget(Decimal(cap), None, before), PRICES) as gate:
            drain(gate.scoped("s"), prompts(250, most=10))
        assert teacher.billed <= cap


def drain(model: ScopedModel, requests: list[Request]) -> list[Completion | Failure]:
    """What comes before the cap is reached."""
    seen: list[Completion | Failure] = []
    with pytest.raises(Capped, match="max_cost"):
        seen.extend(model.complete(requests))
    return seen


def test_a_cap_on_tokens_counts_what_earlier_tries_spent_and_may_have_spent() -> None:
    teacher = Teacher()
    spent = Spent(tokens=500, unconfirmed_tokens=300)
    capped = pytest.raises(Capped, match="tokens are used and 300 may be")
    with Gate(teacher, AnswersInMemory(), QUICK, Budget(None, 1000, spent)) as gate, capped:
        list(gate.scoped("s").complete(prompts(100, most=10)))
    assert 100 <= teacher.billed <= 200


def test_under_a_cap_the_worst_case_is_durable_before_anything_is_sent() -> None:
    book = Slow()

    def act(request: Request, _attempt: int) -> float:
        assert request.key("openai:teacher") in {key for key, _, _ in book.reserved}
        return 0.0

    with Gate(Teacher(act), book, QUICK, Budget(None, 10**6)) as gate:
        assert len(list(gate.scoped("s").complete(prompts(10)))) == 10


def test_an_answer_cut_off_is_an_answer_and_is_bought_once() -> None:
    class Cut(Teacher):
        async def answer(self, request: Request) -> Answer:
            answer = await super().answer(request)
            return Answer(choices=(Choice("half", "length"),), usage=answer.usage, raw=answer.raw)

    teacher = Cut()
    with Gate(teacher, AnswersInMemory(), QUICK) as gate:
        answers = list(gate.scoped("s").complete(prompts(5)))
    assert texts(answers) == ["half"] * 5
    assert set(teacher.asked.values()) == {1}


def test_the_event_loop_has_one_thread_for_all_gates_and_ends_with_the_last() -> None:
    def threads() -> int:
        return sum(thread.name == "model calls" for thread in threading.enumerate())

    with Gate(Teacher(), AnswersInMemory()) as first, Gate(Teacher(name="openai:other"), AnswersInMemory()) as two:
        list(first.scoped("s").complete(prompts(2)))
        list(two.scoped("s").complete(prompts(2)))
        assert threads() == 1
    assert threads() == 0


class Late(AnswersInMemory):
    """A book whose rows are durable after so many seconds, one after the other."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.durable = 0

    def write(
        self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
    ) -> "Future[None]":
        super().write(scope, ordinal, request, completion, raw, sent)
        done: Future[None] = Future()

        def commit() -> None:
            self.durable += 1
            done.set_result(None)

        threading.Timer(self.seconds, commit).start()
        return done


@pytest.mark.parametrize("in_flight", [1, 4, 16])
def test_an_answer_is_in_flight_until_it_is_on_disk(in_flight: int) -> None:
    book, most = Late(0.02), 0

    def act(_request: Request, _attempt: int) -> float:
        nonlocal most
        most = max(most, teacher.asked.total() - book.durable)
        return 0.0

    teacher = Teacher(act)
    with Gate(teacher, book, Policy(in_flight=in_flight)) as gate:
        assert len(list(gate.scoped("s").complete(prompts(60)))) == 60
    assert most <= in_flight  # a kill has no more than these bought again


def test_without_a_cap_what_was_sent_and_lost_is_on_disk_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"

    def act(request: Request, attempt: int) -> float | CallError:
        assert noted(path) >= 1  # before it was sent
        number = int(str(request.prompt).split()[1])
        return later() if attempt == 0 and number < 3 else 0.0

    teacher = Teacher(act)
    with Journal(path) as journal, Gate(teacher, journal, QUICK, Budget(), PRICES) as gate:
        assert len(list(gate.scoped("s").complete(prompts(8)))) == 8
        spent = journal.spent()
    assert spent.cost + spent.unconfirmed_cost >= teacher.billed
    assert spent.tokens + spent.unconfirmed_tokens >= teacher.billed
    assert spent.unconfirmed_cost > 0


def noted(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM reservations").fetchone()[0])


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_first_try_without_a_cap_that_was_killed_counts_against_the_cap_of_the_second(
    in_flight: int, tmp_path: Path
) -> None:
    path, hangs = tmp_path / "journal.sqlite", Teacher(lambda request, _: 30.0 if "7" in str(request.prompt) else 0.0)
    journal = Journal(path)
    with Gate(hangs, journal, Policy(in_flight=in_flight, drain=0.05), Budget(), PRICES) as gate:
        answers = gate.scoped("s").complete(prompts(8))
        for _ in range(7):
            next(answers)
        end = time.monotonic() + 20
        while hangs.asked.total() < 8 and time.monotonic() < end:  # the last one is on the wire when the kill comes
            time.sleep(0.005)
        copy = tmp_path / "killed"
        copy.mkdir()
        for file in tmp_path.glob("journal.sqlite*"):  # as a kill leaves it
            shutil.copy(file, copy / file.name)
    journal.close()
    with Journal(copy / "journal.sqlite") as journal:
        spent = journal.spent()
        assert spent.tokens + spent.unconfirmed_tokens >= hangs.billed
        budget = Budget(Decimal(hangs.billed + 5), None, spent)
        again = Teacher()
        with Gate(again, journal, QUICK, budget, PRICES) as gate, pytest.raises(Capped):
            list(gate.scoped("s").complete(prompts(40)))
    assert hangs.billed + again.billed <= hangs.billed + 5


def test_what_a_failure_took_is_billed_as_the_endpoint_says() -> None:
    usage = Usage(prompt_tokens=2, completion_tokens=1)
    fault = CallError("empty_text", "nothing", retry="later", usage=usage, tries=3)
    teacher, budget, book = Teacher(lambda _request, _attempt: fault), Budget(), Slow()
    with Gate(teacher, book, QUICK, budget, PRICES) as gate:
        (failure,) = gate.scoped("s").complete(prompts(1))
    assert texts([failure]) == ["empty_text"]
    assert teacher.asked.total() == 3
    assert (budget.unconfirmed_cost, budget.unconfirmed_tokens) == (Decimal(9), 9)


def test_a_run_that_fails_more_than_it_answers_ends_with_the_reason_that_most_had() -> None:
    def act(request: Request, _attempt: int) -> float | CallError:
        number = int(str(request.prompt).split()[1])
        kind = "timeout" if number % 7 == 1 else "too_large"
        return 0.0 if number % 3 == 0 else CallError(kind, f"because of {kind}", retry="never")

    with Gate(Teacher(act), AnswersInMemory(), QUICK) as gate, pytest.raises(ProviderDown) as down:
        list(gate.scoped("s").complete(prompts(500)))
    assert "of the last 32 requests failed" in str(down.value)
    assert "as too_large: because of too_large" in str(down.value)


def test_a_text_that_no_stage_can_use_is_bought_once_and_named_by_its_size() -> None:
    @dataclass
    class Endless(Teacher):
        async def answer(self, request: Request) -> Answer:
            answer = await super().answer(request)
            return replace(answer, choices=(Choice("x" * 5_000_000, "stop"),))

    teacher, book = Endless(), AnswersInMemory()
    with Gate(teacher, book, QUICK) as gate, pytest.raises(ProviderDown) as down:
        list(gate.scoped("s").complete(prompts(100)))
    assert "8 requests in a row failed, all as too_large: a text of 5000000 bytes" in str(down.value)
    assert max(teacher.asked.values()) == 1
    assert not book.answers


def test_a_defect_while_a_failure_is_handled_is_raised_and_nobody_waits_for_ever() -> None:
    wrong = Usage(prompt_tokens="many", completion_tokens=1)  # type: ignore[arg-type]  # a backend with a defect
    fault = CallError("empty_text", "nothing", retry="later", usage=wrong)
    with (
        Gate(Teacher(lambda _request, _attempt: fault), AnswersInMemory(), QUICK, Budget(), PRICES) as gate,
        pytest.raises(TypeError),
    ):
        list(gate.scoped("s").complete(prompts(3)))


def test_thinking_is_taken_off_whatever_backend_it_comes_from() -> None:
    @dataclass
    class Thinker(Teacher):
        async def answer(self, request: Request) -> Answer:
            answer = await super().answer(request)
            return replace(answer, choices=(Choice("<think>\n1. Rivers?\n</think>\n\n1. Name a lake.", "stop"),))

    with Gate(Thinker(), AnswersInMemory(), QUICK) as gate:
        (answer,) = gate.scoped("s").complete(prompts(1))
    assert isinstance(answer, Completion)
    assert answer.choices == (Choice("1. Name a lake.", "stop", "1. Rivers?"),)
    assert Completion.from_json(answer.as_json()) == answer


def test_of_several_texts_one_that_is_only_thinking_says_so_and_the_others_stay() -> None:
    @dataclass
    class Thinker(Teacher):
        async def answer(self, request: Request) -> Answer:
            answer = await super().answer(request)
            return replace(answer, choices=(Choice("<think>\nRivers", "length"), Choice("1. Name a lake.", "stop")))

    with Gate(Thinker(), AnswersInMemory(), QUICK) as gate:
        (answer,) = gate.scoped("s").complete(prompts(1))
    assert isinstance(answer, Completion)
    assert [choice.finish_reason for choice in answer.choices] == ["only_thinking", "stop"]
