"""Reads what an OpenAI-compatible endpoint sent: an answer, repaired where that is safe, or a classified error."""

import json
import re
from typing import Any, NoReturn

from selfinstruct.models.backend import Answer, CallError
from selfinstruct.models.money import tokens_of
from selfinstruct.records import Choice, Request, Usage
from selfinstruct.text import shown

_TOO_LONG = re.compile(
    r"context.{0,20}(length|size|window)|maximum.{0,20}(length|tokens)|too (long|many tokens)"
    r"|exceed.{0,30}(context|tokens)",
    re.IGNORECASE | re.DOTALL,
)
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "quota_exceeded"})


def read_answer(body: bytes, request: Request) -> Answer:
    """The answer in a body that came with status 200; CallError if there is none.

    An answer cut off or withheld is an answer, with its finish reason. Missing usage becomes an upper bound, marked
    `estimated`; broken characters become U+FFFD.
    """
    raw = whole(body.decode("utf-8-sig", errors="replace"))
    data = _object(raw)
    if data.get("error"):
        raise error_in(data, status=200, after=None)
    found = data.get("choices")
    if not isinstance(found, list) or not found or not all(isinstance(choice, dict) for choice in found):
        _bad("no choices in the answer", raw)
    indexes = [choice.get("index") for choice in found]
    if sorted(str(index) for index in indexes) == sorted(str(index) for index in range(len(found))):
        found = sorted(found, key=lambda choice: int(choice["index"]))  # else as they came: nothing better is known
    choices = tuple(_choice(choice, raw) for choice in found)
    return Answer(choices=choices, usage=_usage(data.get("usage"), request, choices), raw=raw)


def error_of(status: int, body: bytes, after: float | None) -> CallError:
    """What a body that came with another status means."""
    text = whole(body.decode("utf-8", errors="replace"))
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = {"error": {"message": text}}
    return error_in(data if isinstance(data, dict) else {"error": {"message": text}}, status=status, after=after)


def error_in(data: dict[str, Any], *, status: int, after: float | None) -> CallError:
    """Classify by status, and by code and message where the status does not say enough."""
    error = data.get("error", data)
    said = error if isinstance(error, dict) else {"message": error}
    message = shown(str(said.get("message") or data.get("detail") or data.get("message") or "no explanation"), 300)
    code = str(said.get("code") or said.get("type") or "")
    if status == 200:
        status = int(code) if code.isdecimal() and len(code) == 3 else 500
    hopeless = _hopeless(status, code, message)
    if hopeless is not None:
        return hopeless
    if status == 429:
        return CallError("rate_limited", f"asked to slow down: {message}", retry="slower", after=after)
    if status in {400, 413, 422} and (code == "context_length_exceeded" or status == 413 or _TOO_LONG.search(message)):
        return CallError("too_long", f"the prompt and answer do not fit the model: {message}", retry="never")
    if status in {408, 409, 425} or status >= 500:
        return CallError("server_error", f"the endpoint failed ({status}): {message}", retry="later", after=after)
    return CallError("bad_request", f"the endpoint refuses the request ({status}): {message}", retry="never")


def _hopeless(status: int, code: str, message: str) -> CallError | None:
    """What no other request to this endpoint can escape either."""
    if code in _NO_MONEY or status == 402:
        return CallError("no_quota", f"no quota or credit left: {message}; check billing, then go on", retry="stop")
    if status in {401, 403}:
        advice = "check OPENAI_API_KEY, and that it belongs to this OPENAI_BASE_URL"
        return CallError("refused", f"the endpoint refuses the key ({status}): {message}; {advice}", retry="stop")
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


def _choice(choice: dict[str, Any], raw: str) -> Choice:
    message = choice.get("message")
    holder = message if isinstance(message, dict) else choice
    text = holder.get("content") if holder is message else holder.get("text")
    reason = choice.get("finish_reason")
    reason = reason if isinstance(reason, str) else ""
    if isinstance(text, str):
        return Choice(whole(text), reason)
    if text is not None or ("text" not in holder and "content" not in holder and "refusal" not in holder):
        _bad("a choice holds no text", raw)
    # Paid for, and empty by intent: never a plain stop, so that no stage takes it for an answer of nothing.
    if holder.get("refusal"):
        return Choice("", "refusal")
    return Choice("", "empty" if reason in {"", "stop"} else reason)


def _usage(usage: object, request: Request, choices: tuple[Choice, ...]) -> Usage:
    said = usage if isinstance(usage, dict) else {}
    prompt, completion = _count(said.get("prompt_tokens")), _count(said.get("completion_tokens"))
    most = sum(min(request.max_tokens, len(choice.text.encode()) + 1) for choice in choices)
    return Usage(
        prompt_tokens=tokens_of(request).prompt_most if prompt is None else prompt,
        completion_tokens=most if completion is None else completion,
        estimated=prompt is None or completion is None,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _bad(what: str, raw: str) -> NoReturn:
    begins = f"; it begins: {shown(raw[:400], 120)}" if raw.strip() else ""
    raise CallError("bad_answer", what + begins, retry="later")
