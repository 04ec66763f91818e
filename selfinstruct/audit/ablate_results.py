"""Results of an ablation: scores of each arm, beside guessing and beside each other, the control, what follows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.audit.ablate_conditions import AGAINST, INVERTED, ORIGINAL, inverted
from selfinstruct.audit.ablate_statistics import ConditionComparison, beating, comparisons, conclusion, control
from selfinstruct.audit.ablate_tasks import Studied, baselines
from selfinstruct.records import Json
from selfinstruct.superni import Metric, NatInstInstance, ScoredAnswer, exact_match, scored, superni_score

Kind: TypeAlias = Literal["labels", "free_text"]
METRICS: Mapping[Kind, Metric] = {"labels": "exact_match", "free_text": "rouge_l"}
"""What tasks of each kind are told by, as Kung and Peng do."""

TURNED = f"{ORIGINAL}, turned"
"""The answers to the original definition, scored by what the inverted one wants."""


@dataclass(frozen=True, slots=True)
class ConditionAnswer:
    """What a model said to one instance under one condition."""

    condition: str
    studied: Studied
    asked: NatInstInstance
    text: str

    @property
    def references(self) -> tuple[str, ...]:
        """What is right: of the inverted definition, the labels that stand for the right ones."""
        return turned(self.studied, self.asked) if self.condition == INVERTED else self.asked.outputs

    def scored(self) -> ScoredAnswer:
        """By exact match and by ROUGE-L."""
        return scored(self.studied.name, self.studied.task.category, self.text, self.references)


def turned(studied: Studied, asked: NatInstInstance) -> tuple[str, ...]:
    """What the inverted definition wants of an instance."""
    swaps = inverted(studied.labels)
    return tuple(other for label, other in swaps.items() if exact_match(label, asked.outputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionScores:
    """Scores of one condition or baseline, instance by instance."""

    name: str
    scores: tuple[ScoredAnswer, ...]

    def by_task(self, names: Iterable[str], metric: Metric) -> dict[str, float]:
        """Means in points, of those tasks that were answered."""
        wanted = dict.fromkeys(names)
        values: dict[str, list[float]] = {}
        for score in self.scores:
            if score.task in wanted:
                values.setdefault(score.task, []).append(getattr(score, metric))
        return {name: sum(points) / len(points) for name, points in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """Scores of all conditions and baselines, and what is reckoned from them."""

    tasks: Sequence[Studied]
    arms: Sequence[ConditionScores]
    """Of the conditions, in their order; the last may be the control, and one more its other side."""
    baselines: Sequence[ConditionScores]
    margin: float
    seed: int
    against: Mapping[str, str]

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Names of the tasks of one kind."""
        return tuple(studied.name for studied in self.tasks if bool(studied.labels) == (kind == "labels"))

    def as_json(self) -> dict[str, Json]:
        """Scores, comparisons, control and conclusion; `by_task` has what other intervals can be made of."""
        plain = [arm for arm in self.arms if arm.name not in (INVERTED, TURNED)]
        compared: dict[str, Json] = {}
        by_kind: dict[Kind, tuple[ConditionComparison, ...]] = {}
        beats: dict[Kind, tuple[str, ...]] = {}
        for kind in METRICS:
            beats[kind] = beating(self._by_task(plain, kind), self._by_task(self.baselines, kind), self.seed)
            by_kind[kind] = comparisons(
                self._by_task(plain, kind),
                beats=bool(beats[kind]),
                margin=self.margin,
                seed=self.seed,
                against=self.against,
            )
            compared[kind] = [comparison.as_json() for comparison in by_kind[kind]]
        sides = self._by_task(self.arms, "labels")
        checked = control(sides[INVERTED], sides[TURNED], self.seed) if {INVERTED, TURNED} <= set(sides) else None
        labels = {
            comparison.condition: comparison for comparison in by_kind["labels"] if comparison.against == ORIGINAL
        }
        concluded = conclusion(labels, checked, beats=bool(beats["labels"]))
        return {
            "tasks": {kind: len(self.names(kind)) for kind in METRICS},
            "margin": self.margin,
            "arms": [self._arm_json(arm) for arm in plain],
            "baselines": [self._arm_json(arm) for arm in self.baselines],
            "beat_guessing": {kind: list(names) for kind, names in beats.items()},
            "comparisons": compared,
            "control": None if checked is None else checked.as_json(),
            "conclusion": concluded.as_json(),
            "by_task": {arm.name: self._means(arm) for arm in (*self.arms, *self.baselines)},
        }

    def _by_task(self, arms: Sequence[ConditionScores], kind: Kind) -> dict[str, dict[str, float]]:
        names = self.names(kind)
        means = {arm.name: arm.by_task(names, METRICS[kind]) for arm in arms}
        return {name: scores for name, scores in means.items() if scores}

    def _arm_json(self, arm: ConditionScores) -> dict[str, Json]:
        row: dict[str, Json] = {"name": arm.name}
        for kind in METRICS:
            names = set(self.names(kind))
            score = superni_score([instance for instance in arm.scores if instance.task in names], self.seed)
            row[kind] = None if score is None else score.as_json()
        whole = superni_score(arm.scores, self.seed)
        return row | {"all": None if whole is None else whole.as_json()}

    def _means(self, arm: ConditionScores) -> dict[str, Json]:
        every = [studied.name for studied in self.tasks]
        both = {metric: arm.by_task(every, metric) for metric in METRICS.values()}
        return {name: {metric: round(means[name], 6) for metric, means in both.items()} for name in both["exact_match"]}


def ablation(
    tasks: Sequence[Studied],
    answers: Iterable[ConditionAnswer],
    *,
    margin: float,
    seed: int,
    against: Mapping[str, str] = AGAINST,
) -> Ablation:
    """From all answers, those under one condition beside those under another, and beside baselines of every task."""
    by_arm: dict[str, list[ScoredAnswer]] = {}
    for answer in answers:
        by_arm.setdefault(answer.condition, []).append(answer.scored())
        if answer.condition == ORIGINAL and answer.studied.labels:
            wanted = turned(answer.studied, answer.asked)
            by_arm.setdefault(TURNED, []).append(
                scored(answer.studied.name, answer.studied.task.category, answer.text, wanted)
            )
    naive: dict[str, list[ScoredAnswer]] = {}
    for task in tasks:
        for name, scores in baselines(task).items():
            naive.setdefault(name, []).extend(scores)
    return Ablation(
        tasks=tasks,
        arms=[ConditionScores(name=name, scores=tuple(scores)) for name, scores in by_arm.items()],
        baselines=[ConditionScores(name=name, scores=tuple(scores)) for name, scores in naive.items()],
        margin=margin,
        seed=seed,
        against=against,
    )
