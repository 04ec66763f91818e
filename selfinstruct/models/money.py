"""What requests may cost before they are sent, and a budget that is never exceeded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Protocol, runtime_checkable

from selfinstruct.errors import Capped
from selfinstruct.models.backend import Spent, Totals
from selfinstruct.models.prices import Price, Prices
from selfinstruct.records import Request, Usage

__all__ = ["Budget", "Estimate", "Hosted", "Price", "Prices", "Tokens", "estimate", "tokens_of"]

# A chat template adds role marks to each message and some put a system message of their own in front.
_TEXT_OVERHEAD, _CHAT_OVERHEAD, _MESSAGE_OVERHEAD = 8, 256, 16
_BYTES_PER_TOKEN = 3.5  # English prose lies between 3.5 and 4.5


@runtime_checkable
class Hosted(Protocol):
    """A backend that is reached over the network."""

    @property
    def base_url(self) -> str:
        """Where, without credentials: prices depend on it."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request, before anybody counted them."""

    prompt_likely: int
    prompt_most: int
    completion_most: int

    @property
    def most(self) -> int:
        """The worst case."""
        return self.prompt_most + self.completion_most


def tokens_of(request: Request) -> Tokens:
    """Bounds without a tokenizer: a token stands for at least one byte of UTF-8.

    >>> tokens_of(Request(prompt="Name a river.", max_tokens=20, n=2))
    Tokens(prompt_likely=4, prompt_most=21, completion_most=40)
    """
    if isinstance(request.prompt, str):
        size, overhead, marks = _bytes(request.prompt), _TEXT_OVERHEAD, 0
    else:
        size = sum(_bytes(turn.content) for turn in request.prompt)
        overhead, marks = _CHAT_OVERHEAD + _MESSAGE_OVERHEAD * len(request.prompt), 4 * len(request.prompt)
    schema = _bytes(request.json_schema) + _bytes(request.grammar)
    return Tokens(
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

    def reserve(self, tokens: Tokens, price: Price | None) -> Reservation | None:
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
        """Nobody knows whether it was paid for: it counts against the cap for ever; `taken`: what is known of it."""
        lost = reservation if taken is None else taken
        self.unconfirmed_cost += lost.cost or 0
        self.unconfirmed_tokens += lost.tokens
        self._return(reservation)

    def refusal(self, tokens: Tokens, price: Price | None) -> Capped:
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
class Estimate:
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
        """As text for people.

        >>> Estimate(1, 4, 21, 40, None, None).cost
        'unknown'
        """
        if self.cost_least is None or self.cost_most is None:
            return "unknown"
        return "$0" if not self.cost_most else f"${self.cost_least:.4f} to ${self.cost_most:.4f}"


def estimate(requests: Iterable[Request], price: Price | None) -> Estimate:
    """Add up what requests would take, without sending any.

    >>> estimate([Request(prompt="Name a river.", max_tokens=20)], Price(Decimal(1), Decimal(2))).cost_most
    Decimal('0.000061')
    """
    sizes = [tokens_of(request) for request in requests]
    least = most = None
    if price is not None:
        least = sum((price.of(size.prompt_likely, 0) for size in sizes), Decimal(0))
        most = sum((price.of(size.prompt_most, size.completion_most) for size in sizes), Decimal(0))
    return Estimate(
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
