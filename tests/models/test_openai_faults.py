"""`openai:NAME` against servers that are slow, endless or broken: bounded in time and bytes, nothing lost."""

import asyncio
import json
import socket
import time

import pytest

from selfinstruct.models.backend import AnswersInMemory
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.records import Completion, Failure, Request
from tests.models.loopback import CHAT, bytes_once, chat, raw, refused, with_status_200


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


@pytest.mark.parametrize(("n", "tokens"), [(1, 16), (4, 1000)])
def test_an_answer_is_bounded_by_what_its_request_asked_for(n: int, tokens: int) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            sent += 0x10000
            await writer.drain()

    with raw(endless) as server:
        request = Request(prompt=CHAT.prompt, max_tokens=tokens, n=n)
        fault = refused(OpenAICompatible(model="m", url=server.url), request)
    assert (fault.kind, fault.retry, fault.billed) == ("too_large", "never", True)
    assert str(2**20 + 64 * n * tokens) in fault.message
    assert sent < 2**20 + 64 * n * tokens + 8 * 2**20  # and what the sockets hold


def test_a_length_announced_beyond_the_bound_is_not_read_and_named() -> None:
    with raw(bytes_once(b"HTTP/1.1 200 OK\r\ncontent-length: 15000000\r\n\r\n", hold=30.0)) as server:
        fault = refused(OpenAICompatible(model="m", url=server.url))
    assert fault.kind == "too_large"
    assert "15000000 bytes" in fault.message


def test_an_endless_error_is_broken_off_too() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oh\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()

    with raw(endless) as server:
        assert refused(OpenAICompatible(model="m", url=server.url, max_bytes=2**20)).kind == "too_large"


def test_a_body_announced_as_huge_is_not_read() -> None:
    with raw(bytes_once(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n", hold=30.0)) as server:
        before = time.monotonic()
        assert refused(OpenAICompatible(model="m", url=server.url)).kind == "too_large"
        assert time.monotonic() - before < 15.0  # far below what the server would take


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"]
)
def test_a_stall_anywhere_ends_in_time(start: bytes) -> None:
    with raw(bytes_once(start, hold=30.0)) as server:
        backend = OpenAICompatible(model="m", url=server.url, stall=0.2, timeout=0.3)
        before = time.monotonic()
        fault = refused(backend)
        assert time.monotonic() - before < 15.0  # far below what the server would take
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
        with Gate(backend, AnswersInMemory(), Policy(timeout=0.3, attempts=1)) as gate:
            (failure,) = gate.scoped("s").complete([CHAT])
        assert time.monotonic() - before < 15.0  # far below what the server would take
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
        with Gate(OpenAICompatible(model="m", url=server.url), AnswersInMemory(), Policy(longest_wait=0.01)) as gate:
            answers = list(gate.scoped("s").complete([CHAT] * 60))
        assert all(isinstance(answer, Completion) for answer in answers)
        assert 60 < server.asked <= 60 * 1.35
