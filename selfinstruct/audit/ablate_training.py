"""Training arms of an ablation: what each learns, which tasks it is tested on, and what all of them show together.

Every arm learns as many examples, of the same instances, and is asked about tasks that it did not learn; over the
folds, each task is asked about once. An arm is scored under its own condition (as Kung and Peng do), but for the two
that learn what is wrong: delusive examples are tested beside right ones, wrong pairs on the original prompt.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.audit.ablate_conditions import (
    AGAINST,
    CONDITIONS,
    INVERTED,
    ORIGINAL,
    RIGHT_EXAMPLES,
    WRONG_PAIRING,
    lesson,
)
from selfinstruct.audit.ablate_results import METRICS, TURNED, Kind
from selfinstruct.audit.ablate_statistics import ConditionComparison, beating, comparisons, conclusion, control
from selfinstruct.audit.ablate_tasks import Studied
from selfinstruct.errors import BadInput
from selfinstruct.records import Json, digest
from selfinstruct.stats import mean
from selfinstruct.superni import in_points

TRAINABLE = tuple(name for name in CONDITIONS if name != INVERTED)
BASELINES = ("guess", "majority", "copied_input")
_SHARES = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """One student: what it learns, and what it is asked."""

    arm: str
    examples: int
    """Of each task, at most."""
    seed: int
    fold: int

    @property
    def name(self) -> str:
        """Name of the student's folder."""
        return f"{self.arm}-{self.examples}-seed{self.seed}-fold{self.fold}"

    @property
    def asked(self) -> tuple[str, ...]:
        """The conditions that its student is asked under."""
        own = {"delusive_examples": RIGHT_EXAMPLES, WRONG_PAIRING: ORIGINAL}.get(self.arm, self.arm)
        return (own, INVERTED) if self.arm == ORIGINAL else (own,)


def trainings(arms: Sequence[str], examples: Sequence[int], seeds: Sequence[int], folds: int) -> tuple[Training, ...]:
    """Every student of the design, those that belong together one after another.

    Raises:
        BadInput: an arm that nothing can be trained on, or none; fewer than two folds.
    """
    for name in arms:
        if name not in TRAINABLE:
            raise BadInput(f"no arm '{name}' to train", place="--arms", fix=f"some of: {', '.join(TRAINABLE)}")
    if not arms or len(set(arms)) < len(arms) or folds < 2:
        raise BadInput("no arm, an arm named twice, or fewer than two folds", place="--arms", fix="name each once")
    return tuple(
        Training(arm=arm, examples=count, seed=seed, fold=fold)
        for count in examples
        for seed in seeds
        for fold in range(folds)
        for arm in arms
    )


def fold_of(studied: Studied, among: Sequence[Studied], folds: int) -> int:
    """Which fold a task is tested in: the same for every arm and seed, and as many of each kind in each as can be."""
    alike = sorted((each.name for each in among if bool(each.labels) == bool(studied.labels)), key=_drawn)
    return alike.index(studied.name) % folds


def _drawn(name: str) -> str:
    return digest("fold", name)


def lessons(training: Training, tasks: Sequence[Studied], folds: int, *, shots: int) -> list[dict[str, Json]]:
    """What the student of a training learns, as rows of instruction and output.

    Where a task does not have what the condition needs, its prompt stays as that of the arm compared with: all arms
    learn equally many examples.
    """
    rows: list[dict[str, Json]] = []
    for task in tasks:
        if fold_of(task, tasks, folds) == training.fold:
            continue
        for asked in task.asked[: training.examples]:
            fallback = AGAINST.get(training.arm, ORIGINAL)
            example = next(
                pair
                for condition in (training.arm, fallback, ORIGINAL)
                if (pair := lesson(condition, task, asked, shots=shots, seed=training.seed)) is not None
            )
            rows.append({"instruction": example[0], "output": example[1]})
    return rows


def kept_aside(training: Training, tasks: Sequence[Studied], folds: int) -> list[dict[str, Json]]:
    """The tasks that the student is asked about, in the NatInst layout, marked as a test split."""
    return [_row(task) for task in tasks if fold_of(task, tasks, folds) == training.fold]


def _row(studied: Studied) -> dict[str, Json]:
    task = studied.task
    return {
        "Name": task.name,
        "Categories": list(task.categories),
        "Definition": [task.definition],
        "Positive Examples": [{"input": each.input, "output": each.output} for each in task.positive],
        "Negative Examples": [{"input": each.input, "output": each.output} for each in task.negative],
        "Instances": [{"id": each.id, "input": each.input, "output": list(each.outputs)} for each in studied.asked],
        **({"Labels": list(studied.labels)} if studied.labels else {}),
        "split": "test",
    }


def together(students: Iterable[tuple[Training, Mapping[str, Any]]], *, margin: float, seed: int) -> dict[str, Json]:
    """What all students of one number of examples show: by task, the mean over seeds; from their `ablation.json`.

    In the shape of one ablation, so that it is told by the same table.
    """
    sums: dict[str, dict[str, list[Mapping[str, float]]]] = {}
    for training, results in students:
        by_task = results["by_task"]
        own = training.asked[0]
        sides = {training.arm: own}
        if training.arm == ORIGINAL:
            sides |= {name: name for name in (INVERTED, TURNED, *BASELINES)}
        for arm, condition in sides.items():
            for task, scores in by_task.get(condition, {}).items():
                sums.setdefault(arm, {}).setdefault(task, []).append(scores)
    labelled = set(sums.get("majority", {}))
    compared: dict[str, Json] = {}
    verdicts: dict[Kind, tuple[ConditionComparison, ...]] = {}
    beat: dict[Kind, tuple[str, ...]] = {}
    arms = [name for name in sums if name in TRAINABLE]
    for kind in METRICS:
        scores = {name: _means(sums[name], kind, labelled) for name in sums}
        trained = {name: scores[name] for name in arms if scores[name]}
        beat[kind] = beating(trained, {name: scores[name] for name in BASELINES if scores.get(name)}, seed)
        verdicts[kind] = comparisons(trained, beats=bool(beat[kind]), margin=margin, seed=seed, against=_AGAINST)
        compared[kind] = [comparison.as_json() for comparison in verdicts[kind]]
    sides_of = {name: _means(sums.get(name, {}), "labels", labelled) for name in (INVERTED, TURNED)}
    checked = control(sides_of[INVERTED], sides_of[TURNED], seed)
    labels = {comparison.condition: comparison for comparison in verdicts["labels"]}
    concluded = conclusion(labels, checked, beats=bool(beat["labels"]))
    return {
        "tasks": {kind: len(_means(sums.get("guess", {}), kind, labelled)) for kind in METRICS},
        "margin": margin,
        "arms": [_arm_json(name, sums[name], labelled, seed) for name in arms],
        "baselines": [_arm_json(name, sums[name], labelled, seed) for name in BASELINES if name in sums],
        "beat_guessing": {kind: list(names) for kind, names in beat.items()},
        "comparisons": compared,
        "control": None if checked is None else checked.as_json(),
        "conclusion": concluded.as_json(),
    }


_AGAINST = {**AGAINST, WRONG_PAIRING: ORIGINAL}
"""In training, the pairs that are wrong are those that are learned, and no examples are shown."""


def _means(by_task: Mapping[str, Sequence[Mapping[str, float]]], kind: Kind, labelled: set[str]) -> dict[str, float]:
    metric = METRICS[kind]
    return {
        task: sum(score[metric] for score in scores) / len(scores)
        for task, scores in by_task.items()
        if (task in labelled) == (kind == "labels")
    }


def _arm_json(
    name: str, by_task: Mapping[str, Sequence[Mapping[str, float]]], labelled: set[str], seed: int
) -> dict[str, Json]:
    row: dict[str, Json] = {"name": name}
    for kind, metric in METRICS.items():
        values = [points / 100 for points in _means(by_task, kind, labelled).values()]
        estimate = mean(values, [1] * len(values), within=_SHARES, seed=seed) if values else None
        row[kind] = None if estimate is None else {"tasks": estimate.clusters, metric: in_points(estimate).as_json()}
    return row
