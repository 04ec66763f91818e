"""Tokens and cost of the answers of a run: added up while a stage asks, and summed by stage and model."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from selfinstruct.records import Completion, Failure, Request
from selfinstruct.report.summary import Spending
from selfinstruct.stage import Model, Traits
from selfinstruct.store.stage_result import Bill, StageResult


@dataclass(slots=True)
class _Spent:
    """What answers took, added up."""

    requests: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    cost: Decimal | None = Decimal(0)
    finish_reasons: Counter[str] = field(default_factory=Counter)

    def add(self, prompt: int, completion: int, cost: str | None, *, estimated: bool) -> None:
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        self.estimated |= estimated
        self.cost = None if self.cost is None or cost is None else self.cost + Decimal(cost)

    def bill(self, model: str) -> Bill:
        return Bill(
            model=model,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            estimated=self.estimated,
            cost=None if self.cost is None else str(self.cost),
            finish_reasons=dict(self.finish_reasons),
        )


class CountingModel(Model, Protocol):
    """A model that knows how often it was asked; `models.gate` makes them."""

    @property
    def requests(self) -> int:
        """Requests so far, answers from the journal among them."""

    @property
    def answered(self) -> int:
        """Answers so far."""


class Billed:
    """A model that takes note of what its answers took."""

    def __init__(self, model: CountingModel) -> None:
        """For one stage of one round."""
        self._model, self._spent = model, _Spent()

    @property
    def name(self) -> str:
        """The model's spec without secrets, such as `openai:gpt-5` or `embedded`."""
        return self._model.name

    @property
    def traits(self) -> Traits:
        """What it can be asked for."""
        return self._model.traits

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Answers, lazily and in request order; each is durable before it is handed out."""
        for reply in self._model.complete(requests):
            if isinstance(reply, Completion):
                usage = reply.usage
                self._spent.add(usage.prompt_tokens, usage.completion_tokens, reply.cost, estimated=usage.estimated)
                self._spent.finish_reasons.update(choice.finish_reason for choice in reply.choices)
            yield reply

    @property
    def requests(self) -> int:
        """Requests so far, answers from the journal among them."""
        return self._model.requests

    @property
    def answered(self) -> int:
        """Answers so far."""
        return self._model.answered

    def bill(self) -> Bill:
        """Tokens, cost and finish reasons of the answers so far."""
        return self._spent.bill(self.name)


def merged(bills: Sequence[Bill]) -> Bill:
    """One bill for a stage that asks several models."""
    if len(bills) == 1:
        return bills[0]
    total = _Spent()
    for bill in bills:
        total.add(bill.prompt_tokens, bill.completion_tokens, bill.cost, estimated=bill.estimated)
        total.finish_reasons.update(bill.finish_reasons)
    return total.bill(" and ".join(bill.model for bill in bills))


def spending(done: Iterable[tuple[str, StageResult]]) -> tuple[Spending, ...]:
    """By stage and model, in the order in which they first asked."""
    lines: dict[tuple[str, str], _Spent] = {}
    for stage, result in done:
        if result.requests:
            bill = result.bill
            line = lines.setdefault((stage, bill.model), _Spent())
            line.requests += result.requests
            line.failed += result.requests - result.answered
            line.add(bill.prompt_tokens, bill.completion_tokens, bill.cost, estimated=bill.estimated)
    return tuple(
        Spending(
            stage=stage,
            model=model,
            requests=line.requests,
            failed=line.failed,
            prompt_tokens=line.prompt_tokens,
            completion_tokens=line.completion_tokens,
            estimated=line.estimated,
            cost=None if line.cost is None else str(line.cost),
        )
        for (stage, model), line in lines.items()
    )
