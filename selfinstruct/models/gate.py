"""The gate before a model: answers in request order, each paid for once and durable; stops after many failures."""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from random import SystemRandom
from threading import Lock
from typing import Self

from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.models.backend import AnswerStore, Backend, ThinkingRoom
from selfinstruct.models.dispatch import Batch, Call, Dispatcher, Unsent
from selfinstruct.models.event_loop import SHARED, send
from selfinstruct.models.limits import Policy
from selfinstruct.models.prices_and_budget import Budget, Hosted, Price, Prices
from selfinstruct.records import Completion, Failure, Request
from selfinstruct.stage import Traits
from selfinstruct.text.grammar import plural

__all__ = ["Gate", "Policy", "RequestCounts", "ScopedModel"]


_CLOSING_SECONDS = 10.0
_ABOUT_THE_REQUEST = frozenset({"not_recorded", "too_long"})
"""Failures that say nothing about the endpoint."""
_LOOKED_BACK = 32  # requests; where most of them fail, and never enough in a row, the others are not worth their price


@dataclass(slots=True)
class RequestCounts:
    """What one stage asked and got, as it was handed out; requests = answered + failed."""

    answered: int = 0
    failed: int = 0
    replayed: int = 0
    """Those of the answered that were paid for before."""

    @property
    def requests(self) -> int:
        """All that came to an end."""
        return self.answered + self.failed


class Gate:
    """Turns a backend into models, one for each scope; close it when the run ends."""

    def __init__(
        self,
        backend: Backend,
        book: AnswerStore,
        policy: Policy | None = None,
        budget: Budget | None = None,
        prices: Prices | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        notice: Callable[[str], None] = lambda _line: None,
    ) -> None:
        """BadInput if there is a cap on cost and the price of the model is unknown."""
        self._backend, self._book = backend, book
        self._policy = Policy() if policy is None else policy
        self._budget = Budget() if budget is None else budget
        base_url = backend.base_url if isinstance(backend, Hosted) else ""
        self.price: Price | None = (Prices() if prices is None else prices).of(backend.name, base_url)
        if self._budget.max_cost is not None and self.price is None:
            what = f"the price of {backend.name} is unknown, so a cap on cost cannot be kept"
            raise BadInput(
                what, place="--max-cost", fix="give its price in a file (--prices) or cap --max-total-tokens"
            )
        self._ahead = max(1, self._policy.ahead(self._policy.in_flight or backend.in_flight))
        self._clock, self._notice = clock, notice
        self._dispatcher: Dispatcher | None = None
        self._thinking = ThinkingRoom(self._policy.thinking_tokens)
        self._failure_limit = FailureLimit(self._policy.give_up_after)
        self._closed = False
        self._starting = Lock()

    @property
    def backend(self) -> Backend:
        """The backend that the gate calls."""
        return self._backend

    def scoped(self, scope: str) -> "ScopedModel":
        """The model for one stage of one round, such as `round-00001/01-propose`."""
        return ScopedModel(self, scope)

    def close(self) -> None:
        """Let go of connections, and of the thread if nobody else needs it."""
        if self._closed:
            return
        with self._starting:
            self._closed = True
        loop = SHARED.join()
        try:
            if self._dispatcher is not None:
                send(loop, self._dispatcher.shut()).result()
            with suppress(TimeoutError):  # what hangs ends with the process
                send(loop, self._backend.close()).result(_CLOSING_SECONDS)
        finally:
            SHARED.leave()
            if self._dispatcher is not None:
                SHARED.leave()

    def __enter__(self) -> Self:
        """Nothing to open: the first request does."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _started(self) -> Dispatcher:
        with self._starting:  # stages of several rounds may ask at the same time
            if self._closed:
                raise RuntimeError("this gate is closed")
            if self._dispatcher is None:
                self._dispatcher = self._made()
            return self._dispatcher

    def _made(self) -> Dispatcher:
        made = Dispatcher(
            self._backend,
            self._book,
            self._policy,
            self._budget,
            self.price,
            loop=SHARED.join(),
            clock=self._clock,
            draw=SystemRandom().random,  # jitter only: no result depends on it
        )
        made.thinking, made.notice = self._thinking, self._notice
        return made


class ScopedModel:
    """A model as one stage sees it: `stage.Model`, with counts."""

    def __init__(self, gate: Gate, scope: str) -> None:
        """Made by `Gate.scoped`."""
        self._gate, self._scope = gate, scope
        self._times_asked: Counter[str] = Counter()
        self.counts = RequestCounts()

    @property
    def name(self) -> str:
        """The model's spec without secrets, such as `openai:gpt-5` or `embedded`."""
        return self._gate.backend.name

    @property
    def traits(self) -> Traits:
        """What it can be asked for."""
        return self._gate.backend.traits

    @property
    def requests(self) -> int:
        """How many came to an end, answers paid for before among them."""
        return self.counts.requests

    @property
    def answered(self) -> int:
        """Requests of this scope that were answered."""
        return self.counts.answered

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Answers in request order, lazily; each is durable before it is handed out.

        Stopped (Capped, ProviderDown ...) comes after everything that was answered before the request it concerns.
        """
        return self._complete(iter(requests))

    def _complete(self, source: Iterator[Request]) -> Generator[Completion | Failure, None, None]:
        batch, window, feed = Batch(), deque[Call](), _Feed(source)
        try:
            while self._fill(window, feed, batch):
                yield self._next(window)
        finally:
            if window:
                self._leave(batch, window)
        if batch.stop is not None:
            raise batch.stop
        if feed.fault is not None:
            raise feed.fault

    def _fill(self, window: deque[Call], feed: "_Feed", batch: Batch) -> bool:
        """Take on requests up to the look-ahead; whether any are left to wait for."""
        fresh: list[Call] = []
        try:
            while len(window) < self._gate._ahead and batch.stop is None:  # noqa: SLF001 - a gate's other half
                request = feed.next()
                if request is None:
                    break
                call = self._call(request, batch)
                window.append(call)
                if not call.replayed:
                    fresh.append(call)
        except BaseException as interrupt:
            batch.stop = interrupt
            raise
        finally:
            if fresh:
                self._gate._started().submit(fresh)  # noqa: SLF001 - as above
        return bool(window)

    def _call(self, request: Request, batch: Batch) -> Call:
        key = request.key(self.name)
        ordinal = self._times_asked[key]
        self._times_asked[key] += 1
        call = Call(request, key, self._scope, ordinal, batch)
        answer = self._gate._book.find(key, self._scope, ordinal)  # noqa: SLF001 - as above
        if answer is not None:
            call.outcome.set_result(answer)
            call.replayed = True
            if any(choice.thinking for choice in answer.choices):
                self._gate._thinking.seen()  # noqa: SLF001 - as above
        return call

    def _next(self, window: deque[Call]) -> Completion | Failure:
        call = window[0]
        try:
            outcome = call.outcome.result()
        except Unsent:
            assert call.batch.stop is not None
            raise call.batch.stop from None
        window.popleft()
        if isinstance(outcome, Completion):
            self.counts.answered += 1
            self.counts.replayed += call.replayed
            self._gate._failure_limit.answered()  # noqa: SLF001 - as above
        else:
            self.counts.failed += 1
            self._gate._failure_limit.failed(self.name, outcome)  # noqa: SLF001 - as above
        return outcome

    def _leave(self, batch: Batch, window: Iterable[Call]) -> None:
        """Send nothing more; what was sent is paid for, so give it a little time to be written down."""
        pending: list[Future[Completion | Failure]] = [call.outcome for call in window if not call.outcome.done()]
        if not pending or self._gate._closed:  # noqa: SLF001 - as above
            return
        dispatcher = self._gate._started()  # noqa: SLF001 - as above
        dispatcher.abandon(batch, Unsent("nobody waits any more"), break_off=False)
        late = wait(pending, self._gate._policy.drain).not_done  # noqa: SLF001 - as above
        if late:
            dispatcher.abandon(batch, Unsent("nobody waits any more"), break_off=True)
            wait(late, _CLOSING_SECONDS)


class _Feed:
    """The requests of a stage; a fault in making them waits until what came before is handed out."""

    def __init__(self, source: Iterator[Request]) -> None:
        self._source, self._dry = source, False
        self.fault: Exception | None = None

    def next(self) -> Request | None:
        """The next request; None at the end."""
        if self._dry:
            return None
        try:
            return next(self._source)
        except StopIteration:
            self._dry = True
        except Exception as fault:  # noqa: BLE001 - kept, and raised by the loop that reads the answers
            self._dry, self.fault = True, fault
        return None


class FailureLimit:
    """What became of the last requests of one model; in request order, so that it is the same at any concurrency."""

    def __init__(self, most_in_a_row: int) -> None:
        """`most_in_a_row`: so many failures without an answer between them are too many."""
        self._most = most_in_a_row
        self._row: list[Failure] = []
        self._last: deque[Failure | None] = deque(maxlen=max(_LOOKED_BACK, 2 * most_in_a_row))

    def answered(self) -> None:
        """Count a request that got its answer."""
        self._row.clear()
        self._last.append(None)

    def failed(self, model: str, failure: Failure) -> None:
        """Count a failed request; ProviderDown, with the commonest reason, where too many have failed."""
        if failure.kind in _ABOUT_THE_REQUEST:
            return
        self._row.append(failure)
        self._last.append(failure)
        if len(self._row) >= self._most:
            raise _too_many(model, f"{plural(len(self._row), 'request')} in a row failed", self._row)
        lately = [outcome for outcome in self._last if outcome is not None]
        if len(self._last) == self._last.maxlen and 2 * len(lately) > len(self._last):
            raise _too_many(model, f"{len(lately)} of the last {len(self._last)} requests failed", lately)


def _too_many(model: str, what: str, failures: list[Failure]) -> ProviderDown:
    [(kind, count)] = Counter(failure.kind for failure in failures).most_common(1)
    said = next(failure.message for failure in reversed(failures) if failure.kind == kind)
    which = f"all as {kind}" if count == len(failures) else f"{count} of them as {kind}"
    return ProviderDown(f"{model}: {what}, {which}: {said}; run the same command again to go on")
