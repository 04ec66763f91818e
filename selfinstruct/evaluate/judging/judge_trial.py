"""The trial that a judge must pass before it is believed: pairs of which it is known which answer is better.

In half of them the longer answer is the worse one, for a judge that goes by length is right in the other half.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.judging.answer_judges import AnswerPair, AnswerRater, PairJudge, length
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.stats import Estimate, clopper_pearson

JUDGE_CHECK = "judge-check-v1"
"""Our own pairs, as a recipe names them."""
LEAST, LEAST_WHERE_LONGER_IS_WORSE = 0.75, 0.6
"""What the lower 95 % bound of its right verdicts must reach, over all pairs and where the longer answer is worse."""
_KEYS = ("id", "instruction", "better", "worse")


@dataclass(frozen=True, slots=True)
class KnownPair:
    """A request, and two answers of which one is better."""

    id: str
    instruction: str
    better: str
    worse: str

    @property
    def longer_is_worse(self) -> bool:
        """The worse answer has more words."""
        return length(self.worse) > length(self.better)


def known_pairs(rows: Iterable[tuple[str, Mapping[str, Any]]], source: str) -> tuple[Task, ...]:
    """A task for each row, the better answer before the worse.

    Raises:
        BadInput: a row that lacks one of the keys.
    """
    made = []
    for number, (place, row) in enumerate(rows):
        lacking = [key for key in _KEYS[1:] if not isinstance(row.get(key), str) or not str(row[key]).strip()]
        if lacking:
            raise BadInput(f"lacks {', '.join(lacking)}", place=place, fix=f"give {', '.join(_KEYS)} as texts")
        made.append(
            Task(
                instruction=str(row["instruction"]),
                instances=(Instance("", str(row["better"])), Instance("", str(row["worse"]))),
                provenance=Provenance(stage="input", source=source),
                ordinal=number,
                extra={"id": str(row.get("id") or number + 1)},
            )
        )
    return tuple(made)


def pairs_of(tasks: Sequence[Task]) -> tuple[KnownPair, ...]:
    """What `known_pairs` made, as pairs."""
    return tuple(
        KnownPair(str(task.extra["id"]), task.instruction, task.instances[0].output, task.instances[1].output)
        for task in tasks
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeTrial:
    """How a judge did on pairs of which the better answer is known."""

    judge: str
    measure: str
    right: Sequence[bool]
    """Pair by pair; a tie is not right, nor is no verdict."""
    longer_is_worse: Sequence[bool]
    faults: Mapping[str, int]

    @property
    def every(self) -> Estimate | None:
        """The share of right verdicts."""
        return clopper_pearson(sum(self.right), len(self.right))

    @property
    def where_longer_is_worse(self) -> Estimate | None:
        """The same, of pairs in which the longer answer is the worse one."""
        half = [right for right, worse in zip(self.right, self.longer_is_worse, strict=True) if worse]
        return clopper_pearson(sum(half), len(half))

    @property
    def passed(self) -> bool:
        """Both lower bounds are high enough."""
        bounds = ((self.every, LEAST), (self.where_longer_is_worse, LEAST_WHERE_LONGER_IS_WORSE))
        return all(share is not None and share.low is not None and share.low >= least for share, least in bounds)

    @property
    def summary(self) -> str:
        """Verdict, both shares with their bounds, and faults, in one line of text."""
        every, half = _share_text(self.every), _share_text(self.where_longer_is_worse)
        faults = (
            f"; no verdict: {', '.join(f'{name} {count}' for name, count in self.faults.items())}"
            if self.faults
            else ""
        )
        verdict = "passed" if self.passed else "refused as a judge"
        return (
            f"{self.judge}, {self.measure}: {verdict}; right {every} (lower bound wanted {LEAST}), where the longer "
            f"answer is worse {half} (wanted {LEAST_WHERE_LONGER_IS_WORSE}){faults}"
        )

    def as_json(self) -> dict[str, Json]:
        """One entry of `check`: both shares, the bounds wanted, the faults."""
        return {
            "judge": self.judge,
            "measure": self.measure,
            "passed": self.passed,
            "pairs": len(self.right),
            "right": None if self.every is None else self.every.as_json(),
            "right_where_longer_is_worse": (
                None if self.where_longer_is_worse is None else self.where_longer_is_worse.as_json()
            ),
            "wanted": [LEAST, LEAST_WHERE_LONGER_IS_WORSE],
            "faults": dict(self.faults),
        }


def _share_text(share: Estimate | None) -> str:
    if share is None or share.low is None or share.high is None:
        return "of none"
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"


def try_pair_judge(judge: PairJudge, pairs: Sequence[KnownPair]) -> JudgeTrial:
    """The better answer stands first in every pair; a judge that sees an order sees both."""
    preferences = list(judge(AnswerPair(pair.instruction, pair.better, pair.worse) for pair in pairs))
    return JudgeTrial(
        judge=judge.name,
        measure="pairwise",
        right=[preference.value == 1.0 for preference in preferences],
        longer_is_worse=[pair.longer_is_worse for pair in pairs],
        faults=Counter(preference.fault for preference in preferences if preference.fault),
    )


def try_rater(rater: AnswerRater, pairs: Sequence[KnownPair]) -> JudgeTrial:
    """Each answer is rated by itself: the better one must be rated higher."""
    sides = [(pair.instruction, text) for pair in pairs for text in (pair.better, pair.worse)]
    ratings = list(rater(sides))
    both = list(zip(ratings[::2], ratings[1::2], strict=True))
    return JudgeTrial(
        judge=rater.model.name,
        measure=rater.measure,
        right=[
            better.value is not None and worse.value is not None and better.value > worse.value
            for better, worse in both
        ],
        longer_is_worse=[pair.longer_is_worse for pair in pairs],
        faults=Counter(rating.fault for rating in ratings if rating.fault),
    )
