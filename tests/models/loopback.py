"""Loopback endpoints for the tests of `openai:`, and what they are asked."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.records import Message, Request

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
