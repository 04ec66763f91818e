"""What a judge's numbers look like on fragments: in all, by kind, by length, and beside a rule that knows nothing."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from selfinstruct.judge.fragments import Fragment
from selfinstruct.judge.metrics import Told, measures
from selfinstruct.records import Json
from selfinstruct.stage import Tone
from selfinstruct.text import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LENGTHS = ((4, "1-4"), (8, "5-8"), (16, "9-16"), (32, "17-32"), (64, "33-64"))
"""Words of the continuation, upper bounds; the rest is `65+`."""
_DIGITS = 6


def evaluated(judge: Tone, fragments: Sequence[Fragment], *, seed: int) -> dict[str, Json]:
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
    told = Told(probabilities, labels, np.array(sources, np.int64))
    right = (probabilities >= judge.threshold) == (labels == 1)
    ruled = np.array([first_character(fragment.continuation) for fragment in fragments]) == (labels == 1)
    return {
        **measures(told, threshold=judge.threshold, seed=seed),
        "by_kind": _by(fragments, lambda one: one.kind, right),
        "by_length": _by(fragments, lambda one: length(one.continuation), right),
        "by_prompt": _by(fragments, lambda one: "whole" if one.whole else "cut", right),
        "by_set": _by(fragments, lambda one: one.set, right),
        "by_language": _by(fragments, lambda one: one.language, right),
        "first_character": {
            "accuracy": round(float(ruled.mean()), _DIGITS),
            "by_kind": _by(fragments, lambda one: one.kind, ruled),
            "by_length": _by(fragments, lambda one: length(one.continuation), ruled),
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


def _by(fragments: Sequence[Fragment], name: Callable[[Fragment], str], right: "NDArray[np.bool_]") -> dict[str, Json]:
    """Accuracy and count of each group, by name; a group without a name is left out."""
    groups: dict[str, list[bool]] = {}
    for fragment, well in zip(fragments, right.tolist(), strict=True):
        groups.setdefault(name(fragment), []).append(well)
    return {
        group: {"n": len(found), "accuracy": round(sum(found) / len(found), _DIGITS)}
        for group, found in sorted(groups.items())
        if group
    }
