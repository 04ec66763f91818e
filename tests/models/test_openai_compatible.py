"""`openai:NAME` speaks the real protocol, sends nothing where it must not, and never shows the key."""

import json
import logging
import traceback
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as Received
from werkzeug import Response

from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.models.backend import CallError
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.records import Completion, Request
from selfinstruct.store.journal import Journal
from tests.models.loopback import CANARY, CHAT, TEXT, USAGE, asked, at, bytes_once, chat, raw, refused


def test_text_goes_to_completions_with_every_knob(httpserver: HTTPServer) -> None:
    choices = [
        {"index": 1, "text": " The Tay", "finish_reason": "stop"},
        {"index": 0, "text": " The Po", "finish_reason": "length"},
    ]
    httpserver.expect_request("/v1/completions", method="POST").respond_with_json({"choices": choices, "usage": USAGE})
    answer = asked(at(httpserver), TEXT)
    assert [(choice.text, choice.finish_reason) for choice in answer.choices] == [
        (" The Po", "length"),
        (" The Tay", "stop"),
    ]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.estimated) == (5, 6, False)
    assert json.loads(answer.raw)["choices"] == choices
    sent = httpserver.log[0][0].get_json()
    assert sent == {
        "model": "m",
        "prompt": "Name a river.",
        "max_tokens": 16,
        "temperature": 1.0,
        "top_p": 1.0,
        "presence_penalty": 0.5,
        "stop": ["\n", "3."],
        "n": 2,
        "seed": 7,
    }


def test_messages_go_to_chat_and_a_schema_becomes_a_response_format(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_json(chat("The Tay."))
    schema = '{"type": "object"}'
    request = Request(prompt=CHAT.prompt, max_tokens=16, json_schema=schema)
    assert asked(at(httpserver, api_key=CANARY), request).choices[0].text == "The Tay."
    received = httpserver.log[0][0]
    assert received.headers["authorization"] == f"Bearer {CANARY}"
    sent = received.get_json()
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Name a river."},
    ]
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert "n" not in sent


def test_openai_itself_takes_chat_only_and_counts_completion_tokens() -> None:
    hosted = OpenAICompatible(model="gpt-5", api_key=CANARY)
    assert (hosted.traits.completion, hosted.traits.chat) == (False, True)
    _, body = hosted.message(CHAT)
    assert body["max_completion_tokens"] == 16
    assert refused(hosted, TEXT).retry == "never"
    old = OpenAICompatible(model="davinci-002", api_key=CANARY, api="completions")
    assert (old.traits.completion, old.traits.chat) == (True, False)
    assert old.message(TEXT)[1]["max_tokens"] == 16
    with pytest.raises(BadInput, match="OPENAI_API_KEY is not set"):
        OpenAICompatible(model="gpt-5")


def test_address_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:11434/v1/")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    backend = OpenAICompatible.from_environment("llama")
    assert (backend.name, backend.base_url) == ("openai:llama", "http://localhost:11434/v1")
    assert backend.notice == "openai:llama at http://localhost:11434/v1"
    monkeypatch.setenv("SELFINSTRUCT_OPENAI_API", "talk")
    with pytest.raises(BadInput, match="SELFINSTRUCT_OPENAI_API"):
        OpenAICompatible.from_environment("llama")


def test_half_characters_in_a_prompt_do_not_stop_a_request(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/completions").respond_with_json(
        {"choices": [{"index": 0, "text": "x", "finish_reason": "stop"}], "usage": USAGE}
    )
    asked(at(httpserver), Request(prompt="a\ud83d b \x00", max_tokens=1))
    assert httpserver.log[0][0].get_json()["prompt"] == "a\ufffd b \x00"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/v1",
        "https://169.254.169.254/v1",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://2852039166/v1",
        "http://0xa9fea9fe/v1",
        "http://metadata.google.internal/v1",
        "https://100.100.100.200/v1",
        "http://example.com/v1",
        "http://10.0.0.1/v1",
        "file:///etc/passwd",
        "ftp://example.com",
        "example.com/v1",
        "https://user:secret@example.com/v1",
        "https://example.com/v1?key=1",
        "https://example.com:99999/v1",
        "https://[::1/v1",
        "",
    ],
)
def test_addresses_that_must_not_be_used_are_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadInput) as fault:
        OpenAICompatible(model="m", url=url, api_key=CANARY)
    assert "secret" not in str(fault.value)
    assert fault.value.fix


def test_plain_http_is_for_this_machine_unless_allowed() -> None:
    for url in ("http://127.0.0.1:1/v1", "http://localhost/v1", "http://[::1]:8000/v1", "https://example.com/v1"):
        assert OpenAICompatible(model="m", url=url).base_url == url
    assert OpenAICompatible(model="m", url="http://10.0.0.1/v1", allow_http=True).base_url == "http://10.0.0.1/v1"


def test_the_key_is_never_shown_whatever_the_endpoint_repeats(
    httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def mirror(received: Received) -> Response:
        key = received.headers["authorization"]
        status = {0: 200, 1: 400, 2: 500, 3: 429, 4: 401}[len(httpserver.log) % 5]
        return Response(json.dumps(chat(key, error=None) if status == 200 else {"error": {"message": key}}), status)

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(mirror)
    caplog.set_level(logging.DEBUG)
    shown = []
    backend = at(httpserver, api_key=CANARY)
    policy = Policy(longest_wait=0.01, in_flight=1)
    with Journal(tmp_path / "journal.sqlite") as journal, Gate(backend, journal, policy) as gate:
        try:
            shown += [repr(answer) for answer in gate.scoped("s").complete([CHAT] * 20)]
        except ProviderDown:
            shown.append(traceback.format_exc())
    for _ in range(5):
        try:
            shown.append(repr(asked(backend)))
        except CallError as fault:
            shown += [repr(fault), traceback.format_exc()]
    with raw(bytes_once(b"")) as server:
        shown.append(
            "".join(traceback.format_exception(refused(OpenAICompatible(model="m", url=server.url, api_key=CANARY))))
        )
    shown += [repr(backend), str(backend), backend.notice, backend.base_url, caplog.text]
    everything = "\n".join(shown).encode() + b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert httpserver.log[0][0].headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY.encode() not in everything
    assert b"***" in everything
    assert caplog.text


def test_a_second_ask_costs_nothing_and_reaches_nobody(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(chat("The Tay."))
    with Journal(tmp_path / "journal.sqlite") as journal:
        for _ in range(2):
            with Gate(at(httpserver), journal) as gate:
                (answer,) = gate.scoped("s").complete([CHAT])
                assert isinstance(answer, Completion)
                assert answer.choices[0].text == "The Tay."
    assert len(httpserver.log) == 1
