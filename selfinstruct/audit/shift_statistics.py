"""What tokens that moved come to: shares, divergences, curves by position, each with an interval by response."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.audit.shift_tokens import KINDS, Kind, Moved, ResponseTokens
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, mean, share

Picked: TypeAlias = Callable[[ResponseTokens, int], bool]
"""Whether a position of a response counts."""
NUMBERS: Mapping[str, tuple[float, float] | None] = {
    "kl_base_tuned": None,
    "kl_tuned_base": None,
    "kl_topk_compat": None,
    "base_probability": (0, 1),
    "jaccard": (0, 1),
}
"""Names in `Moved`, and what a single value can be."""
POSITIONS = (0, 1, 2, 3, 5, 10, 20, 50, 100, 200)
"""Where a step of the curve begins; the last has no end."""
_DIGITS, _MOST_SHIFTED = 6, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionNumbers:
    """Numbers of some of the positions."""

    name: str
    positions: int
    shares: Mapping[Kind, Estimate | None]
    """Of unshifted, marginal and shifted tokens."""
    means: Mapping[str, Estimate | None]
    """Of each of `NUMBERS`."""

    def as_json(self) -> dict[str, Json]:
        """Estimates to six digits."""
        return {
            "name": self.name,
            "positions": self.positions,
            **{name: estimate_json(estimate) for name, estimate in self.shares.items()},
            **{name: estimate_json(estimate) for name, estimate in self.means.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One model beside another, over all responses."""

    against: str
    """The other model."""
    about: str
    """What the comparison shows."""
    whole: PositionNumbers
    first: PositionNumbers
    """The first 5 % of each sentence."""
    rest: PositionNumbers
    curve: tuple[PositionNumbers, ...]
    """By position in the response."""

    def as_json(self) -> dict[str, Json]:
        """The comparison as `shift.json` has it."""
        return {
            "against": self.against,
            "about": self.about,
            "all": self.whole.as_json(),
            "first_of_sentence": self.first.as_json(),
            "rest_of_sentence": self.rest.as_json(),
            "by_position": [part.as_json() for part in self.curve],
        }


def figures(
    against: str, about: str, responses: Sequence[ResponseTokens], moves: Sequence[Moved], *, seed: int
) -> Figures:
    """Of all responses; positions in looping tails are left out."""
    part = _Parts(responses, moves, seed)
    return Figures(
        against=against,
        about=about,
        whole=part("all", lambda response, at: True),  # noqa: ARG005 - counts everywhere
        first=part("first 5 % of each sentence", lambda response, at: response.first[at]),
        rest=part("the other 95 %", lambda response, at: not response.first[at]),
        curve=tuple(
            part(name, lambda response, at, low=low, high=high: low <= at < high)  # type: ignore[misc]  # noqa: ARG005
            for name, low, high in _steps(max((response.counted for response in responses), default=0))
        ),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    responses: Sequence[ResponseTokens]
    moves: Sequence[Moved]
    seed: int

    def __call__(self, name: str, picked: Picked) -> PositionNumbers:
        places = [[at for at in range(response.counted) if picked(response, at)] for response in self.responses]
        asked = [len(where) for where in places]
        kinds = [Counter(moved.kinds[at] for at in where) for moved, where in zip(self.moves, places, strict=True)]
        means = {
            number: mean(
                [
                    sum(getattr(moved, number)[at] for at in where)
                    for moved, where in zip(self.moves, places, strict=True)
                ],
                asked,
                within=within,
                seed=self.seed,
            )
            for number, within in NUMBERS.items()
        }
        shares = {kind: share([counts[kind] for counts in kinds], asked) for kind in KINDS}
        return PositionNumbers(name=name, positions=sum(asked), shares=shares, means=means)


def excess(
    responses: Sequence[ResponseTokens], moves: Sequence[Moved], floor: Sequence[Moved], *, seed: int
) -> Estimate | None:
    """KL(base || tuned) above that of the floor at the same positions, paired by response."""
    change = [
        sum(moved.kl_base_tuned[: response.counted]) - sum(below.kl_base_tuned[: response.counted])
        for response, moved, below in zip(responses, moves, floor, strict=True)
    ]
    return mean(change, [response.counted for response in responses], seed=seed)


def most_shifted(
    responses: Sequence[ResponseTokens], moves: Sequence[Moved], spelled: Callable[[int], str]
) -> list[Json]:
    """Tokens that are shifted most often, with how often, of how many, and their mean KL(base || tuned) there."""
    shifted: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for response, moved in zip(responses, moves, strict=True):
        for at in range(response.counted):
            token = moved.argmax[at]
            seen[token] += 1
            if moved.kinds[at] == "shifted":
                shifted[token] += 1
                total[token] += moved.kl_base_tuned[at]  # type: ignore[assignment]
    order = sorted(shifted, key=lambda token: (-shifted[token], -total[token], token))[:_MOST_SHIFTED]
    return [
        {
            "token": spelled(token),
            "shifted": shifted[token],
            "of": seen[token],
            "kl_base_tuned": round(total[token] / shifted[token], _DIGITS),
        }
        for token in order
    ]


def estimate_json(estimate: Estimate | None) -> Json:
    """With its interval, to six digits; None where there is no such number."""
    if estimate is None:
        return None
    return {
        key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in estimate.as_json().items()
    }


def _steps(longest: int) -> list[tuple[str, int, int]]:
    """Names and ends of the steps that responses of this length reach.

    >>> _steps(4)
    [('1', 0, 1), ('2', 1, 2), ('3', 2, 3), ('4 to 5', 3, 5)]
    """
    ends = [*POSITIONS[1:], max(longest, POSITIONS[-1] + 1)]
    steps = [(low, high) for low, high in zip(POSITIONS, ends, strict=True) if low < longest]
    return [(str(low + 1) if high == low + 1 else f"{low + 1} to {high}", low, high) for low, high in steps]
