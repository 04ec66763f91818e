"""Results of an ablation: scores of each arm, beside guessing and beside each other, the control, what follows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.audit.ablate_conditions import AGAINST, INVERTED, ORIGINAL, inverted
from selfinstruct.audit.ablate_statistics import Comparison, beating, comparisons, conclusion, control
from selfinstruct.audit.ablate_tasks import Studied, baselines
from selfinstruct.records import Json
from selfinstruct.superni import Asked, Metric, Scored, exact_match, scored, superni_score

Kind: TypeAlias = Literal["labels", "free_text"]
METRICS: Mapping[Kind, Metric] = {"labels": "exact_match", "free_text": "rouge_l"}
"""What tasks of each kind are told by, as Kung and Peng do."""

TURNED = f"{ORIGINAL}, turned"
"""The answers to the original definition, scored by what the inverted one wants."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to one instance under one condition."""

    condition: str
    studied: Studied
    asked: Asked
    text: str

    @property
    def references(self) -> tuple[str, ...]:
        """What is right: of the inverted definition, the labels that stand for the right ones."""
        return turned(self.studied, self.asked) if self.condition == INVERTED else self.asked.outputs

    def scored(self) -> Scored:
        """In both ways."""
        return scored(self.studied.name, self.studied.task.category, self.text, self.references)


def turned(one: Studied, asked: Asked) -> tuple[str, ...]:
    """What the inverted definition wants of an instance."""
    swaps = inverted(one.labels)
    return tuple(other for label, other in swaps.items() if exact_match(label, asked.outputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Scores of one condition or baseline, instance by instance."""

    name: str
    scores: tuple[Scored, ...]

    def by_task(self, names: Iterable[str], metric: Metric) -> dict[str, float]:
        """Means in points, of those tasks that were answered."""
        wanted = dict.fromkeys(names)
        values: dict[str, list[float]] = {}
        for one in self.scores:
            if one.task in wanted:
                values.setdefault(one.task, []).append(getattr(one, metric))
        return {name: sum(found) / len(found) for name, found in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """All of it, from answers alone."""

    tasks: Sequence[Studied]
    arms: Sequence[Arm]
    """Of the conditions, in their order; the last may be the control, and one more its other side."""
    baselines: Sequence[Arm]
    margin: float
    seed: int
    against: Mapping[str, str]

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Of the tasks of one kind."""
        return tuple(one.name for one in self.tasks if bool(one.labels) == (kind == "labels"))

    def as_json(self) -> dict[str, Json]:
        """Scores, comparisons, control and conclusion; `by_task` has what other intervals can be made of."""
        plain = [arm for arm in self.arms if arm.name not in (INVERTED, TURNED)]
        compared: dict[str, Json] = {}
        found: dict[Kind, tuple[Comparison, ...]] = {}
        beats: dict[Kind, tuple[str, ...]] = {}
        for kind in METRICS:
            beats[kind] = beating(self._by_task(plain, kind), self._by_task(self.baselines, kind), self.seed)
            found[kind] = comparisons(
                self._by_task(plain, kind),
                beats=bool(beats[kind]),
                margin=self.margin,
                seed=self.seed,
                against=self.against,
            )
            compared[kind] = [one.as_json() for one in found[kind]]
        sides = self._by_task(self.arms, "labels")
        checked = control(sides[INVERTED], sides[TURNED], self.seed) if {INVERTED, TURNED} <= set(sides) else None
        labels = {one.condition: one for one in found["labels"] if one.against == ORIGINAL}
        concluded = conclusion(labels, checked, beats=bool(beats["labels"]))
        return {
            "tasks": {kind: len(self.names(kind)) for kind in METRICS},
            "margin": self.margin,
            "arms": [self._told(arm) for arm in plain],
            "baselines": [self._told(arm) for arm in self.baselines],
            "beat_guessing": {kind: list(names) for kind, names in beats.items()},
            "comparisons": compared,
            "control": None if checked is None else checked.as_json(),
            "conclusion": concluded.as_json(),
            "by_task": {arm.name: self._means(arm) for arm in (*self.arms, *self.baselines)},
        }

    def _by_task(self, arms: Sequence[Arm], kind: Kind) -> dict[str, dict[str, float]]:
        names = self.names(kind)
        told = {arm.name: arm.by_task(names, METRICS[kind]) for arm in arms}
        return {name: scores for name, scores in told.items() if scores}

    def _told(self, arm: Arm) -> dict[str, Json]:
        told: dict[str, Json] = {"name": arm.name}
        for kind in METRICS:
            names = set(self.names(kind))
            score = superni_score([one for one in arm.scores if one.task in names], self.seed)
            told[kind] = None if score is None else score.as_json()
        whole = superni_score(arm.scores, self.seed)
        return told | {"all": None if whole is None else whole.as_json()}

    def _means(self, arm: Arm) -> dict[str, Json]:
        every = [one.name for one in self.tasks]
        both = {metric: arm.by_task(every, metric) for metric in METRICS.values()}
        return {name: {metric: round(means[name], 6) for metric, means in both.items()} for name in both["exact_match"]}


def ablation(
    tasks: Sequence[Studied],
    answers: Iterable[Answer],
    *,
    margin: float,
    seed: int,
    against: Mapping[str, str] = AGAINST,
) -> Ablation:
    """From all answers, those under one condition beside those under another, and beside baselines of every task."""
    by_arm: dict[str, list[Scored]] = {}
    for one in answers:
        by_arm.setdefault(one.condition, []).append(one.scored())
        if one.condition == ORIGINAL and one.studied.labels:
            wanted = turned(one.studied, one.asked)
            by_arm.setdefault(TURNED, []).append(scored(one.studied.name, one.studied.task.category, one.text, wanted))
    naive: dict[str, list[Scored]] = {}
    for task in tasks:
        for name, scores in baselines(task).items():
            naive.setdefault(name, []).extend(scores)
    return Ablation(
        tasks=tasks,
        arms=[Arm(name=name, scores=tuple(scores)) for name, scores in by_arm.items()],
        baselines=[Arm(name=name, scores=tuple(scores)) for name, scores in naive.items()],
        margin=margin,
        seed=seed,
        against=against,
    )
