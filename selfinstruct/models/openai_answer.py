"""Reads an OpenAI-compatible response: bounded, streams joined, repaired where that is safe, or a classified error."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any, NoReturn

from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.prices_and_budget import tokens_of
from selfinstruct.records import Choice, Request, Usage
from selfinstruct.text import shown

_TOO_LONG = re.compile(
    r"context.{0,20}(length|size|window)|maximum.{0,20}(length|tokens)|too (long|many tokens)"
    r"|exceed.{0,30}(context|tokens)",
    re.IGNORECASE | re.DOTALL,
)
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"})
NO_KEY_ADVICE = "set its key"
"""Stands where the backend says how, which alone knows where its key comes from."""
_TRIES = 3  # of what was paid for and may come out the same again
_NONSENSE = 2**31  # tokens
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_text", "reasoning_details")
_SAME_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"),
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "max_length", "model_length", "token_limit"), "length"
    ),
    **dict.fromkeys(("content_filter", "safety", "sensitive", "prohibited_content", "blocked"), "content_filter"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool_calls"),
}
"""Finish reasons as other makers write them; one that is not here stays as it is."""
_BROKE = re.compile(
    r"error|fail|abort|cancel|insufficient|time_?out|network|overload|interrupt|unavailable|exhausted|malformed",
    re.IGNORECASE,
)


def read_answer(body: bytes, request: Request) -> Answer:
    """The answer in a body that came with status 200; CallError if there is none.

    An answer cut off or withheld is an answer, with its finish reason; an error, a call of a tool and nothing at all
    are none. Missing usage becomes all that was set aside, marked `estimated`; broken characters become U+FFFD.
    """
    raw = whole(body.decode("utf-8-sig", errors="replace"))
    data = _object(raw)
    reported_usage = _said(data.get("usage"))
    if data.get("error"):
        raise _inside(data, reported_usage)
    raw_choices = data.get("choices")
    if not raw_choices:
        _bad("no choices in the answer", raw, "no_choices")
    if not isinstance(raw_choices, list) or not all(isinstance(choice, dict) for choice in raw_choices):
        _bad("no choices in the answer", raw)
    indexes = [choice.get("index") for choice in raw_choices]
    if sorted(str(index) for index in indexes) == sorted(str(index) for index in range(len(raw_choices))):
        # else as they came: nothing better is known
        raw_choices = sorted(raw_choices, key=lambda choice: int(choice["index"]))
    read = [_choice(choice, raw, reported_usage) for choice in raw_choices]
    choices = tuple(outcome if isinstance(outcome, Choice) else Choice("", outcome.kind) for outcome in read)
    fault = next((outcome for outcome in read if isinstance(outcome, CallError)), None)
    if fault is not None and not any(isinstance(outcome, Choice) for outcome in read):
        raise fault
    usage = _real(reported_usage) or _most(data.get("usage"), request)
    return Answer(choices=choices, usage=usage, raw=raw, thought=bool(_reasoning_tokens(data.get("usage"))))


def error_of(status: int, body: bytes, after: float | None, *, keyed: bool = True) -> CallError:
    """What a body that came with another status means, to a request with a key or without."""
    text = whole(body.decode("utf-8", errors="replace"))
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = {"error": {"message": text}}
    said = data if isinstance(data, dict) else {"error": {"message": text}}
    return error_in(said, status=status, after=after, keyed=keyed)


def _inside(data: dict[str, Any], usage: Usage | None) -> CallError:
    """An error that came with status 200; what it says of the endpoint as a whole keeps its own name."""
    fault = error_in(data, status=200, after=None)
    kind = "error_in_answer" if fault.kind in {"server_error", "bad_request"} else fault.kind
    return CallError(kind, fault.message, retry=fault.retry, after=fault.after, billed=fault.billed, usage=usage)


def error_in(data: dict[str, Any], *, status: int, after: float | None, keyed: bool = True) -> CallError:
    """Classify by status, and by code and message where the status does not say enough; `keyed`: a key was sent."""
    error = data.get("error", data)
    said = error if isinstance(error, dict) else {"message": error}
    message = shown(str(said.get("message") or data.get("detail") or data.get("message") or "no explanation"), 300)
    code = str(said.get("code") or said.get("type") or "")
    if status == 200:
        status = int(code) if code.isdecimal() and len(code) == 3 else 500
    hopeless = _hopeless(status, code, message, keyed=keyed)
    if hopeless is not None:
        return hopeless
    if status == 429:
        return CallError("rate_limited", f"asked to slow down: {message}", retry="slower", after=after)
    if status in {400, 413, 422} and (code == "context_length_exceeded" or status == 413 or _TOO_LONG.search(message)):
        return CallError("too_long", f"the prompt and answer do not fit the model: {message}", retry="never")
    if status in {408, 409, 425} or status >= 500:
        return CallError("server_error", f"the endpoint failed ({status}): {message}", retry="later", after=after)
    return CallError("bad_request", f"the endpoint refuses the request ({status}): {message}", retry="never")


def _hopeless(status: int, code: str, message: str, *, keyed: bool) -> CallError | None:
    """What no other request to this endpoint can escape either."""
    if code in _NO_MONEY or status == 402:
        return CallError("no_quota", f"no quota or credit left: {message}; check billing, then go on", retry="stop")
    if status in {401, 403}:
        advice = "check OPENAI_API_KEY, and that it belongs to this OPENAI_BASE_URL" if keyed else NO_KEY_ADVICE
        refused = f"refuses the key ({status})" if keyed else f"wants a key ({status}), and none is set"
        return CallError("refused", f"the endpoint {refused}: {message.rstrip('.;')}; {advice}", retry="stop")
    if status in {404, 410} or code == "model_not_found":
        advice = "check the model's name and OPENAI_BASE_URL (it mostly ends in /v1)"
        return CallError("not_found", f"no such model or address ({status}): {message}; {advice}", retry="stop")
    if 300 <= status < 400:
        what = f"the endpoint redirects ({status}), which is not followed"
        return CallError("redirected", f"{what}; set OPENAI_BASE_URL to the final address", retry="stop")
    return None


def whole(text: str) -> str:
    r"""Text that UTF-8 can hold: half characters become U+FFFD.

    >>> whole("a\ud83d") == "a\ufffd", whole("\ud83c\udf89")
    (True, '🎉')
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _object(raw: str) -> dict[str, Any]:
    if not raw.strip():
        _bad("the answer is empty", raw)
    try:
        data = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        page = raw.lstrip()[:1] == "<"
        _bad("a web page came back instead of JSON: is OPENAI_BASE_URL right?" if page else "not whole JSON", raw)
    if not isinstance(data, dict):
        _bad("JSON, but no object", raw)
    return data


def _choice(choice: dict[str, Any], raw: str, usage: Usage | None) -> Choice | CallError:
    """A text with its finish reason, or why it is none."""
    if choice.get("error"):
        return _inside(choice, usage)
    message = choice.get("message")
    holder = message if isinstance(message, dict) else choice
    text, thinking = _texts(holder.get("content") if holder is message else holder.get("text"), raw)
    thinking = whole("\n\n".join(filter(None, (_reasoning(holder), thinking))))
    own = choice.get("finish_reason")
    own = own if isinstance(own, str) else ""
    reason = _SAME_REASONS.get(own.lower(), own)
    paid = _real(usage) if text else usage
    if reason == "tool_calls" or (not text and (holder.get("tool_calls") or holder.get("function_call"))):
        what = "the model calls a tool in place of an answer, and none was offered"
        return CallError("tool_calls", what, retry="later", usage=paid, tries=_TRIES)
    if _BROKE.search(reason):
        what = f"the endpoint ended it with '{own}' after {len(text)} characters"
        return CallError(_name(own), what, retry="later", usage=paid)
    if text.strip():
        return Choice(whole(text), reason, thinking)
    # Paid for, and empty by intent: never a plain stop, so that no stage takes it for an answer of nothing.
    if holder.get("refusal"):
        return Choice("", "refusal")
    if reason != "content_filter" and not thinking and not {"content", "text"} & holder.keys():
        _bad("a choice holds no text", raw)
    return Choice("", reason, thinking) if reason == "content_filter" or thinking else _nothing(reason, own, usage)


def _nothing(reason: str, own: str, usage: Usage | None) -> CallError:
    if reason in {"", "stop", "length"}:
        cut = reason == "length"
        what = "all its tokens went into something that is not shown" if cut else "the text is empty"
        what += f" (finish reason: {own or 'none'})"
        return CallError("empty_text", what, retry="later", usage=usage, tries=_TRIES, out_of_tokens=cut)
    return CallError(_name(own), f"no text, and the finish reason '{own}'", retry="later", usage=usage, tries=_TRIES)


def _texts(content: object, raw: str) -> tuple[str, str]:
    """Text and thinking of a content: a text, nothing, or a list of parts that are text or thinking."""
    if content is None or isinstance(content, str):
        return content or "", ""
    parts = content if isinstance(content, list) else [content]
    texts: list[str] = []
    thoughts: list[str] = []
    for part in parts:
        fields = part if isinstance(part, dict) else {"text": part}
        kind, held = fields.get("type", "text"), fields.get("text", fields.get("content"))
        if kind in {"thinking", "reasoning", "redacted_thinking", "reasoning_text"}:
            thoughts.append(_reasoning(fields, (*_REASONING_FIELDS, "text", "content")))
        elif kind in {"text", "output_text"} and isinstance(held, str):
            texts.append(held)
        else:
            _bad("a choice holds something other than text", raw)
    return "".join(texts), "\n\n".join(filter(None, thoughts))


def _reasoning(holder: dict[str, Any], names: tuple[str, ...] = _REASONING_FIELDS) -> str:
    """What a message or a part of it shows of the thinking, under one of the names that endpoints give it."""
    for name in names:
        held = holder.get(name)
        if isinstance(held, str) and held:
            return held
        if isinstance(held, list):
            texts = (part.get("text", part.get("summary")) if isinstance(part, dict) else part for part in held)
            thinking = "\n\n".join(text for text in texts if isinstance(text, str) and text)
            if thinking:
                return thinking
    return ""


def _name(reason: str) -> str:
    """A finish reason as the name of a failure."""
    return re.sub(r"[^a-z0-9]+", "_", reason.lower()).strip("_")[:40] or "unknown_finish_reason"


def _said(usage: object) -> Usage | None:
    """What the endpoint says it took; None where it does not say, or nonsense."""
    said = usage if isinstance(usage, dict) else {}
    prompt, completion = _count(said.get("prompt_tokens")), _count(said.get("completion_tokens"))
    return None if prompt is None or completion is None else Usage(prompt_tokens=prompt, completion_tokens=completion)


def _real(usage: Usage | None) -> Usage | None:
    """The same where there is a text: no text is made of no tokens."""
    return usage if usage and usage.prompt_tokens and usage.completion_tokens else None


def _most(usage: object, request: Request) -> Usage:
    """The worst case of what is not said: how many tokens were thought is unknown."""
    said = usage if isinstance(usage, dict) else {}
    most = tokens_of(request)
    return Usage(
        prompt_tokens=_count(said.get("prompt_tokens")) or most.prompt_most,
        completion_tokens=_count(said.get("completion_tokens")) or most.completion_most,
        estimated=True,
    )


def _reasoning_tokens(usage: object) -> int:
    said = usage.get("completion_tokens_details") if isinstance(usage, dict) else None
    return (_count(said.get("reasoning_tokens")) or 0) if isinstance(said, dict) else 0


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _NONSENSE else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _bad(what: str, raw: str, kind: str = "bad_answer") -> NoReturn:
    begins = f"; it begins: {shown(raw[:400], 120)}" if raw.strip() else ""
    raise CallError(kind, what + begins, retry="later")


def is_stream(content: bytes) -> bool:
    r"""Whether a body is server-sent events.

    >>> is_stream(b'data: {"id": 1}\n\n'), is_stream(b': wait\n\ndata: {}\n\n'), is_stream(b'{"data": 1}')
    (True, True, False)
    """
    return content.lstrip()[:6] in {b"data: ", b"event:"} or content.lstrip()[:5] == b"data:" or content[:1] == b":"


def joined(content: bytes) -> bytes:
    """The body that the events of one answer make together; CallError where the stream ends before its end.

    An error that comes as an event is the body.
    """
    whole: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    ended = False
    for event in _events(content):
        if event is None:
            ended = True
            break
        if event.get("error"):
            return json.dumps(event).encode()
        whole |= {key: value for key, value in event.items() if key != "choices" and value is not None}
        for number, choice in enumerate(event.get("choices") or []):
            if isinstance(choice, dict):
                index = choice.get("index")
                _add(choices.setdefault(index if isinstance(index, int) else number, {"texts": {}}), choice)
    ended = ended or (bool(choices) and all(choice.get("finish_reason") for choice in choices.values()))
    if not ended:
        raise CallError("connection_lost", "the stream of an answer ended before its end", retry="later")
    made = [_made(index, choice) for index, choice in sorted(choices.items())]
    return json.dumps({**whole, "choices": made}, ensure_ascii=False).encode(errors="replace")


def _events(content: bytes) -> Iterator[dict[str, Any] | None]:
    """The objects of the stream; None for its end."""
    for line in content.decode("utf-8", errors="replace").replace("\r", "\n").split("\n"):
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            yield None
            return
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            message = "an event of a streamed answer is not whole JSON"
            raise CallError("bad_answer", message, retry="later") from None
        if isinstance(event, dict):
            yield event


def _add(choice: dict[str, Any], part: dict[str, Any]) -> None:
    if part.get("finish_reason") is not None:
        choice["finish_reason"] = part["finish_reason"]
    delta = part.get("delta") or part.get("message")
    holder = delta if isinstance(delta, dict) else part
    choice["chat"] = isinstance(delta, dict) or choice.get("chat", False)
    for key, value in holder.items():
        if isinstance(value, str) and key not in {"role", "finish_reason"}:
            choice["texts"][key] = choice["texts"].get(key, "") + value
        elif value is not None and key not in {"index", "finish_reason", "delta", "role", "logprobs"}:
            choice["texts"].setdefault(key, value)


def _made(index: int, choice: dict[str, Any]) -> dict[str, Any]:
    texts = choice["texts"]
    head = {"index": index, "finish_reason": choice.get("finish_reason")}
    if choice["chat"]:
        return {**head, "message": {"role": "assistant", "content": None, **texts}}
    return {**head, "text": "", **texts}


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
                raise too_large(self._most, f"more than {self._most} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


@cache
def bounded(stream: Any) -> Any:  # noqa: ANN401 - as above
    """A kind of stream that ends so: httpx checks its class, which differs between openai 2 and 3."""
    kind = next(base for base in stream.__mro__ if base.__name__ == "AsyncByteStream")
    return type("Bounded", (_Bounded, kind), {})


def too_large(most: int, size: str) -> CallError:
    """What is said of a body of that `size`, where so many bytes are room enough; it was paid for."""
    what = f"an answer of {size} was broken off: its request has room for {most}"
    return CallError("too_large", what, retry="never", billed=True)
