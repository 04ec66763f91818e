"""Learns what an endpoint can do before the first request of a run, by at most five small requests of its own."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from selfinstruct.errors import Capped, ProviderDown
from selfinstruct.models.backend import Answer, CallError, readable_answer
from selfinstruct.models.endpoint_capabilities import Capabilities, Stated
from selfinstruct.models.event_loop import SHARED
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.prices_and_budget import Budget, Price, Reservation, tokens_of
from selfinstruct.records import Completion, Message, Request, Usage

MOST_REQUESTS = 5
"""For the shape of one endpoint: completions, chat, JSON schema, system role."""
_NOBODY_SECONDS = 1.5  # how long a port may have nobody behind it
_SILENT_SECONDS = 5.0  # until a person is told what is waited for
_FAULT_SECONDS = 20.0
_BUSY_SECONDS = 300.0
_ROOM_TO_THINK = 1024  # tokens: enough to think about two tasks of a gardener
_PASSING = ("later", "slower")
TEXT = Request(
    prompt="A shopping list:\n1. Bread\n2. Apples\n3.", max_tokens=16, temperature=1.0, purpose="capabilities"
)
"""Continued by whatever takes raw text."""
SCHEMA = (
    '{"type":"object","properties":{"tasks":{"type":"array","items":{"type":"string"}}},'
    '"required":["tasks"],"additionalProperties":false}'
)
TURNS = Request(
    prompt=(Message("system", "You are brief."), Message("user", "Name two tasks of a gardener.")),
    max_tokens=128,
    json_schema=SCHEMA,
    purpose="capabilities",
)
"""Nothing in it speaks of JSON: who answers in it holds to the schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """A small request that was paid for, for the journal."""

    request: Request
    completion: Completion | None
    """None: it brought nothing, and may have cost this."""
    cost: Decimal | None
    tokens: int
    raw: str = ""
    sent: str = ""


@dataclass(slots=True)
class _Learner:
    backend: OpenAICompatible
    price: Price | None
    budget: Budget
    notice: Callable[[str], None]
    probes: list[ProbeRequest] = field(default_factory=list)
    _told: bool = False

    async def learn(self) -> None:
        """Ask, and leave what was learned with the backend; ProviderDown where no request can succeed."""
        asking, stated = self.backend.asking, self.backend.stated
        asking.allowance = MOST_REQUESTS
        try:
            known = asking.capabilities
            text = turns = None
            if known.completions and stated.completions is None:
                text = await self._probe(TEXT)
            if known.chat and (stated.chat is None or stated.schema is None):
                turns = await self._probe(TURNS, needed=not isinstance(text, Answer))
            asking.capabilities = _capabilities_of(asking.capabilities, stated, text, turns)
        finally:
            asking.allowance = None
            await self.backend.close()  # its connections belong to this event loop

    async def _probe(self, request: Request, *, needed: bool = True) -> Answer | CallError:
        """The answer, or why there is none: a passing fault is waited out, for a while.

        What is not `needed` does not end a run whose cap has no room for it.
        """
        began: float | None = None  # of waiting: after the first try, which loads the client
        tries = 0
        while True:
            try:
                return await self._paid(request)
            except Capped as full:
                if needed:
                    raise
                return CallError("unlearned", full.typed, retry="never")
            except CallError as fault:
                if fault.out_of_tokens and not request.thinking_tokens and not isinstance(request.prompt, str):
                    request = replace(request, thinking_tokens=_ROOM_TO_THINK)
                    continue
                if fault.retry not in _PASSING or fault.tries is not None:
                    return fault
                tries += 1
                now = time.monotonic()
                began = now if began is None else began
                waited = now - began
                if fault.kind == "no_connection":
                    self._say(f"nobody answers at {self.backend.base_url} yet; waiting a moment")
                    if waited > _NOBODY_SECONDS:
                        raise ProviderDown(f"{fault.message}") from None
                elif waited > (_BUSY_SECONDS if fault.retry == "slower" else _FAULT_SECONDS) or (
                    fault.retry == "later" and tries > 2
                ):
                    return fault
                asking = self.backend.asking
                asking.allowance = (asking.allowance or 0) + 1  # that told nothing
                pause = 0.5 if fault.kind == "no_connection" else min(10.0, 0.5 * 2.0 ** (tries - 1))
                await asyncio.sleep(pause if fault.after is None else min(fault.after, 60.0))

    async def _paid(self, request: Request) -> Answer:
        """One request, within the cap."""
        tokens = tokens_of(request)
        reservation = self.budget.reserve(tokens, self.price)
        if reservation is None:
            raise self.budget.refusal(tokens, self.price)
        try:
            answer = readable_answer(await self.backend.answer(request), request)
        except CallError as fault:
            self._lost(request, reservation, fault)
            raise
        usage = answer.usage
        cost = self._cost(usage)
        self.budget.settle(reservation, cost, usage)
        completion = Completion(
            request=f"{request.key(self.backend.name)}.0",
            choices=answer.choices,
            usage=usage,
            model=self.backend.name,
            cost=None if cost is None else f"{cost:f}",
        )
        used = usage.prompt_tokens + usage.completion_tokens
        self.probes.append(
            ProbeRequest(
                request=request, completion=completion, cost=cost, tokens=used, raw=answer.raw, sent=answer.sent
            )
        )
        return answer

    def _cost(self, usage: Usage) -> Decimal | None:
        return None if self.price is None else self.price.of(usage.prompt_tokens, usage.completion_tokens)

    def _lost(self, request: Request, reservation: Reservation, fault: CallError) -> None:
        """It brought no answer; what it may have cost counts."""
        if not fault.billed:
            self.budget.release(reservation)
            return
        cost, tokens = reservation.cost, reservation.tokens
        if fault.usage is not None:
            cost, tokens = self._cost(fault.usage), fault.usage.prompt_tokens + fault.usage.completion_tokens
        self.budget.lose(reservation, Reservation(cost, tokens))
        self.probes.append(ProbeRequest(request=request, completion=None, cost=cost, tokens=tokens))

    def _say(self, line: str) -> None:
        if not self._told:
            self._told = True
            self.notice(line)


def learn(
    backend: OpenAICompatible, price: Price | None, budget: Budget, notice: Callable[[str], None]
) -> tuple[ProbeRequest, ...]:
    """Learn what the endpoint can do, unless its recipe says all; what was asked, for the journal.

    Capped where the cap is too small for it, ProviderDown where no request can succeed.
    """
    if backend.stated.whole:
        return ()
    backend.asking.must_limit = budget.capped
    learner = _Learner(backend, price, budget, notice)
    loop = SHARED.join()
    try:
        running = asyncio.run_coroutine_threadsafe(learner.learn(), loop)
        try:
            running.result(_SILENT_SECONDS)
        except TimeoutError:
            if running.done():
                raise
            notice(f"waiting for the first answer of {backend.notice}")
            running.result()
        except KeyboardInterrupt:
            running.cancel()
            raise
    finally:
        SHARED.leave()
    return tuple(learner.probes)


def _capabilities_of(
    known: Capabilities, stated: Stated, text: Answer | CallError | None, turns: Answer | CallError | None
) -> Capabilities:
    """What the answers mean. ProviderDown where neither path takes a request."""
    completes = known.completions if text is None else _has(text)
    chats = known.chat if turns is None else _has(turns)
    if text is not None and chats and _says_nothing(text):
        completes = False  # it takes text, and has nothing to say to it
    if not completes and not chats:
        fault = turns if isinstance(turns, CallError) else text
        assert isinstance(fault, CallError)
        raise ProviderDown(fault.message)
    holds = known.schema
    if isinstance(turns, Answer):
        holds = "response_format" not in known.turns.left_out and _in_json(turns.choices[0].text)
    elif turns is not None:
        holds = False
    return stated.over(
        Capabilities(completions=completes, chat=chats, schema=chats and holds, text=known.text, turns=known.turns)
    )


def _has(answer: Answer | CallError) -> bool:
    """It was answered, if with nothing, or would have been: only the small requests were used up."""
    return isinstance(answer, Answer) or answer.kind == "unlearned" or answer.tries is not None


def _says_nothing(answer: Answer | CallError) -> bool:
    return not answer.choices[0].text.strip() if isinstance(answer, Answer) else answer.kind == "empty_text"


def _in_json(text: str) -> bool:
    """The answer is what the schema asks for."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text.lstrip()[:1] == "{" and '"tasks"' in text  # cut off by its limit, as it may be
    return isinstance(data, dict) and isinstance(data.get("tasks"), list)
