"""A model behind an endpoint as a recipe names it: a short form, or a mapping that says where it is and how to ask."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.models.endpoint import OPENAI
from selfinstruct.models.endpoint_capabilities import Stated, stated
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.models.prices_and_budget import Price
from selfinstruct.records import Json
from selfinstruct.text import shown


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a short form points to."""

    url: str
    key: str
    """The environment variable that holds its key, if it needs one."""
    needs_key: bool = False


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("", "OPENAI_API_KEY"),
    "ollama": Provider("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY"),
    "vllm": Provider("http://127.0.0.1:8000/v1", "VLLM_API_KEY"),
    "llamacpp": Provider("http://127.0.0.1:8080/v1", "LLAMA_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", needs_key=True),
}
"""`openai` is any endpoint: OPENAI_BASE_URL says where it is."""

_KEYS = ("base_url", "api_key_env", "headers", "allow_http", "limits", "prices", "capabilities")
_LIMITS = ("in_flight", "requests_per_minute", "tokens_per_minute", "attempts", "timeout", "thinking_tokens")
_MASK = "***"
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_SECRET_HEADER = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
_MOST = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedModel:
    """A model of one endpoint, with everything a recipe may say of it; never a key."""

    kind: str
    model: str
    base_url: str = ""
    """Empty: where its kind says."""
    api_key_env: str = ""
    """The environment variable that holds its key; empty: none where there is a `base_url`, else what its kind says."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with each request; a value `$NAME` is taken from the environment."""
    allow_http: bool = False
    limits: Mapping[str, int | float] = field(default_factory=dict)
    prices: tuple[str, str] | None = None
    """US dollars per million tokens, in and out."""
    capabilities: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> str:
        """The short form, which says nothing of the address."""
        return f"{self.kind}:{self.model}"

    def name(self, label: str = "") -> str:
        """As its answers bear it; `label` tells it from one of the same name at another endpoint."""
        return self.spec + (f" ({label})" if label else "")

    @property
    def price(self) -> Price | None:
        """As the recipe states it."""
        return None if self.prices is None else Price(Decimal(self.prices[0]), Decimal(self.prices[1]))

    def as_yaml(self) -> dict[str, Json]:
        """As a recipe writes it, without what goes without saying."""
        prices: Json = None if self.prices is None else {"input": self.prices[0], "output": self.prices[1]}
        said: dict[str, Json] = {
            "base_url": self.base_url,
            "api_key_env": self.api_key_env,
            "headers": dict(self.headers),
            "allow_http": self.allow_http,
            "limits": dict(self.limits),
            "prices": prices,
            "capabilities": dict(self.capabilities),
        }
        named: dict[str, Json] = {self.kind: self.model}
        return named | {key: value for key, value in said.items() if value}

    def at(self, backend: OpenAICompatible) -> "HostedModel":
        """The same, with the address and the name of the key that are really used: read again, it is asked there."""
        http = self.allow_http or (backend.allow_http and not backend.endpoint.loopback)
        key = backend.key_name if backend.api_key else self.api_key_env
        return replace(self, base_url=backend.base_url, api_key_env=key, allow_http=http)


def short_form(spec: str) -> HostedModel | None:
    """What `openai:NAME` and its like name; None for other kinds.

    >>> short_form("ollama:llama3:8b").model, short_form("embedded")
    ('llama3:8b', None)
    """
    kind, colon, model = spec.partition(":")
    return HostedModel(kind=kind, model=model) if colon and kind in PROVIDERS else None


def hosted_model(given: Mapping[Any, Any], place: str) -> HostedModel:
    """A model that a recipe writes as a mapping; BadInput names the key."""
    kinds = [key for key in given if key in PROVIDERS]
    known = ", ".join(PROVIDERS)
    if len(kinds) != 1:
        what = "names no endpoint's model" if not kinds else f"names {len(kinds)} models"
        raise BadInput(f"a model as a mapping: {what}", place=place, fix=f"write one of {known}, such as openai: NAME")
    [kind] = kinds
    for key in given:
        if key != kind and key not in _KEYS:
            what = f"a model has no key '{shown(str(key))}'"
            raise BadInput(what, place=place, fix=f"keys beside {kind}: {', '.join(_KEYS)}")
    made = HostedModel(
        kind=kind,
        model=_text(given[kind], kind, place),
        base_url=_text(given.get("base_url", ""), "base_url", place, empty=True),
        api_key_env=_variable_name(given.get("api_key_env", ""), place),
        headers=_headers(given.get("headers"), place),
        allow_http=_flag(given.get("allow_http", False), place),
        limits=_limits(given.get("limits"), place),
        prices=_prices(given.get("prices"), place),
        capabilities=_mapping(given.get("capabilities"), "capabilities", place),
    )
    stated(made.capabilities, place)
    return made


def connected(model: HostedModel, label: str = "", *, planned: bool = False) -> OpenAICompatible:
    """The backend, with address, key and headers as the environment has them; BadInput where one is missing.

    `planned`: nothing will be sent, and what is missing is told in `lacking`.
    """
    provider = PROVIDERS[model.kind]
    if _MASK in model.base_url and not os.environ.get("OPENAI_BASE_URL", "").strip():
        what = "its address was written down without the secret in it"
        raise BadInput(what, place=model.spec, fix="set OPENAI_BASE_URL to the whole address")
    if model.kind == "openai" and not model.base_url and not model.api_key_env:
        plain = OpenAICompatible.from_environment(model.model, planned=planned)
        url, key, key_name, url_name, api = plain.url, plain.api_key, plain.key_name, plain.url_name, plain.api
        wanted = True
    else:
        masked = _MASK in model.base_url
        environment_url = os.environ.get("OPENAI_BASE_URL", "").strip() if model.kind == "openai" or masked else ""
        given = "" if masked else model.base_url  # masked when it was written down
        url = given or environment_url or provider.url or OPENAI
        url_name = f"base_url of {model.spec}" if model.base_url or provider.url else "OPENAI_BASE_URL"
        key_name = model.api_key_env or provider.key
        # Another address gets no key that was not meant for it.
        wanted = bool(model.api_key_env) or not model.base_url or "api.openai.com" in model.base_url
        key, api = os.environ.get(key_name, "").strip() if wanted else "", "auto"
    elsewhere = "write api_key_env: VARIABLE beside its base_url in the recipe, and set that variable to its key"
    no_key = bool(model.api_key_env or (provider.needs_key and not model.base_url)) and not key
    if no_key and not planned:
        raise BadInput(f"{key_name} is not set", place=model.spec, fix="set it to the key of this endpoint")
    headers, unset = _filled(model.headers, model.spec, planned=planned)
    return OpenAICompatible(
        model=model.model,
        api_key=key,
        url=url,
        api=api,
        allow_http=model.allow_http or os.environ.get("SELFINSTRUCT_ALLOW_HTTP", "") == "1",
        stated=stated(model.capabilities, model.spec) if model.capabilities else Stated(),
        kind=model.kind,
        label=label,
        headers=headers,
        secrets=tuple(value for name, value in headers.items() if _VARIABLE.fullmatch(model.headers[name])),
        key_name=key_name,
        key_advice="" if wanted else elsewhere,
        url_name=url_name,
        planned=planned,
        lacking=((key_name,) if no_key else ()) + unset,
    )


def _filled(headers: Mapping[str, str], spec: str, *, planned: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """Headers with their variables filled in, and the variables that a plan does without."""
    filled, unset = dict(headers), []
    for header, value in headers.items():
        variable = _VARIABLE.fullmatch(value)
        if variable is None:
            continue
        filled[header] = content = os.environ.get(variable[1], "").strip()
        if content and content.isascii() and content.isprintable():
            continue
        if not planned:
            what = f"header {header}: {variable[1]} is not set, or holds characters that no header has"
            raise BadInput(what, place=spec, fix="set it")
        unset.append(variable[1])
    return filled, tuple(unset)


def _text(value: object, key: str, place: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or (not value.strip() and not empty) or not value.isprintable():
        raise BadInput(f"{key}: expected a text", place=place, fix="correct it")
    return value.strip()


def _variable_name(value: object, place: str) -> str:
    name = _text(value, "api_key_env", place, empty=True)
    if name and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        # Not shown: it may be the key itself.
        raise BadInput("api_key_env: no name of an environment variable", place=place, fix="write api_key_env: MY_KEY")
    return name


def _headers(value: object, place: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for name, text in _mapping(value, "headers", place).items():
        if not _HEADER.fullmatch(name) or not isinstance(text, str) or not text.isascii() or not text.isprintable():
            raise BadInput(f"headers: {shown(name)}", place=place, fix="write NAME: value, in plain ASCII")
        if _SECRET_HEADER.search(name) and not _VARIABLE.fullmatch(text):
            fix = f"put the value into an environment variable, and write {name}: $VARIABLE"
            raise BadInput(f"headers: {name} looks like a secret, which has no place in a recipe", place=place, fix=fix)
        variables[name] = text
    return variables


def _limits(value: object, place: str) -> dict[str, int | float]:
    numbers: dict[str, int | float] = {}
    for name, number in _mapping(value, "limits", place).items():
        if name not in _LIMITS:
            fix = f"limits of a model: {', '.join(_LIMITS)}; those of the whole run stand under `limits`"
            raise BadInput(f"limits: no '{shown(name)}'", place=place, fix=fix)
        kinds = (int, float) if name == "timeout" else (int,)
        fits = isinstance(number, kinds) and not isinstance(number, bool) and 0 <= number <= _MOST
        if not fits or (number == 0 and name != "thinking_tokens"):
            raise BadInput(f"limits.{name}: expected a number above 0", place=place, fix="correct it")
        numbers[name] = number
    return numbers


def _prices(value: object, place: str) -> tuple[str, str] | None:
    if value is None:
        return None
    given = _mapping(value, "prices", place)
    if {*given} != {"input", "output"}:
        fix = "write prices: {input: DOLLARS, output: DOLLARS}, per million tokens"
        raise BadInput("prices: expected input and output", place=place, fix=fix)
    return _dollars(given["input"], place), _dollars(given["output"], place)


def _dollars(value: object, place: str) -> str:
    number = isinstance(value, str | int | float) and not isinstance(value, bool)
    try:
        amount = Decimal(str(value)[:40]) if number else Decimal("NaN")
    except (InvalidOperation, ValueError):  # ValueError: an integer of too many digits
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= 10**6:
        raise BadInput("prices: expected US dollars per million tokens", place=place, fix="correct it")
    return f"{amount:f}"


def _mapping(value: object, key: str, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise BadInput(f"{key}: expected a mapping", place=place, fix="correct it")
    return dict(value)


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise BadInput("allow_http: expected true or false", place=place, fix="correct it")
    return value
