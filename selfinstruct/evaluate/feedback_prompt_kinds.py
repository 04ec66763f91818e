"""Kinds of prompt, told from the text: of which does a student fail on more than on others?"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selfinstruct.text import words
from selfinstruct.text.verb_rule import root_by_rule

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = ("asks", "verb", "verb and object", "length", "topic", "form")
"""What cells are told by: a label or not, the root verb, with its object, the length, the subject, whole or cut."""
_LENGTHS = ((10, "up to 10 words"), (14, "11 to 14 words"))  # about a third each of our prompts, seeds and tasks
_LONGER = "15 words or more"
_TURNS = 20  # of the clustering; it settles sooner
_COMMON = 0.2  # a word in more of the texts than this tells no subject
_NO_SUBJECT = 0.3  # share of the texts; a cluster of more is what was left over
# Nor do these, however rare they are in a small set.
_EMPTY = frozenset(
    re.findall(
        "[a-z]+",
        "about after all also an and any are as at be been before but by can could did do does each for from "
        "give had has have how if in into is it its just like make many may me more most much my name no not "
        "of on one or our out over should so some such tell than that the their them then there these they "
        "this three to two under up us use using very was we were what when where which who whom why will "
        "with word words would write you your ",
    )
)
_LABELS = re.compile(
    r"\b(?:true or false|yes or no|positive or negative|which of (?:these|the following)|classify|categori[sz]e"
    r"|label (?:the|this|each)|is (?:this|the \w+) (?:\w+ ){0,3}or\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Subjects:
    """Clusters of texts by their words (spherical k-means on weighted word counts), found in one set of texts."""

    weights: Mapping[str, float]
    """Inverse document frequency of each word that counts."""
    centres: tuple[Mapping[str, float], ...]
    names: tuple[str, ...]
    """Of each cluster its three heaviest words; empty where it holds so many texts that they share no subject."""

    def of(self, text: str) -> str:
        """The name of the nearest cluster; empty where that has none, or not one word is known."""
        weights = {word: self.weights[word] for word in words(text) if word in self.weights}
        if not weights:
            return ""
        near = [sum(weight * centre.get(word, 0.0) for word, weight in weights.items()) for centre in self.centres]
        best = max(range(len(near)), key=near.__getitem__)
        return self.names[best] if near[best] > 0 else ""


def subjects(texts: Sequence[str], clusters: int) -> Subjects:
    """The subjects of texts; the same for the same texts, without any drawing by chance.

    >>> topics = subjects(["boil rice", "rice soup", "soup to boil", "a poem of rain", "rain, a poem", "poem, rain"], 2)
    >>> topics.of("soup with rice") != topics.of("poem of the rain")
    True
    """
    import numpy as np

    cut = [sorted(frozenset(words(text))) for text in texts]
    seen = Counter(word for vocabulary in cut for word in vocabulary)
    most = max(2, _COMMON * len(cut))
    kept = sorted(word for word, count in seen.items() if 2 <= count <= most and len(word) > 1 and word not in _EMPTY)
    place = {word: at for at, word in enumerate(kept)}
    table = np.zeros((len(cut), len(kept)))
    for row, vocabulary in zip(table, cut, strict=True):
        for word in vocabulary:
            if word in place:
                row[place[word]] = np.log(len(cut) / seen[word]) + 1.0
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    centres = _centres(np.divide(table, norms, out=np.zeros_like(table), where=norms > 0), clusters)
    weights = {word: float(np.log(len(cut) / seen[word]) + 1.0) for word in kept}
    told_centres = [{kept[at]: float(row[at]) for at in np.flatnonzero(row > 0)} for row in centres]
    named = tuple(centre for centre in told_centres if centre)
    clustered = Subjects(weights, named, tuple(map(_name, named)))
    sizes = Counter(clustered.of(text) for text in texts)
    largest = max(_NO_SUBJECT, 2 / clusters) * len(texts)
    return Subjects(weights, named, tuple("" if sizes[name] > largest else name for name in clustered.names))


def _centres(rows: "NDArray[np.float64]", clusters: int) -> "NDArray[np.float64]":
    """Spherical k-means; each start is the row that lies farthest from the starts before it.

    scikit-learn's has no cosine, and 3 s to load for these lines; a test holds this against it.
    """
    import numpy as np

    rows = rows[np.any(rows > 0, axis=1)]  # the others lie as far from everything as can be, and are about nothing
    if not rows.size:
        return rows[:0]
    starts = [int(np.argmax(rows.sum(axis=1)))]
    for _ in range(1, min(clusters, len(rows))):
        nearest = (rows @ rows[starts].T).max(axis=1)
        starts.append(int(np.argmin(nearest)))
    centres = rows[starts]
    chosen = np.full(len(rows), -1)
    for _ in range(_TURNS):
        now = (rows @ centres.T).argmax(axis=1)
        if (now == chosen).all():
            break
        chosen = now
        for at in range(len(centres)):
            total = rows[chosen == at].sum(axis=0)
            norm = np.linalg.norm(total)
            centres[at] = total / norm if norm > 0 else centres[at]
    return centres


def _name(centre: Mapping[str, float]) -> str:
    return ", ".join(sorted(centre, key=lambda word: (-centre[word], word))[:3])


def kinds_of(text: str, topics: Subjects, *, is_classification: bool | None = None) -> dict[str, str]:
    """The cell of each feature that an instruction falls into; whether it is cut is known only to who cut it.

    >>> kinds = kinds_of("Is this review positive or negative?", subjects([], 1))
    >>> kinds["asks"], kinds["verb"], kinds["length"]
    ('for a label', 'is', 'up to 10 words')
    """
    label = bool(_LABELS.search(text)) if is_classification is None else is_classification
    cut, root = words(text), root_by_rule(text)
    length = next((name for most, name in _LENGTHS if len(cut) <= most), _LONGER)
    return {
        "asks": "for a label" if label else "for a text",
        "verb": root.verb,
        "verb and object": f"{root.verb} {root.object}" if root.object else "",
        "length": length,
        "topic": topics.of(text),
    }


def counted(cells: Iterable[tuple[Mapping[str, str], bool]]) -> dict[tuple[str, str], tuple[int, int]]:
    """For each (feature, cell): how many prompts fell into it, and how many of them failed; in order of appearance."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for kinds, failed in cells:
        for feature, cell in kinds.items():
            if cell:
                prompts, failures = sums.get((feature, cell), (0, 0))
                sums[feature, cell] = (prompts + 1, failures + failed)
    return sums
