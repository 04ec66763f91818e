"""The probe: a line through hidden states of a small model, the linear judge's score, and whether a prompt is whole.

Where the linear judge sees words, the model's middle layers hold what they mean. Only the line is learned and shipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfinstruct.judge.calibration import THRESHOLD, WholeAndCutCalibration
from selfinstruct.judge.cross_validation import CrossValidated, cross_validated
from selfinstruct.judge.linear_judge import LinearJudge
from selfinstruct.judge.validate_on_reads import Labelled
from selfinstruct.stage import HiddenStates
from selfinstruct.tone.whole_or_cut_prompt import whole_flags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_ROUNDS = 60
_ENOUGH = 1e-9
_CONSTANT = 10.0
"""The constant column: so large that the penalty hardly touches the intercept."""
FORM = 10.0
"""What the flag and the linear score count beside standardised states, of which there are thousands."""
_LIKELY = 3.0
"""What log-probabilities count beside them."""
PENALTY = 1000.0
"""On squares of standardised weights. Of 100 to 3,000, what carries over best to lineages that were left out."""
_SCORE = 3.0
"""Linear scores are mostly within so much of 0."""
_NATS, _MOST_NATS = 1.5, 4.0
"""Log-probabilities are told in so many nats; beyond that many of these units there is no more to tell."""


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """A score for each row: its columns, each less its mean and by its spread, times a weight, and an intercept."""

    weights: "NDArray[np.float64]"
    """Means and spreads are folded in."""
    intercept: float

    def scores(self, rows: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """One for each row; products are summed in one order, whatever else is in the batch."""
        import numpy as np

        return np.array([float((row * self.weights).sum()) for row in rows]) + self.intercept


def fitted_line(
    rows: "NDArray[np.float64]",
    labels: "NDArray[np.float64]",
    weights: "NDArray[np.float64]",
    *,
    penalty: float,
    plain: int = 0,
) -> LinearProbe:
    """The line with the least logistic loss plus penalty / 2 times the squares of its standardised weights.

    `plain`: so many last columns are taken as they are, not standardised. Ridge logistic regression in its dual form
    (Jaakkola and Haussler 1999): with fewer rows than columns, what is solved is as large as the rows are many. Shipped
    judges are made of this line in 32 bits: one by `scipy.optimize`, at the same speed, differed in the last bit of 20
    weights in 1,500. A test holds it against scikit-learn.
    """
    import numpy as np

    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    if plain:
        mean[-plain:], spread[-plain:] = 0.0, 1.0
    seen = np.concatenate([(rows - mean) / spread, np.full((len(rows), 1), _CONSTANT)], axis=1)
    alike = seen @ seen.T / penalty

    def loss(dual: "NDArray[np.float64]") -> float:
        score = alike @ dual
        return float((weights * (np.logaddexp(0, score) - labels * score)).sum() + 0.5 * dual @ score)

    dual = np.zeros(len(rows))
    here = loss(dual)
    for _ in range(_ROUNDS):
        score = alike @ dual
        chance = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
        bend = weights * chance * (1 - chance) + 1e-6
        step = np.linalg.solve(np.diag(1 / bend) + alike, score + weights * (labels - chance) / bend) - dual
        length = 1.0
        while (there := loss(dual + length * step)) > here and length > 1e-4:
            length /= 2
        if there > here:
            break
        dual, gained, here = dual + length * step, here - there, there
        if gained < _ENOUGH * abs(here):
            break
    primal = seen.T @ dual / penalty
    folded = primal[:-1] / spread
    return LinearProbe(folded, float(primal[-1] * _CONSTANT - (folded * mean).sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeJudge:
    """A few judgements a second and core; asks the model in batches of like length."""

    version: str
    line: LinearProbe
    linear: LinearJudge
    states: HiddenStates
    calibration: WholeAndCutCalibration
    threshold: float = THRESHOLD
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """As in `LinearJudge`."""
    kinds: Mapping[str, Sequence[Mapping[str, int]]] = field(default_factory=dict)
    """For whole and cut prompts, errors on each kind of model that it did not learn from; empty if untried."""

    def probabilities(
        self, pairs: Sequence[tuple[str, str]], whole: Sequence[bool | None] | None = None
    ) -> list[float]:
        """For each (prompt, continuation): how likely the continuation answers."""
        import numpy as np

        if not pairs:
            return []
        flags = whole_flags(pairs, whole)
        seen = columns(self.states(pairs), self.linear.scores(pairs), flags, self.states.likelihoods)
        probabilities: list[float] = self.calibration.probabilities(self.line.scores(seen), flags).tolist()
        assert np.isfinite(probabilities).all()
        return probabilities


def columns(
    states: "NDArray[np.float32]", linear: "NDArray[np.float64]", whole: "NDArray[np.bool_]", likelihoods: int
) -> "NDArray[np.float64]":
    """What the line goes through: the states, then what is taken as it is, without being standardised.

    That is: log-probabilities, alone and where the prompt is whole; the linear score and whether the prompt is whole,
    each and both.
    """
    import numpy as np

    wide = states.shape[1] - likelihoods
    likely = np.clip(states[:, wide:].astype(np.float64) / _NATS, -_MOST_NATS, _MOST_NATS) * _LIKELY
    score = np.clip(linear / _SCORE, -FORM, FORM)
    more = np.stack([score, whole.astype(np.float64), whole * score], axis=1) * FORM
    return np.concatenate([states[:, :wide].astype(np.float64), likely, likely * whole[:, None], more], axis=1)


def unscaled_columns(likelihoods: int) -> int:
    """How many columns are taken as they are."""
    return 2 * likelihoods + 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedLine:
    """The direction in hidden states that a probe has learned, with its cross-validation."""

    line: LinearProbe
    crossed: CrossValidated
    """What came of the completions, each lineage left out in turn; it has the calibration, too."""


def learned_line(
    reads: Sequence[Labelled], locked: Sequence[str], linear: LinearJudge, states: HiddenStates
) -> LearnedLine:
    """The line through what the model makes of completions that were read; `locked` lineages teach nothing."""
    import numpy as np

    pairs = [(read.prompt, read.response) for read in reads]
    whole = np.array([read.whole for read in reads], np.bool_)
    seen, plain = (
        columns(states(pairs), linear.scores(pairs), whole, states.likelihoods),
        unscaled_columns(states.likelihoods),
    )
    labels = np.array([read.label or 0 for read in reads], np.float64)

    def line(of: "NDArray[np.bool_]") -> LinearProbe:
        fitted = fitted_line(seen[of], labels[of], np.ones(int(of.sum())), penalty=PENALTY, plain=plain)
        return LinearProbe(fitted.weights.astype(np.float32).astype(np.float64), round(fitted.intercept, 6))

    tried = cross_validated(reads, locked, lambda of: line(of).scores(seen))
    able = np.array([read.label is not None and read.family not in locked for read in reads], np.bool_)
    return LearnedLine(line=line(able), crossed=tried)
