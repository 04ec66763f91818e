"""`openai:NAME`: any OpenAI-compatible endpoint, completions or chat, by the `openai` package on aiohttp."""

import asyncio
import importlib
import os
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import BYTES_PER_TOKEN, Answer, CallError
from selfinstruct.models.endpoint import OPENAI, Endpoint, Key, endpoint, shown_address
from selfinstruct.models.endpoint_capabilities import CHAT, COMPLETIONS, Capabilities, RequestStyle, Stated, path_of
from selfinstruct.models.limits import retry_after
from selfinstruct.models.openai_answer import (
    NO_KEY_ADVICE,
    bounded,
    error_of,
    is_stream,
    joined,
    read_answer,
    too_large,
)
from selfinstruct.models.openai_request import HttpReply, RequestAdapter, body_of, cut_at_stops, sent_as
from selfinstruct.records import Json, Request, Usage
from selfinstruct.stage import Traits
from selfinstruct.text import shown

Api = Literal["auto", "completions", "chat"]

_NO_KEY = "not-needed"  # the SDK insists on a key; servers without one do not look at it
_MOST_CONNECTIONS = 4096
_CONNECT_SECONDS = 30.0
_ROOM = 2**20  # bytes of an answer beside what its tokens take: its envelope, and thinking that nobody asked for
_STREAMED = 8  # times as many bytes where each token comes in an envelope of its own
_MOST_BYTES: ContextVar[int] = ContextVar("most bytes of the answer to this request", default=_ROOM)


@dataclass(kw_only=True)
class OpenAICompatible:
    """One model of one endpoint.

    What the endpoint can do is taken as in `Capabilities` until it was asked (`models.learning`) or refuses something:
    then it is asked in another way, and the way is kept. Text goes to /completions, messages to /chat/completions.
    """

    model: str
    api_key: str = field(default="", repr=False)
    url: str = OPENAI
    api: Api = "auto"
    """`completions` or `chat`: it has nothing else."""
    allow_http: bool = False
    in_flight: int = 16
    structured: bool = True
    """Whether the endpoint can hold an answer to a JSON schema."""
    stated: Stated = field(default_factory=Stated)
    """What the recipe says that it can do."""
    kind: str = "openai"
    """The word before the colon of its name."""
    label: str = ""
    """Tells it from another endpoint with a model of the same name."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What of the headers is as secret as the key."""
    key_name: str = "OPENAI_API_KEY"
    """Where the key comes from, for messages."""
    key_advice: str = ""
    """How to give it one where it has none; empty: by setting `key_name`."""
    url_name: str = "OPENAI_BASE_URL"
    """Where the address comes from, for messages."""
    planned: bool = False
    """Made for a plan: nothing is sent, so it may lack what it needs."""
    lacking: tuple[str, ...] = ()
    """Environment variables that it needs and that are not set; only where it is planned."""
    stall: float = 60.0
    """Seconds between two reads once an answer has begun."""
    timeout: float = 600.0
    """Seconds until an answer begins; the whole of it is bounded by `Policy.timeout`."""
    max_bytes: int = 16 * 2**20
    """For one answer, whatever its request asked for."""
    endpoint: Endpoint = field(init=False)
    asking: RequestAdapter = field(init=False, repr=False)
    _keys: tuple[Key, ...] = field(init=False, repr=False)
    _client: Any = field(init=False, default=None, repr=False)  # an AsyncOpenAI, made on the event loop
    _response: Any = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        """Check address and key before anything is sent."""
        self.endpoint = endpoint(self.url, allow_http=self.allow_http, place=self.url_name)
        if not self.model:
            raise BadInput("a model's name is missing", place=f"{self.kind}:", fix=f"write {self.kind}:NAME")
        if self.endpoint.hosted_openai and not self.api_key and self.planned:
            self.lacking = tuple(dict.fromkeys((self.key_name, *self.lacking)))
        elif self.endpoint.hosted_openai and not self.api_key:
            fix = f"set it, or set {self.url_name} to another endpoint"
            raise BadInput(f"{self.key_name} is not set", place=self.name, fix=fix)
        if not self.api_key.isascii() or not self.api_key.isprintable():
            raise BadInput("holds characters that no key has", place=self.key_name, fix="copy it again")
        self._keys = tuple(map(Key, (self.api_key, *self.secrets)))
        if self.api != "auto":
            self.stated = replace(self.stated, completions=self.api == "completions", chat=self.api == "chat")
        if not self.structured and self.stated.schema is None:
            self.stated = replace(self.stated, schema=False)
        self.asking = RequestAdapter(self.model, self.stated.over(self._known()), self._replied, self.name)

    def _known(self) -> Capabilities:
        """What needs no asking: OpenAI's own endpoint has only chat for nearly all of its models."""
        if not self.endpoint.hosted_openai:
            return Capabilities()
        return Capabilities(completions=False, turns=RequestStyle(left_out=("max_tokens",)))

    @classmethod
    def from_environment(cls, model: str, *, planned: bool = False) -> "OpenAICompatible":
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
            planned=planned,
        )

    @property
    def name(self) -> str:
        """As written in a recipe."""
        return f"{self.kind}:{self.model}" + (f" ({self.label})" if self.label else "")

    @property
    def base_url(self) -> str:
        """Without credentials, also those that stand in its path."""
        shown_path = self.endpoint.path_url
        for key in self._keys:
            shown_path = shown_address(shown_path, key)
        return shown_path + self.endpoint.url.removeprefix(self.endpoint.path_url)

    @property
    def capabilities(self) -> Capabilities:
        """What is known of the endpoint by now."""
        return self.asking.capabilities

    @property
    def traits(self) -> Traits:
        """Completion where the endpoint has it."""
        return traits_of(self.capabilities)

    @property
    def notice(self) -> str:
        """A line that says where requests go."""
        return f"{self.name} at {self.base_url}"

    def times(self, request: Request) -> int:
        """As in `Splitting`: once for each choice, until the endpoint has shown that it gives several at a time."""
        return request.n if request.n > 1 and not self.asking.gives_several(path_of(request)) else 1

    async def answer(self, request: Request) -> Answer:
        """One answer, or CallError; the key is masked wherever the endpoint repeats it."""
        path = path_of(request)
        self._check(path)
        answers: list[Answer] = []
        bodies: list[Mapping[str, Json]] = []
        missing = request.n
        while missing > 0:
            try:
                reply = await self.asking.ask(replace(request, n=missing) if answers else request)
            except CallError as fault:
                if answers:  # the choices that came before were paid for
                    fault.billed, fault.usage = True, None
                raise self._own_words(fault) from None
            answers.append(reply.answer)
            bodies.append(reply.body)
            missing -= len(reply.answer.choices)
        answer = _together(answers, request)
        if request.stop and "stop" in self.capabilities.way(path).left_out:
            answer = replace(answer, choices=cut_at_stops(answer.choices, request.stop))
        return replace(answer, sent=sent_as(request, bodies))

    def message(self, request: Request) -> tuple[str, dict[str, Json]]:
        """The path and the body of a request, as far as is known what the endpoint takes."""
        path = path_of(request)
        self._check(path)
        return path, body_of(request, self.model, self.capabilities.way(path))

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    def _check(self, path: str) -> None:
        known = self.capabilities
        if (path == COMPLETIONS and not known.completions) or (path == CHAT and not known.chat):
            wanted, has = ("raw text", "chat") if path == COMPLETIONS else ("messages", "raw text")
            raise CallError("bad_request", f"{self.name} takes {has} only, not {wanted}", retry="never")

    async def _replied(self, path: str, body: Mapping[str, Json], request: Request) -> HttpReply:
        """One request sent; what came back, read or not, and without the key where people will read it."""
        several = body.get("n", 1)
        part = replace(request, n=several if isinstance(several, int) else 1)
        _MOST_BYTES.set(min(self.max_bytes, _ROOM + BYTES_PER_TOKEN * part.n * part.most_tokens))
        status, headers, content = await self._post(path, dict(body))
        safe = content
        for key in self._keys:
            safe = key.masked(safe) if key.real else safe  # a placeholder may be any word of JSON
        if status != 200:
            fault = error_of(status, safe, retry_after(headers, time.time()), keyed=bool(self.api_key or self.secrets))
            return HttpReply(status, content, body, self._kept_out(fault))
        streamed = is_stream(content)
        try:
            answer = read_answer(joined(content) if streamed else content, part)
            for key in self._keys:
                answer = key.checked(answer)
            return HttpReply(status, content, body, answer, streamed)
        except CallError as fault:
            raised = fault if fault.kind == "answer_contains_key" or streamed else _fault_of(safe, part, fault)
            return HttpReply(status, content, body, self._kept_out(raised), streamed)

    def _kept_out(self, fault: CallError) -> CallError:
        for key in self._keys:
            fault = key.kept_out(fault)
        return fault

    def _own_words(self, fault: CallError) -> CallError:
        """The same, naming what this endpoint's key and address really come from."""
        message = fault.message.replace(NO_KEY_ADVICE, self.key_advice or f"set {self.key_name}")
        message = message.replace("OPENAI_API_KEY", self.key_name).replace("OPENAI_BASE_URL", self.url_name)
        if fault.kind in {"not_found", "bad_answer"} and not self.endpoint.versioned:
            message += f"; most endpoints have their version in the address: is it {self.base_url}/v1?"
        fault.message = message
        fault.args = (message,)
        return fault

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
            base_url=self.endpoint.path_url,
            default_query=dict(self.endpoint.query),
            max_retries=0,
            timeout=openai.Timeout(self.timeout, connect=_CONNECT_SECONDS),
            # Compression would let a small body unpack into an endless one.
            default_headers={"Accept-Encoding": "identity", **self._own_headers(openai.Omit())},
            http_client=openai.DefaultAioHttpClient(
                follow_redirects=False,
                trust_env=not self.endpoint.loopback,  # no proxy reaches this machine's own ports
                limits=http.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS),
                event_hooks={"response": [self._bound]},
            ),
        )
        return client, http.Response

    def _own_headers(self, omitted: Any) -> dict[str, Any]:  # noqa: ANN401 - the SDK's mark for a header not to send
        """Those of the recipe; and Azure's own name for the key."""
        if not self.endpoint.query or not self.api_key:
            return dict(self.headers)
        azure = {"api-key": self.api_key, **({"Authorization": omitted} if self.endpoint.azure else {})}
        return {**azure, **self.headers}

    async def _bound(self, response: Any) -> None:  # noqa: ANN401 - httpx2.Response, or httpx.Response before openai 3
        packed = response.headers.get("content-encoding", "identity")
        if packed != "identity":
            await response.aclose()
            what = f"compressed ({shown(packed, 20)}) although that was not asked for"
            raise CallError("bad_answer", what, retry="later")
        length, most = response.headers.get("content-length", ""), _MOST_BYTES.get()
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            most = min(self.max_bytes, _STREAMED * most)
        if length.isdecimal() and int(length[:20]) > most:
            await response.aclose()
            raise too_large(most, f"{int(length[:20])} bytes")
        kind = bounded(type(response.stream))  # type: ignore[arg-type]  # a class is hashable, mypy has its doubts
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
        detail = str(chain[-1])
        for key in self._keys:
            detail = key.masked_text(detail)
        detail = shown(detail, 200)
        reason = f"{self.base_url}: {detail or kinds[-1]}"
        if any(name.startswith(("ClientConnector", "ConnectionRefused", "gaierror")) for name in kinds):
            message = f"cannot connect to {reason}; is it running, and is OPENAI_BASE_URL right?"
            return CallError("no_connection", message, retry="later", billed=False)
        if any("Timeout" in name for name in kinds) and not any("Disconnected" in name for name in kinds):
            return CallError("timeout", f"too slow: {reason}", retry="later")
        return CallError("connection_lost", f"the connection broke: {reason}", retry="later")


def traits_of(known: Capabilities) -> Traits:
    """What a stage may ask of an endpoint: several choices always, for they are asked for one by one if need be."""
    return Traits(completion=known.completions, chat=known.chat, structured=known.chat and known.schema)


def _fault_of(content: bytes, request: Request, otherwise: CallError) -> CallError:
    """What is wrong with an answer, told anew: a beginning that is quoted may end within a key."""
    try:
        read_answer(content, request)
    except CallError as fault:
        return fault
    return otherwise


def _together(answers: Sequence[Answer], request: Request) -> Answer:
    """One answer with all choices; whole answers to parts of one request are added up."""
    if len(answers) == 1:
        return answers[0]
    usage = Usage(
        prompt_tokens=sum(answer.usage.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.usage.completion_tokens for answer in answers),
        estimated=any(answer.usage.estimated for answer in answers),
    )
    choices = tuple(choice for answer in answers for choice in answer.choices)[: request.n]
    return Answer(choices=choices, usage=usage, raw="\n".join(answer.raw for answer in answers))
