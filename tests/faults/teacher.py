"""A loopback endpoint that answers like a teacher, from the bank of the smoke script, and fails when told to."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from pytest_httpserver import HTTPServer
from werkzeug import Request as Received
from werkzeug import Response

from selfinstruct.models.capability_probe import TEXT
from selfinstruct.models.scripted import Scripted, find_script

_OPEN_NUMBER = re.compile(r"(\d+)\.\s*$")
CLASSIFY_TOKENS = 3  # a completion's limit tells the question


@dataclass(frozen=True)
class Question:
    """What was asked, as far as the wire tells."""

    kind: str
    """`propose`, `classify` or `instances`."""
    subject: str
    """The instruction asked about, where there is one."""
    prompt: str
    key: str
    """What came as the Authorization header."""


@dataclass
class Teacher:
    """Set `fate` to answer otherwise; `asked` holds every question in the order of their arrival."""

    server: HTTPServer
    fate: Callable[[Question], Response | None] = lambda _: None
    asked: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bank = Scripted.load(find_script("smoke")).bank
        self.server.expect_request("/v1/completions", method="POST").respond_with_handler(self._answer)
        self.server.expect_request("/v1/chat/completions", method="POST").respond_with_data("not here", 404)

    @property
    def url(self) -> str:
        return str(self.server.url_for("/v1"))

    def _answer(self, received: Received) -> Response:
        body = json.loads(received.get_data())
        prompt = body["prompt"]
        if prompt == TEXT.prompt:  # what it can do is asked, and no question of a stage
            return said({"choices": [{"index": 0, "text": " Carrots", "finish_reason": "stop"}]})
        known = max(self._bank, key=lambda task: prompt.rfind(task.instruction))
        begun = _OPEN_NUMBER.search(prompt)
        kind = "propose" if begun else "classify" if body["max_tokens"] == CLASSIFY_TOKENS else "instances"
        question = Question(kind, "" if begun else known.instruction, prompt, received.headers.get("Authorization", ""))
        self.asked.append(question)
        fate = self.fate(question)
        if fate is not None:
            return fate
        if begun:
            first = int(begun[1])
            items = Random(prompt).sample(self._bank, 7)
            lines = [f"{number}. {task.instruction}" for number, task in enumerate(items, first)]
            text = "\n".join(lines).removeprefix(f"{first}.")
        elif kind == "classify":
            text = " Yes" if known.is_classification else " No"
        elif known.is_classification:
            text = f"Class label: {known.output}\nInput: {known.input}"
        else:
            text = f"Input: {known.input}\nOutput: {known.output}" if known.input else f"Output: {known.output}"
        return said({"choices": [{"index": n, "text": text, "finish_reason": "stop"} for n in range(body.get("n", 1))]})


def said(body: object, status: int = 200) -> Response:
    return Response(body if isinstance(body, str) else json.dumps(body), status, content_type="application/json")
