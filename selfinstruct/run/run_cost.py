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
class _Sum:
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
        self._model, self._sum = model, _Sum()

    @property
    def name(self) -> str:
        """As in `Model`."""
        return self._model.name

    @property
    def traits(self) -> Traits:
        """As in `Model`."""
        return self._model.traits

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """As in `Model`."""
        for reply in self._model.complete(requests):
            if isinstance(reply, Completion):
                usage = reply.usage
                self._sum.add(usage.prompt_tokens, usage.completion_tokens, reply.cost, estimated=usage.estimated)
                self._sum.finish_reasons.update(choice.finish_reason for choice in reply.choices)
            yield reply

    @property
    def requests(self) -> int:
        """As in `CountingModel`."""
        return self._model.requests

    @property
    def answered(self) -> int:
        """As in `CountingModel`."""
        return self._model.answered

    def bill(self) -> Bill:
        """Tokens, cost and finish reasons of the answers so far."""
        total = self._sum
        return Bill(
            model=self.name,
            prompt_tokens=total.prompt_tokens,
            completion_tokens=total.completion_tokens,
            estimated=total.estimated,
            cost=None if total.cost is None else str(total.cost),
            finish_reasons=dict(total.finish_reasons),
        )


def merged(bills: Sequence[Bill]) -> Bill:
    """One bill for a stage that asks several models."""
    if len(bills) == 1:
        return bills[0]
    total = _Sum()
    for bill in bills:
        total.add(bill.prompt_tokens, bill.completion_tokens, bill.cost, estimated=bill.estimated)
        total.finish_reasons.update(bill.finish_reasons)
    return Bill(
        model=" and ".join(bill.model for bill in bills),
        prompt_tokens=total.prompt_tokens,
        completion_tokens=total.completion_tokens,
        estimated=total.estimated,
        cost=None if total.cost is None else str(total.cost),
        finish_reasons=dict(total.finish_reasons),
    )


def spending(done: Iterable[tuple[str, StageResult]]) -> tuple[Spending, ...]:
    """By stage and model, in the order in which they first asked."""
    lines: dict[tuple[str, str], _Sum] = {}
    for stage, result in done:
        if result.requests:
            bill = result.bill
            line = lines.setdefault((stage, bill.model), _Sum())
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
