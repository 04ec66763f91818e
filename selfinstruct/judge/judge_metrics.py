"""A judge's metrics on fragments: in all, by kind, by length, beside a rule that knows nothing, with intervals.

F1, AUROC and calibration error are those of scikit-learn (a test holds it), computed for all bootstrap draws at once:
1,000 draws of 5,000 fragments take 0.4 s here and 20 s there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.judge.read_fragments import LabelledFragment
from selfinstruct.records import Json
from selfinstruct.stage import Tone
from selfinstruct.stats import Estimate, of_draws, share, times_drawn
from selfinstruct.text import words
from selfinstruct.text.quoting import six_digits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


BINS = 10
"""Of equal width, for the expected calibration error (Guo et al. 2017)."""
_DRAWS = 1_000
_AT_ONCE = 50
LENGTHS = ((4, "1-4"), (8, "5-8"), (16, "9-16"), (32, "17-32"), (64, "33-64"))
"""Words of the continuation, upper bounds; the rest is `65+`."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a judge said of fragments, and what is true."""

    probabilities: "NDArray[np.float64]"
    labels: "NDArray[np.int64]"
    """1 answer-like."""
    sources: "NDArray[np.int64]"
    """Which source record each comes from, numbered from 0."""


def measures(predictions: Predictions, *, threshold: float, seed: int) -> dict[str, Json]:
    """Prevalence and, each with a 95 % interval: accuracy, precision, recall, F1, AUROC, expected calibration error.

    Intervals are by source, for fragments of one record are not independent. None where a number does not exist:
    precision when nothing is called answer-like, AUROC with one label only.
    """
    import numpy as np

    count, n = int(predictions.sources.max()) + 1, len(predictions.labels)
    said, true = predictions.probabilities >= threshold, predictions.labels == 1

    def part(of: "NDArray[np.bool_]", among: "NDArray[np.bool_]") -> Estimate | None:
        return share(*(np.bincount(predictions.sources, column, count) for column in (of & among, among)))

    shares = {
        "accuracy": part(said == true, np.ones(n, np.bool_)),
        "precision": part(true, said),
        "recall": part(said, true),
    }
    value = _of_draws(predictions, threshold, np.ones((1, count)))
    drawn = [_of_draws(predictions, threshold, times) for times in _in_steps(count, seed)] if count > 1 else []
    report: dict[str, Json] = {
        "n": n,
        "sources": count,
        "prevalence": six_digits(float(predictions.labels.mean())),
        "threshold": threshold,
        **{name: rounded(estimate) for name, estimate in shares.items()},
    }
    for name, point in value.items():
        spread = np.concatenate([some[name] for some in drawn]) if drawn else np.zeros(0)
        known = bool(np.isfinite(point[0]))
        report[name] = rounded(of_draws(float(point[0]), spread, n=n, clusters=count, within=(0, 1))) if known else None
    return report


def _in_steps(count: int, seed: int) -> "Iterator[NDArray[np.float64]]":
    """A few draws at a time, as each takes a number for every fragment."""
    for times in times_drawn(count, seed=seed, draws=_DRAWS):
        for first in range(0, len(times), _AT_ONCE):
            yield times[first : first + _AT_ONCE]


def rounded(estimate: Estimate | None) -> Json:
    """Value and ends, six decimals; None for what does not exist."""
    if estimate is None:
        return None
    ends = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: six_digits(end) for name, end in ends.items()}


def _of_draws(
    predictions: Predictions, threshold: float, times: "NDArray[np.float64]"
) -> dict[str, "NDArray[np.float64]"]:
    """Each number for every row of `times`, which says how often each source was drawn."""
    import numpy as np

    said, true = predictions.probabilities >= threshold, predictions.labels == 1
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is NaN: such a number does not exist
        hit, alarm, miss = (
            _sums(predictions, times, mask.astype(np.float64)) for mask in (said & true, said & ~true, ~said & true)
        )
        return {
            "f1": 2 * hit / (2 * hit + alarm + miss),
            "auroc": _auroc(predictions, times),
            "ece": _calibration_error(predictions, times),
        }


def _sums(
    predictions: Predictions, times: "NDArray[np.float64]", values: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    import numpy as np

    by_source = np.bincount(predictions.sources, values, minlength=times.shape[1])
    return np.asarray((times * by_source).sum(axis=1))


def _calibration_error(predictions: Predictions, times: "NDArray[np.float64]") -> "NDArray[np.float64]":
    import numpy as np

    bins = np.minimum((predictions.probabilities * BINS).astype(np.int64), BINS - 1)
    off = np.zeros(len(times))
    for place in range(BINS):
        inside = bins == place
        if inside.any():
            off += np.abs(
                _sums(predictions, times, np.where(inside, predictions.labels - predictions.probabilities, 0.0))
            )
    return off / _sums(predictions, times, np.ones(len(bins)))


def _auroc(predictions: Predictions, times: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """How often a random answer scores above a random continuation; ties count half (Mann and Whitney 1947)."""
    import numpy as np

    order = np.argsort(predictions.probabilities, kind="stable")
    ranked = predictions.probabilities[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    weight = times[:, predictions.sources[order]]
    ones = np.add.reduceat(weight * predictions.labels[order], starts, axis=1)
    zeros = np.add.reduceat(weight * (1 - predictions.labels[order]), starts, axis=1)
    below = np.cumsum(zeros, axis=1) - zeros
    return np.asarray((ones * (2 * below + zeros)).sum(axis=1) / (2 * ones.sum(axis=1) * zeros.sum(axis=1)))


def evaluated(judge: Tone, fragments: Sequence[LabelledFragment], *, seed: int) -> dict[str, Json]:
    """`measures` and accuracy by kind, length, prompt (whole, cut), set and language.

    `first_character` is the accuracy of a rule that calls everything an answer unless it begins in lower case: a judge
    worth having is well above it, at every length.
    """
    import numpy as np

    probabilities = np.array(
        judge.probabilities([fragment.pair for fragment in fragments], [fragment.whole for fragment in fragments]),
        np.float64,
    )
    labels = np.array([fragment.label for fragment in fragments], np.int64)
    numbers: dict[str, int] = {}
    sources = [numbers.setdefault(fragment.source, len(numbers)) for fragment in fragments]
    predictions = Predictions(probabilities, labels, np.array(sources, np.int64))
    right = (probabilities >= judge.threshold) == (labels == 1)
    ruled = np.array([first_character(fragment.continuation) for fragment in fragments]) == (labels == 1)
    return {
        **measures(predictions, threshold=judge.threshold, seed=seed),
        "by_kind": _by(fragments, lambda fragment: fragment.kind, right),
        "by_length": _by(fragments, lambda fragment: length(fragment.continuation), right),
        "by_prompt": _by(fragments, lambda fragment: "whole" if fragment.whole else "cut", right),
        "by_set": _by(fragments, lambda fragment: fragment.set, right),
        "by_language": _by(fragments, lambda fragment: fragment.language, right),
        "first_character": {
            "accuracy": six_digits(float(ruled.mean())),
            "by_kind": _by(fragments, lambda fragment: fragment.kind, ruled),
            "by_length": _by(fragments, lambda fragment: length(fragment.continuation), ruled),
        },
    }


def first_character(continuation: str) -> bool:
    """The rule: answer-like unless the first letter is in lower case and nothing but marks stands before it.

    >>> first_character(" about the sea"), first_character("The sea"), first_character("1. sea"), first_character("海")
    (False, True, True, True)
    """
    first = next((char for char in continuation if char.isalnum()), "")
    return not first.islower()


def length(text: str) -> str:
    """The step of `LENGTHS` that a text falls into.

    >>> length("a river"), length("river " * 70)
    ('1-4', '65+')
    """
    many = len(words(text))
    return next((name for most, name in LENGTHS if many <= most), "65+")


def _by(
    fragments: Sequence[LabelledFragment], name: Callable[[LabelledFragment], str], right: "NDArray[np.bool_]"
) -> dict[str, Json]:
    """Accuracy and count of each group, by name; a group without a name is left out."""
    groups: dict[str, list[bool]] = {}
    for fragment, well in zip(fragments, right.tolist(), strict=True):
        groups.setdefault(name(fragment), []).append(well)
    return {
        group: {"n": len(hits), "accuracy": six_digits(sum(hits) / len(hits))}
        for group, hits in sorted(groups.items())
        if group
    }
