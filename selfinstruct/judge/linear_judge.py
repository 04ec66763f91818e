"""The linear judge: hashed features, logistic regression with one minimum, whole-number weights; NumPy alone."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from selfinstruct.judge.calibration import THRESHOLD, Calibration, WholeAndCutCalibration, calibrated
from selfinstruct.judge.cross_validation import CrossValidated, cross_validated
from selfinstruct.judge.features import BITS, places
from selfinstruct.judge.read_fragments import LabelledFragment, LabelledFragments
from selfinstruct.judge.validate_on_reads import Labelled
from selfinstruct.tone.whole_or_cut_prompt import whole_flags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_ROWS = 8_192
"""Rows summed at a time: fixed, so that sums are made in one order on every run."""
_REMEMBERED = 8
_ROUNDS = 60
_CONVERGED = 1e-4
"""A round that lowers the loss by a smaller share is the last one."""
_CURVATURE = 0.25
"""The logistic loss bends at most so much."""
SCALE = 1024
"""Weights are kept as whole multiples of 1/1024: sums of them are exact, whatever the processor and the order."""
_MOST = 32_767
_PENALTY = 3.0
_LEFT_OUT_AT_MOST = 4
"""Sets that a judge is trained without, to see how it does on them."""
_ENOUGH = 50
"""Fragments of each label that a set needs for that."""


@dataclass(frozen=True, slots=True)
class JudgeExamples:
    """What there is to learn from."""

    places: "NDArray[np.int32]"
    """(examples, features): where each feature lives; place 0 is nowhere."""
    labels: "NDArray[np.float64]"
    """1 or 0."""
    weights: "NDArray[np.float64]"
    """Weight of each example in the fit."""


@dataclass(frozen=True, slots=True)
class _At:
    """The loss and its slope at some weights."""

    loss: float
    slope: "NDArray[np.float64]"


def fitted(examples: JudgeExamples, *, size: int, penalty: float) -> "NDArray[np.float64]":
    """`size` weights with the least logistic loss plus penalty / 2 times the sum of their squares; the first is 0.

    Limited-memory BFGS (Nocedal 1980) with halved steps. The loss has one minimum; sums are made in a fixed order.
    The recipe of `ifs-v1` makes the same bytes again, on any machine and with any version of a library. By the L-BFGS
    of `scipy.optimize` with the same end, 24,486 fragments take 4.9 s for 3.4 s and 17 % of the whole-number weights
    come out otherwise, for the same verdicts; by scikit-learn 29 %. A test holds the minimum against scikit-learn's.
    """
    import numpy as np

    used = np.flatnonzero(np.bincount(examples.places.ravel(), minlength=size)[1:]) + 1
    closer = np.zeros(size, np.int32)  # few examples use few of the places: the rest need not be walked
    closer[used] = np.arange(1, len(used) + 1)
    weights = np.zeros(size)
    weights[used] = _descended(replace(examples, places=closer[examples.places]), len(used) + 1, penalty)[1:]
    return weights


def _descended(examples: JudgeExamples, size: int, penalty: float) -> "NDArray[np.float64]":
    import numpy as np

    weights = np.zeros(size)
    here = _loss(examples, weights, penalty)
    steps: deque[tuple[NDArray[np.float64], NDArray[np.float64]]] = deque(maxlen=_REMEMBERED)
    for _ in range(_ROUNDS):
        direction = _direction(here.slope, steps, 1 / (_CURVATURE * max(float(examples.weights.sum()), 1.0)))
        downhill = float((here.slope * direction).sum())
        length = 1.0
        there = _loss(examples, weights + direction, penalty)
        while there.loss > here.loss + 1e-4 * length * downhill and length > 1e-6:
            length /= 2
            there = _loss(examples, weights + length * direction, penalty)
        if there.loss >= here.loss:
            break
        step, bend = length * direction, there.slope - here.slope
        if float((step * bend).sum()) > 0:
            steps.append((step, bend))
        gained = here.loss - there.loss
        weights, here = weights + step, there
        if gained < _CONVERGED * here.loss:
            break
    return weights


def scores(places: "NDArray[np.int32]", weights: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """The sum of the weights in each row's places."""
    import numpy as np

    return np.asarray(np.take(weights, places).sum(axis=1))


def _loss(examples: JudgeExamples, weights: "NDArray[np.float64]", penalty: float) -> _At:
    import numpy as np

    loss, slope = 0.5 * penalty * float((weights * weights).sum()), penalty * weights
    for start in range(0, len(examples.labels), _ROWS):
        rows = slice(start, start + _ROWS)
        places, labels, counts = examples.places[rows], examples.labels[rows], examples.weights[rows]
        score = scores(places, weights)
        loss += float((counts * (np.logaddexp(0, score) - labels * score)).sum())
        error = counts * (1 / (1 + np.exp(-score)) - labels)
        # bincount adds one by one, in order
        slope += np.bincount(places.ravel(), np.repeat(error, places.shape[1]), len(weights))
    slope[0] = 0
    return _At(loss, slope)


def _direction(
    slope: "NDArray[np.float64]", steps: "deque[tuple[NDArray[np.float64], NDArray[np.float64]]]", first: float
) -> "NDArray[np.float64]":
    """Downhill, bent by what the last steps showed of the curvature (the two loops of L-BFGS)."""
    way = -slope
    shares = []
    for step, bend in reversed(steps):
        share = float((step * way).sum() / (step * bend).sum())
        shares.append(share)
        way = way - share * bend
    if steps:
        step, bend = steps[-1]
        way = way * float((step * bend).sum() / (bend * bend).sum())
    else:
        way = way * first
    for (step, bend), share in zip(steps, reversed(shares), strict=True):
        way = way + step * (share - float((bend * way).sum() / (step * bend).sum()))
    return way


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearJudge:
    """At least 5,000 judgements a second and core; the same numbers on every machine."""

    version: str
    weights: "NDArray[np.int16]"
    calibration: Calibration | WholeAndCutCalibration
    """Two of them: the judge asks whether a prompt is whole."""
    pair_aware: bool
    threshold: float = THRESHOLD
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Right and wrong verdicts on labelled completions: of all, of whole and of cut prompts; empty if untried."""
    kinds: Mapping[str, Sequence[Mapping[str, int]]] = field(default_factory=dict)
    """For whole and cut prompts, errors on each kind of model that it did not learn from; empty if untried."""

    def probabilities(
        self, pairs: Sequence[tuple[str, str]], whole: Sequence[bool | None] | None = None
    ) -> list[float]:
        """For each (prompt, continuation): how likely the continuation answers.

        White space at the seam does not count, nor what lies further than some thirty words from it. `whole` says
        nothing to a judge that was not calibrated for whole and cut prompts apart (`ifs-v1`).
        """
        scores = self.scores(pairs)
        if isinstance(self.calibration, WholeAndCutCalibration):
            probabilities: list[float] = self.calibration.probabilities(scores, whole_flags(pairs, whole)).tolist()
            return probabilities
        return list(self.calibration.probabilities(scores).tolist())

    def scores(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float64]":
        """Before the calibration: above 0 means answer-like to the sets it was trained on."""
        import numpy as np

        indices = places(pairs, pair_aware=self.pair_aware)
        return np.asarray(np.take(self.weights, indices).sum(axis=1, dtype=np.int64) / SCALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Weights and calibration that a linear judge has learned."""

    weights: "NDArray[np.int16]"
    calibration: Calibration | WholeAndCutCalibration
    calibrated_on: str
    """In words, for the card."""
    crossed: CrossValidated | None = None
    """What came of the completions that were learned from, too, with lineages left out; None: there were none."""


def learned(fragments: LabelledFragments, *, pair_aware: bool) -> Learned:
    """Weights, and the calibration for text of a source that was not trained on.

    With two sets or more, the scores to calibrate on are those of judges that never saw the set they score, each set
    counting alike: a judge is surer of itself, and sterner, on text like its own than on other text. With one set they
    are those of the validation fragments.
    """
    import numpy as np

    known = {name: _known(fragments.train, name, pair_aware=pair_aware) for name in fragments.sets()}
    weights = _rounded(_weights(list(known.values())))
    able = sorted(
        (name for name, some in known.items() if _is_enough(some)), key=lambda name: (-len(known[name].labels), name)
    )
    able = able[:_LEFT_OUT_AT_MOST]
    if len(able) < 2:
        some = _examples(fragments.validation, pair_aware=pair_aware)
        line = calibrated(_scores(some.places, weights), some.labels, some.weights)
        return Learned(weights=weights, calibration=line, calibrated_on=f"{len(some.labels)} validation fragments")
    unseen = []
    for name in able:
        others = _rounded(_weights([some for other, some in known.items() if other != name]))
        unseen.append(_scores(known[name].places, others))
    counts = [np.full(len(scores), sum(map(len, unseen)) / (len(unseen) * len(scores))) for scores in unseen]
    line = calibrated(
        np.concatenate(unseen), np.concatenate([known[name].labels for name in able]), np.concatenate(counts)
    )
    calibrated_on = (
        f"sets scored by a judge that was trained without them: {', '.join(name or 'unnamed' for name in able)}"
    )
    return Learned(weights=weights, calibration=line, calibrated_on=calibrated_on)


def learned_with_reads(
    fragments: LabelledFragments, reads: Sequence[Labelled], locked: Sequence[str], *, pair_aware: bool
) -> Learned:
    """As `learned`, and from completions that were read, which count as one set more.

    Calibrated on these, for whole and cut prompts apart.
    """
    import numpy as np

    sets = [_known(fragments.train, name, pair_aware=pair_aware) for name in fragments.sets()]
    indices = places([(read.prompt, read.response) for read in reads], pair_aware=pair_aware)
    labels = np.array([read.label or 0 for read in reads], np.float64)

    def weights(of: "NDArray[np.bool_]") -> "NDArray[np.int16]":
        return _rounded(_weights([*sets, JudgeExamples(indices[of], labels[of], np.ones(int(of.sum())))]))

    tried = cross_validated(reads, locked, lambda of: _scores(indices, weights(of)))
    able = np.array([read.label is not None and read.family not in locked for read in reads], np.bool_)
    calibrated_on = f"completions that were read, scored by judges that saw none of their {tried.unseen}"
    return Learned(weights=weights(able), calibration=tried.calibration, calibrated_on=calibrated_on, crossed=tried)


def _known(fragments: Sequence[LabelledFragment], name: str, *, pair_aware: bool) -> JudgeExamples:
    return _examples([fragment for fragment in fragments if fragment.set == name], pair_aware=pair_aware)


def _examples(fragments: Sequence[LabelledFragment], *, pair_aware: bool) -> JudgeExamples:
    import numpy as np

    labels = np.array([fragment.label for fragment in fragments], np.float64)
    return JudgeExamples(
        places([fragment.pair for fragment in fragments], pair_aware=pair_aware), labels, np.ones(len(labels))
    )


def _weights(sets: Sequence[JudgeExamples]) -> "NDArray[np.float64]":
    """Each set counts as the root of its size, so that a large one does not drown the rest."""
    import numpy as np

    counts = np.concatenate([np.full(len(some.labels), len(some.labels) ** -0.5) for some in sets])
    together = JudgeExamples(
        np.concatenate([some.places for some in sets]),
        np.concatenate([some.labels for some in sets]),
        counts * (len(counts) / counts.sum()),
    )
    return fitted(together, size=1 << BITS, penalty=_PENALTY)


def _rounded(weights: "NDArray[np.float64]") -> "NDArray[np.int16]":
    import numpy as np

    return np.clip(np.round(weights * SCALE), -_MOST, _MOST).astype(np.int16)


def _scores(indices: "NDArray[np.int32]", weights: "NDArray[np.int16]") -> "NDArray[np.float64]":
    import numpy as np

    return np.asarray(np.take(weights, indices).sum(axis=1, dtype=np.int64) / SCALE)


def _is_enough(some: JudgeExamples) -> bool:
    ones = int(some.labels.sum())
    return min(ones, len(some.labels) - ones) >= _ENOUGH
