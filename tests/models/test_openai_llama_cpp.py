"""`openai:NAME` against a real llama.cpp server on loopback: text, chat, a schema, a prompt that does not fit."""

import json
from collections.abc import Iterator

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import AnswersInMemory
from selfinstruct.models.embedded import Embedded
from selfinstruct.models.gate import Gate
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.weights import embedded_weights
from selfinstruct.records import Completion, Failure, Message, Request

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def backend() -> Iterator[OpenAICompatible]:
    try:
        embedded_weights()
    except BadInput as missing:
        pytest.skip(str(missing))
    engine = Embedded(None, in_flight=1)
    server = engine._engines[0].loaded()
    address = f"{server.listening_address}/v1"
    yield OpenAICompatible(model="any", api_key=engine._engines[0].password, url=address, in_flight=2)
    engine._engines[0].server = None


def test_a_real_server_is_understood(backend: OpenAICompatible) -> None:
    schema = {"type": "object", "properties": {"river": {"type": "string", "maxLength": 12}}, "required": ["river"]}
    talk = (Message("user", "Name a river."),)
    requests = [
        Request(prompt="The rivers of Scotland are the", max_tokens=6, n=2, stop=("\n",), seed=1),
        Request(prompt=talk, max_tokens=6),
        Request(prompt=talk, max_tokens=60, json_schema=json.dumps(schema)),
        Request(prompt="word " * 40_000, max_tokens=6),
    ]
    with Gate(backend, AnswersInMemory()) as gate:
        text, chat, held, long = gate.scoped("s").complete(requests)
    assert isinstance(text, Completion)
    assert len(text.choices) == 2
    assert text.choices[0].finish_reason in {"stop", "length"}
    assert text.usage.prompt_tokens > 3
    assert not text.usage.estimated
    assert isinstance(chat, Completion)
    assert chat.choices[0].text
    assert isinstance(held, Completion)
    assert set(json.loads(held.choices[0].text)) == {"river"}
    assert isinstance(long, Failure)
    assert long.kind == "too_long"
