"""How many fragments of each kind: the labels in their ratio exactly, the kinds in their shares as far as they can."""

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

from selfinstruct.fragment.kinds import ANSWER_LIKE, CONTINUATION_LIKE, KINDS

Labels: TypeAlias = Literal["paper", "balanced"]
"""`paper`: one answer-like fragment to two continuation-like ones, the prevalence that its figures imply; `balanced`:
as many of each."""


def quotas(total: int, labels: Labels, shares: Mapping[str, float], most: Mapping[str, int]) -> dict[str, int]:
    """Fragments by kind, at most `most[kind]` each; a kind that cannot have its part leaves it to its label's others.

    >>> few = quotas(60, "paper", {"answer": 0.5, "clarifies": 0.5, "finishes": 1}, dict.fromkeys(KINDS, 50))
    >>> few["answer"], few["clarifies"], few["finishes"], sum(few.values())
    (10, 10, 40, 60)
    """
    ratio = 2 if labels == "paper" else 1
    able = _passed_on(shares, most)
    of_label = {label: {k: able.get(k, 0.0) for k in KINDS if KINDS[k].label == label} for label in (1, 0)}
    room = {label: sum(most.get(kind, 0) for kind, share in of.items() if share) for label, of in of_label.items()}
    answers = min(round(total / (1 + ratio)), room[ANSWER_LIKE], room[CONTINUATION_LIKE] // ratio)
    return {
        **_portions(answers, of_label[ANSWER_LIKE], most),
        **_portions(answers * ratio, of_label[CONTINUATION_LIKE], most),
    }


def _passed_on(shares: Mapping[str, float], most: Mapping[str, int]) -> dict[str, float]:
    """The share of a kind of which none can be made goes to its label's others with the same prompts, if there are."""
    given = dict(shares)
    for name, share in shares.items():
        fellows = [
            other
            for other, kind in KINDS.items()
            if kind.label == KINDS[name].label
            and (kind.prompt == KINDS[name].prompt or (KINDS[name].prompt == "said" and kind.prompt == "whole"))
            and shares.get(other, 0.0) > 0
            and most.get(other, 0) > 0
        ]
        if share > 0 and not most.get(name, 0) and fellows:
            together = math.fsum(shares[other] for other in fellows)
            for other in fellows:
                given[other] += share * shares[other] / together
            given[name] = 0.0
    return given


def _portions(total: int, shares: Mapping[str, float], most: Mapping[str, int]) -> dict[str, int]:
    given = dict.fromkeys(shares, 0)
    able = [kind for kind, share in shares.items() if share > 0 and most.get(kind, 0) > 0]
    while able and (left := total - sum(given.values())) > 0:
        for kind, part in _largest_remainders(left, {kind: shares[kind] for kind in able}).items():
            given[kind] = min(given[kind] + part, most[kind])
        able = [kind for kind in able if given[kind] < most[kind]]
    return given


def _largest_remainders(total: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers in these proportions, with exactly this sum; ties go to the first."""
    exact = {kind: total * share / math.fsum(shares.values()) for kind, share in shares.items()}
    parts = {kind: math.floor(part) for kind, part in exact.items()}
    order = sorted(exact, key=lambda kind: parts[kind] - exact[kind])
    for kind in order[: total - sum(parts.values())]:
        parts[kind] += 1
    return parts
