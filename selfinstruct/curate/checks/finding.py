"""What a checker says of a reply; a checker that does not apply says nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.curate.replies import Reply

Verdict: TypeAlias = Literal["passed", "failed", "unchecked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One checker's word on one reply."""

    verdict: Verdict
    """`unchecked`: it applies, but cannot tell: code in a language without a parser here, votes without a majority."""
    expected: str = ""
    found: str = ""


Checker: TypeAlias = Callable[[Reply], Finding | None]

PASSED = Finding("passed")
UNCHECKED = Finding("unchecked")


def failed(expected: str, found: str) -> Finding:
    """The reply is wrong, and this is how one sees it."""
    return Finding("failed", expected, found)
