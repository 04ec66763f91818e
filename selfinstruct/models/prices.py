"""What a model's tokens cost: a price library that works offline, and a file of the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.text import shown

_LOCAL = ("built", "embedded", "gemma", "gguf", "hf", "scripted", "replay")
_MOST_BYTES = 4 * 2**20
_FORM = "MODEL: {input: DOLLARS, output: DOLLARS}, per million tokens"


@dataclass(frozen=True, slots=True)
class Tier:
    """Other rates for every token of a request whose prompt is at least `start` tokens long."""

    start: int
    input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens.

    >>> Price(Decimal("0.15"), Decimal("0.60")).of(2_000_000, 500_000)
    Decimal('0.60')
    """

    input: Decimal
    output: Decimal
    tiers: tuple[Tier, ...] = ()
    """By start; the last that applies does."""

    def of(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """US dollars for one answer; discounts for cached prompts are left out, so this errs upwards."""
        into, out = self.input, self.output
        for tier in self.tiers:
            if prompt_tokens >= tier.start:
                into, out = tier.input, tier.output
        return (into * prompt_tokens + out * completion_tokens) / 1_000_000


FREE = Price(Decimal(0), Decimal(0))
"""What runs on this machine."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Known prices. What is not known is None, never 0."""

    own: Mapping[str, Price] = field(default_factory=dict)
    """The user's, by model spec or by the name after `openai:`."""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """Prices change: those of this moment."""

    @classmethod
    def load(cls, path: Path | None) -> "Prices":
        """With the prices of a YAML or JSON file; BadInput names file, line and key."""
        return cls() if path is None else cls(read_prices(path))

    def of(self, name: str, base_url: str = "") -> Price | None:
        """The price of a model, by spec.

        The user's file comes first, then the provider that the base URL belongs to, then OpenAI's own models, which
        many proxies serve under the same names.

        >>> Prices().of("embedded") == FREE, Prices().of("openai:no-such-model")
        (True, None)
        """
        kind, _, model = name.partition(":")
        found = self.own.get(name) or self.own.get(model)
        if found is not None:
            return found
        if kind in _LOCAL:
            return FREE
        return (_published(model, self.at, url=base_url) if base_url else None) or _published(model, self.at, url="")


def read_prices(path: Path) -> dict[str, Price]:
    """Prices from a file whose keys are model specs; strict."""
    import yaml

    content = read_whole(path, _MOST_BYTES, fix=f"give --prices a file; write {_FORM}")
    try:
        text = content.decode("utf-8-sig")
        root = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as fault:
        raise BadInput("not UTF-8", place=str(path), fix="save it as UTF-8") from fault
    except (yaml.YAMLError, RecursionError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise BadInput("not YAML or JSON", place=place, fix=f"write {_FORM}") from fault
    return {} if root is None else {name: _price(node, path, name) for name, node in _pairs(root, path, "").items()}


def _price(node: Any, path: Path, model: str) -> Price:  # noqa: ANN401 - PyYAML's nodes have no public type
    rates = _pairs(node, path, model)
    for key, value in rates.items():
        if key not in {"input", "output"}:
            raise BadInput(f"'{model}': unknown key '{shown(key)}'", place=_place(path, value), fix=f"write {_FORM}")
    for key in ("input", "output"):
        if key not in rates:
            raise BadInput(f"'{model}': '{key}' is missing", place=_place(path, node), fix=f"write {_FORM}")
    return Price(_dollars(rates["input"], path, f"{model}.input"), _dollars(rates["output"], path, f"{model}.output"))


def _pairs(node: Any, path: Path, key: str) -> dict[str, Any]:  # noqa: ANN401 - as above
    if node.id != "mapping":
        what = f"'{key}': expected {{input: ..., output: ...}}" if key else "expected models and their prices"
        raise BadInput(what, place=_place(path, node), fix=f"write {_FORM}")
    pairs: dict[str, Any] = {}
    for name, value in node.value:
        if name.id != "scalar" or name.value in pairs:
            what = "a key that is no text" if name.id != "scalar" else f"'{shown(name.value)}' stands here twice"
            raise BadInput(what, place=_place(path, name), fix="keep one")
        pairs[name.value] = value
    return pairs


def _dollars(node: Any, path: Path, key: str) -> Decimal:  # noqa: ANN401 - as above
    try:
        amount = Decimal(node.value) if node.id == "scalar" else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount > 10**6:
        raise BadInput(
            f"'{key}': expected US dollars per million tokens, as a number from 0",
            place=_place(path, node),
            fix="correct it",
        )
    return amount


def _place(path: Path, node: Any) -> str:  # noqa: ANN401 - as above
    return f"{path}:{node.start_mark.line + 1}"


def _published(model: str, at: datetime, *, url: str) -> Price | None:
    from genai_prices import data_snapshot  # 1.5 MB of data: only when a price is asked for

    provider = None if url else "openai"
    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(model, None, provider, url or None)
    except LookupError:
        return None
    rates = found.get_prices(at)
    into, out = getattr(rates, "input_mtok", None), getattr(rates, "output_mtok", None)
    return None if into is None or out is None else _tiered(into, out)


def _tiered(into: Any, out: Any) -> Price:  # noqa: ANN401 - a Decimal or genai_prices' TieredPrices
    starts = sorted({tier.start for rate in (into, out) for tier in getattr(rate, "tiers", ())})
    tiers = tuple(Tier(start, _rate(into, start), _rate(out, start)) for start in starts)
    return Price(_rate(into, 0), _rate(out, 0), tiers)


def _rate(rate: Any, prompt_tokens: int) -> Decimal:  # noqa: ANN401 - as above
    if isinstance(rate, Decimal):
        return rate
    amount = rate.base
    for tier in rate.tiers:
        if prompt_tokens >= tier.start:
            amount = tier.price
    return Decimal(amount)
