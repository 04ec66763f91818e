"""The one event-loop thread of the process: started when first needed, ended when no request needs it."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

_HANDLES = 4  # a selector, a pair of sockets, and one for whoever opens a file meanwhile


class LoopThread:
    """A daemon thread that runs an event loop for as long as it has users."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def join(self) -> asyncio.AbstractEventLoop:
        """One more user; the loop, running."""
        with self._lock:
            if self._loop is None:
                _check_handles()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="model calls", daemon=True)
                self._thread.start()
            self._users += 1
            return self._loop

    def leave(self) -> None:
        """One user less; the last one ends the thread."""
        with self._lock:
            self._users -= 1
            if self._users or self._loop is None or self._thread is None:
                return
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop, self._thread = None, None


def _check_handles() -> None:
    """OSError where the process may not open as many files as a loop needs: a half-made one complains at its end."""
    opened: list[int] = []
    try:
        opened.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(_HANDLES))
    except OSError as refusal:
        raise OSError(refusal.errno, refusal.strerror) from refusal  # no fault of the file that was tried
    finally:
        for handle in opened:
            os.close(handle)


def send(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> Future[None]:
    """Run a coroutine there, from another thread."""
    return asyncio.run_coroutine_threadsafe(work, loop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


SHARED = LoopThread()
"""One for the process, so that several models do not each bring a thread."""
