"""`openai:NAME` against loopback servers: the real protocol, then every way in which an endpoint can misbehave."""

import asyncio
import json
import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as Received
from werkzeug import Response

from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.models.backend import Answer, CallError, Memory
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.policy import retry_after
from selfinstruct.records import Completion, Failure, Message, Request
from selfinstruct.store.journal import Journal

CANARY = "sk-canary-0123456789abcdef"
TEXT = Request(prompt="Name a river.", max_tokens=16, n=2, stop=("\n", "3."), presence_penalty=0.5, seed=7)
CHAT = Request(prompt=(Message("system", "Be brief."), Message("user", "Name a river.")), max_tokens=16)
USAGE = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}


def asked(backend: OpenAICompatible, request: Request = CHAT) -> Answer:
    async def run() -> Answer:
        try:
            return await backend.answer(request)
        finally:
            await backend.close()

    return asyncio.run(run())


def refused(backend: OpenAICompatible, request: Request = CHAT) -> CallError:
    with pytest.raises(CallError) as fault:
        asked(backend, request)
    return fault.value


def at(server: HTTPServer, **knobs: Any) -> OpenAICompatible:
    return OpenAICompatible(model="m", url=server.url_for("/v1"), **knobs)


def chat(*texts: str | None, **extra: object) -> dict[str, object]:
    choices = [
        {"index": index, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        for index, text in enumerate(texts)
    ]
    return {"id": "x", "object": "chat.completion", "choices": choices, "usage": USAGE, **extra}


@dataclass
class Raw:
    """A server that answers each connection with whatever bytes a test wants, as slowly as it wants."""

    play: Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]
    asked: int = 0
    port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            self.asked += 1
            await self.play(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self._loop.run_until_complete(serve())
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def raw(play: Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]) -> Iterator[Raw]:
    server, ready = Raw(play), threading.Event()
    thread = threading.Thread(target=server.run, args=(ready,), daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield server
    finally:
        server.stop()
        thread.join(5)


def bytes_once(content: bytes, *, hold: float = 0.0) -> Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        await asyncio.sleep(hold)

    return play


def with_status_200(body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


# the protocol


def test_text_goes_to_completions_with_every_knob(httpserver: HTTPServer) -> None:
    choices = [
        {"index": 1, "text": " The Tay", "finish_reason": "stop"},
        {"index": 0, "text": " The Po", "finish_reason": "length"},
    ]
    httpserver.expect_request("/v1/completions", method="POST").respond_with_json({"choices": choices, "usage": USAGE})
    answer = asked(at(httpserver), TEXT)
    assert [(choice.text, choice.finish_reason) for choice in answer.choices] == [
        (" The Po", "length"),
        (" The Tay", "stop"),
    ]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.estimated) == (5, 6, False)
    assert json.loads(answer.raw)["choices"] == choices
    sent = httpserver.log[0][0].get_json()
    assert sent == {
        "model": "m",
        "prompt": "Name a river.",
        "max_tokens": 16,
        "temperature": 1.0,
        "top_p": 1.0,
        "presence_penalty": 0.5,
        "stop": ["\n", "3."],
        "n": 2,
        "seed": 7,
    }


def test_messages_go_to_chat_and_a_schema_becomes_a_response_format(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_json(chat("The Tay."))
    schema = '{"type": "object"}'
    request = Request(prompt=CHAT.prompt, max_tokens=16, json_schema=schema)
    assert asked(at(httpserver, api_key=CANARY), request).choices[0].text == "The Tay."
    received = httpserver.log[0][0]
    assert received.headers["authorization"] == f"Bearer {CANARY}"
    sent = received.get_json()
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Name a river."},
    ]
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "n" not in sent


def test_openai_itself_takes_chat_only_and_counts_completion_tokens() -> None:
    hosted = OpenAICompatible(model="gpt-5", api_key=CANARY)
    assert (hosted.traits.completion, hosted.traits.chat) == (False, True)
    _, body = hosted.message(CHAT)
    assert body["max_completion_tokens"] == 16
    assert refused(hosted, TEXT).retry == "never"
    old = OpenAICompatible(model="davinci-002", api_key=CANARY, api="completions")
    assert (old.traits.completion, old.traits.chat) == (True, False)
    assert old.message(TEXT)[1]["max_tokens"] == 16
    with pytest.raises(BadInput, match="OPENAI_API_KEY is not set"):
        OpenAICompatible(model="gpt-5")


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1/")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    backend = OpenAICompatible.from_environment("llama")
    assert (backend.name, backend.base_url) == ("openai:llama", "http://localhost:11434/v1")
    assert backend.notice == "openai:llama at http://localhost:11434/v1"
    monkeypatch.setenv("SELFINSTRUCT_OPENAI_API", "talk")
    with pytest.raises(BadInput, match="SELFINSTRUCT_OPENAI_API"):
        OpenAICompatible.from_environment("llama")


def test_half_characters_in_a_prompt_do_not_stop_a_request(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/completions").respond_with_json(
        {"choices": [{"index": 0, "text": "x", "finish_reason": "stop"}], "usage": USAGE}
    )
    asked(at(httpserver), Request(prompt="a\ud83d b \x00", max_tokens=1))
    assert httpserver.log[0][0].get_json()["prompt"] == "a\ufffd b \x00"


# answers that are odd, and answers all the same


@pytest.mark.parametrize(
    ("body", "texts", "reasons"),
    [
        (chat(None), [""], ["empty"]),
        (chat(""), [""], ["stop"]),
        (
            {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": None, "refusal": "no"}}]},
            [""],
            ["refusal"],
        ),
        (
            {"choices": [{"index": 0, "finish_reason": "content_filter", "message": {"content": None}}]},
            [""],
            ["content_filter"],
        ),
        ({"choices": [{"index": 0, "finish_reason": "length", "message": {"content": "ha"}}]}, ["ha"], ["length"]),
        ({"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}, ["a", "b"], ["", ""]),
        (
            {"choices": [{"index": 0, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]},
            ["b", "a"],
            ["", ""],
        ),
        (chat("one", "two", "three"), ["one", "two", "three"], ["stop"] * 3),
    ],
)
def test_odd_answers_are_kept_and_bought_once(
    httpserver: HTTPServer, body: dict[str, object], texts: list[str], reasons: list[str]
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    with Gate(at(httpserver), Memory(), Policy(longest_wait=0.001)) as gate:
        (answer,) = gate.scoped("s").complete([CHAT])
    assert isinstance(answer, Completion)
    assert [choice.text for choice in answer.choices] == texts
    assert [choice.finish_reason for choice in answer.choices] == reasons
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5}, {"prompt_tokens": "5", "completion_tokens": -1}, 7])
def test_missing_usage_becomes_an_upper_bound_and_is_marked(httpserver: HTTPServer, usage: object) -> None:
    body = chat("The Tay.") | {"usage": usage}
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    told = asked(at(httpserver)).usage
    assert told.estimated
    assert told.prompt_tokens >= 5
    assert 0 < told.completion_tokens <= CHAT.max_tokens


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'"a\xff\xfeb"', "a\ufffd\ufffdb"),
        (b'"a\\ud83d b"', "a\ufffd b"),
        (b'"\\ud83c\\udf89"', "🎉"),
        (b'"a\\u0000b"', "a\x00b"),
        ('"\ufeffé"'.encode(), "\ufeffé"),
        (b'"' + b"x" * 5_000_000 + b'"', "x" * 5_000_000),
    ],
)
def test_broken_characters_are_repaired_and_the_rest_is_lossless(
    httpserver: HTTPServer, tmp_path: Path, content: bytes, text: str
) -> None:
    body = b"\xef\xbb\xbf" + b'{"choices": [{"index": 0, "message": {"content": ' + content + b"}}]}"
    httpserver.expect_request("/v1/chat/completions").respond_with_data(body, content_type="application/json")
    with Journal(tmp_path / "journal.sqlite") as journal, Gate(at(httpserver), journal) as gate:
        (answer,) = gate.scoped("s").complete([CHAT])
    assert isinstance(answer, Completion)
    assert answer.choices[0].text == text
    json.dumps(answer.as_json(), ensure_ascii=False).encode("utf-8")


# what is no answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<!doctype html><p>Sign in",
        b'{"choices": [{"index": 0, "message": {"conte',
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": 3}',
        b'{"choices": [null]}',
        b'{"choices": [{"index": 0, "message": {"content": 7}}]}',
        b'{"choices": [{"index": 0}]}',
        b'{"choices": [{"index": 0, "text": "a"}], "x": NaN}',
        b"[" * 100_000,
        b"9" * 5000,
        b'{"error": {"message": "overloaded", "code": 503}}',
    ],
)
def test_what_is_no_answer_is_tried_again_within_bounds_and_never_becomes_data(
    httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data(body)
    with Gate(at(httpserver), Memory(), Policy(longest_wait=0.001, attempts=3)) as gate:
        (failure,) = gate.scoped("s").complete([CHAT])
    assert isinstance(failure, Failure)
    assert failure.kind in {"bad_answer", "server_error"}
    assert len(httpserver.log) == 3


@pytest.mark.parametrize(
    ("status", "error", "kind", "retry"),
    [
        (400, {"message": "bad stop"}, "bad_request", "never"),
        (422, {"message": "bad stop"}, "bad_request", "never"),
        (400, {"message": "x", "code": "context_length_exceeded"}, "too_long", "never"),
        (400, {"message": "This model's maximum context length is 4097 tokens"}, "too_long", "never"),
        (400, {"message": "the request exceeds the available context size"}, "too_long", "never"),
        (413, {"message": "big"}, "too_long", "never"),
        (401, {"message": "who?"}, "refused", "stop"),
        (403, {"message": "who?"}, "refused", "stop"),
        (404, {"message": "no such model"}, "not_found", "stop"),
        (429, {"message": "x", "code": "insufficient_quota"}, "no_quota", "stop"),
        (402, {"message": "pay"}, "no_quota", "stop"),
        (429, {"message": "slow down"}, "rate_limited", "slower"),
        (408, {"message": "x"}, "server_error", "later"),
        (409, {"message": "x"}, "server_error", "later"),
        (500, {"message": "x"}, "server_error", "later"),
        (503, {"message": "x"}, "server_error", "later"),
        (529, {"message": "x"}, "server_error", "later"),
        (302, {"message": "x"}, "redirected", "stop"),
    ],
)
def test_statuses_are_classified(
    httpserver: HTTPServer, status: int, error: dict[str, str], kind: str, retry: str
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(
        {"error": error}, status=status, headers={"location": httpserver.url_for("/elsewhere")}
    )
    fault = refused(at(httpserver))
    assert (fault.kind, fault.retry) == (kind, retry)
    assert fault.billed == (retry == "later")
    assert [entry[0].path for entry in httpserver.log] == ["/v1/chat/completions"]


def test_an_error_that_is_no_json_is_still_told(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data("<h1>502 \x1b[31m</h1>", status=502)
    fault = refused(at(httpserver))
    assert fault.retry == "later"
    assert "502" in fault.message
    assert "\x1b" not in fault.message


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon, 99 Foo"}, None),
        ({"retry-after": "9" * 400}, None),
        ({}, None),
    ],
)
def test_retry_after_is_understood_in_every_form(headers: dict[str, str], after: float | None) -> None:
    assert retry_after(headers, 0.0) == after


def test_retry_after_arrives_with_the_error(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(
        {}, status=429, headers={"retry-after-ms": "70"}
    )
    assert refused(at(httpserver)).after == 0.07


# servers that are slow, endless or broken


def test_an_endless_body_is_broken_off_at_the_byte_limit() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            sent += 0x10000
            await writer.drain()

    with raw(endless) as server:
        fault = refused(OpenAICompatible(model="m", url=server.url, max_bytes=2**20))
    assert (fault.kind, fault.retry, fault.billed) == ("too_large", "never", True)
    assert sent < 64 * 2**20


def test_an_endless_error_is_broken_off_too() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()

    with raw(endless) as server:
        assert refused(OpenAICompatible(model="m", url=server.url, max_bytes=2**20)).kind == "too_large"


def test_a_body_announced_as_huge_is_not_read() -> None:
    with raw(bytes_once(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", hold=2.0)) as server:
        before = time.monotonic()
        assert refused(OpenAICompatible(model="m", url=server.url)).kind == "too_large"
        assert time.monotonic() - before < 1.5


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"]
)
def test_a_stall_anywhere_ends_in_time(start: bytes) -> None:
    with raw(bytes_once(start, hold=30.0)) as server:
        backend = OpenAICompatible(model="m", url=server.url, stall=0.2, timeout=0.3)
        before = time.monotonic()
        fault = refused(backend)
        assert time.monotonic() - before < 1.5
    assert (fault.kind, fault.retry, fault.billed) == ("timeout", "later", True)


def test_a_trickle_is_ended_by_the_limit_on_the_whole_answer() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    with raw(trickle) as server:
        backend = OpenAICompatible(model="m", url=server.url)
        before = time.monotonic()
        with Gate(backend, Memory(), Policy(timeout=0.3, attempts=1)) as gate:
            (failure,) = gate.scoped("s").complete([CHAT])
        assert time.monotonic() - before < 1.5
    assert isinstance(failure, Failure)
    assert failure.kind == "timeout"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_broken_http_is_a_fault_that_passes(content: bytes) -> None:
    with raw(bytes_once(content)) as server:
        fault = refused(OpenAICompatible(model="m", url=server.url))
    assert fault.retry == "later"
    assert fault.billed
    assert fault.kind in {"connection_lost", "bad_answer"}


def test_nobody_there_is_told_with_the_address_and_costs_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fault = refused(OpenAICompatible(model="m", url=f"http://127.0.0.1:{port}/v1"))
    assert (fault.kind, fault.retry, fault.billed) == ("no_connection", "later", False)
    assert f"127.0.0.1:{port}" in fault.message
    assert "OPENAI_BASE_URL" in fault.message


def test_faults_in_between_lose_nothing() -> None:
    turn = 0
    good = with_status_200(json.dumps(chat("fine")).encode(), "connection: close\r\n")
    bad = [b"", b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", with_status_200(b"<html>"), good[:-20]]

    async def play(writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        turn += 1
        writer.write(bad[turn // 5 % 4] if turn % 5 == 0 else good)
        await writer.drain()

    with raw(play) as server:
        with Gate(OpenAICompatible(model="m", url=server.url), Memory(), Policy(longest_wait=0.01)) as gate:
            answers = list(gate.scoped("s").complete([CHAT] * 60))
        assert all(isinstance(answer, Completion) for answer in answers)
        assert 60 < server.asked <= 60 * 1.35


# the key and the address


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v1",
        "https://169.254.169.254/v1",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://2852039166/v1",
        "http://0xa9fea9fe/v1",
        "http://metadata.google.internal/v1",
        "https://100.100.100.200/v1",
        "http://example.com/v1",
        "http://10.0.0.1/v1",
        "file:///etc/passwd",
        "ftp://example.com",
        "example.com/v1",
        "https://user:secret@example.com/v1",
        "https://example.com/v1?key=1",
        "https://example.com:99999/v1",
        "https://[::1/v1",
        "",
    ],
)
def test_addresses_that_must_not_be_used_are_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadInput) as fault:
        OpenAICompatible(model="m", url=url, api_key=CANARY)
    assert "secret" not in str(fault.value)
    assert fault.value.fix


def test_plain_http_is_for_this_machine_unless_allowed() -> None:
    for url in ("http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:8000/v1", "https://example.com/v1"):
        assert OpenAICompatible(model="m", url=url).base_url == url
    assert OpenAICompatible(model="m", url="http://10.0.0.1/v1", allow_http=True).base_url == "http://10.0.0.1/v1"


def test_the_key_is_never_shown_whatever_the_endpoint_repeats(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def mirror(received: Received) -> Response:
        told = received.headers["authorization"]
        status = {0: 200, 1: 400, 2: 500, 3: 429, 4: 401}[len(httpserver.log) % 5]
        return Response(json.dumps(chat(told, error=None) if status == 200 else {"error": {"message": told}}), status)

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(mirror)
    caplog.set_level(logging.DEBUG)
    shown = []
    backend = at(httpserver, api_key=CANARY)
    policy = Policy(longest_wait=0.01, in_flight=1)
    with Journal(tmp_path / "journal.sqlite") as journal, Gate(backend, journal, policy) as gate:
        try:
            shown += [repr(answer) for answer in gate.scoped("s").complete([CHAT] * 20)]
        except ProviderDown:
            shown.append(traceback.format_exc())
    for _ in range(5):
        try:
            shown.append(repr(asked(backend)))
        except CallError as fault:
            shown += [repr(fault), traceback.format_exc()]
    with raw(bytes_once(b"")) as server:
        shown.append(
            "".join(traceback.format_exception(refused(OpenAICompatible(model="m", url=server.url, api_key=CANARY))))
        )
    shown += [repr(backend), str(backend), backend.notice, backend.base_url, caplog.text]
    everything = "\n".join(shown).encode() + b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert httpserver.log[0][0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY.encode() not in everything
    assert b"***" in everything
    assert caplog.text


def test_a_second_ask_costs_nothing_and_reaches_nobody(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(chat("The Tay."))
    with Journal(tmp_path / "journal.sqlite") as journal:
        for _ in range(2):
            with Gate(at(httpserver), journal) as gate:
                (answer,) = gate.scoped("s").complete([CHAT])
                assert isinstance(answer, Completion)
                assert answer.choices[0].text == "The Tay."
    assert len(httpserver.log) == 1
