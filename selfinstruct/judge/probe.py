"""The probe: a line through hidden states of a small model that stays as it is, the linear judge's score, and the form.

Where the linear judge sees words, the model's middle layers hold what they mean. Only the line is learned and shipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfinstruct.judge.calibration import THRESHOLD, CalibrationByForm
from selfinstruct.judge.dense import Line, fitted_line
from selfinstruct.judge.lineages import Crossed, crossed
from selfinstruct.judge.linear import LinearJudge
from selfinstruct.judge.validation import Labelled
from selfinstruct.stage import HiddenStates
from selfinstruct.tone.prompt_form import forms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORM = 10.0
"""What the flag and the linear score count beside standardised states, of which there are thousands."""
PENALTY = 300.0
"""On squares of standardised weights. Of 100 to 3,000, what carries over best to lineages that were left out."""
_BESIDE = 3
"""Columns beside the states, which are taken as they are."""
_SCORE = 3.0
"""Linear scores are mostly within so much of 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeJudge:
    """Some tens of judgements a second; asks the model in batches of like length."""

    version: str
    line: Line
    linear: LinearJudge
    states: HiddenStates
    calibration: CalibrationByForm
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
        form = forms(pairs, whole)
        seen = columns(self.states(pairs), self.linear.scores(pairs), form)
        found: list[float] = self.calibration.probabilities(self.line.scores(seen), form).tolist()
        assert np.isfinite(found).all()
        return found


def columns(
    states: "NDArray[np.float32]", linear: "NDArray[np.float64]", whole: "NDArray[np.bool_]"
) -> "NDArray[np.float64]":
    """What the line goes through: the states, then the linear score and the form, alone and together."""
    import numpy as np

    score = np.clip(linear / _SCORE, -FORM, FORM)
    more = np.stack([score, whole.astype(np.float64), whole * score], axis=1)
    return np.concatenate([states.astype(np.float64), more * FORM], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedLine:
    """What training finds."""

    line: Line
    crossed: Crossed
    """What came of the completions, each lineage left out in turn; it has the calibration, too."""


def learned_line(
    reads: Sequence[Labelled], locked: Sequence[str], linear: LinearJudge, states: HiddenStates
) -> LearnedLine:
    """The line through what the model makes of completions that were read; `locked` lineages teach nothing."""
    import numpy as np

    pairs = [(one.prompt, one.response) for one in reads]
    seen = columns(states(pairs), linear.scores(pairs), np.array([one.whole for one in reads], np.bool_))
    labels = np.array([one.label or 0 for one in reads], np.float64)

    def line(of: "NDArray[np.bool_]") -> Line:
        found = fitted_line(seen[of], labels[of], np.ones(int(of.sum())), penalty=PENALTY, plain=_BESIDE)
        return Line(found.weights.astype(np.float32).astype(np.float64), round(found.intercept, 6))

    tried = crossed(reads, locked, lambda of: line(of).scores(seen))
    able = np.array([one.label is not None and one.family not in locked for one in reads], np.bool_)
    return LearnedLine(line=line(able), crossed=tried)
