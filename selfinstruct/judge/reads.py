"""What readers called a completion, up to three times: its label, and how far readers agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json

_ROUNDS = ("first", "second", "third")
_CALLED = {"1": 1, "0": 0, "u": None}
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Decided:
    """The label that the readings of one completion give."""

    label: int | None
    """1 answers, 0 carries on; None: no reading settled it."""
    sure: bool
    """Two readers, each without sight of the other, called it the same."""


def decided(called: Sequence[int | None]) -> Decided:
    """One reading counts as it is; two that agree are sure; where two differ, a third decides.

    >>> decided([1, 1]), decided([1, 0]), decided([1, 0, 0])
    (Decided(label=1, sure=True), Decided(label=None, sure=False), Decided(label=0, sure=False))
    >>> decided([None]), decided([0])
    (Decided(label=None, sure=False), Decided(label=0, sure=False))
    """
    if len(called) == 1:
        return Decided(called[0], sure=False)
    if called[0] is not None and called[0] == called[1]:
        return Decided(called[0], sure=True)
    return Decided(called[2] if len(called) > 2 else None, sure=False)


def called_of(row: Mapping[str, Any], place: str) -> list[int | None]:
    """The readings in a row such as those of `seeds/tone_reads.jsonl`, in order; BadInput for another label.

    >>> called_of({"first": {"label": "1"}, "second": {"label": "u"}}, "reads.jsonl:1")
    [1, None]
    """
    found = []
    for name in _ROUNDS:
        if name not in row:
            break
        label = row[name].get("label") if isinstance(row[name], dict) else None
        if label not in _CALLED:
            raise BadInput(f"label {label!r}", place=f"{place}: {name}", fix="write '1', '0' or 'u' (unsure)")
        found.append(_CALLED[label])
    return found


def agreement(pairs: Sequence[tuple[int | None, int | None]]) -> dict[str, Json]:
    """How far two readings of the same completions agree, on those that neither calls unsure.

    Cohen's kappa (1960), Gwet's AC1 (2008), and the agreement on answers and on others apart (Cicchetti and Feinstein
    1990): kappa alone is low wherever one label is rare. `unsure`: share of all that a reader could not tell.

    >>> agreement([(1, 1), (1, 1), (0, 0), (0, 1), (1, None)])["agreement"]
    0.75
    """
    sure = [(one, other) for one, other in pairs if one is not None and other is not None]
    both, neither = sure.count((1, 1)), sure.count((0, 0))
    count, differ = len(sure), len(sure) - both - neither
    told: dict[str, Json] = {"n": count, "unsure": round(1 - count / len(pairs), _DIGITS) if pairs else None}
    if not count:
        return told
    first, second = (sum(one[side] for one in sure) / count for side in (0, 1))
    agreed, share = (both + neither) / count, (first + second) / 2
    by_chance, by_prevalence = first * second + (1 - first) * (1 - second), 2 * share * (1 - share)
    return told | {
        "agreement": round(agreed, _DIGITS),
        "kappa": None if by_chance == 1 else round((agreed - by_chance) / (1 - by_chance), _DIGITS),
        "ac1": round((agreed - by_prevalence) / (1 - by_prevalence), _DIGITS),
        "on_answers": round(2 * both / (2 * both + differ), _DIGITS) if both or differ else None,
        "on_others": round(2 * neither / (2 * neither + differ), _DIGITS) if neither or differ else None,
    }
