"""What a model backend must do, and what the gate in front of it may rely on.

A backend answers one request; it neither retries, nor limits, nor remembers. `gate.py` does that for all of them.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.stage import Traits
from selfinstruct.text import shown

_LONGEST_MESSAGE = 600  # characters of one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a backend brings back: the texts, the tokens, and the raw answer as it came."""

    choices: tuple[Choice, ...]
    usage: Usage
    raw: str
    """The answer's body, or its JSON; kept in the journal, read by nobody but people."""
    sent: str = ""
    """What an endpoint was sent for it, as JSON without the prompt; for people too."""
    thought: bool = False
    """The endpoint says that tokens went into thinking, whether it shows that or not."""


class CallError(Exception):
    """One attempt failed.

    `retry` says what may be done about it: `never` (this request cannot succeed), `later` (a passing fault),
    `slower` (the endpoint asks for fewer requests), `stop` (no request can succeed: a wrong key, no quota left).
    Its message is one line, whatever an endpoint put into it.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        retry: Literal["never", "later", "slower", "stop"],
        after: float | None = None,
        billed: bool | None = None,
        usage: Usage | None = None,
        tries: int | None = None,
        out_of_tokens: bool = False,
    ) -> None:
        """`after`: seconds that the endpoint asked to wait; `billed`: may have been paid for (None: if `later`).

        `usage`: what it took, where that is known; `tries`: at most so many attempts are worth their price;
        `out_of_tokens`: the answer ended before it began, so that more tokens may help.
        """
        self.kind, self.message, self.retry, self.after = kind, shown(message, _LONGEST_MESSAGE), retry, after
        super().__init__(self.message)
        self.billed = usage is not None or (retry == "later" if billed is None else billed)
        self.usage, self.tries, self.out_of_tokens = usage, tries, out_of_tokens


@runtime_checkable
class Splitting(Protocol):
    """A backend that may have to send one request several times."""

    def times(self, request: Request) -> int:
        """How often its prompt may be paid for: at most once for each choice."""


class Backend(Protocol):
    """One language model, asked directly."""

    @property
    def name(self) -> str:
        """Its spec without secrets, as written in a recipe: `embedded`, `openai:NAME`, `replay:FILE` (base name)."""

    @property
    def traits(self) -> Traits:
        """What it can be asked for."""

    @property
    def in_flight(self) -> int:
        """The default number of requests at a time."""

    @property
    def notice(self) -> str:
        """One line to show when a run starts (a base URL, a weights file); empty for none."""

    async def answer(self, request: Request) -> Answer:
        """One answer, or CallError."""

    async def close(self) -> None:
        """Let go of connections, servers, threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has cost so far, as its journal knows."""

    cost: Decimal = Decimal(0)
    tokens: int = 0
    unconfirmed_cost: Decimal = Decimal(0)
    """Reserved for requests that were sent but never answered on record: counts against the cap."""
    unconfirmed_tokens: int = 0
    unknown_prices: int = 0
    """Answers whose price is unknown."""


class Totals(Protocol):
    """`Spent`, or anything with its fields."""

    @property
    def cost(self) -> Decimal:
        """US dollars."""

    @property
    def tokens(self) -> int:
        """Prompt and completion."""

    @property
    def unconfirmed_cost(self) -> Decimal:
        """As in `Spent`."""

    @property
    def unconfirmed_tokens(self) -> int:
        """As in `Spent`."""

    @property
    def unknown_prices(self) -> int:
        """As in `Spent`."""


class AnswerBook(Protocol):
    """The journal as the gate sees it; `store.journal` is the durable one."""

    def find(self, key: str, scope: str, ordinal: int) -> Completion | None:
        """The answer already paid for, if any."""

    def reserve(self, key: str, scope: str, ordinal: int, cost: Decimal | None, tokens: int) -> Future[None]:
        """Note, durably, that a request is about to be sent, and its worst case; done when the future is."""

    def write(
        self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
    ) -> Future[None]:
        """Commit an answer and clear its reservation; it may be used when the future is done."""

    def spent(self) -> Totals:
        """The totals so far."""


@dataclass(slots=True)
class Memory:
    """An answer book that forgets: for tests, notebooks and dry runs."""

    answers: dict[tuple[str, str, int], Completion] = field(default_factory=dict)

    def find(self, key: str, scope: str, ordinal: int) -> Completion | None:
        """As in `AnswerBook`."""
        return self.answers.get((key, scope, ordinal))

    def reserve(self, key: str, scope: str, ordinal: int, cost: Decimal | None, tokens: int) -> Future[None]:
        """Nothing is durable here, so nothing is noted."""
        del key, scope, ordinal, cost, tokens
        return _done()

    def write(
        self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
    ) -> Future[None]:
        """As in `AnswerBook`."""
        del request, raw, sent
        self.answers[completion.request.rpartition(".")[0], scope, ordinal] = completion
        return _done()

    def spent(self) -> Spent:
        """The totals so far."""
        costs = [Decimal(answer.cost) for answer in self.answers.values() if answer.cost is not None]
        tokens = sum(a.usage.prompt_tokens + a.usage.completion_tokens for a in self.answers.values())
        return Spent(cost=sum(costs, Decimal(0)), tokens=tokens, unknown_prices=len(self.answers) - len(costs))


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future
