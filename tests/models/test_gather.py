"""Requests gathered for one thread; no model is needed to see how."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

import pytest

from selfinstruct.models.backend import Answer
from selfinstruct.models.transformers_model import QueuedRequest, RequestBatcher, resolve_answer
from selfinstruct.records import Choice, Request, Usage

PATIENCE = 20.0


def request(prompt: str) -> Request:
    return Request(prompt=prompt, max_tokens=1)


def answer(text: str) -> Answer:
    return Answer(choices=(Choice(text, "stop"),), usage=Usage(prompt_tokens=1, completion_tokens=1), raw="")


def text(future: "Future[Answer]") -> str:
    return future.result(PATIENCE).choices[0].text


class Echo:
    """Answers all that wait, at most `most` at a time, and remembers in which handfuls."""

    def __init__(self, most: int = 99) -> None:
        self.handfuls: list[list[str]] = []
        self.go = threading.Event()
        self.go.set()
        self._most = most

    def prepare(self, asked: Request) -> str:
        if asked.prompt == "bad":
            raise ValueError("cannot be cut")
        return str(asked.prompt)

    def work(self, waiting: list[QueuedRequest[str]], broken_off: Callable[[], bool]) -> list[QueuedRequest[str]]:
        taken = waiting[: self._most]
        self.handfuls.append([asked.ready for asked in taken])
        while not self.go.wait(0.01):
            if broken_off():
                return waiting
        for asked in taken:
            if asked.ready == "worse":
                raise RuntimeError("the engine broke")
            resolve_answer(asked.answer, answer(asked.ready))
        return waiting[self._most :]


def gatherer(echo: Echo, enough: int = 4, pause: float = 0.05) -> RequestBatcher[str]:
    return RequestBatcher(echo.prepare, echo.work, enough=enough, pause=pause)


def test_what_comes_together_is_worked_on_together_and_everyone_gets_its_own_answer() -> None:
    echo = Echo()
    made = gatherer(echo, pause=5.0)
    futures = [made.put(request(name)) for name in "abcdefgh"]
    assert [text(future) for future in futures] == list("abcdefgh")
    assert echo.handfuls == [list("abcd"), list("efgh")]  # four are enough: nobody waits for the pause
    made.close()


def test_a_lonely_request_waits_for_the_pause_alone() -> None:
    echo = Echo()
    made = gatherer(echo)
    assert text(made.put(request("a"))) == "a"
    assert text(made.put(request("b"))) == "b"
    assert echo.handfuls == [["a"], ["b"]]
    made.close()


def test_what_was_left_over_comes_first_the_next_time() -> None:
    echo = Echo(most=2)
    made = gatherer(echo, pause=5.0)
    futures = [made.put(request(name)) for name in "abcd"]
    assert [text(future) for future in futures[:2]] == ["a", "b"]
    futures += [made.put(request(name)) for name in "ef"]
    assert [text(future) for future in futures[2:4]] == ["c", "d"]
    assert echo.handfuls[:2] == [["a", "b"], ["c", "d"]]
    made.close()  # e and f may still wait for two more
    assert all(future.done() for future in futures)


def test_what_cannot_be_prepared_hurts_nobody_else() -> None:
    made = gatherer(Echo())
    bad, good = made.put(request("bad")), made.put(request("good"))
    with pytest.raises(ValueError, match="cannot be cut"):
        bad.result(PATIENCE)
    assert text(good) == "good"
    made.close()


def test_a_fault_of_the_work_reaches_all_that_wait_and_not_those_who_come_later() -> None:
    echo = Echo()
    made = gatherer(echo, enough=2, pause=5.0)
    first, second = made.put(request("fine")), made.put(request("worse"))
    assert text(first) == "fine"  # settled before the fault
    with pytest.raises(RuntimeError, match="the engine broke"):
        second.result(PATIENCE)
    later = [made.put(request(name)) for name in "ab"]
    assert [text(future) for future in later] == ["a", "b"]
    made.close()


def test_whoever_gave_up_is_left_out() -> None:
    echo = Echo(most=1)
    echo.go.clear()
    made = gatherer(echo, enough=3, pause=0.2)
    first, second, third = (made.put(request(name)) for name in "abc")
    assert second.cancel()
    echo.go.set()
    assert (text(first), text(third)) == ("a", "c")
    assert ["b"] not in echo.handfuls
    made.close()


def test_closing_breaks_off_and_leaves_nobody_waiting() -> None:
    echo = Echo()
    echo.go.clear()
    made = gatherer(echo, enough=1)
    futures = [made.put(request(name)) for name in "abc"]
    made.close(PATIENCE)
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(PATIENCE)


def test_one_that_was_never_asked_closes_at_once() -> None:
    gatherer(Echo()).close()
