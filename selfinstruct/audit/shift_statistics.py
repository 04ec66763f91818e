"""What tokens that moved come to: shares, divergences, curves by position, each with an interval by response."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.audit.shift_tokens import KINDS, Kind, Moved, Response
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, mean, share

Picked: TypeAlias = Callable[[Response, int], bool]
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
class Part:
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
            **{name: told(one) for name, one in self.shares.items()},
            **{name: told(one) for name, one in self.means.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One model beside another, over all responses."""

    against: str
    """The other model."""
    about: str
    """What the comparison shows."""
    whole: Part
    first: Part
    """The first 5 % of each sentence."""
    rest: Part
    curve: tuple[Part, ...]
    """By position in the response."""

    def as_json(self) -> dict[str, Json]:
        """All of it."""
        return {
            "against": self.against,
            "about": self.about,
            "all": self.whole.as_json(),
            "first_of_sentence": self.first.as_json(),
            "rest_of_sentence": self.rest.as_json(),
            "by_position": [one.as_json() for one in self.curve],
        }


def figures(against: str, about: str, responses: Sequence[Response], found: Sequence[Moved], *, seed: int) -> Figures:
    """Of all responses; positions in looping tails are left out."""
    part = _Parts(responses, found, seed)
    return Figures(
        against=against,
        about=about,
        whole=part("all", lambda one, at: True),  # noqa: ARG005 - counts everywhere
        first=part("first 5 % of each sentence", lambda one, at: one.first[at]),
        rest=part("the other 95 %", lambda one, at: not one.first[at]),
        curve=tuple(
            part(name, lambda one, at, low=low, high=high: low <= at < high)  # type: ignore[misc]  # noqa: ARG005
            for name, low, high in _steps(max((one.counted for one in responses), default=0))
        ),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    responses: Sequence[Response]
    found: Sequence[Moved]
    seed: int

    def __call__(self, name: str, picked: Picked) -> Part:
        places = [[at for at in range(one.counted) if picked(one, at)] for one in self.responses]
        asked = [len(one) for one in places]
        kinds = [Counter(one.kinds[at] for at in where) for one, where in zip(self.found, places, strict=True)]
        means = {
            number: mean(
                [sum(getattr(one, number)[at] for at in where) for one, where in zip(self.found, places, strict=True)],
                asked,
                within=within,
                seed=self.seed,
            )
            for number, within in NUMBERS.items()
        }
        shares = {kind: share([one[kind] for one in kinds], asked) for kind in KINDS}
        return Part(name=name, positions=sum(asked), shares=shares, means=means)


def excess(
    responses: Sequence[Response], found: Sequence[Moved], floor: Sequence[Moved], *, seed: int
) -> Estimate | None:
    """KL(base || tuned) above that of the floor at the same positions, paired by response."""
    change = [
        sum(one.kl_base_tuned[: each.counted]) - sum(other.kl_base_tuned[: each.counted])
        for each, one, other in zip(responses, found, floor, strict=True)
    ]
    return mean(change, [one.counted for one in responses], seed=seed)


def most_shifted(responses: Sequence[Response], found: Sequence[Moved], spelled: Callable[[int], str]) -> list[Json]:
    """Tokens that are shifted most often, with how often, of how many, and their mean KL(base || tuned) there."""
    shifted: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    total: Counter[int] = Counter()
    for one, moved in zip(responses, found, strict=True):
        for at in range(one.counted):
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


def told(one: Estimate | None) -> Json:
    """With its interval, to six digits; None where there is no such number."""
    if one is None:
        return None
    return {key: round(value, _DIGITS) if isinstance(value, float) else value for key, value in one.as_json().items()}


def _steps(longest: int) -> list[tuple[str, int, int]]:
    """Names and ends of the steps that responses of this length reach.

    >>> _steps(4)
    [('1', 0, 1), ('2', 1, 2), ('3', 2, 3), ('4 to 5', 3, 5)]
    """
    ends = [*POSITIONS[1:], max(longest, POSITIONS[-1] + 1)]
    steps = [(low, high) for low, high in zip(POSITIONS, ends, strict=True) if low < longest]
    return [(str(low + 1) if high == low + 1 else f"{low + 1} to {high}", low, high) for low, high in steps]
