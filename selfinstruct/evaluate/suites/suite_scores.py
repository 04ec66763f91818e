"""Numbers of marked answers: each measure over all and by category, with an interval by source."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.evaluate.suites.suite_questions import Mark, Marked, Question
from selfinstruct.records import Json
from selfinstruct.stats import Estimate, by_cluster, mean, share


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
    for answer in answers:
        for name, marks in answer.marked.by_category.items():
            by_category.setdefault(name, []).append((answer.question.source, marks))
    return {
        "answered": len(answers),
        "truncated": sum(answer.finish_reason == "length" for answer in answers),
        "measures": _measures([(answer.question.source, answer.marked.measures) for answer in answers], seed),
        "by_category": {name: _measures(by_category[name], seed) for name in sorted(by_category)},
    }


def _measures(marks: Sequence[tuple[str, Mapping[str, Mark]]], seed: int) -> dict[str, Json]:
    names = dict.fromkeys(name for _, by_name in marks for name in by_name)
    estimates = (
        (name, marked_estimate([(source, by_name[name]) for source, by_name in marks if name in by_name], seed))
        for name in names
    )
    return {
        name: number.as_json() | {"n": number.n, "sources": number.clusters}
        for name, number in estimates
        if number is not None
    }


def marked_estimate(marks: Iterable[tuple[str, Mark]], seed: int = 0) -> Estimate | None:
    """A share where all marks are yes or no, else a mean; None of nothing.

    >>> number = marked_estimate([("a", (1.0, 1)), ("a", (0.0, 1)), ("b", (1.0, 1)), ("b", (1.0, 1))])
    >>> number.value, number.n, number.clusters, number.how
    (0.75, 4, 2, 'exact by cluster')
    """
    marked = [(source, total, count) for source, (total, count) in marks]
    totals, counts = by_cluster(marked)
    if all(total == int(total) for _, total, _ in marked):
        return share(totals, counts)
    return mean(totals, counts, within=(0, 1), seed=seed)
