"""Odd answers are kept and bought once; what is no answer never becomes data."""

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from selfinstruct.models.backend import Memory
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.policy import retry_after
from selfinstruct.records import Completion, Failure
from selfinstruct.store.journal import Journal
from tests.models.loopback import CHAT, asked, at, chat, refused


@pytest.mark.parametrize(
    ("body", "texts", "reasons"),
    [
        (chat(None), [""], ["empty"]),
        (chat(""), [""], ["stop"]),
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
    ],
)
def test_odd_answers_are_kept_and_bought_once(
    httpserver: HTTPServer, body: dict[str, object], texts: list[str], reasons: list[str]
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    with Gate(at(httpserver), Memory(), Policy(longest_wait=0.001)) as gate:
        (answer,) = gate.scoped("s").complete([CHAT])
    assert isinstance(answer, Completion)
    assert [choice.text for choice in answer.choices] == texts
    assert [choice.finish_reason for choice in answer.choices] == reasons
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 5}, {"prompt_tokens": "5", "completion_tokens": -1}, 7])
def test_missing_usage_becomes_an_upper_bound_and_is_marked(httpserver: HTTPServer, usage: object) -> None:
    body = chat("The Tay.") | {"usage": usage}
    httpserver.expect_request("/v1/chat/completions").respond_with_json(body)
    told = asked(at(httpserver)).usage
    assert told.estimated
    assert told.prompt_tokens >= 5
    assert 0 < told.completion_tokens <= CHAT.max_tokens


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'"a\xff\xfeb"', "a\ufffd\ufffdb"),
        (b'"a\\ud83d b"', "a\ufffd b"),
        (b'"\\ud83c\\udf89"', "🎉"),
        (b'"a\\u0000b"', "a\x00b"),
        ('"\ufeffé"'.encode(), "\ufeffé"),
        (b'"' + b"x" * 5_000_000 + b'"', "x" * 5_000_000),
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
    with Gate(at(httpserver), Memory(), Policy(longest_wait=0.001, attempts=3)) as gate:
        (failure,) = gate.scoped("s").complete([CHAT])
    assert isinstance(failure, Failure)
    assert failure.kind in {"bad_answer", "server_error"}
    assert len(httpserver.log) == 3


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
