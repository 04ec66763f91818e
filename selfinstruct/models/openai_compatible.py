"""`openai:NAME`: any OpenAI-compatible endpoint, completions or chat, by the `openai` package on aiohttp."""

import asyncio
import importlib
import json
import os
import time
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from selfinstruct.errors import BadInput
from selfinstruct.models.api_key import Key, shown_address
from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.endpoint import OPENAI, Endpoint, endpoint
from selfinstruct.models.openai_answer import error_of, read_answer, whole
from selfinstruct.models.policy import retry_after
from selfinstruct.models.usable import BYTES_PER_TOKEN
from selfinstruct.records import Json, Request
from selfinstruct.stage import Traits
from selfinstruct.text import shown

Api = Literal["auto", "completions", "chat"]

_NO_KEY = "not-needed"  # the SDK insists on a key; servers without one do not look at it
_MOST_CONNECTIONS = 4096
_CONNECT_SECONDS = 30.0
_ROOM = 2**20  # bytes of an answer beside what its tokens take: its envelope, and thinking that nobody asked for
_MOST_BYTES: ContextVar[int] = ContextVar("most bytes of the answer to this request", default=_ROOM)


@dataclass(kw_only=True)
class OpenAICompatible:
    """One model of one endpoint.

    `auto` sends text to /completions and messages to /chat/completions; OpenAI's own endpoint has only chat for
    nearly all of its models, so there `auto` means `chat`.
    """

    model: str
    api_key: str = field(default="", repr=False)
    url: str = OPENAI
    api: Api = "auto"
    allow_http: bool = False
    in_flight: int = 16
    structured: bool = True
    """Whether the endpoint can hold an answer to a JSON schema."""
    stall: float = 60.0
    """Seconds between two reads once an answer has begun."""
    timeout: float = 600.0
    """Seconds until an answer begins; the whole of it is bounded by `Policy.timeout`."""
    max_bytes: int = 16 * 2**20
    """For one answer, whatever its request asked for."""
    endpoint: Endpoint = field(init=False)
    _key: Key = field(init=False, repr=False)
    _client: Any = field(init=False, default=None, repr=False)  # an AsyncOpenAI, made on the event loop
    _response: Any = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        """Check address and key before anything is sent."""
        self.endpoint = endpoint(self.url, allow_http=self.allow_http)
        if not self.model:
            raise BadInput("a model's name is missing", place="openai:", fix="write openai:NAME")
        if self.endpoint.hosted_openai and not self.api_key:
            fix = "set it, or set OPENAI_BASE_URL to another endpoint"
            raise BadInput("OPENAI_API_KEY is not set", place=f"openai:{self.model}", fix=fix)
        if not self.api_key.isascii() or not self.api_key.isprintable():
            raise BadInput("holds characters that no key has", place="OPENAI_API_KEY", fix="copy it again")
        self._key = Key(self.api_key)

    @classmethod
    def from_environment(cls, model: str) -> "OpenAICompatible":
        """With OPENAI_BASE_URL and OPENAI_API_KEY, and SELFINSTRUCT_OPENAI_API and SELFINSTRUCT_ALLOW_HTTP if set."""
        api = os.environ.get("SELFINSTRUCT_OPENAI_API", "auto")
        if api not in {"auto", "completions", "chat"}:
            raise BadInput("expected auto, completions or chat", place="SELFINSTRUCT_OPENAI_API", fix="unset it")
        return cls(
            model=model,
            api_key=os.environ.get("OPENAI_API_KEY", "").strip(),
            url=os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI,
            api=api,  # type: ignore[arg-type]  # checked above
            allow_http=os.environ.get("SELFINSTRUCT_ALLOW_HTTP", "") == "1",
        )

    @property
    def name(self) -> str:
        """As written in a recipe."""
        return f"openai:{self.model}"

    @property
    def base_url(self) -> str:
        """Without credentials, also those that stand in its path."""
        return shown_address(self.endpoint.url, self._key)

    @property
    def traits(self) -> Traits:
        """Completion where the endpoint has it."""
        only_chat = self.api == "chat" or (self.api == "auto" and self.endpoint.hosted_openai)
        return Traits(completion=not only_chat, chat=self.api != "completions", structured=self.structured)

    @property
    def notice(self) -> str:
        """Where the requests go."""
        return f"{self.name} at {self.base_url}"

    async def answer(self, request: Request) -> Answer:
        """One answer, or CallError; the key is masked in errors, and an answer that repeats a real one is none."""
        path, body = self.message(request)
        _MOST_BYTES.set(min(self.max_bytes, _ROOM + BYTES_PER_TOKEN * request.n * request.most_tokens))
        status, headers, content = await self._post(path, body)
        safe = self._key.masked(content) if self._key.real else content  # a placeholder may be any word of JSON
        if status != 200:
            raise self._key.kept_out(error_of(status, safe, retry_after(headers, time.time())))
        try:
            return self._key.checked(read_answer(content, request))
        except CallError as fault:
            told = fault if fault.kind == "answer_contains_key" else _fault_of(safe, request, fault)
            raise self._key.kept_out(told) from None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def message(self, request: Request) -> tuple[str, dict[str, Json]]:
        """The path and the body of a request."""
        text = isinstance(request.prompt, str)
        if (text and not self.traits.completion) or (not text and not self.traits.chat):
            wanted, has = ("raw text", "chat") if text else ("messages", "raw text")
            raise CallError("bad_request", f"{self.name} takes {has} only, not {wanted}", retry="never")
        body: dict[str, Json] = {"model": self.model, "temperature": request.temperature, "top_p": request.top_p}
        most = "max_completion_tokens" if self.endpoint.hosted_openai and not text else "max_tokens"
        body[most] = request.most_tokens
        optional: dict[str, Json] = {
            "n": request.n if request.n != 1 else None,
            "stop": [whole(stop) for stop in request.stop] or None,
            "presence_penalty": request.presence_penalty or None,
            "frequency_penalty": request.frequency_penalty or None,
            "seed": request.seed,
            "response_format": _response_format(request.json_schema) if request.json_schema else None,
        }
        body |= {key: value for key, value in optional.items() if value is not None}
        if isinstance(request.prompt, str):
            return "/completions", body | {"prompt": whole(request.prompt)}
        turns: list[Json] = [{"role": turn.role, "content": whole(turn.content)} for turn in request.prompt]
        return "/chat/completions", body | {"messages": turns}

    async def _post(self, path: str, body: dict[str, Json]) -> tuple[int, dict[str, str], bytes]:
        import openai

        if self._client is None:
            self._client, self._response = self._connected()
        try:
            response = await self._client.post(path, body=body, cast_to=self._response)
        except openai.APIStatusError as fault:
            return fault.status_code, dict(fault.response.headers), fault.response.content
        except (asyncio.CancelledError, CallError):
            raise
        except Exception as fault:  # noqa: BLE001 - the SDK and its transport let many kinds through
            raise self._connection_error(fault) from None  # the chain holds the request and its headers
        return response.status_code, {}, response.content

    def _connected(self) -> tuple[Any, Any]:
        import openai

        kinds = openai.DefaultAioHttpClient.__mro__
        home = next(kind.__module__ for kind in kinds if kind.__name__ == "AsyncClient")
        http = importlib.import_module(home.partition(".")[0])  # httpx2, or httpx before openai 3
        client = openai.AsyncOpenAI(
            api_key=self.api_key or _NO_KEY,
            base_url=self.endpoint.url,
            max_retries=0,
            timeout=openai.Timeout(self.timeout, connect=_CONNECT_SECONDS),
            # Compression would let a small body unpack into an endless one.
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAioHttpClient(
                follow_redirects=False,
                trust_env=not self.endpoint.loopback,  # no proxy reaches this machine's own ports
                limits=http.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS),
                event_hooks={"response": [self._bound]},
            ),
        )
        return client, http.Response

    async def _bound(self, response: Any) -> None:  # noqa: ANN401 - httpx2.Response, or httpx.Response before openai 3
        packed = response.headers.get("content-encoding", "identity")
        if packed != "identity":
            await response.aclose()
            what = f"compressed ({shown(packed, 20)}) although that was not asked for"
            raise CallError("bad_answer", what, retry="later")
        length, most = response.headers.get("content-length", ""), _MOST_BYTES.get()
        if length.isdecimal() and int(length[:20]) > most:
            await response.aclose()
            raise _too_large(most, f"{int(length[:20])} bytes")
        kind = _bounded(type(response.stream))  # type: ignore[arg-type]  # a class is hashable, mypy has its doubts
        response.stream = kind(response.stream, most, self.stall)

    def _connection_error(self, fault: BaseException) -> CallError:
        chain: list[BaseException] = []
        link: BaseException | None = fault
        while link is not None and link not in chain:
            if isinstance(link, CallError):
                return link
            chain.append(link)
            link = link.__cause__ or link.__context__
        kinds = [type(link).__name__ for link in chain]
        detail = shown(self._key.masked_text(str(chain[-1])), 200)
        told = f"{self.base_url}: {detail or kinds[-1]}"
        if any(name.startswith(("ClientConnector", "ConnectionRefused", "gaierror")) for name in kinds):
            message = f"cannot connect to {told}; is it running, and is OPENAI_BASE_URL right?"
            return CallError("no_connection", message, retry="later", billed=False)
        if any("Timeout" in name for name in kinds) and not any("Disconnected" in name for name in kinds):
            return CallError("timeout", f"too slow: {told}", retry="later")
        return CallError("connection_lost", f"the connection broke: {told}", retry="later")


class _Bounded:
    """A body that ends with CallError when it is too large or stalls."""

    def __init__(self, stream: Any, most: int, stall: float) -> None:  # noqa: ANN401 - a private class of httpx
        self._stream, self._most, self._stall = stream, most, stall

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        parts = aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout(self._stall):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                message = f"the answer stalled for {self._stall:g} seconds"
                raise CallError("timeout", message, retry="later") from None
            size += len(part)
            if size > self._most:
                raise _too_large(self._most, f"more than {self._most} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


@cache
def _bounded(stream: Any) -> Any:  # noqa: ANN401 - as above
    """The same kind of stream: httpx checks its class, which differs between openai 2 and 3."""
    kind = next(base for base in stream.__mro__ if base.__name__ == "AsyncByteStream")
    return type("Bounded", (_Bounded, kind), {})


def _fault_of(content: bytes, request: Request, otherwise: CallError) -> CallError:
    """What is wrong with an answer, told anew: a beginning that is quoted may end within a key."""
    try:
        read_answer(content, request)
    except CallError as fault:
        return fault
    return otherwise


def _too_large(most: int, size: str) -> CallError:
    what = f"an answer of {size} was broken off: its request has room for {most}"
    return CallError("too_large", what, retry="never", billed=True)


def _response_format(schema: str) -> Json:
    wanted = {"name": "answer", "schema": json.loads(schema), "strict": True}
    return {"type": "json_schema", "json_schema": wanted}
