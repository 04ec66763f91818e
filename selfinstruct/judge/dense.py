"""Logistic regression over a few thousand columns and fewer rows: a line, found by Newton's method in its dual form."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDS = 60
_ENOUGH = 1e-9
_CONSTANT = 10.0
"""The constant column: so large that the penalty hardly touches the intercept."""


@dataclass(frozen=True, slots=True)
class Line:
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
) -> Line:
    """The line with the least logistic loss plus penalty / 2 times the squares of its standardised weights.

    `plain`: so many last columns are taken as they are, not standardised. Ridge logistic regression in its dual form
    (Jaakkola and Haussler 1999): with fewer rows than columns, what is solved is as large as the rows are many.
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
    found = seen.T @ dual / penalty
    folded = found[:-1] / spread
    return Line(folded, float(found[-1] * _CONSTANT - (folded * mean).sum()))
