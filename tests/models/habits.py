"""An endpoint on this machine with the habits of real ones, each a function: what it refuses, and in what words."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request as Received
from werkzeug import Response

Body = Mapping[str, Any]
Habit = Callable[[str, Body], Response | None]
"""Path and body -> what it answers out of habit; None: nothing unusual."""

WORDS = re.findall(
    r"\w+",
    """
    name sort explain compare invent estimate outline rewrite plan count translate describe list summarise draft
    rank lakes kites salmon bridges violins glaciers lanterns orchards ferries quilts walnuts comets saddles
    prisms hinges mosses candles tunnels rafts anvils bellows cradles domes easels fjords gourds herons inkwells
    jetties kilns looms mortars nettles oars pulleys quarries reeds sundials thimbles urns vaults weirs yokes
    zithers awnings barges clogs dams
    """,
)


def refusal(message: object, status: int = 400, **more: object) -> Response:
    return said({"error": {"message": message, "type": "invalid_request_error", **more}}, status)


def said(body: object, status: int = 200, kind: str = "application/json") -> Response:
    return Response(body if isinstance(body, str) else json.dumps(body), status, content_type=kind)


@dataclass
class Endpoint:
    """Serves text and chat; keeps every body in the order of arrival."""

    server: HTTPServer
    habits: tuple[Habit, ...] = ()
    bodies: list[tuple[str, Body]] = field(default_factory=list)
    refused: int = 0
    prose: str = ""
    """What it answers whatever is asked; empty: something that fits."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: int = 0

    def __post_init__(self) -> None:
        self.server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    @property
    def url(self) -> str:
        return str(self.server.url_for("/v1"))

    def sent(self, path: str) -> list[Body]:
        return [body for asked, body in self.bodies if asked == path]

    def _answer(self, received: Received) -> Response:
        path, body = received.path, json.loads(received.get_data())
        path = path[path.index("/v1") + 3 :] if "/v1" in path else path
        with self._lock:
            self.bodies.append((path, body))
            for habit in self.habits:
                refused = habit(path, body)
                if refused is not None:
                    self.refused += 1
                    return refused
            return said(answer(body, *(self.prose or self._text(body) for _ in range(body.get("n", 1)))))

    def _text(self, body: Body) -> str:
        asked = json.dumps(body)
        if "response_format" in body:
            return json.dumps({"tasks": [self._task() for _ in range(8)]})
        if "lassification" in asked and "Output:" not in asked:
            return "No"
        if re.search(r"\d+\.\W*$", asked) or "Continue the list" in asked:
            return "\n".join(f"{number}. {self._task()}" for number in range(9, 17))
        return "Output: The answer is plain water, which boils at a hundred degrees."

    def _task(self) -> str:
        self._made += 1
        words = Random(self._made).sample(WORDS, 9)
        return f"{words[0].capitalize()} {' '.join(words[1:])} {self._made}."


def answer(body: Body, *texts: str) -> dict[str, object]:
    choices: list[dict[str, object]] = [
        {"index": index, "finish_reason": "stop", **({"text": text} if "prompt" in body else message(text))}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    return {"id": "x", "choices": choices, "usage": usage}


def message(text: str) -> dict[str, object]:
    return {"message": {"role": "assistant", "content": text}}


def chat_only(status: int = 404, refusal_body: object = None) -> Habit:
    body = {"detail": "Not Found"} if refusal_body is None else refusal_body
    return lambda path, _: said(body, status) if path == "/completions" else None


def text_only(path: str, _: Body) -> Response | None:
    return said({"detail": "Not Found"}, 404) if path == "/chat/completions" else None


def no_schema(_: str, body: Body) -> Response | None:
    return refusal("This response_format type is unavailable now") if "response_format" in body else None


def other_limit(_: str, body: Body) -> Response | None:
    if "max_tokens" not in body:
        return None
    words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return refusal(words, param="max_tokens", code="unsupported_parameter")


def fixed_temperature(_: str, body: Body) -> Response | None:
    if body.get("temperature", 1) == 1:
        return None
    words = f"'temperature' does not support {body['temperature']} with this model. Only the default (1) is supported."
    return refusal(words, param="temperature", code="unsupported_value")


def not_both(_: str, body: Body) -> Response | None:
    words = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    return refusal(words) if {"temperature", "top_p"} <= {*body} else None


def strict_fields(*known: str) -> Habit:
    """As FastAPI says it: 422, and a list of places."""

    def habit(_: str, body: Body) -> Response | None:
        extra = [name for name in body if name not in known]
        places = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            for name in extra
        ]
        return said({"detail": places}, 422) if extra else None

    return habit


def no_system(_: str, body: Body) -> Response | None:
    roles = [turn["role"] for turn in body.get("messages", [])]
    fault = {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400}
    return said(fault, 400) if "system" in roles else None


def developer_only(_: str, body: Body) -> Response | None:
    words = "Unsupported value: 'messages[0].role' does not support 'system'. Use 'developer' instead."
    roles = [turn["role"] for turn in body.get("messages", [])]
    return refusal(words, param="messages[0].role") if "system" in roles else None


def one_choice(_: str, body: Body) -> Response | None:
    return refusal("Only one completion choice is allowed") if body.get("n", 1) != 1 else None


def ignores_n(_: str, body: Body) -> Response | None:
    return said(answer(body, "The Po.")) if body.get("n", 1) != 1 else None


def without_reason(*names: str) -> Habit:
    """Plain text, and not a word about what it does not like."""
    return lambda _, body: said("Bad Request", 400, "text/plain") if {*names} & {*body} else None


def streams(_: str, body: Body) -> Response | None:
    if body.get("stream") is False:
        return None
    chat = "messages" in body
    text = '{"tasks": ["Röst några"]}' if "response_format" in body else "1. Bread \u2028 and butter"
    parts: list[str | None] = [*(text[at : at + 5] for at in range(0, len(text), 5)), None]
    lines = [f"data: {json.dumps(_event(part, chat=chat), ensure_ascii=False)}\n\n" for part in parts]
    return said(": hello\n\n" + "".join(lines) + "data: [DONE]\n\n", kind="text/event-stream")


def _event(part: str | None, *, chat: bool) -> dict[str, object]:
    """A piece of an answer; None: its end."""
    piece = ({} if part is None else {"content": part}) if chat else {"text": part or ""}
    choice: dict[str, object] = {"index": 0, "finish_reason": "stop" if part is None else None}
    return {"id": "x", "choices": [{**choice, **({"delta": piece} if chat else piece)}]}
