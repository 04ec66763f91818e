"""What a finished stage says in its DONE file: sums, measures, what its answers took, checksums of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from selfinstruct.records import Json

FATES = ("kept", "rejected", "failed")
BESIDE = "evidence"
"""Where what was kept was only handed on, the file of what stood beside some of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What the answers took that a stage used; the journal may hold more, of an earlier try."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    """True when any of the tokens were not told by the endpoint."""
    cost: str | None = "0"
    """US dollars; None as soon as one price is unknown."""
    finish_reasons: Mapping[str, int] = field(default_factory=dict)
    """Of every choice of every answer."""

    def as_json(self) -> dict[str, Json]:
        """A part of the DONE file."""
        return {
            "model": self.model,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "estimated": self.estimated,
            "cost": self.cost,
            "finish_reasons": dict(sorted(self.finish_reasons.items())),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StageResult:
    """What a finished stage says in its DONE file."""

    received: int
    """Records that came in (for a source: none)."""
    kept: int
    rejected: Mapping[str, int]
    """By reason, largest first, then by name."""
    failed: Mapping[str, int]
    """By kind of error."""
    measured: Mapping[str, Json]
    requests: int
    answered: int
    checksums: Mapping[str, str]
    """SHA-256 of each of the three files; where what was kept was only handed on, of `evidence` in the place of it, if
    there was any."""
    bill: Bill = Bill()
    built: Mapping[str, str] = field(default_factory=dict)
    """What was built beside the records, by name, with its checksum."""

    @property
    def lasting(self) -> bool:
        """Whether what was kept stands in a file of the stage."""
        return "kept" in self.checksums

    def as_json(self) -> dict[str, Json]:
        """As the stage's DONE file has it."""
        return {
            "received": self.received,
            "kept": self.kept,
            "rejected": dict(self.rejected),
            "failed": dict(self.failed),
            "measured": dict(self.measured),
            "requests": self.requests,
            "answered": self.answered,
            "checksums": dict(self.checksums),
            "bill": self.bill.as_json(),
            "built": dict(self.built),
        }


@dataclass(frozen=True, slots=True)
class CallCounts:
    """Requests and answers of one stage: requests = answered + failed."""

    requests: int = 0
    answered: int = 0
    bill: Bill = Bill()


def sound(result: StageResult) -> StageResult:
    """The same, when it is made of numbers and texts where it should be; else ValueError, or what their lack raises."""
    counts = [result.received, result.kept, result.requests, result.answered]
    counts += [*result.rejected.values(), *result.failed.values(), *result.bill.finish_reasons.values()]
    counts += [result.bill.prompt_tokens, result.bill.completion_tokens]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError(counts)
    if not isinstance(result.measured, dict) or {*result.checksums} | {"kept", BESIDE} != {*FATES, BESIDE}:
        raise ValueError(result.checksums)
    if not all(isinstance(mark, str) for mark in result.built.values()):
        raise ValueError(result.built)
    if result.bill.cost is not None and Decimal(result.bill.cost) < 0:
        raise ValueError(result.bill.cost)
    return result


def largest_first(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by size, equal ones by name.

    >>> largest_first({"b": 1, "a": 1, "c": 5})
    {'c': 5, 'a': 1, 'b': 1}
    """
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
