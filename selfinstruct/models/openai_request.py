"""Asks an OpenAI-compatible endpoint with the parameters it takes: a refused one is left out, never sent again."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.endpoint_capabilities import CHAT, COMPLETIONS, LIMITS, Capabilities, RequestStyle, path_of
from selfinstruct.models.openai_answer import whole
from selfinstruct.models.refused_parameters import SUSPECTS, adapted
from selfinstruct.records import Choice, Json, Message, Request

_MOST_CHANGES = 24  # of one request: each leaves something out, so fewer always do
_WITHOUT_REASON = frozenset({400, 415, 422, 501})
_BY_SCHEMA = "Answer with JSON alone, nothing before or after it, that follows this JSON schema:"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back for one body."""

    status: int
    content: bytes
    body: Mapping[str, Json]
    outcome: Answer | CallError
    streamed: bool = False

    @property
    def answer(self) -> Answer:
        """What was answered; only of a reply that is no fault."""
        assert isinstance(self.outcome, Answer)
        return self.outcome


@dataclass(eq=False, slots=True)
class _Path:
    """What is known of one path by what it answered."""

    proven: set[str] = field(default_factory=set)
    """What it has taken, as `refusable_parameters` names it."""
    vain: set[frozenset[str]] = field(default_factory=set)
    """Sets of parameters of which none was to blame for a refusal without a reason."""
    doubted: list[str] = field(default_factory=list)
    """Left out after a refusal without a reason, together: each is sent once more, alone."""
    pilot: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one request that tries something new; the others wait to see how it goes."""


class RequestAdapter:
    """How one model is asked, and what was learned of it by refusals; lives on the event loop."""

    def __init__(
        self,
        model: str,
        capabilities: Capabilities,
        send: Callable[[str, Mapping[str, Json], Request], Awaitable[HttpReply]],
        name: str,
    ) -> None:
        """`send` takes path, body and request; it does not raise what an endpoint says."""
        self.model, self.capabilities, self._send, self._name = model, capabilities, send, name
        self._paths = {COMPLETIONS: _Path(), CHAT: _Path()}
        self.allowance: int | None = None
        """How many requests may still be sent while the endpoint's shape is being learned; None: any number."""
        self.must_limit = False
        """There is a cap, so an answer without a limit on its tokens cannot be asked for."""
        self.notice: Callable[[str], None] = lambda _line: None
        """Hears, once, of everything that is from now on done in another way."""
        self.changed: Callable[[], None] = lambda: None
        """Called after `capabilities` or `taken` changed."""

    @property
    def taken(self) -> dict[str, list[str]]:
        """What each path was seen to take, to be known again."""
        return {path: sorted(known.proven) for path, known in self._paths.items() if known.proven}

    def recall(self, capabilities: Capabilities, taken: Mapping[str, Iterable[str]]) -> None:
        """What was learned of the endpoint before."""
        self.capabilities = capabilities
        for path, known in self._paths.items():
            known.proven |= {*taken.get(path, ())}

    def gives_several(self, path: str) -> bool:
        """Whether the endpoint has shown that it takes `n`."""
        return "n" in self._paths[path].proven and "n" not in self.capabilities.way(path).left_out

    async def ask(self, request: Request) -> HttpReply:
        """A reply with an answer, which may hold fewer choices than were asked for; else CallError."""
        path = path_of(request)
        known = self._paths[path]
        for _ in range(_MOST_CHANGES):
            way = self.capabilities.way(path)
            if self._new(path, request, way):
                async with known.pilot:
                    reply = await self._piloted(path, request)
            else:
                reply = await self._sent(path, body_of(request, self.model, way), request)
                if isinstance(reply.outcome, CallError):
                    async with known.pilot:
                        reply = await self._in_another_way(path, way, reply, request)
            if reply is not None:
                self._learn(path, reply)
                return reply
        raise CallError("bad_request", f"{self._name} refuses one thing after the other", retry="never")

    def _new(self, path: str, request: Request, way: RequestStyle) -> bool:
        """Something in it was not tried yet."""
        known = self._paths[path]
        tries = refusable_parameters(body_of(request, self.model, way))
        return not tries <= known.proven or self._doubtful(path, request, way) is not None

    def _doubtful(self, path: str, request: Request, way: RequestStyle) -> str | None:
        """What was left out without proof, and is wanted here."""
        if self.allowance is not None:
            return None
        known = self._paths[path]
        return next((name for name in known.doubted if name in body_of(request, self.model, _with(way, name))), None)

    async def _piloted(self, path: str, request: Request) -> HttpReply | None:
        """Try what is new in a request; None: something was learned, so look again."""
        way = self.capabilities.way(path)
        if not self._new(path, request, way):
            return None
        doubtful = self._doubtful(path, request, way)
        if doubtful is not None:
            return await self._once_more(path, request, way, doubtful)
        reply = await self._sent(path, body_of(request, self.model, way), request)
        if isinstance(reply.outcome, Answer):
            return reply
        return await self._in_another_way(path, way, reply, request)

    async def _in_another_way(
        self, path: str, way: RequestStyle, reply: HttpReply, request: Request
    ) -> HttpReply | None:
        """After a refusal: learn from it, or raise it where there is nothing to learn."""
        assert isinstance(reply.outcome, CallError)
        if self.capabilities.way(path) != way:
            return None  # another request was refused at the same time, and learned
        changed = adapted(way, _status(reply), reply.content, reply.body)
        if changed is not None and changed != way and (changed.limit or not self.must_limit):
            self._adopt(path, changed)
            return None
        if _status(reply) in _WITHOUT_REASON and reply.outcome.kind == "bad_request":
            return await self._bare(path, way, reply, request)
        raise reply.outcome

    async def _bare(self, path: str, way: RequestStyle, reply: HttpReply, request: Request) -> HttpReply:
        """After a refusal without a reason: ask without anything that was never taken before."""
        assert isinstance(reply.outcome, CallError)
        known = self._paths[path]
        tries = refusable_parameters(reply.body) - known.proven
        suspects = [name for name in SUSPECTS if {name, f"{name}=1"} & tries]
        plain = not {*suspects} & tries and self.allowance is None  # nothing unusual was asked for
        if plain or tries in known.vain:
            raise reply.outcome
        known.vain.add(tries)
        for bare in self._less_and_less(way, suspects, tries):
            second = await self._sent(path, body_of(request, self.model, bare), request)
            if isinstance(second.outcome, Answer):
                known.doubted = suspects
                self._adopt(path, bare)
                return second
            if _status(second) not in _WITHOUT_REASON:
                raise second.outcome
        raise reply.outcome

    def _less_and_less(self, way: RequestStyle, suspects: list[str], tries: frozenset[str]) -> Iterator[RequestStyle]:
        bare = way.without(*suspects)
        if "role system" in tries:
            bare = replace(bare, system="user")
        if bare != way:
            yield bare
        if way.limit in tries:
            for names in ((way.limit,), LIMITS):
                less = bare.without(*names)
                if less.limit or not self.must_limit:
                    yield less

    async def _once_more(self, path: str, request: Request, way: RequestStyle, name: str) -> HttpReply | None:
        """Send what was left out without proof, alone: it may not have been to blame."""
        back = _with(way, name)
        reply = await self._sent(path, body_of(request, self.model, back), request)
        if isinstance(reply.outcome, CallError) and _status(reply) not in _WITHOUT_REASON:
            raise reply.outcome
        self._paths[path].doubted.remove(name)
        if isinstance(reply.outcome, CallError):
            return None
        self._adopt(path, back)
        return reply

    async def _sent(self, path: str, body: Mapping[str, Json], request: Request) -> HttpReply:
        if self.allowance is not None:
            if self.allowance == 0:
                raise CallError("unlearned", f"{self._name} was asked often enough what it can do", retry="never")
            self.allowance -= 1
        return await self._send(path, body, request)

    def _learn(self, path: str, reply: HttpReply) -> None:
        """Update the known capabilities by one reply."""
        tries = refusable_parameters(reply.body)
        if not tries <= self._paths[path].proven:
            self._paths[path].proven |= tries
            self.changed()
        if reply.streamed:
            for route in (path, COMPLETIONS, CHAT):
                if not self.capabilities.way(route).streams:
                    self._adopt(route, replace(self.capabilities.way(route), streams=True), silent=route != path)
        wanted = reply.body.get("n", 1)
        if isinstance(wanted, int) and len(reply.answer.choices) < wanted:
            self._adopt(path, self.capabilities.way(path).without("n"))

    def _adopt(self, path: str, way: RequestStyle, *, silent: bool = False) -> None:
        old = self.capabilities.way(path)
        self.capabilities = self.capabilities.with_way(path, way)
        new = [words for words in way.words if words not in old.words]
        new += ["JSON schemas in words"] if "response_format" in {*way.left_out} - {*old.left_out} else []
        if new and not silent:
            self.notice(f"{self._name} is asked in its own way from now on: {', '.join(new)}")
        self.changed()


def _with(way: RequestStyle, name: str) -> RequestStyle:
    return replace(way, left_out=tuple(parameter for parameter in way.left_out if parameter != name))


def _status(reply: HttpReply) -> int:
    """An error inside a 200 that no other try can escape is a refusal too."""
    fault = reply.outcome
    refused = reply.status == 200 and isinstance(fault, CallError) and fault.retry == "never"
    return 400 if refused else reply.status


def body_of(request: Request, model: str, way: RequestStyle) -> dict[str, Json]:
    """What is sent for a request.

    >>> body_of(Request(prompt="Name a river.", max_tokens=9, seed=1), "m", RequestStyle(left_out=("seed", "top_p")))
    {'model': 'm', 'temperature': 1.0, 'max_tokens': 9, 'prompt': 'Name a river.'}
    """
    wanted: dict[str, Json] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        way.limit: request.most_tokens,
        "n": request.n if request.n != 1 else None,
        "stop": [whole(stop) for stop in request.stop] or None,
        "presence_penalty": request.presence_penalty or None,
        "frequency_penalty": request.frequency_penalty or None,
        "seed": request.seed,
        "response_format": _response_format(request.json_schema) if request.json_schema else None,
        "stream": False if way.streams else None,
    }
    refused = {"", *way.left_out}
    if way.one_of_two:  # the one that says something stays
        refused.add("temperature" if request.temperature == 1.0 and request.top_p != 1.0 else "top_p")
    body: dict[str, Json] = {"model": model}
    body |= {key: value for key, value in wanted.items() if value is not None and key not in refused}
    if isinstance(request.prompt, str):
        return body | {"prompt": whole(request.prompt)}
    return body | {"messages": [{"role": role, "content": whole(text)} for role, text in _turns(request, way)]}


def times(request: Request, way: RequestStyle) -> int:
    """How often the body is sent for all choices of a request."""
    return request.n if "n" in way.left_out else 1


def sent_as(request: Request, bodies: Sequence[Mapping[str, Json]]) -> str:
    """What was sent, for the journal: as JSON, the prompt only where it is not the request's own; once if all alike."""
    sent: list[Json] = []
    for body in bodies:
        short = {key: value for key, value in body.items() if key != "prompt"}
        if short.get("messages") == _messages(request):
            short.pop("messages", None)
        sent.append(short)
    path = path_of(request)
    alike = all(short == sent[0] for short in sent)
    return json.dumps({"path": path, "times": len(sent), "body": sent[0] if alike else sent}, ensure_ascii=False)


def cut_at_stops(choices: Sequence[Choice], stops: Sequence[str]) -> tuple[Choice, ...]:
    r"""Each text up to the first of the stops, as an endpoint that takes them would have ended it.

    >>> cut = cut_at_stops([Choice("a\nb", "length"), Choice("c", "length")], ["\n"])
    >>> [(one.text, one.finish_reason) for one in cut]
    [('a', 'stop'), ('c', 'length')]
    """
    return tuple(_cut(choice, stops) for choice in choices)


def _cut(choice: Choice, stops: Sequence[str]) -> Choice:
    ends = [at for at in (choice.text.find(stop) for stop in stops if stop) if at >= 0]
    return replace(choice, text=choice.text[: min(ends)], finish_reason="stop") if ends else choice


def _messages(request: Request) -> Json:
    if isinstance(request.prompt, str):
        return None
    return [{"role": turn.role, "content": whole(turn.content)} for turn in request.prompt]


def _turns(request: Request, way: RequestStyle) -> list[tuple[str, str]]:
    assert not isinstance(request.prompt, str)
    turns = [(str(turn.role), turn.content) for turn in request.prompt]
    if request.json_schema and "response_format" in way.left_out:
        last = max(at for at, (role, _) in enumerate(turns) if role == "user" or at == 0)
        turns[last] = (turns[last][0], f"{turns[last][1]}\n\n{_BY_SCHEMA}\n{request.json_schema}")
    if way.system == "developer":
        return [("developer" if role == "system" else role, text) for role, text in turns]
    return _folded(request.prompt, turns) if way.system == "user" else turns


def _folded(prompt: Sequence[Message], turns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the system says goes before what the user says next: no two turns of one role stand together."""
    if not any(turn.role == "system" for turn in prompt):
        return list(turns)
    folded: list[tuple[str, str]] = []
    before = ""
    for role, text in turns:
        if role == "system":
            before += f"{text}\n\n"
        elif role == "user":
            folded.append((role, before + text))
            before = ""
        else:
            folded += [("user", before.rstrip())] if before else []
            folded.append((role, text))
            before = ""
    return [*folded, *([("user", before.rstrip())] if before else [])]


def _response_format(schema: str) -> Json:
    wanted = {"name": "answer", "schema": json.loads(schema), "strict": True}
    return {"type": "json_schema", "json_schema": wanted}


def refusable_parameters(body: Mapping[str, Json]) -> frozenset[str]:
    """The names of what a body asks for that may be refused; a neutral value says nothing of another.

    >>> sorted(refusable_parameters({"model": "m", "temperature": 1.0, "top_p": 0.5, "prompt": "a", "max_tokens": 9}))
    ['max_tokens', 'prompt', 'temperature=1', 'top_p']
    """
    neutral = {key for key in ("temperature", "top_p") if body.get(key) == 1.0}
    names = {f"{key}=1" if key in neutral else key for key in body if key != "model"}
    messages = body.get("messages")
    if isinstance(messages, list):
        names |= {f"role {turn['role']}" for turn in messages if isinstance(turn, dict)}
    return frozenset(names)
