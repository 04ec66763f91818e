"""Numbers of answers to a set: beside references, of length, by category, and of one model beside another."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from selfinstruct.records import Json
from selfinstruct.score.intervals import Estimate, Statistic, sums_by_source
from selfinstruct.score.set_answers import COUNTED, UNITS, SetAnswer
from selfinstruct.score.set_questions import Against
from selfinstruct.text import words

_PLACE = {name: place for place, name in enumerate(COUNTED)}
_VERBS = 12
"""First verbs told of, the most frequent ones; the rest is `other`."""
_LEAST = 5
"""Tasks of a verb from which on it is told of."""
_COMPARED = ("rouge_l", "rouge_l_stemmed", "exact_match", "words", "unique_words", "ifs", "ifs_clean")


def _mean(of: str, among: str, units: int = 1) -> Statistic:
    top, bottom = _PLACE[of], _PLACE[among]
    return lambda sums: sums[top] / sums[bottom] / units if sums[bottom] else None


STATISTICS: Mapping[str, Statistic] = {
    "rouge_l": _mean("rouge_l", "with_words", UNITS),
    "rouge_l_stemmed": _mean("rouge_l_stemmed", "with_words", UNITS),
    "exact_match": _mean("exact", "all"),
    "words": _mean("words", "all"),
    "unique_words": _mean("unique_words", "all"),
    "unique_share": _mean("unique_words", "words"),
    "reference_words": _mean("reference_words", "all"),
    "tokens": _mean("tokens", "all"),
    "truncated": _mean("truncated", "all"),
    "empty": _mean("empty", "all"),
    "echo": _mean("echo", "all"),
    "loop": _mean("loop", "all"),
    "run_on": _mean("run_on", "all"),
    "ifs": _mean("answers", "judged"),
    "ifs_clean": _mean("clean", "ended"),
}
"""Each a function of counts: means over answers, and shares of them; `unique_share` is that of all words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScore:
    """The numbers of some answers."""

    n: int
    """Answers."""
    tasks: int
    """Instructions, which intervals draw again."""
    compared: int
    """Answers in `rouge_l`: those with a reference in letters or digits of ASCII."""
    numbers: Mapping[str, Estimate | None]
    """By the names of STATISTICS; None for a number over nothing."""

    def as_json(self) -> dict[str, Json]:
        """Each number with its interval."""
        told: dict[str, Json] = {name: found.as_json() if found else None for name, found in self.numbers.items()}
        return {"n": self.n, "tasks": self.tasks, "n_rouge_l": self.compared, **told}


def set_score(answers: Sequence[SetAnswer], seed: int = 0) -> SetScore:
    """The numbers; intervals are drawn by task, with `seed`."""
    rows = _counts(answers)
    sums = sums_by_source(list(rows.values()), seed)
    total = sums.total or (0,) * len(COUNTED)
    return SetScore(
        n=total[_PLACE["all"]],
        tasks=len(rows),
        compared=total[_PLACE["with_words"]],
        numbers={name: sums.estimate(statistic) if rows else None for name, statistic in STATISTICS.items()},
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
    width = len(COUNTED)
    sums = sums_by_source([[*ours[source], *others[source]] for source in ours], seed)
    numbers: dict[str, Json] = {}
    for name in _COMPARED:
        statistic = STATISTICS[name]

        def minus(row: Sequence[int]) -> float | None:
            one, other = statistic(row[:width]), statistic(row[width:])  # noqa: B023 - called before the next turn
            return None if one is None or other is None else one - other

        estimate = sums.estimate(minus)
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


def _grouped(answers: Iterable[SetAnswer], names: Iterable[str]) -> dict[str, list[SetAnswer]]:
    groups: dict[str, list[SetAnswer]] = {}
    for one, name in zip(answers, names, strict=True):
        groups.setdefault(name, []).append(one)
    return groups
