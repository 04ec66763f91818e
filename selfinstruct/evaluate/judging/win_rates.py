"""Win rates: as they are, with length held equal, and with unique tokens held equal; what they go along with.

The length-controlled rate is that of AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475) without the difficulty of each
instruction, which takes many models to learn: a logistic regression of preferences on tanh of the standardised
difference in length, told at a difference of 0. The same on the difference in unique tokens answers arXiv 2306.04751,
which found win rates and unique tokens to go together (r = 0.96 over models).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.evaluate.judging.answer_judges import AnswerPair, Preference, length, unique_tokens
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, by_cluster, correlation, counted_json, mean, of_draws, times_drawn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 12
"""Models below which a correlation over models says little."""
PAPER = 0.96
"""Of win rate and mean unique tokens, over the 13B models of arXiv 2306.04751."""
_DRAWS = 1_000
_STEPS = 30
_RIDGE = (1e-3, 0.1)  # on what is looked for, and on what is held equal: only so that both are finite


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """One question: the pair, and what a judge made of it; `one` is the model's answer, `other` the reference's."""

    question: str
    source: str
    pair: AnswerPair
    preference: Preference


def win_numbers(compared: Sequence[ComparedPair], seed: int) -> dict[str, Json]:
    """By the names of AlpacaEval and FastChat, where they have one; pairs without a verdict count nowhere."""
    judged = [comparison for comparison in compared if comparison.preference.value is not None]
    values = [comparison.preference.value for comparison in judged if comparison.preference.value is not None]
    longer = [length(comparison.pair.one) - length(comparison.pair.other) for comparison in judged]
    more = [unique_tokens(comparison.pair.one) - unique_tokens(comparison.pair.other) for comparison in judged]
    sources = [comparison.source for comparison in judged]
    consistent = [
        comparison.preference.consistent for comparison in judged if comparison.preference.consistent is not None
    ]
    faults: dict[str, Json] = {}
    for comparison in compared:
        if comparison.preference.fault:
            before = faults.get(comparison.preference.fault)
            faults[comparison.preference.fault] = (before if isinstance(before, int) else 0) + 1
    return {
        "n_total": len(values),
        "n_wins": values.count(1.0),
        "n_wins_base": values.count(0.0),
        "n_draws": values.count(0.5),
        "faults": faults,
        "consistent": sum(consistent) / len(consistent) if consistent else None,
        "win_rate": counted_json(win_rate(values, sources, seed)),
        "length_controlled_winrate": counted_json(held_equal(values, longer, sources, seed)),
        "unique_token_controlled_winrate": counted_json(held_equal(values, more, sources, seed)),
        "avg_length": sum(len(comparison.pair.one) for comparison in judged) / len(judged) if judged else None,
        "avg_unique_tokens": sum(unique_tokens(comparison.pair.one) for comparison in judged) / len(judged)
        if judged
        else None,
        "wins_with_unique_tokens": counted_json(correlation(values, more)),
    }


def win_rate(values: Sequence[float], sources: Sequence[str], seed: int = 0) -> Estimate | None:
    """Wins and half of the ties: AlpacaEval's `win_rate`, FastChat's `win_rate_adjusted`.

    >>> win_rate([1.0, 0.5, 0.0, 1.0], ["a", "b", "c", "d"]).value
    0.625
    """
    totals, counts = by_cluster((source, value, 1) for value, source in zip(values, sources, strict=True))
    return mean(totals, counts, within=(0, 1), seed=seed) if counts else None


def held_equal(
    values: Sequence[float], apart: Sequence[float], sources: Sequence[str], seed: int = 0
) -> Estimate | None:
    """The win rate that is left where the two answers do not differ in what `apart` counts.

    None where they never differ by it both ways, for then nothing tells the model from its length.

    >>> apart = [3, -3, 5, -5] * 10
    >>> round(held_equal([float(gap > 0) for gap in apart], apart, [str(at) for at in range(40)]).value, 2)
    0.5
    """
    import numpy as np

    wins, differences = np.asarray(values, np.float64), np.asarray(apart, np.float64)
    if len(wins) < 2 or not (differences.min() < 0 < differences.max()):
        return None
    covariate = np.tanh(differences / np.sqrt((differences**2).mean()))
    known = {source: at for at, source in enumerate(dict.fromkeys(sources))}
    place = np.array([known[source] for source in sources])
    value = float(_at_none(np.ones((1, len(wins))), wins, covariate)[0])
    draws = [_at_none(times[:, place], wins, covariate) for times in times_drawn(len(known), seed=seed, draws=_DRAWS)]
    return of_draws(value, np.concatenate(draws), n=len(wins), clusters=len(known), within=(0, 1))


def _at_none(
    weights: "NDArray[np.float64]", wins: "NDArray[np.float64]", covariate: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """Newton's steps for every row of weights at once: shape [draws]."""
    import numpy as np

    base, slope = np.zeros(len(weights)), np.zeros(len(weights))
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-np.clip(base[:, None] + slope[:, None] * covariate, -30, 30)))
        off, curve = weights * (wins - expected), weights * expected * (1 - expected)
        pull, push = off.sum(1) - _RIDGE[0] * base, (off * covariate).sum(1) - _RIDGE[1] * slope
        first, both = curve.sum(1) + _RIDGE[0], (curve * covariate).sum(1)
        second = (curve * covariate**2).sum(1) + _RIDGE[1]
        least = np.maximum(first * second - both**2, 1e-12)
        base = base + np.clip((second * pull - both * push) / least, -1, 1)
        slope = slope + np.clip((first * push - both * pull) / least, -1, 1)
    return np.asarray(1 / (1 + np.exp(-base)))


def over_models(rates: Mapping[str, tuple[float, float]]) -> dict[str, Json]:
    """Of win rate and mean unique tokens, a row for each model; under twelve rows it is no claim.

    >>> over_models({"a": (0.5, 10.0), "b": (0.6, 12.0)})["says"]
    'says little: 2 models, and 12 are wanted'
    """
    r = correlation([rate for rate, _ in rates.values()], [unique for _, unique in rates.values()])
    enough = len(rates) >= ROWS
    return {
        "models": len(rates),
        "r": None if r is None else r.as_json(),
        "claim": enough and r is not None,
        "says": ""
        if enough
        else f"says little: {len(rates)} model{'' if len(rates) == 1 else 's'}, and {ROWS} are wanted",
        "paper": PAPER,
    }
