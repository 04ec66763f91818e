"""Numbers of answers to a set: beside references, of length, by category, and of one model beside another."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from selfinstruct.evaluate.answer_set_marking import COUNTED, UNITS, Against, SetAnswer
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, bootstrap, mean, ratio, share
from selfinstruct.text import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLACE = {name: place for place, name in enumerate(COUNTED)}
_VERBS = 12
"""First verbs told of, the most frequent ones; the rest is `other`."""
_LEAST = 5
"""Tasks of a verb from which on it is told of."""
_COMPARED = ("rouge_l", "rouge_l_stemmed", "exact_match", "words", "unique_words", "ifs", "ifs_clean")


@dataclass(frozen=True, slots=True)
class _Number:
    """A sum of one column over that of another."""

    of: str
    among: str
    kind: Literal["share", "in_0_1", "unbounded"]
    """A share of yes, or a mean of what lies between 0 and 1, or of anything."""

    def estimate(self, table: "NDArray[np.float64]", seed: int) -> Estimate | None:
        top, bottom = table[:, _PLACE[self.of]], table[:, _PLACE[self.among]]
        if self.kind == "share":
            return share(top, bottom)
        return mean(top / self._units, bottom, within=(0, 1) if self.kind == "in_0_1" else None, seed=seed)

    def difference(
        self, first: "NDArray[np.float64]", second: "NDArray[np.float64]", seed: int, n: int
    ) -> Estimate | None:
        import numpy as np

        places = [_PLACE[self.of], _PLACE[self.among]]
        one, other = first[:, places], second[:, places]
        if self.kind == "share":

            def minus(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
                return ratio(0, 1)(sums) - ratio(2, 3)(sums)

            return bootstrap(minus, np.hstack([one, other]), n=n, within=(-1, 1), seed=seed)
        within = (-1, 1) if self.kind == "in_0_1" else None
        return mean((one[:, 0] - other[:, 0]) / self._units, one[:, 1], within=within, seed=seed)

    @property
    def _units(self) -> int:
        return UNITS if self.of.startswith("rouge") else 1


_NUMBERS: Mapping[str, _Number] = {
    "rouge_l": _Number("rouge_l", "with_words", "in_0_1"),
    "rouge_l_stemmed": _Number("rouge_l_stemmed", "with_words", "in_0_1"),
    "exact_match": _Number("exact", "all", "share"),
    "words": _Number("words", "all", "unbounded"),
    "unique_words": _Number("unique_words", "all", "unbounded"),
    "unique_share": _Number("unique_words", "words", "in_0_1"),
    "reference_words": _Number("reference_words", "all", "unbounded"),
    "tokens": _Number("tokens", "all", "unbounded"),
    "truncated": _Number("truncated", "all", "share"),
    "empty": _Number("empty", "all", "share"),
    "echo": _Number("echo", "all", "share"),
    "loop": _Number("loop", "all", "share"),
    "run_on": _Number("run_on", "all", "share"),
    "ifs": _Number("answers", "judged", "share"),
    "ifs_clean": _Number("clean", "ended", "share"),
}
"""Means over answers, and shares of them; `unique_share` is that of all words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScore:
    """The numbers of some answers."""

    n: int
    """Answers."""
    tasks: int
    """Instructions, which intervals draw again."""
    compared: int
    """Answers in `rouge_l`: those with a reference in words."""
    numbers: Mapping[str, Estimate | None]
    """By name; None for a number over nothing."""

    def as_json(self) -> dict[str, Json]:
        """Each number with its interval."""
        told: dict[str, Json] = {name: found.as_json() if found else None for name, found in self.numbers.items()}
        return {"n": self.n, "tasks": self.tasks, "n_rouge_l": self.compared, **told}


def set_score(answers: Sequence[SetAnswer], seed: int = 0) -> SetScore:
    """The numbers, with intervals by task; `seed` is of what is drawn."""
    rows = _counts(answers)
    table = _table(rows)
    total = [int(count) for count in table.sum(axis=0)]
    return SetScore(
        n=total[_PLACE["all"]],
        tasks=len(rows),
        compared=total[_PLACE["with_words"]],
        numbers={name: number.estimate(table, seed) for name, number in _NUMBERS.items()},
    )


def by_category(answers: Sequence[SetAnswer], seed: int = 0) -> dict[str, Json]:
    """The numbers of each kind (classification or not) and of each frequent first verb."""
    kinds = _grouped(answers, [one.question.kind for one in answers])
    tasks = Counter(verb for verb, _ in dict.fromkeys((one.question.verb, one.question.source) for one in answers))
    shown = [verb for verb, count in tasks.most_common(_VERBS) if verb and count >= _LEAST]
    verbs = _grouped(answers, [one.question.verb if one.question.verb in shown else "other" for one in answers])
    ordered = {name: verbs[name] for name in (*shown, "other") if name in verbs}
    return {
        "kind": {name: set_score(group, seed).as_json() for name, group in kinds.items()},
        "verb": {name: set_score(group, seed).as_json() for name, group in ordered.items()},
    }


def lengths_in_all(answers: Iterable[SetAnswer]) -> dict[str, Json]:
    """What only all answers together have."""
    told = list(answers)
    vocabulary = {word for one in told for word in words(one.text)}
    reasons = Counter(one.finish_reason or "not_said" for one in told)
    return {
        "different_words": len(vocabulary),
        "tokens_estimated": any(one.tokens_estimated for one in told),
        "finish_reasons": dict(sorted(reasons.items())),
    }


def set_differences(sides: Sequence[Sequence[SetAnswer]], against: Against, seed: int = 0) -> list[Json]:
    """Every pair of models once, the later minus the earlier, on the questions that both answered."""
    found: list[Json] = []
    for earlier, later in combinations(sides, 2):
        told = _difference(later, earlier, against, seed)
        if told is not None:
            found.append(told)
    return found


def _difference(
    first: Sequence[SetAnswer], second: Sequence[SetAnswer], against: Against, seed: int
) -> dict[str, Json] | None:
    theirs = {one.question: one for one in second if one.question.against == against}
    pairs = [(one, theirs[one.question]) for one in first if one.question in theirs]
    if not pairs:
        return None
    ours, others = _counts([one for one, _ in pairs]), _counts([other for _, other in pairs])
    left, right = _table(ours), _table({source: others[source] for source in ours})
    numbers: dict[str, Json] = {}
    for name in _COMPARED:
        estimate = _NUMBERS[name].difference(left, right, seed, len(pairs))
        if estimate is not None:
            numbers[name] = estimate.as_json()
    (one, other), *_ = pairs
    return {
        "of": f"{one.model}, {one.wrapper}",
        "above": f"{other.model}, {other.wrapper}",
        "same_wrapper": one.wrapper == other.wrapper,
        "against": against,
        "n": len(pairs),
        "tasks": len(ours),
        **numbers,
    }


def _counts(answers: Iterable[SetAnswer]) -> dict[str, list[int]]:
    """For each instruction, in order of appearance, the sums of what is counted."""
    rows: dict[str, list[int]] = {}
    for one in answers:
        row = rows.setdefault(one.question.source, [0] * len(COUNTED))
        for place, counts in enumerate(COUNTED.values()):
            row[place] += int(counts(one))
    return rows


def _table(rows: Mapping[str, Sequence[int]]) -> "NDArray[np.float64]":
    import numpy as np

    return np.array(list(rows.values()), np.float64).reshape(len(rows), len(COUNTED))


def _grouped(answers: Iterable[SetAnswer], names: Iterable[str]) -> dict[str, list[SetAnswer]]:
    groups: dict[str, list[SetAnswer]] = {}
    for one, name in zip(answers, names, strict=True):
        groups.setdefault(name, []).append(one)
    return groups
