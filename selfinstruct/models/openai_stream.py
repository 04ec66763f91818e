"""Joins an answer that came as a stream of events although nobody asked for one: into the body it would have been."""

import json
from collections.abc import Iterator
from typing import Any

from selfinstruct.models.backend import CallError


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
