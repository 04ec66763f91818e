"""Numbers of marked answers: each measure over all and by category, with an interval by source."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.evaluate.suites.suite_questions import Mark, Marked, Question
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, mean, share


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteAnswer:
    """What one model said to one question, marked."""

    model: str
    wrapper: str
    suite: str
    question: Question
    text: str
    finish_reason: str
    request: str
    """Id of the completion: its prompt and raw answer stand in the journal."""
    marked: Marked

    def as_json(self) -> dict[str, Json]:
        """One line of `suite.jsonl`."""
        return {
            "suite": self.suite,
            "id": self.question.id,
            "source": self.question.source,
            "model": self.model,
            "wrapper": self.wrapper,
            "prompt": self.question.text,
            "response": self.text,
            "finish_reason": self.finish_reason,
            "marks": _as_json(self.marked.measures),
            "by_category": {name: _as_json(marks) for name, marks in self.marked.by_category.items()},
            "request": self.request,
        }


def _as_json(marks: Mapping[str, Mark]) -> Json:
    return {name: [total, count] for name, (total, count) in marks.items()}


def suite_numbers(answers: Sequence[SuiteAnswer], seed: int) -> dict[str, Json]:
    """Counts, every measure, and every measure of each category, in order of their names."""
    by_category: dict[str, list[tuple[str, Mapping[str, Mark]]]] = {}
    for one in answers:
        for name, marks in one.marked.by_category.items():
            by_category.setdefault(name, []).append((one.question.source, marks))
    return {
        "answered": len(answers),
        "truncated": sum(one.finish_reason == "length" for one in answers),
        "measures": _told([(one.question.source, one.marked.measures) for one in answers], seed),
        "by_category": {name: _told(by_category[name], seed) for name in sorted(by_category)},
    }


def _told(marks: Sequence[tuple[str, Mapping[str, Mark]]], seed: int) -> dict[str, Json]:
    names = dict.fromkeys(name for _, one in marks for name in one)
    found = ((name, estimate([(source, one[name]) for source, one in marks if name in one], seed)) for name in names)
    return {name: one.as_json() | {"n": one.n, "sources": one.clusters} for name, one in found if one is not None}


def estimate(marks: Iterable[tuple[str, Mark]], seed: int = 0) -> Estimate | None:
    """A share where all marks are yes or no, else a mean; None of nothing.

    >>> found = estimate([("a", (1.0, 1)), ("a", (0.0, 1)), ("b", (1.0, 1)), ("b", (1.0, 1))])
    >>> found.value, found.n, found.clusters, found.how
    (0.75, 4, 2, 'exact by cluster')
    """
    totals: dict[str, float] = {}
    counts: dict[str, int] = {}
    whole = True
    for source, (total, count) in marks:
        totals[source] = totals.get(source, 0.0) + total
        counts[source] = counts.get(source, 0) + count
        whole = whole and total == int(total)
    if whole:
        return share(list(totals.values()), list(counts.values()))
    return mean(list(totals.values()), list(counts.values()), within=(0, 1), seed=seed)
