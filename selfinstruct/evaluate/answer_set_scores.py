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
from selfinstruct.tone.tone_metrics import ECHO, EMPTY, IFS, IFS_CLEAN, LOOP, RUN_ON, TRUNCATED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PLACE = {name: place for place, name in enumerate(COUNTED)}
_VERBS = 12
"""First verbs told of, the most frequent ones; the rest is `other`."""
_LEAST = 5
"""Tasks of a verb from which on it is told of."""
_COMPARED = ("rouge_l", "rouge_l_stemmed", "exact_match", "words", "unique_words", IFS.key, IFS_CLEAN.key)


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
        left, right = first[:, places], second[:, places]
        if self.kind == "share":

            def minus(sums: "NDArray[np.float64]") -> "NDArray[np.float64]":
                return ratio(0, 1)(sums) - ratio(2, 3)(sums)

            return bootstrap(minus, np.hstack([left, right]), n=n, within=(-1, 1), seed=seed)
        within = (-1, 1) if self.kind == "in_0_1" else None
        return mean((left[:, 0] - right[:, 0]) / self._units, left[:, 1], within=within, seed=seed)

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
    TRUNCATED.key: _Number("truncated", "all", "share"),
    EMPTY.key: _Number("empty", "all", "share"),
    ECHO.key: _Number("echo", "all", "share"),
    LOOP.key: _Number("loop", "all", "share"),
    RUN_ON.key: _Number("run_on", "all", "share"),
    IFS.key: _Number("answers", "judged", "share"),
    IFS_CLEAN.key: _Number("clean", "ended", "share"),
}
"""Means over answers, and shares of them; `unique_share` is that of all words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScore:
    """The numbers of some answers."""

    n: int
    """Number of answers."""
    tasks: int
    """Instructions, which intervals draw again."""
    compared: int
    """Answers in `rouge_l`: those with a reference in words."""
    numbers: Mapping[str, Estimate | None]
    """By name; None for a number over nothing."""

    def as_json(self) -> dict[str, Json]:
        """Each number with its interval."""
        numbers: dict[str, Json] = {
            name: estimate.as_json() if estimate else None for name, estimate in self.numbers.items()
        }
        return {"n": self.n, "tasks": self.tasks, "n_rouge_l": self.compared, **numbers}


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
    kinds = _grouped(answers, [answer.question.kind for answer in answers])
    tasks = Counter(
        verb for verb, _ in dict.fromkeys((answer.question.verb, answer.question.source) for answer in answers)
    )
    shown = [verb for verb, count in tasks.most_common(_VERBS) if verb and count >= _LEAST]
    verbs = _grouped(
        answers, [answer.question.verb if answer.question.verb in shown else "other" for answer in answers]
    )
    ordered = {name: verbs[name] for name in (*shown, "other") if name in verbs}
    return {
        "kind": {name: set_score(group, seed).as_json() for name, group in kinds.items()},
        "verb": {name: set_score(group, seed).as_json() for name, group in ordered.items()},
    }


def lengths_in_all(answers: Iterable[SetAnswer]) -> dict[str, Json]:
    """What only all answers together have."""
    every = list(answers)
    vocabulary = {word for answer in every for word in words(answer.text)}
    reasons = Counter(answer.finish_reason or "not_said" for answer in every)
    return {
        "different_words": len(vocabulary),
        "tokens_estimated": any(answer.tokens_estimated for answer in every),
        "finish_reasons": dict(sorted(reasons.items())),
    }


def set_differences(sides: Sequence[Sequence[SetAnswer]], against: Against, seed: int = 0) -> list[Json]:
    """Every pair of models once, the later minus the earlier, on the questions that both answered."""
    differences: list[Json] = []
    for earlier, later in combinations(sides, 2):
        difference = _difference(later, earlier, against, seed)
        if difference is not None:
            differences.append(difference)
    return differences


def _difference(
    first: Sequence[SetAnswer], second: Sequence[SetAnswer], against: Against, seed: int
) -> dict[str, Json] | None:
    theirs = {answer.question: answer for answer in second if answer.question.against == against}
    pairs = [(answer, theirs[answer.question]) for answer in first if answer.question in theirs]
    if not pairs:
        return None
    ours, others = _counts([mine for mine, _ in pairs]), _counts([other for _, other in pairs])
    left, right = _table(ours), _table({source: others[source] for source in ours})
    numbers: dict[str, Json] = {}
    for name in _COMPARED:
        estimate = _NUMBERS[name].difference(left, right, seed, len(pairs))
        if estimate is not None:
            numbers[name] = estimate.as_json()
    (mine, other), *_ = pairs
    return {
        "of": f"{mine.model}, {mine.wrapper}",
        "above": f"{other.model}, {other.wrapper}",
        "same_wrapper": mine.wrapper == other.wrapper,
        "against": against,
        "n": len(pairs),
        "tasks": len(ours),
        **numbers,
    }


def _counts(answers: Iterable[SetAnswer]) -> dict[str, list[int]]:
    """For each instruction, in order of appearance, the sums of what is counted."""
    rows: dict[str, list[int]] = {}
    for answer in answers:
        row = rows.setdefault(answer.question.source, [0] * len(COUNTED))
        for place, counts in enumerate(COUNTED.values()):
            row[place] += int(counts(answer))
    return rows


def _table(rows: Mapping[str, Sequence[int]]) -> "NDArray[np.float64]":
    import numpy as np

    return np.array(list(rows.values()), np.float64).reshape(len(rows), len(COUNTED))


def _grouped(answers: Iterable[SetAnswer], names: Iterable[str]) -> dict[str, list[SetAnswer]]:
    groups: dict[str, list[SetAnswer]] = {}
    for answer, name in zip(answers, names, strict=True):
        groups.setdefault(name, []).append(answer)
    return groups
