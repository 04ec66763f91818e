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
    tokens: Tokens = field(init=False)
    times: int = 1
    """How often its prompt is sent."""
    attempts: int = 0
    refused_since: float | None = None
    replayed: bool = False
    """Its answer was on record."""

    def __post_init__(self) -> None:
        """Bound its size."""
        self.tokens = tokens_of(self.request)

    def weigh(self, times: int) -> None:
        """Bound it anew, where its prompt is paid for another number of times."""
        if times == self.times:
            return
        one = tokens_of(self.request)
        self.times = times
        self.tokens = replace(one, prompt_likely=times * one.prompt_likely, prompt_most=times * one.prompt_most)

    @property
    def id(self) -> str:
        """As in `Completion.request`."""
        return f"{self.key}.{self.ordinal}"

    def unsent(self) -> None:
        """Tell whoever waits that no answer will come; an outcome that is there stays."""
        if not self.outcome.done():
            self.outcome.set_exception(Unsent())
