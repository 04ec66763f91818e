"""A model behind an endpoint as a recipe names it: short forms, mappings, and never a key."""

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from selfinstruct.errors import BadInput
from selfinstruct.models.hosted import HostedModel, connected, hosted_model, short_form
from selfinstruct.models.make_backend import check_spec, make_backend
from selfinstruct.models.openai_compatible import OpenAICompatible
from tests.models.habits import answer, message
from tests.models.loopback import CANARY, CHAT, asked, refused


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "OPENROUTER_API_KEY",
        "OLLAMA_API_KEY",
        "SELFINSTRUCT_ALLOW_HTTP",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("spec", "url"),
    [
        ("ollama:llama3.2:1b", "http://127.0.0.1:11434/v1"),
        ("vllm:Qwen/Qwen3-8B", "http://127.0.0.1:8000/v1"),
        ("llamacpp:any", "http://127.0.0.1:8080/v1"),
        ("openrouter:anthropic/claude-sonnet-4.5", "https://openrouter.ai/api/v1"),
    ],
)
def test_short_forms_have_known_addresses_and_keys_of_their_own(
    spec: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "meant-for-another")
    monkeypatch.setenv("OPENROUTER_API_KEY", CANARY)
    backend = make_backend(spec)
    assert isinstance(backend, OpenAICompatible)
    assert (backend.name, backend.base_url) == (spec, url)
    assert backend.api_key == (CANARY if "openrouter" in spec else "")


def test_a_hosted_short_form_without_its_key_is_refused() -> None:
    with pytest.raises(BadInput, match="OPENROUTER_API_KEY is not set"):
        make_backend("openrouter:m")


@pytest.mark.parametrize("spec", ["opnai:m", "openapi:m", "gpt-5", "tgi:m", ""])
def test_a_kind_that_does_not_exist_is_refused_with_those_that_do(spec: str) -> None:
    with pytest.raises(BadInput) as fault:
        check_spec(spec)
    assert "no model kind" in fault.value.what
    for kind in ("embedded", "openai", "ollama", "vllm", "llamacpp", "openrouter"):
        assert kind in fault.value.fix


def test_the_nearest_kind_is_proposed_and_a_path_may_be_that_of_a_folder_to_come() -> None:
    with pytest.raises(BadInput, match="did you mean 'ollama'"):
        check_spec("olama:m")
    check_spec("runs/student")
    check_spec("hf:not/here")
    with pytest.raises(BadInput, match="nothing after the colon"):
        check_spec("vllm:")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("openai", "model 'openai': does not say which model; write openai:NAME, such as openai:gpt-4.1-mini"),
        ("gguf", "model 'gguf': does not say which model; write gguf:PATH"),
        ("hf:", "model 'hf:': nothing after the colon; write hf:NAME_OR_FOLDER"),
        (
            "gpt-4.1-mini",
            "no model kind 'gpt-4.1-mini'; if it is a model's name, write openai:gpt-4.1-mini or its like",
        ),
    ],
)
def test_a_model_that_is_half_named_is_told_how_to_write_it(typed: str, said: str) -> None:
    with pytest.raises(BadInput) as fault:
        check_spec(typed)
    assert said in str(fault.value)


WHOLE: dict[str, Any] = {
    "openai": "m",
    "base_url": "http://127.0.0.1:9/v1",
    "api_key_env": "MY_KEY",
    "headers": {"X-Title": "tests", "X-Api-Token": "$MY_TOKEN"},
    "limits": {"in_flight": 2, "timeout": 5.5},
    "prices": {"input": 0.1, "output": "0.4"},
    "capabilities": {"completions": False, "refuses": ["seed"]},
}


def test_a_mapping_is_read_written_and_read_again() -> None:
    model = hosted_model(WHOLE, "recipe.yaml:2")
    assert hosted_model(model.as_yaml(), "again") == model
    assert model.spec == "openai:m"
    assert model.price is not None
    assert str(model.price.of(1_000_000, 1_000_000)) == "0.5"
    assert hosted_model(short_form("vllm:m").as_yaml(), "x") == short_form("vllm:m")  # type: ignore[union-attr]


def test_what_a_mapping_says_is_sent_and_secrets_come_from_the_environment(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(answer({}, "x") | {"choices": [message("Tay")]})
    model = hosted_model({**WHOLE, "base_url": httpserver.url_for("/v1")}, "recipe.yaml:2")
    with pytest.raises(BadInput, match="MY_KEY is not set"):
        connected(model)
    monkeypatch.setenv("MY_KEY", CANARY)
    with pytest.raises(BadInput, match="MY_TOKEN is not set"):
        connected(model)
    monkeypatch.setenv("MY_TOKEN", "tok-0123456789abcdef")
    backend = connected(model)
    assert not backend.traits.completion
    asked(backend, CHAT)
    received = httpserver.log[0][0]
    assert received.headers["authorization"] == f"Bearer {CANARY}"
    assert (received.headers["x-title"], received.headers["x-api-token"]) == ("tests", "tok-0123456789abcdef")
    written = json.dumps(model.at(backend).as_yaml()) + repr(backend)
    assert CANARY not in written
    assert "tok-0123456789abcdef" not in written


def test_another_address_gets_no_key_that_was_not_meant_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    assert connected(HostedModel(kind="openai", model="m", base_url="http://127.0.0.1:9/v1")).api_key == ""
    assert connected(HostedModel(kind="openai", model="m")).api_key == CANARY
    named = HostedModel(kind="openai", model="m", base_url="http://127.0.0.1:9/v1", api_key_env="OPENAI_API_KEY")
    assert connected(named).api_key == CANARY


def test_the_address_that_is_used_is_written_and_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    model = HostedModel(kind="openai", model="m")
    located = model.at(connected(model))
    assert located.as_yaml() == {"openai": "m", "base_url": "http://127.0.0.1:9/v1", "api_key_env": "OPENAI_API_KEY"}
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert connected(located).base_url == "http://127.0.0.1:9/v1"


def test_azure_takes_its_version_in_the_address_and_its_key_in_a_header(httpserver: HTTPServer) -> None:
    httpserver.expect_request(
        "/openai/deployments/d/chat/completions", query_string="api-version=2024-10-21"
    ).respond_with_json(answer({}, "x") | {"choices": [message("Tay")]})
    url = httpserver.url_for("/openai/deployments/d") + "?api-version=2024-10-21"
    backend = OpenAICompatible(model="m", url=url, api_key=CANARY)
    assert backend.base_url == url
    assert asked(backend, CHAT).choices[0].text == "Tay"
    assert httpserver.log[0][0].headers["api-key"] == CANARY
    hosted = OpenAICompatible(model="m", url="https://x.openai.azure.com/openai/v1?api-version=preview", api_key=CANARY)
    headers = hosted._own_headers("not sent")
    assert (headers["api-key"], headers["Authorization"]) == (CANARY, "not sent")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ollama": "n"}, "names 2 models"),
        ({"openai": None}, "openai: expected a text"),
        ({"openai": ""}, "openai: expected a text"),
        ({"url": "http://127.0.0.1/v1"}, "no key 'url'"),
        ({"base_url": 7}, "base_url: expected a text"),
        ({"api_key_env": CANARY}, "no name of an environment variable"),
        ({"headers": {"Authorization": f"Bearer {CANARY}"}}, "looks like a secret"),
        ({"headers": {"bad header": "x"}}, "headers: bad header"),
        ({"headers": {"X-A": "a\r\nb"}}, "headers: X-A"),
        ({"headers": []}, "headers: expected a mapping"),
        ({"limits": {"max_cost": "1"}}, "limits: no 'max_cost'"),
        ({"limits": {"in_flight": 0}}, "limits.in_flight"),
        ({"limits": {"in_flight": True}}, "limits.in_flight"),
        ({"limits": {"timeout": float("nan")}}, "limits.timeout"),
        ({"prices": {"input": 1}}, "expected input and output"),
        ({"prices": {"input": -1, "output": 1}}, "prices: expected US dollars"),
        ({"prices": {"input": 10**400, "output": 1}}, "prices: expected US dollars"),
        ({"capabilities": {"colour": True}}, "no capability 'colour'"),
        ({"allow_http": "yes"}, "allow_http"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_one_line_without_a_key(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as fault:
        hosted_model({**WHOLE, **changes}, "recipe.yaml:2")
    assert CANARY not in str(fault.value)
    assert fault.value.place == "recipe.yaml:2"


def test_a_mapping_that_names_no_endpoint_lists_those_there_are() -> None:
    with pytest.raises(BadInput, match="write one of openai, ollama, vllm, llamacpp, openrouter"):
        hosted_model({"hf": "x"}, "recipe.yaml:2")


def test_a_plan_needs_neither_key_nor_header(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MY_KEY", "MY_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENROUTER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert connected(hosted_model(WHOLE, "recipe.yaml:2"), planned=True).lacking == ("MY_KEY", "MY_TOKEN")
    for spec, name in (("openai:gpt-4.1-mini", "OPENAI_API_KEY"), ("openrouter:m", "OPENROUTER_API_KEY")):
        model = short_form(spec)
        assert model is not None
        assert connected(model, planned=True).lacking == (name,)
        with pytest.raises(BadInput, match=f"{name} is not set"):
            connected(model)
    local = short_form("ollama:m")
    assert local is not None
    assert connected(local, planned=True).lacking == ()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_endpoint_that_wants_a_key_says_that_none_is_set_and_how_to_give_it_one(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, *, elsewhere: bool
) -> None:
    said = {"error": {"message": "You didn't provide an API key."}}
    httpserver.expect_request("/v1/chat/completions").respond_with_json(said, 401)
    if elsewhere:
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)  # meant for another address, so it is not sent to this one
        backend = connected(hosted_model({"openai": "m", "base_url": httpserver.url_for("/v1")}, "recipe.yaml:2"))
    else:
        monkeypatch.setenv("OPENAI_BASE_URL", httpserver.url_for("/v1"))
        backend = connected(HostedModel(kind="openai", model="m"))
    fault = refused(backend, CHAT)
    how = "write api_key_env: VARIABLE beside its base_url" if elsewhere else "set OPENAI_API_KEY"
    assert f"wants a key (401), and none is set: You didn't provide an API key; {how}" in fault.message


def test_a_key_that_is_refused_is_to_be_checked(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", httpserver.url_for("/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    httpserver.expect_request("/v1/chat/completions").respond_with_json({"error": {"message": "no"}}, 401)
    fault = refused(connected(HostedModel(kind="openai", model="m")), CHAT)
    assert (
        "refuses the key (401): no; check OPENAI_API_KEY, and that it belongs to this OPENAI_BASE_URL" in fault.message
    )
