"""Requests that arrive one by one, prepared and answered in handfuls by one thread that owns the model."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from selfinstruct.models.backend import Answer
from selfinstruct.records import Request

Prepared = TypeVar("Prepared")


@dataclass(slots=True, eq=False)
class Asked(Generic[Prepared]):
    """A request on its way to an answer, made ready for the model."""

    ready: Prepared
    answer: "Future[Answer]"

    @property
    def unwanted(self) -> bool:
        """Nobody waits for it any more."""
        return self.answer.cancelled()


@dataclass(slots=True, eq=False)
class Gatherer(Generic[Prepared]):
    """Waits until `enough` requests are there, or until none came for `pause` seconds; then works on them.

    `work` gets all that wait, the oldest first, settles some of them, the first in any case, and returns the others;
    its second argument tells whether it should break off.
    What `prepare` raises concerns that request alone; what `work` raises, all that wait.
    """

    prepare: Callable[[Request], Prepared]
    work: Callable[[list[Asked[Prepared]], Callable[[], bool]], list[Asked[Prepared]]]
    enough: int
    pause: float = 0.005
    _inbox: "SimpleQueue[tuple[Request, Future[Answer]] | None]" = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None
    _closed: bool = False

    def put(self, request: Request) -> "Future[Answer]":
        """Line a request up; its answer, or why there is none."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="model batches", daemon=True)
            self._thread.start()
        answer: Future[Answer] = Future()
        self._inbox.put((request, answer))
        return answer

    def close(self, patience: float = 5.0) -> None:
        """Cancel what waits, and give the thread so many seconds to end."""
        self._closed = True
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        waiting: list[Asked[Prepared]] = []
        while self._collect(waiting):
            waiting = [asked for asked in waiting if not asked.unwanted]
            try:
                waiting = self.work(waiting, lambda: self._closed) if waiting else []
            except Exception as fault:  # noqa: BLE001 - raised where the answers are read
                for asked in waiting:
                    settle(asked.answer, fault)
                waiting = []
        for asked in waiting:
            asked.answer.cancel()
        while not self._inbox.empty():
            left = self._inbox.get()
            if left is not None:
                left[1].cancel()

    def _collect(self, waiting: list[Asked[Prepared]]) -> bool:
        """Add to what waits; False when closed."""
        patience = self.pause if waiting else None
        while len(waiting) < self.enough and not self._closed:
            try:
                arrived = self._inbox.get(timeout=patience)
            except Empty:
                break
            if arrived is None:
                break
            patience = self.pause
            request, answer = arrived
            try:
                waiting.append(Asked(self.prepare(request), answer))
            except Exception as fault:  # noqa: BLE001 - as above
                settle(answer, fault)
        return not self._closed


def settle(answer: "Future[Answer]", outcome: Answer | Exception) -> None:
    """Hand an answer over, or the reason why there is none; nothing happens where nobody waits any more."""
    if answer.done() or not answer.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
