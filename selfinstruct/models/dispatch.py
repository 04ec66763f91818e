"""Sends queued requests within limits and budget, and retries them; lives on the event-loop thread."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from secrets import token_hex

from selfinstruct import plugins
from selfinstruct.errors import ProviderDown, SelfInstructError
from selfinstruct.models.backend import (
    Answer,
    AnswerStore,
    Backend,
    CallError,
    Splitting,
    ThinkingRoom,
    readable_answer,
)
from selfinstruct.models.limits import EndpointLimits, Policy, backoff
from selfinstruct.models.prices_and_budget import Budget, Price, Reservation, TokenEstimate, tokens_of
from selfinstruct.records import Completion, Failure, Request, Usage

_UNTOLD_SECONDS = 5.0  # without an answer, until a person is told why


class Unsent(Exception):
    """The call was not made, or broken off: its batch stopped before."""


@dataclass(eq=False, slots=True)
class Batch:
    """The calls of one loop over answers; they stop together."""

    stop: BaseException | None = None


@dataclass(eq=False, slots=True)
class Call:
    """One request on its way to an answer."""

    request: Request
    key: str
    scope: str
    ordinal: int
    batch: Batch
    outcome: "Future[Completion | Failure]" = field(default_factory=Future)
    sent: Request = field(init=False)
    """The request with room to think."""
    tokens: TokenEstimate = field(init=False)
    """Of what is sent."""
    times: int = 1
    """How often its prompt is sent."""
    attempts: int = 0
    refused_since: float | None = None
    replayed: bool = False
    """Its answer was on record."""

    def __post_init__(self) -> None:
        """Bound the tokens that the call may take."""
        self.sent, self.tokens = self.request, tokens_of(self.request)

    def give_room(self, thinking_tokens: int, times: int = 1) -> None:
        """Let the next attempt think with so many tokens, and be paid for so many prompts."""
        if thinking_tokens == self.sent.thinking_tokens and times == self.times:
            return
        self.sent, self.times = replace(self.request, thinking_tokens=thinking_tokens), times
        tokens = tokens_of(self.sent)
        self.tokens = replace(
            tokens, prompt_likely=times * tokens.prompt_likely, prompt_most=times * tokens.prompt_most
        )

    @property
    def id(self) -> str:
        """As in `Completion.request`."""
        return f"{self.key}.{self.ordinal}"

    def unsent(self) -> None:
        """Tell whoever waits that no answer will come; an outcome that is there stays."""
        if not self.outcome.done():
            self.outcome.set_exception(Unsent())


class Dispatcher:
    """One for each model; every method but `submit` and `abandon` runs on the loop."""

    def __init__(
        self,
        backend: Backend,
        book: AnswerStore,
        policy: Policy,
        budget: Budget,
        price: Price | None,
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        """`clock` is monotonic seconds; `draw` gives numbers from 0 to 1."""
        self.thinking = ThinkingRoom(policy.thinking_tokens)
        self.notice: Callable[[str], None] = lambda _line: None  # hears why nothing comes for long
        self._backend, self._book, self._policy = backend, book, policy
        self._splitting = backend if isinstance(backend, Splitting) else None
        self._budget, self._price = budget, price
        self._loop, self._clock, self._draw = loop, clock, draw
        self._limits = EndpointLimits(
            policy.in_flight or backend.in_flight,
            requests_per_minute=policy.requests_per_minute,
            tokens_per_minute=policy.tokens_per_minute,
            longest_pause=policy.longest_wait,
        )
        self._inbox: deque[Call] = deque()
        self._signalled = False
        self._queue: deque[Call] = deque()
        self._sent: dict[Call, asyncio.Task[None]] = {}
        self._resting: dict[Call, asyncio.TimerHandle] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._faults_since_success, self._answered = 0, False
        self._quiet_since: float | None = None
        self._waits_told: set[str] = set()
        self._lost_mark = token_hex(4)  # two tries of a run may lose the same request; neither forgets the other's
        if budget.capped:
            budget.when_settled(self._pump)

    def submit(self, calls: list[Call]) -> None:
        """Line calls up; from any thread."""
        self._inbox.extend(calls)
        if not self._signalled:
            self._signalled = True
            self._loop.call_soon_threadsafe(self._take_in)

    def abandon(self, batch: Batch, reason: BaseException, *, break_off: bool) -> None:
        """Send no more of a batch, and break off what is on its way if asked to; from any thread."""
        self._loop.call_soon_threadsafe(self._stop, batch, reason, break_off)

    async def shut(self) -> None:
        """Stop everything; what was sent has a little time to end."""
        closed = Unsent("the gate is closed")
        batches = {id(call.batch): call.batch for call in (*self._inbox, *self._queue, *self._sent, *self._resting)}
        for batch in batches.values():
            self._stop(batch, closed)
        if self._sent:
            _, late = await asyncio.wait(self._sent.values(), timeout=self._policy.drain)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _take_in(self) -> None:
        self._signalled = False
        while self._inbox:
            self._queue.append(self._inbox.popleft())
        self._pump()

    def _pump(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue:
            call = self._queue[0]
            if call.batch.stop is not None:
                self._queue.popleft()
                call.unsent()
                continue
            times = 1 if self._splitting is None else self._splitting.times(call.request)
            call.give_room(self.thinking.tokens, times)
            now = self._clock()
            wait = self._limits.wait(now)
            if wait is None:
                return  # whatever comes back pumps again
            if wait > 0.0:
                self._timer = self._loop.call_later(wait, self._pump)
                return
            reservation = self._budget.reserve(call.tokens, self._price)
            if reservation is None:
                if self._budget.outstanding:
                    return  # whatever settles pumps again
                self._stop(call.batch, self._budget.refusal(call.tokens, self._price))
                continue
            self._queue.popleft()
            self._limits.take(now, call.tokens.prompt_likely + call.tokens.completion_most)
            task = self._sent[call] = self._loop.create_task(self._try(call, reservation, now))
            task.add_done_callback(partial(self._ended, call))

    async def _try(self, call: Call, reservation: Reservation, now: float) -> None:
        unused = 0
        try:
            answer = await self._ask(call, reservation)
        except CallError as fault:
            self._failed(call, reservation, fault, now)
        except asyncio.CancelledError:
            self._write_off(call, reservation)
            call.unsent()
            raise
        except Exception as fault:  # noqa: BLE001 - a defect or a full disk: raised where the answers are read
            self._write_off(call, reservation)
            reason = self._reason(fault)
            call.outcome.set_exception(reason)
            self._stop(call.batch, reason)
        else:
            usage = answer.usage
            unused = call.tokens.prompt_likely + call.tokens.completion_most
            unused = max(0, unused - usage.prompt_tokens - usage.completion_tokens)
            # Until it is on disk it is on its way: killed now, no more than those in flight are bought again.
            with suppress(Exception):  # what the journal has to say is said to whoever reads the answers
                await _durable(self._came(call, reservation, answer, now))
        finally:
            self._sent.pop(call)
            self._limits.back(unused)
        self._pump()

    def _reason(self, fault: Exception) -> Exception:
        """A defect as it is; one of a backend of others in one line, with its file and line."""
        if isinstance(fault, SelfInstructError | OSError) or not plugins.is_foreign(self._backend):
            return fault
        reason = plugins.raised(fault, f"model '{self._backend.name}'", plugins.MEND_STAGE)
        reason.__cause__ = fault
        return reason

    def _ended(self, call: Call, task: "asyncio.Task[None]") -> None:
        """A defect of our own is raised where the answers are read: no caller is to wait for ever."""
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not call.outcome.done():
            call.outcome.set_exception(fault)
            self._stop(call.batch, fault)

    async def _ask(self, call: Call, reservation: Reservation) -> Answer:
        await _durable(self._book.reserve(call.key, call.scope, call.ordinal, reservation.cost, reservation.tokens))
        try:
            async with asyncio.timeout(self._policy.timeout):
                answer = await self._backend.answer(call.sent)
        except TimeoutError as fault:
            message = f"no answer within {self._policy.timeout:g} seconds"
            raise CallError("timeout", message, retry="later") from fault
        return readable_answer(answer, call.sent)

    def _came(self, call: Call, reservation: Reservation, answer: Answer, sent: float) -> "Future[None]":
        cost = self._cost(answer.usage)
        completion = Completion(
            request=call.id,
            choices=answer.choices,
            usage=answer.usage,
            model=self._backend.name,
            cost=None if cost is None else f"{cost:f}",
        )
        self._heard(sent)
        if answer.thought:
            self.thinking.seen()
        details = {"sent": answer.sent} if answer.sent else {}
        written = self._book.write(call.scope, call.ordinal, call.request, completion, answer.raw, **details)
        self._budget.settle(reservation, cost, answer.usage)
        written.add_done_callback(partial(self._written, call, completion))
        return written

    def _heard(self, sent: float) -> None:
        """The endpoint answers, whatever it says."""
        self._limits.succeeded(self._clock(), sent)
        self._faults_since_success, self._answered = 0, True
        self._quiet_since = None
        self._waits_told &= {"rate_limited"}  # whose waits are part of how it works: told once

    def _cost(self, usage: Usage) -> Decimal | None:
        return None if self._price is None else self._price.of(usage.prompt_tokens, usage.completion_tokens)

    def _written(self, call: Call, outcome: Completion | Failure, done: "Future[None]") -> None:
        """On the journal's thread: only now may the answer, or the lack of one, be used."""
        fault = done.exception()
        if fault is None:
            call.outcome.set_result(outcome)
            return
        self.abandon(call.batch, fault, break_off=False)
        call.outcome.set_exception(fault)

    def _failed(self, call: Call, reservation: Reservation, fault: CallError, sent: float) -> None:
        now = self._clock()
        settle = partial(self._write_off, usage=fault.usage) if fault.billed else self._give_back
        noted = settle(call, reservation)
        if fault.retry == "stop":
            self._stop(call.batch, ProviderDown(fault.message))
            call.unsent()
            return
        if fault.retry == "slower":
            self._limits.slower(now, sent, fault.after)
            call.refused_since = now if call.refused_since is None else call.refused_since
            over = now - call.refused_since > self._policy.patience
        else:
            call.attempts += 1
            over = fault.retry == "never" or call.attempts >= min(self._policy.attempts, fault.tries or sys.maxsize)
            over = over or (fault.out_of_tokens and not self._may_think_more(call))
            self._note_life(now, sent, fault)
        if fault.retry != "never" and fault.tries is None and self._silent_too_long(now, fault):
            what = f"{self._silence(now, fault)}; run the same command again to go on"
            self._stop(call.batch, ProviderDown(what))
        if call.batch.stop is not None:
            call.unsent()
        elif over:
            failure = Failure(request=call.id, kind=fault.kind, message=fault.message)
            noted.add_done_callback(partial(self._written, call, failure))
        elif fault.retry == "slower":
            self._queue.appendleft(call)  # the limits know when
        else:
            wait = backoff(call.attempts, self._policy.longest_wait, self._draw)
            wait = wait if fault.after is None else min(fault.after, self._policy.longest_wait)
            wait = 0.0 if fault.tries else wait  # it answered at once, and will again
            self._resting[call] = self._loop.call_later(wait, self._again, call)

    def _note_life(self, now: float, sent: float, fault: CallError) -> None:
        if fault.tries is not None:
            self._heard(sent)
        elif fault.retry == "later":
            self._limits.faulted(now, sent, fault.after)
        else:
            self._limits.alive()

    def _may_think_more(self, call: Call) -> bool:
        """An answer ended before it began: there may be room for more thinking than the attempt had."""
        self.thinking.seen()
        return self.thinking.tokens > call.sent.thinking_tokens

    def _again(self, call: Call) -> None:
        del self._resting[call]
        self._queue.appendleft(call)
        self._pump()

    def _silent_too_long(self, now: float, fault: CallError) -> bool:
        self._faults_since_success += 1
        if self._quiet_since is None:
            self._quiet_since = now
        early = not self._answered and fault.retry == "later"
        patience = self._policy.first_patience if early else self._policy.patience
        over = now - self._quiet_since > patience and self._faults_since_success >= self._policy.attempts
        if not over and now - self._quiet_since > _UNTOLD_SECONDS and fault.kind not in self._waits_told:
            self._waits_told.add(fault.kind)
            self.notice(f"{self._silence(now, fault)}; trying on, for {patience:.0f} seconds at most")
        return over

    def _silence(self, now: float, fault: CallError) -> str:
        seconds = now - (now if self._quiet_since is None else self._quiet_since)
        what = f"{self._backend.name}: no answer for {seconds:.0f} seconds, {self._faults_since_success} tries failed"
        return f"{what}, the last with: {fault.message}"

    def _give_back(self, call: Call, reservation: Reservation) -> "Future[None]":
        """The attempt cost nothing, and the journal's note of it says so too."""
        self._budget.release(reservation)
        return self._book.reserve(call.key, call.scope, call.ordinal, Decimal(0), 0)

    def _write_off(self, call: Call, reservation: Reservation, usage: Usage | None = None) -> "Future[None]":
        """The attempt gave nothing and was, or may have been, paid for: the answer of a later one does not clear it.

        `usage`: what it took, where that is known; else what was set aside for it.
        """
        taken = reservation
        if usage is not None:
            taken = Reservation(self._cost(usage), usage.prompt_tokens + usage.completion_tokens)
        lost = f"{call.scope} lost {self._lost_mark} {call.attempts}"
        self._book.reserve(call.key, lost, call.ordinal, taken.cost, taken.tokens)
        self._budget.lose(reservation, taken)
        return self._book.reserve(call.key, call.scope, call.ordinal, Decimal(0), 0)

    def _stop(self, batch: Batch, reason: BaseException, break_off: bool = False) -> None:  # noqa: FBT001, FBT002 - call_soon passes no keywords
        if batch.stop is None:
            batch.stop = reason
        for call in [call for call in self._resting if call.batch is batch]:
            self._resting.pop(call).cancel()
            call.unsent()
        for call in [call for call in (*self._queue, *self._inbox) if call.batch is batch]:
            call.unsent()
        self._queue = deque(call for call in self._queue if call.batch is not batch)
        if break_off:
            for task in [task for call, task in self._sent.items() if call.batch is batch]:
                task.cancel()
        self._loop.call_soon(self._pump)


async def _durable(row: "Future[None]") -> None:
    """Wait until the journal has written a row; it is written all the same where the caller has given up."""
    await asyncio.shield(asyncio.wrap_future(row))
