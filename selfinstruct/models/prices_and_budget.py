"""What requests may cost before they are sent, the prices of models, and a budget that is never exceeded."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import ceil
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput, Capped
from selfinstruct.models.backend import Spent, Totals
from selfinstruct.records import Request, Usage
from selfinstruct.text import shown

__all__ = ["Budget", "CostEstimate", "Hosted", "Price", "Prices", "TokenEstimate", "estimate", "tokens_of"]


_LOCAL = ("built", "embedded", "gemma", "gguf", "hf", "scripted", "replay")
_MOST_BYTES = 4 * 2**20
_FORM = "MODEL: {input: DOLLARS, output: DOLLARS}, per million tokens"
# A chat template adds role marks to each message and some put a system message of their own in front.
_TEXT_OVERHEAD, _CHAT_OVERHEAD, _MESSAGE_OVERHEAD = 8, 256, 16
_BYTES_PER_TOKEN = 3.5  # English prose lies between 3.5 and 4.5


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
        price = self.own.get(name) or self.own.get(model)
        if price is not None:
            return price
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
        _, model_info = data_snapshot.get_snapshot().find_provider_model(model, None, provider, url or None)
    except LookupError:
        return None
    rates = model_info.get_prices(at)
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


@runtime_checkable
class Hosted(Protocol):
    """A backend that is reached over the network."""

    @property
    def base_url(self) -> str:
        """Where, without credentials: prices depend on it."""


@dataclass(frozen=True, slots=True)
class TokenEstimate:
    """Tokens of one request, before anybody counted them."""

    prompt_likely: int
    prompt_most: int
    completion_most: int

    @property
    def most(self) -> int:
        """Upper bound of prompt and completion tokens."""
        return self.prompt_most + self.completion_most


def tokens_of(request: Request) -> TokenEstimate:
    """Bounds without a tokenizer: a token stands for at least one byte of UTF-8.

    >>> tokens_of(Request(prompt="Name a river.", max_tokens=20, n=2))
    TokenEstimate(prompt_likely=4, prompt_most=21, completion_most=40)
    """
    if isinstance(request.prompt, str):
        size, overhead, marks = _bytes(request.prompt), _TEXT_OVERHEAD, 0
    else:
        size = sum(_bytes(turn.content) for turn in request.prompt)
        overhead, marks = _CHAT_OVERHEAD + _MESSAGE_OVERHEAD * len(request.prompt), 4 * len(request.prompt)
    schema = _bytes(request.json_schema) + _bytes(request.grammar)
    return TokenEstimate(
        prompt_likely=ceil((size + schema) / _BYTES_PER_TOKEN) + marks,
        prompt_most=size + schema + overhead,
        completion_most=request.n * request.most_tokens,
    )


@dataclass(frozen=True, slots=True)
class Reservation:
    """The worst case of one attempt, set aside."""

    cost: Decimal | None
    tokens: int


class Budget:
    """Caps for a run, over all its models: set aside before sending, settled after. One thread at a time."""

    def __init__(
        self, max_cost: Decimal | None = None, max_total_tokens: int | None = None, spent: Totals | None = None
    ) -> None:
        """`spent`: what earlier tries of this run cost, unconfirmed requests included."""
        before: Totals = Spent() if spent is None else spent
        self.max_cost, self.max_total_tokens = max_cost, max_total_tokens
        self.cost, self.tokens = before.cost, before.tokens
        self.unconfirmed_cost, self.unconfirmed_tokens = before.unconfirmed_cost, before.unconfirmed_tokens
        self.reserved_cost, self.reserved_tokens, self.outstanding = Decimal(0), 0, 0
        self._settled: list[Callable[[], None]] = []

    @property
    def capped(self) -> bool:
        """Whether there is any cap."""
        return self.max_cost is not None or self.max_total_tokens is not None

    def when_settled(self, call: Callable[[], None]) -> None:
        """Call back whenever something set aside is settled: what did not fit may fit now."""
        self._settled.append(call)

    def reserve(self, tokens: TokenEstimate, price: Price | None) -> Reservation | None:
        """Set the worst case aside; None if it does not fit."""
        cost = None if price is None else price.of(tokens.prompt_most, tokens.completion_most)
        if self.max_cost is not None and self._cost() + (cost or 0) > self.max_cost:
            return None
        if self.max_total_tokens is not None and self._tokens() + tokens.most > self.max_total_tokens:
            return None
        self.outstanding += 1
        self.reserved_cost += cost or 0
        self.reserved_tokens += tokens.most
        return Reservation(cost, tokens.most)

    def settle(self, reservation: Reservation, cost: Decimal | None, usage: Usage) -> None:
        """An answer came and cost this much."""
        self.cost += cost or 0
        self.tokens += usage.prompt_tokens + usage.completion_tokens
        self._return(reservation)

    def release(self, reservation: Reservation) -> None:
        """The request was refused or never left: it cost nothing."""
        self._return(reservation)

    def lose(self, reservation: Reservation, taken: Reservation | None = None) -> None:
        """Whether it was paid for is unknown: it counts against the cap for ever; `taken`: what is known of it."""
        lost = reservation if taken is None else taken
        self.unconfirmed_cost += lost.cost or 0
        self.unconfirmed_tokens += lost.tokens
        self._return(reservation)

    def refusal(self, tokens: TokenEstimate, price: Price | None) -> Capped:
        """Why the next request was not sent, and what to do."""
        if self.max_total_tokens is not None and self._tokens() + tokens.most > self.max_total_tokens:
            what = f"{self.tokens} tokens are used{_also(self.unconfirmed_tokens)}; the next request could take"
            what += f" {tokens.most}, and the cap is {self.max_total_tokens}"
            return Capped(f"{what}; raise --max-total-tokens and run the same command again: it goes on from here")
        cost = Decimal(0) if price is None else price.of(tokens.prompt_most, tokens.completion_most)
        what = f"${self.cost:f} are spent{_also(self.unconfirmed_cost, '$')}; the next request could cost"
        what += f" ${cost:f}, and the cap is ${self.max_cost or 0:f}"
        return Capped(f"{what}; raise --max-cost and run the same command again: it goes on from here")

    def _cost(self) -> Decimal:
        return self.cost + self.unconfirmed_cost + self.reserved_cost

    def _tokens(self) -> int:
        return self.tokens + self.unconfirmed_tokens + self.reserved_tokens

    def _return(self, reservation: Reservation) -> None:
        self.outstanding -= 1
        self.reserved_cost -= reservation.cost or 0
        self.reserved_tokens -= reservation.tokens
        for call in self._settled:
            call()


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a number of requests would take; dollars are None where the price is unknown."""

    requests: int
    prompt_tokens_likely: int
    prompt_tokens_most: int
    completion_tokens_most: int
    cost_least: Decimal | None
    """The likely prompts alone: an answer may be short, never free."""
    cost_most: Decimal | None

    @property
    def cost(self) -> str:
        """The expected cost as text for people.

        >>> CostEstimate(1, 4, 21, 40, None, None).cost
        'unknown'
        """
        if self.cost_least is None or self.cost_most is None:
            return "unknown"
        return "$0" if not self.cost_most else f"${self.cost_least:.4f} to ${self.cost_most:.4f}"


def estimate(requests: Iterable[Request], price: Price | None) -> CostEstimate:
    """Add up what requests would take, without sending any.

    >>> estimate([Request(prompt="Name a river.", max_tokens=20)], Price(Decimal(1), Decimal(2))).cost_most
    Decimal('0.000061')
    """
    sizes = [tokens_of(request) for request in requests]
    least = most = None
    if price is not None:
        least = sum((price.of(size.prompt_likely, 0) for size in sizes), Decimal(0))
        most = sum((price.of(size.prompt_most, size.completion_most) for size in sizes), Decimal(0))
    return CostEstimate(
        requests=len(sizes),
        prompt_tokens_likely=sum(size.prompt_likely for size in sizes),
        prompt_tokens_most=sum(size.prompt_most for size in sizes),
        completion_tokens_most=sum(size.completion_most for size in sizes),
        cost_least=least,
        cost_most=most,
    )


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", errors="surrogatepass"))


def _also(unconfirmed: Decimal | int, sign: str = "") -> str:
    return f" and {sign}{unconfirmed} may be, for requests without an answer" if unconfirmed else ""
