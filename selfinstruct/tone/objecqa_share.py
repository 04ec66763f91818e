"""ObjecQA: of the answers to questions of taste, the share that takes no side (arXiv 2307.03692, section on ObjecQA).

A base model has no opinion to voice, a tuned one takes over those of its training data: what moves here is not tone.
Here are its questions, each in several phrasings, and its counting; what a reply is, objecqa_classifier.py says.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Any, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Provenance, Task
from selfinstruct.stats import DRAWS, Estimate, paired_difference, resampled, share
from selfinstruct.tone.objecqa_classifier import OPINIONS, Opinion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OBJECQA = "objecqa-v1"
"""Name of the shipped questions."""
REPLY_TOKENS = 96
"""Asked for of a reply; opinions come early."""
_ANSWERED, _ALL, _OBJECTIVE = 0, 1, 2
_Asked: TypeAlias = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TasteReply:
    """What a model said to one phrasing of a question of taste, and of which class it is."""

    question: str
    """Id of the question."""
    phrasing: int
    """0 for the first, 1.. for the further ones."""
    sample: int
    kind: Opinion

    @property
    def asked(self) -> _Asked:
        """By what replies of two models are paired."""
        return self.question, self.phrasing, self.sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectivity:
    """The score of one model by one way of judging."""

    judged_by: str
    n: int
    counts: Mapping[str, int]
    """Replies of each class."""
    objective: Estimate | None
    """Share of the answers that take no side; None where nothing was answered."""
    unanswered: Estimate | None
    """Share of all replies that are no answer."""
    by_phrasing: tuple[float | None, ...]
    """`objective` of each phrasing: how far a number hangs on the wording."""

    def as_json(self) -> dict[str, Json]:
        """Its part of `objecqa.json`."""
        return {
            "judged_by": self.judged_by,
            "n": self.n,
            "counts": dict(self.counts),
            "objective": self.objective.as_json() if self.objective else None,
            "unanswered": self.unanswered.as_json() if self.unanswered else None,
            "by_phrasing": list(self.by_phrasing),
        }


def objectivity(replies: Sequence[TasteReply], judged_by: str) -> Objectivity:
    """The score of replies, with intervals by question."""
    rows: dict[str, list[int]] = {}
    for reply in replies:
        row = rows.setdefault(reply.question, [0, 0, 0])
        row[_ANSWERED] += reply.kind != "no_answer"
        row[_ALL] += 1
        row[_OBJECTIVE] += reply.kind == "objective"
    answered, asked, objective = zip(*rows.values(), strict=True) if rows else ((), (), ())
    phrasings = range(max((reply.phrasing for reply in replies), default=-1) + 1)
    return Objectivity(
        judged_by=judged_by,
        n=len(replies),
        counts={kind: sum(reply.kind == kind for reply in replies) for kind in OPINIONS},
        objective=share(objective, answered),
        unanswered=share([all_ - some for all_, some in zip(asked, answered, strict=True)], asked),
        by_phrasing=tuple(_share([reply for reply in replies if reply.phrasing == which]) for which in phrasings),
    )


def _share(replies: Sequence[TasteReply]) -> float | None:
    answered = [reply for reply in replies if reply.kind != "no_answer"]
    return sum(reply.kind == "objective" for reply in answered) / len(answered) if answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Two models on the same questions."""

    n: int
    """First phrasings that both answered."""
    only_first: int
    """Of these, where the first takes no side and the second does."""
    only_second: int
    p: float
    """McNemar's exact two-sided test: how likely a split as uneven, or more so, between equals."""
    difference: Estimate | None
    """Objective share of the first minus the second, over everything both answered, drawn by question."""

    def as_json(self) -> dict[str, Json]:
        """One comparison of `objecqa.json`."""
        return {
            "n": self.n,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "p": self.p,
            "difference": self.difference.as_json() if self.difference else None,
        }


def paired(first: Sequence[TasteReply], second: Sequence[TasteReply], seed: int = 0) -> Paired:
    """Compare two models; BadInput where they share no question.

    The test takes one phrasing of each question, for replies to several are not independent.
    """
    theirs = {reply.asked: reply for reply in second}
    pairs = [(reply, theirs[reply.asked]) for reply in first if reply.asked in theirs]
    if not pairs:
        raise BadInput("the two models share no question", fix="ask both the same questions")
    both = [pair for pair in pairs if "no_answer" not in {pair[0].kind, pair[1].kind}]
    once = [(one.kind, other.kind) for one, other in both if one.phrasing == one.sample == 0]
    only_first, only_second = once.count(("objective", "subjective")), once.count(("subjective", "objective"))
    rows: dict[str, list[int]] = {}
    for one, other in both:
        row = rows.setdefault(one.question, [0, 0])
        row[0] += (one.kind == "objective") - (other.kind == "objective")
        row[1] += 1
    change, asked = zip(*rows.values(), strict=True) if rows else ((), ())
    return Paired(
        n=len(once),
        only_first=only_first,
        only_second=only_second,
        p=mcnemar(only_first, only_second),
        difference=paired_difference(change, asked, seed=seed) if rows else None,
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p of McNemar's test (1947) from the two counts of disagreement.

    In whole numbers, as `scipy.stats` has it to seven digits (a test), which would take 0.8 s to load for three lines.

    >>> mcnemar(0, 0), mcnemar(1, 9)
    (1.0, 0.021484375)
    """
    size, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(size, count) for count in range(fewer + 1))
    p: float = 2 * tail / 2**size  # whole numbers until here: no count is too large
    return min(1.0, p)


@dataclass(frozen=True, slots=True)
class TasteQuestion:
    """One phrasing of one question."""

    text: str
    question: str
    """Id of the question."""
    phrasing: int


def objecqa_tasks(rows: Iterable[Mapping[str, Any]], source: str = "objecqa.jsonl") -> tuple[Task, ...]:
    """The tasks of a file such as `seeds/objecqa.jsonl`: each question, then its further phrasings.

    A row has `id`, `question` and `phrasings`; BadInput for one that lacks any.

    >>> row = {"id": "taste-1", "question": "Tea or coffee?", "phrasings": ["Coffee or tea?"]}
    >>> [(task.instruction, task.extra["phrasing"]) for task in objecqa_tasks([row])]
    [('Tea or coffee?', 0), ('Coffee or tea?', 1)]
    """
    made: list[Task] = []
    for number, row in enumerate(rows, 1):
        phrasings = row.get("phrasings", [])
        texts = [row.get("question"), *(phrasings if isinstance(phrasings, list | tuple) else [None])]
        if not isinstance(row.get("id"), str) or not all(isinstance(text, str) and text for text in texts):
            fix = "give 'id', 'question' and a list of 'phrasings'"
            raise BadInput("no question with its phrasings", place=f"{source}:{number}", fix=fix)
        for phrasing, text in enumerate(texts):
            extra: dict[str, Json] = {"source": row["id"], "phrasing": phrasing}
            made.append(Task(instruction=str(text), provenance=Provenance(stage="input", source=source), extra=extra))
    return tuple(made)


def questions_of(tasks: Iterable[Task]) -> tuple[TasteQuestion, ...]:
    """What a named set of questions holds: tasks with `source` and `phrasing` among their extra fields."""
    made = []
    for task in tasks:
        source, phrasing = task.extra.get("source"), task.extra.get("phrasing")
        number = phrasing if isinstance(phrasing, int) and not isinstance(phrasing, bool) else 0
        made.append(TasteQuestion(task.instruction, str(source or task.id), number))
    return tuple(made)


def objective_share(marks: Sequence[bool | None]) -> float | None:
    """Of answers to questions of taste, the share that takes no side; None for no answer, and for none at all.

    >>> objective_share([True, False, None]), objective_share([None])
    (0.5, None)
    """
    answered = [mark for mark in marks if mark is not None]
    return sum(answered) / len(answered) if answered else None


def answered_share(marks: Sequence[bool | None]) -> float | None:
    """Of questions of taste, the share that got an answer of either kind; None where none was asked.

    >>> answered_share([True, False, None, None]), answered_share([])
    (0.5, None)
    """
    return sum(mark is not None for mark in marks) / len(marks) if marks else None


def objective_draws(
    each: Sequence[Sequence[bool | None]], *, phrasings: int = 1, seed: int = 0, draws: int = DRAWS
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """`objective_share` of several answers to the same questions, and of each in every draw of the same questions.

    Shapes [several] and [draws, several]. Questions are drawn, each with all its `phrasings`, which stand side by side.
    One answer of either kind is added to what is drawn from, for a share of
    nothing or of all would show no spread; and what that moves on average is taken back.

    Raises:
        BadInput: not all have an answer to the same questions.
    """
    import numpy as np

    shares = [objective_share(marks) for marks in each]
    if len({len(marks) for marks in each}) != 1 or None in shares:
        raise BadInput("not the same questions of taste at each check", place="a curve", fix="ask them at all, or none")
    known = np.array([[-1 if mark is None else int(mark) for mark in marks] for marks in each], np.int64)
    known = known.reshape(len(each), -1, phrasings)
    objective, answered = (np.pad((known >= least).sum(axis=2), ((0, 0), (0, 2))) for least in (1, 0))
    objective[:, -1] = 1
    answered[:, -2:] = 1
    sums = resampled(np.vstack([objective, answered]).T.astype(np.float64), seed=seed, draws=draws)
    above, below = sums[:, : len(each)], sums[:, len(each) :]
    values = np.array(shares, np.float64)
    drawn = np.where(below > 0, above / np.maximum(below, 1.0), values)
    return values, drawn - drawn.mean(axis=0) + values
