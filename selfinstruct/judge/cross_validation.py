"""Leave-one-lineage-out: a judge tried on completions of model families that it did not learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from selfinstruct.judge.calibration import Calibration, WholeAndCutCalibration, calibrated
from selfinstruct.judge.validate_on_reads import Labelled
from selfinstruct.records import digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores: TypeAlias = Callable[[NDArray[np.bool_]], NDArray[np.float64]]
    """Scores of all rows by a judge that learned from the marked ones."""


_LEAST = 3
"""Lineages that are needed to leave one out."""
_PARTS = 5
_PLAIN = Calibration(1.0, 0.0)


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """What comes of leaving out."""

    calibration: WholeAndCutCalibration
    """For the judge that learned from all."""
    probabilities: "NDArray[np.float64]"
    """Of each row, by a judge that learned from no row of its fold, and was calibrated without it."""
    folds: tuple[str, ...]
    """Names of what was left out: lineages, or parts of the prompts where there are too few of them."""
    unseen: str
    """`lineage` or `prompt`: what a judge did not know of the rows it was tried on."""


def cross_validated(rows: Sequence[Labelled], locked: Sequence[str], scores: "Scores") -> CrossValidated:
    """Try a way to learn on lineages it did not see; those that are locked teach nothing and no one chooses by them.

    A judge learns from all folds but one, and its curve is fitted without that one too: to scores of the others' rows,
    by judges that did not see the prompt.
    """
    import numpy as np

    whole = np.array([row.whole for row in rows], np.bool_)
    labels = np.array([row.label or 0 for row in rows], np.int64)
    free = np.array([row.family not in locked for row in rows], np.bool_)
    able = free & np.array([row.label is not None for row in rows], np.bool_)
    parts = np.array([f"prompts {int(digest('fold', row.source)[:8], 16) % _PARTS + 1}" for row in rows])
    families = np.array([row.family for row in rows])
    by_lineage = len(set(families[free].tolist())) >= _LEAST
    names = families if by_lineage else parts

    def curve(of: "NDArray[np.bool_]") -> WholeAndCutCalibration:
        seen = np.zeros(len(rows))
        for part in np.unique(parts[of]):
            mine = of & (parts == part)
            seen[mine] = scores(of & ~mine)[mine]
        return WholeAndCutCalibration(whole=_curve(seen, labels, of & whole), cut=_curve(seen, labels, of & ~whole))

    final = curve(able)
    probabilities = final.probabilities(scores(able), whole)
    folds = tuple(dict.fromkeys(names[free].tolist()))
    for name in folds:
        mine, others = free & (names == name), able & (names != name)
        probabilities[mine] = curve(others).probabilities(scores(others), whole)[mine]
    return CrossValidated(final, probabilities, folds, "lineage" if by_lineage else "prompt")


def _curve(scores: "NDArray[np.float64]", labels: "NDArray[np.int64]", of: "NDArray[np.bool_]") -> Calibration:
    """Where all have one label, or there are none, the scores as they are."""
    import numpy as np

    some = labels[of].astype(np.float64)
    if len(some) == 0 or some.min() == some.max():
        return _PLAIN
    return calibrated(scores[of], some, np.ones(len(some)))
