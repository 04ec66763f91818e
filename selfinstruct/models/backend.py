"""What a model backend must do, and what of its answer a stage may read: thinking taken off, size bounded.

A backend answers one request; it neither retries, nor limits, nor remembers. `gate.py` does that for all of them.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.stage import Traits
from selfinstruct.text import shown
from selfinstruct.text.thinking import parted, sounds_like_thinking

_LONGEST_MESSAGE = 600  # characters of one line
ROOM_TO_THINK = 4096
"""Tokens of each choice, where a model is found to think and no limit of it is set."""
BYTES_PER_TOKEN = 64
"""More than any tokenizer's tokens hold on average: a longer text was not made of the tokens that were asked for."""
_SMALL = 4096  # bytes of a text that nobody minds
_RAW = 2**18  # bytes of an answer's body that are kept beside its texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a backend brings back: the texts, the tokens, and the raw answer as it came."""

    choices: tuple[Choice, ...]
    usage: Usage
    raw: str
    """The answer's body, or its JSON; kept in the journal for people, never read again."""
    sent: str = ""
    """What an endpoint was sent for it, as JSON without the prompt; for people too."""
    thought: bool = False
    """The endpoint says that tokens went into thinking, whether it shows that or not."""


class CallError(Exception):
    """One attempt to call a model failed: kind, message, and whether trying again may help.

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
        """US dollars that were spent."""

    @property
    def tokens(self) -> int:
        """Tokens of prompts and completions together."""

    @property
    def unconfirmed_cost(self) -> Decimal:
        """US dollars reserved for requests that were sent and never answered on record: they count against the cap."""

    @property
    def unconfirmed_tokens(self) -> int:
        """Tokens reserved for the same."""

    @property
    def unknown_prices(self) -> int:
        """Answers whose price is unknown."""


class AnswerStore(Protocol):
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
class AnswersInMemory:
    """An answer book that forgets: for tests, notebooks and dry runs."""

    answers: dict[tuple[str, str, int], Completion] = field(default_factory=dict)

    def find(self, key: str, scope: str, ordinal: int) -> Completion | None:
        """The answer already paid for, if any."""
        return self.answers.get((key, scope, ordinal))

    def reserve(self, key: str, scope: str, ordinal: int, cost: Decimal | None, tokens: int) -> Future[None]:
        """Nothing is durable here, so nothing is noted."""
        del key, scope, ordinal, cost, tokens
        return _done()

    def write(
        self, scope: str, ordinal: int, request: Request, completion: Completion, raw: str, sent: str = ""
    ) -> Future[None]:
        """Commit an answer and clear its reservation; it may be used when the future is done."""
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


@dataclass(slots=True)
class ThinkingRoom:
    """How many tokens one model may think with: said, or none until it is seen to think."""

    said: int | None = None
    tokens: int = 0

    def __post_init__(self) -> None:
        """Begin with what was said."""
        self.tokens = self.said or 0

    def seen(self) -> None:
        """Note that the model thinks: from now on its requests have tokens for that."""
        if self.said is None:
            self.tokens = ROOM_TO_THINK


def readable_answer(answer: Answer, request: Request) -> Answer:
    """The answer as stages read it; CallError where none of its choices is one.

    >>> from selfinstruct.records import Usage
    >>> usage, told = Usage(prompt_tokens=1, completion_tokens=9), Choice("<think>Hm</think>Tin.", "stop")
    >>> readable_answer(Answer(choices=(told,), usage=usage, raw=""), Request(prompt="A metal?", max_tokens=9)).choices
    (Choice(text='Tin.', finish_reason='stop', thinking='Hm'),)
    """
    choices = tuple(_without_thinking(choice, request) for choice in answer.choices)
    _check_sizes(choices, answer, request)
    bare = [choice for choice in choices if choice.finish_reason == "only_thinking"]
    if choices and len(bare) == len(choices):
        cut = any(choice.finish_reason == "length" for choice in answer.choices)
        tokens = sum(len(choice.thinking) for choice in bare) // 4
        why = f"cut off after some {tokens} tokens; give it more (limits.thinking_tokens)" if cut else "then it stopped"
        what = f"the model wrote its thinking and no answer: {why}"
        raise CallError("only_thinking", what, retry="later", usage=answer.usage, tries=3, out_of_tokens=cut)
    most = _RAW + BYTES_PER_TOKEN * request.n * request.most_tokens
    raw = answer.raw if len(answer.raw) <= most else f"{answer.raw[:most]}\u2026 [{len(answer.raw)} characters]"
    thought = answer.thought or any(choice.thinking for choice in choices)
    return replace(answer, choices=choices, raw=raw, thought=thought)


def _without_thinking(choice: Choice, request: Request) -> Choice:
    parts = parted(choice.text)
    if parts.marked:
        thinking = "\n\n".join(filter(None, (choice.thinking, parts.thinking)))
        return Choice(parts.answer, choice.finish_reason if parts.answer else "only_thinking", thinking)
    if not choice.text.strip():
        return replace(choice, finish_reason="only_thinking") if choice.thinking else choice
    if isinstance(request.prompt, str) or choice.finish_reason != "length" or choice.thinking:
        return choice
    # A template may have opened the thinking in the prompt: then nothing but its words tells it from an answer.
    bare = sounds_like_thinking(choice.text, request.subject or request.prompt[-1].content)
    return Choice("", "only_thinking", choice.text) if bare else choice


def _check_sizes(choices: tuple[Choice, ...], answer: Answer, request: Request) -> None:
    most = _SMALL + BYTES_PER_TOKEN * request.most_tokens
    for choice in choices:
        if 4 * len(choice.text) > most and (size := len(choice.text.encode(errors="replace"))) > most:
            what = (
                f"a text of {size} bytes, where at most {request.max_tokens} tokens were asked for: no stage can use it"
            )
            raise CallError("too_large", what, retry="never", usage=answer.usage)
