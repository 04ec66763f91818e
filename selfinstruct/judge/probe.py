"""The probe: a line through hidden states of a small model that stays as it is, the linear judge's score, and the form.

Where the linear judge sees words, the model's middle layers hold what they mean. Only the line is learned and shipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from selfinstruct.judge.calibration import THRESHOLD, CalibrationByForm
from selfinstruct.judge.dense import Line
from selfinstruct.judge.linear import LinearJudge
from selfinstruct.prompt_form import forms
from selfinstruct.stage import HiddenStates

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORM = 10.0
"""What the flag and the linear score count beside standardised states, of which there are thousands."""
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
