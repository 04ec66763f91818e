"""A key is kept out of errors, addresses and the disk, and never out of what a model said."""

import json
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from selfinstruct.models.endpoint import Key, shown_address
from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.prices_and_budget import Budget, Price, Prices
from selfinstruct.records import Completion, Failure
from selfinstruct.store.journal import Journal
from tests.models.loopback import CANARY, CHAT, asked, at, bytes_once, chat, raw, refused

ESCAPED = "".join(f"\\u{ord(sign):04x}" for sign in CANARY)
TOLD = "The greatest test is to wait; use not-needed, x and sk here."


@pytest.mark.parametrize("key", ["test", "x", "none", "e", "not-needed", "0", "content"])
def test_a_placeholder_key_damages_no_answer(httpserver: HTTPServer, key: str) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(chat(TOLD))
    answer = asked(at(httpserver, api_key=key))
    assert answer.choices[0].text == TOLD
    assert json.loads(answer.raw)["choices"][0]["message"]["content"] == TOLD


@pytest.mark.parametrize("repeated", [CANARY, f"Your key is {CANARY}.", f"<think>{CANARY}</think>Tay", ESCAPED])
def test_an_answer_that_repeats_a_real_key_is_paid_for_and_not_stored(
    httpserver: HTTPServer, tmp_path: Path, repeated: str
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(chat(repeated))
    prices = Prices({"openai:m": Price(Decimal(1_000_000), Decimal(1_000_000))})  # a dollar a token
    budget = Budget()
    with (
        Journal(tmp_path / "journal.sqlite") as journal,
        Gate(at(httpserver, api_key=CANARY), journal, Policy(), budget, prices) as gate,
    ):
        (failure,) = gate.scoped("s").complete([CHAT])
        spent = journal.spent()
    assert isinstance(failure, Failure)
    assert failure.kind == "answer_contains_key"
    assert len(httpserver.log) == 1
    assert (spent.unconfirmed_cost, spent.unconfirmed_tokens) == (
        Decimal(11),
        11,
    )  # what the endpoint billed, no worst case
    assert (budget.unconfirmed_cost, budget.unconfirmed_tokens) == (Decimal(11), 11)
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir()) + repr(failure).encode()
    assert CANARY.encode() not in on_disk
    assert b"u0073" not in on_disk


def test_a_real_key_beside_the_answer_is_masked_in_what_is_kept(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(chat("The Tay.", user=CANARY))
    with Journal(tmp_path / "journal.sqlite") as journal, Gate(at(httpserver, api_key=CANARY), journal) as gate:
        (answer,) = gate.scoped("s").complete([CHAT])
    assert isinstance(answer, Completion)
    assert answer.choices[0].text == "The Tay."
    assert CANARY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    "spelt",
    [
        ESCAPED,
        ESCAPED.replace("\\u", "\\\\u"),
        "".join(f"&#{ord(sign)};" for sign in CANARY),
        "".join(f"%{ord(sign):02X}" for sign in CANARY),
        CANARY[:3] + "\\u0063" + CANARY[4:],
        CANARY,
    ],
)
@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_a_key_in_an_error_is_masked_however_it_is_spelt(httpserver: HTTPServer, spelt: str, status: int) -> None:
    body = b'{"error": {"message": "no ' + b"a" * 270 + b" such key: " + spelt.encode() + b'"}}'
    httpserver.expect_request("/v1/chat/completions").respond_with_data(body, status=status)
    fault = refused(at(httpserver, api_key=CANARY))
    decoded = fault.message.encode().decode("unicode_escape")
    for shown in (fault.message, decoded, str(fault), repr(fault)):
        assert CANARY[:12] not in shown


def test_a_key_at_the_edge_of_what_is_quoted_is_masked(httpserver: HTTPServer) -> None:
    for before in range(80, 130):
        httpserver.clear()
        body = b"x" * before + CANARY.encode() + b" and more that is no JSON"
        httpserver.expect_request("/v1/chat/completions").respond_with_data(body)
        assert CANARY[:8] not in refused(at(httpserver, api_key=CANARY)).message


def test_a_short_key_is_masked_where_it_stands_alone() -> None:
    assert (
        Key("test").masked_text("key 'test' is no key; the greatest test.") == "key '***' is no key; the greatest ***."
    )
    assert Key("").masked_text("as it is") == "as it is"


def test_a_key_in_the_path_of_an_address_is_shown_nowhere() -> None:
    path = f"/k/{quote(CANARY)}/{''.join(f'%{ord(sign):02x}' for sign in CANARY)}/a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6/v1"
    backend = OpenAICompatible(model="m", url=f"http://127.0.0.1:1{path}", api_key=CANARY)
    assert backend.base_url == "http://127.0.0.1:1/k/***/***/***/v1"
    assert backend.notice.endswith("/k/***/***/***/v1")
    assert refused(backend).message.count("***") >= 3
    assert shown_address("https://gateway.example/openai/deployments/gpt-4o/v1", Key("")) == (
        "https://gateway.example/openai/deployments/gpt-4o/v1"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: \x1b[31mgz\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: \x1b[2J\x07\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nbad header\x1b[31m\r\n\r\n",
        b"\x1b]0;title\x07HTTP\r\nmore\r\n\r\nlines\r\n",
        b"HTTP/1.1 400 \x1b[31m\r\ncontent-length: 12\r\n\r\na\n\nb\x1b[31m\nc\nd",
    ],
)
def test_whatever_an_endpoint_says_becomes_one_line_without_control_characters(content: bytes) -> None:
    with raw(bytes_once(content)) as server:
        fault = refused(OpenAICompatible(model="m", url=server.url))
    assert fault.message
    assert fault.message.isprintable()
    assert str(fault) == fault.message


def test_an_error_with_a_key_reaches_no_file(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_handler(
        lambda _: Response(f'{{"error": {{"message": "{ESCAPED}"}}}}', 400)
    )
    with Journal(tmp_path / "journal.sqlite") as journal, Gate(at(httpserver, api_key=CANARY), journal) as gate:
        (failure,) = gate.scoped("s").complete([CHAT])
    assert "***" in repr(failure)
    assert CANARY not in repr(failure)
