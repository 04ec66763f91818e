"""One request on its way to an answer, and the batch it stops with."""

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from selfinstruct.models.money import Tokens, tokens_of
from selfinstruct.records import Completion, Failure, Request


class Unsent(Exception):
    """The call was not made, or broken off: its batch stopped before."""


@dataclass(eq=False, slots=True)
class Batch:
    """The calls of one loop over answers; they stop together."""

    stop: BaseException | None = None


@dataclass(eq=False, slots=True)
class Call:
    """One request on its way to an answer."""

    request: Request
    key: str
    scope: str
    ordinal: int
    batch: Batch
    outcome: "Future[Completion | Failure]" = field(default_factory=Future)
    sent: Request = field(init=False)
    """The request with room to think."""
    tokens: Tokens = field(init=False)
    """Of what is sent."""
    times: int = 1
    """How often its prompt is sent."""
    attempts: int = 0
    refused_since: float | None = None
    replayed: bool = False
    """Its answer was on record."""

    def __post_init__(self) -> None:
        """Bound its size."""
        self.sent, self.tokens = self.request, tokens_of(self.request)

    def give_room(self, thinking_tokens: int, times: int = 1) -> None:
        """Let the next attempt think with so many tokens, and be paid for so many prompts."""
        if thinking_tokens == self.sent.thinking_tokens and times == self.times:
            return
        self.sent, self.times = replace(self.request, thinking_tokens=thinking_tokens), times
        one = tokens_of(self.sent)
        self.tokens = replace(one, prompt_likely=times * one.prompt_likely, prompt_most=times * one.prompt_most)

    @property
    def id(self) -> str:
        """As in `Completion.request`."""
        return f"{self.key}.{self.ordinal}"

    def unsent(self) -> None:
        """Tell whoever waits that no answer will come; an outcome that is there stays."""
        if not self.outcome.done():
            self.outcome.set_exception(Unsent())
