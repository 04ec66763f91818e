"""Odd answers are kept and bought once; what is no answer never becomes data."""

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as Received
from werkzeug import Response

from selfinstruct.models.backend import ROOM_TO_THINK, AnswersInMemory
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.limits import retry_after
from selfinstruct.records import Choice, Completion, Failure, Message, Request
from selfinstruct.store.journal import Journal
from tests.models.loopback import CHAT, USAGE, asked, at, chat, refused


def one_choice(content: object, reason: str = "stop", **message: object) -> dict[str, object]:
    choice = {"index": 0, "finish_reason": reason, "message": {"content": content, **message}}
    return {"choices": [choice], "usage": USAGE}


@pytest.mark.parametrize(
    ("body", "texts", "reasons"),
    [
        (
            {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": None, "refusal": "no"}}]},
            [""],
            ["refusal"],
        ),
        (
            {"choices": [{"index": 0, "finish_reason": "content_filter", "message": {"content": None}}]},
            [""],
            ["content_filter"],
        ),
        ({"choices": [{"index": 0, "finish_reason": "length", "message": {"content": "ha"}}]}, ["ha"], ["length"]),
        ({"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]}, ["a", "b"], ["", ""]),
        (
            {"choices": [{"index": 0, "message": {"content": "b"}}, {"index": 0, "message": {"content": "a"}}]},
            ["b", "a"],
            ["", ""],
        ),
        (chat("one", "two", "three"), ["one", "two", "three"], ["stop"] * 3),
        (chat("one", "", None), ["one", "", ""], ["stop", "empty_text", "empty_text"]),
        (one_choice("ha", "MAX_TOKENS"), ["ha"], ["length"]),
        (one_choice("ha", "end_turn"), ["ha"], ["stop"]),
        (one_choice("ha", "some_new_reason"), ["ha"], ["some_new_reason"]),
        (one_choice([{"type": "text", "text": "A "}, {"type": "text", "text": "lake."}]), ["A lake."], ["stop"]),
        (one_choice([{"type": "output_text", "text": "A lake."}]), ["A lake."], ["stop"]),
        (one_choice(["A ", "lake."]), ["A lake."], ["stop"]),
    ],
)
def test_odd_answers_are_kept_and_bought_once(
    httpserver: HTTPServer, body: dict[str, object], texts: list[str], reasons: list[str]
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    with Gate(at(httpserver), AnswersInMemory(), Policy(longest_wait=0.001)) as gate:
        (answer,) = gate.scoped("s").complete([CHAT])
    assert isinstance(answer, Completion)
    assert [choice.text for choice in answer.choices] == texts
    assert [choice.finish_reason for choice in answer.choices] == reasons
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": 5}, {"prompt_tokens": "5", "completion_tokens": -1}, 7, {"completion_tokens": 2**40}],
)
def test_missing_usage_becomes_an_upper_bound_and_is_marked(httpserver: HTTPServer, usage: object) -> None:
    body = chat("The Tay.") | {"usage": usage}
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    spent = asked(at(httpserver)).usage
    assert spent.estimated
    assert spent.prompt_tokens >= 5
    assert spent.completion_tokens == CHAT.max_tokens  # what was set aside: nobody saw what was thought


@pytest.mark.parametrize(
    "usage_told", [{"prompt_tokens": 5, "completion_tokens": 0}, {"prompt_tokens": 0}, {}, None, "5"]
)
def test_no_tokens_for_a_real_text_are_nonsense_and_cost_what_was_set_aside(
    httpserver: HTTPServer, usage_told: object
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(chat("The Tay.") | {"usage": usage_told})
    usage = asked(at(httpserver)).usage
    assert usage.estimated
    assert usage.completion_tokens == CHAT.max_tokens


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'"a\xff\xfeb"', "a\ufffd\ufffdb"),
        (b'"a\\ud83d b"', "a\ufffd b"),
        (b'"\\ud83c\\udf89"', "🎉"),
        (b'"a\\u0000b"', "a\x00b"),
        ('"\ufeffé"'.encode(), "\ufeffé"),
        (b'"' + b"x" * 5000 + b'"', "x" * 5000),
    ],
)
def test_broken_characters_are_repaired_and_the_rest_is_lossless(
    httpserver: HTTPServer, tmp_path: Path, content: bytes, text: str
) -> None:
    body = b"\xef\xbb\xbf" + b'{"choices": [{"index": 0, "message": {"content": ' + content + b"}}]}"
    httpserver.expect_request("/v1/chat/completions").respond_with_data(body, content_type="application/json")
    with Journal(tmp_path / "journal.sqlite") as journal, Gate(at(httpserver), journal) as gate:
        (answer,) = gate.scoped("s").complete([CHAT])
    assert isinstance(answer, Completion)
    assert answer.choices[0].text == text
    json.dumps(answer.as_json(), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<!doctype html><p>Sign in",
        b'{"choices": [{"index": 0, "message": {"conte',
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": 3}',
        b'{"choices": [null]}',
        b'{"choices": [{"index": 0, "message": {"content": 7}}]}',
        b'{"choices": [{"index": 0}]}',
        b'{"choices": [{"index": 0, "text": "a"}], "x": NaN}',
        b"[" * 100_000,
        b"9" * 5000,
        b'{"error": {"message": "overloaded", "code": 503}}',
    ],
)
def test_what_is_no_answer_is_tried_again_within_bounds_and_never_becomes_data(
    httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data(body)
    with Gate(at(httpserver), AnswersInMemory(), Policy(longest_wait=0.001, attempts=3)) as gate:
        (failure,) = gate.scoped("s").complete([CHAT])
    assert isinstance(failure, Failure)
    assert failure.kind in {"bad_answer", "error_in_answer", "no_choices"}
    assert len(httpserver.log) == 3


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (chat(None), "empty_text"),
        (chat(""), "empty_text"),
        (chat(" \n"), "empty_text"),
        (one_choice(None, "length"), "empty_text"),
        (one_choice([]), "empty_text"),
        (one_choice(None, "tool_calls", tool_calls=[{"id": "1", "type": "function"}]), "tool_calls"),
        (one_choice("I look that up.", "tool_calls"), "tool_calls"),
        (one_choice(None, "stop", function_call={"name": "f"}), "tool_calls"),
        (one_choice("The Ta", "insufficient_system_resource"), "insufficient_system_resource"),
        (one_choice("", "network_error"), "network_error"),
        (one_choice(None, "Recitation!"), "recitation"),
        ({"choices": None}, "no_choices"),
        ({"id": "x"}, "no_choices"),
        (one_choice("", "error") | {"choices": [{"index": 0, "error": {"code": 502}}]}, "error_in_answer"),
        ({"error": {"message": "overloaded"}}, "error_in_answer"),
        ({"choices": [{"index": 0, "error": {"code": 429, "message": "slow"}}]}, "rate_limited"),
        (one_choice("<think>\nWhich river"), "only_thinking"),
        (one_choice("Okay, so the user wants a river. There is", "length"), "only_thinking"),
        (one_choice("", "stop", reasoning_content="The Tay."), "only_thinking"),
        (one_choice(None, "length", reasoning="Which"), "only_thinking"),
        (one_choice([{"type": "thinking", "thinking": [{"type": "text", "text": "Which"}]}]), "only_thinking"),
    ],
)
def test_what_holds_no_answer_is_a_failure_with_its_name_bought_a_few_times_at_most(
    httpserver: HTTPServer, body: dict[str, object], kind: str
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    policy = Policy(longest_wait=0.001, attempts=6, patience=0.01)
    with Gate(at(httpserver), AnswersInMemory(), policy) as gate:
        (failure,) = gate.scoped("s").complete([CHAT])
    assert isinstance(failure, Failure)
    assert failure.kind == kind
    most = (
        6
        if kind in {"error_in_answer", "no_choices"} or "_" not in kind or kind.endswith(("_error", "_resource"))
        else 3
    )
    if kind != "rate_limited":
        assert 1 <= len(httpserver.log) <= most


@pytest.mark.parametrize(
    ("message", "thinking"),
    [
        ({"content": "<think>Which?</think>The Tay."}, "Which?"),
        ({"content": "Which?\n</think>\nThe Tay."}, "Which?"),
        ({"content": "The Tay.", "reasoning_content": "Which?"}, "Which?"),
        ({"content": "The Tay.", "reasoning": "Which?"}, "Which?"),
        ({"content": "The Tay.", "thinking": "Which?"}, "Which?"),
        ({"content": "The Tay.", "reasoning_details": [{"type": "reasoning.text", "text": "Which?"}]}, "Which?"),
        (
            {"content": [{"type": "thinking", "thinking": "Which?"}, {"type": "text", "text": "The Tay."}]},
            "Which?",
        ),
        ({"content": "The Tay."}, ""),
    ],
)
def test_thinking_is_taken_off_and_kept_beside(
    httpserver: HTTPServer, tmp_path: Path, message: dict[str, object], thinking: str
) -> None:
    body = {"choices": [{"index": 0, "finish_reason": "stop", "message": message}], "usage": USAGE}
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    for _ in range(2):  # bought, then replayed
        with Journal(tmp_path / "journal.sqlite") as journal, Gate(at(httpserver), journal) as gate:
            (answer,) = gate.scoped("s").complete([CHAT])
        assert isinstance(answer, Completion)
        assert answer.choices == (Choice("The Tay.", "stop", thinking),)
    assert len(httpserver.log) == 1


def test_a_model_that_thinks_gets_room_for_it_once_that_is_seen(httpserver: HTTPServer) -> None:
    def thinks(received: Received) -> Response:
        room = received.get_json()["max_tokens"]
        cut = room < 1000
        text = "<think>\nWhich river" if cut else "<think>\nWhich?\n</think>\nThe Tay."
        return Response(json.dumps(one_choice(text, "length" if cut else "stop")))

    httpserver.expect_request("/v1/chat/completions").respond_with_handler(thinks)
    requests = [Request(prompt=(Message("user", f"River {number}?"),), max_tokens=16) for number in range(4)]
    with Gate(at(httpserver), AnswersInMemory(), Policy(in_flight=1)) as gate:
        answers = list(gate.scoped("s").complete(requests))
    assert [answer.choices[0].text for answer in answers if isinstance(answer, Completion)] == ["The Tay."] * 4
    sent = [entry[0].get_json()["max_tokens"] for entry in httpserver.log]
    assert sent == [16] + [16 + ROOM_TO_THINK] * 4
    assert [answer.id.partition(".")[0] for answer in answers] == [request.key("openai:m") for request in requests]


def test_room_to_think_can_be_said_and_is_not_exceeded(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(one_choice("<think>\nWhich", "length"))
    with Gate(at(httpserver), AnswersInMemory(), Policy(in_flight=1, thinking_tokens=100)) as gate:
        (failure,) = gate.scoped("s").complete([CHAT])
    assert isinstance(failure, Failure)
    assert "limits.thinking_tokens" in failure.message
    assert [entry[0].get_json()["max_tokens"] for entry in httpserver.log] == [116]


@pytest.mark.parametrize(
    ("status", "error", "kind", "retry"),
    [
        (400, {"message": "bad stop"}, "bad_request", "never"),
        (422, {"message": "bad stop"}, "bad_request", "never"),
        (400, {"message": "x", "code": "context_length_exceeded"}, "too_long", "never"),
        (400, {"message": "This model's maximum context length is 4097 tokens"}, "too_long", "never"),
        (400, {"message": "the request exceeds the available context size"}, "too_long", "never"),
        (413, {"message": "big"}, "too_long", "never"),
        (401, {"message": "who?"}, "refused", "stop"),
        (403, {"message": "who?"}, "refused", "stop"),
        (404, {"message": "no such model"}, "not_found", "stop"),
        (429, {"message": "x", "code": "insufficient_quota"}, "no_quota", "stop"),
        (402, {"message": "pay"}, "no_quota", "stop"),
        (429, {"message": "slow down"}, "rate_limited", "slower"),
        (408, {"message": "x"}, "server_error", "later"),
        (409, {"message": "x"}, "server_error", "later"),
        (500, {"message": "x"}, "server_error", "later"),
        (503, {"message": "x"}, "server_error", "later"),
        (529, {"message": "x"}, "server_error", "later"),
        (302, {"message": "x"}, "redirected", "stop"),
    ],
)
def test_statuses_are_classified(
    httpserver: HTTPServer, status: int, error: dict[str, str], kind: str, retry: str
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(
        {"error": error}, status=status, headers={"location": httpserver.url_for("/elsewhere")}
    )
    fault = refused(at(httpserver))
    assert (fault.kind, fault.retry) == (kind, retry)
    assert fault.billed == (retry == "later")
    assert [entry[0].path for entry in httpserver.log] == ["/v1/chat/completions"]


def test_an_error_that_is_no_json_is_still_told(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data("<h1>502 \x1b[31m</h1>", status=502)
    fault = refused(at(httpserver))
    assert fault.retry == "later"
    assert "502" in fault.message
    assert "\x1b" not in fault.message


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon, 99 Foo"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "76ms"}, 2.0),
        ({"x-ratelimit-reset-requests": "6m0s", "retry-after": "3"}, 3.0),
        (
            {
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-requests": "7",
                "x-ratelimit-reset-tokens": "500ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            0.5,
        ),
        ({"X-RateLimit-Reset": "1795255230", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"x-ratelimit-reset": "1795255230000", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        (
            {"anthropic-ratelimit-requests-reset": "2026-11-21T10:00:30Z", "date": "Sat, 21 Nov 2026 10:00:00 GMT"},
            30.0,
        ),
        ({"ratelimit-reset": "12"}, 12.0),
        ({"x-ratelimit-reset-tokens": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_understood_in_every_form(headers: dict[str, str], after: float | None) -> None:
    assert retry_after(headers, 0.0) == after


def test_retry_after_arrives_with_the_error(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(
        {}, status=429, headers={"retry-after-ms": "70"}
    )
    assert refused(at(httpserver)).after == 0.07
