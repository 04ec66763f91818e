"""From records to the tasks of an ablation, their label spaces, and what one scores who never reads the task."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Task
from selfinstruct.superni import (
    NatInstExample,
    NatInstInstance,
    NatInstTask,
    ScoredAnswer,
    exact_match,
    natinst_task,
    normalized,
    package_rouge_l,
    scored,
)

MOST_LABELS = 20
"""Beyond, answers are no label space."""
_TIMES_EACH = 3  # answers for each label, on average, below which few answers only look alike
_WORDS = 5  # of a label, at most
_EXAMPLES = 2  # taken out of a set that names none
_OF_FILE = ("Categories", "Positive Examples", "Negative Examples", "Labels")


def label_space(task: NatInstTask) -> tuple[str, ...]:
    """What a task's answers are drawn from: as its file says, or as its answers show; empty where they are free text.

    Found, it is two to twenty short answers that come back: on average at least three times each, none only once.

    >>> def answered(*said): return tuple(NatInstInstance(str(n), "", (text,)) for n, text in enumerate(said))
    >>> label_space(NatInstTask(name="t", definition="d", instances=answered("Yes", "no", "yes.", "No", "yes", "no")))
    ('Yes', 'no')
    >>> label_space(NatInstTask(name="t", definition="d", instances=answered("a cat", "a dog", "a cow")))
    ()
    """
    if task.labels:
        return task.labels
    if any(len(instance.outputs) > 1 for instance in task.instances):
        return ()
    spelt: dict[str, Counter[str]] = {}
    for instance in task.instances:
        spelt.setdefault(normalized(instance.outputs[0]), Counter())[instance.outputs[0].strip()] += 1
    several = 2 <= len(spelt) <= MOST_LABELS and len(task.instances) >= _TIMES_EACH * len(spelt)
    if not several or any(len(key.split()) > _WORDS or spellings.total() < 2 for key, spellings in spelt.items()):
        return ()
    return tuple(sorted(spellings.most_common(1)[0][0] for spellings in spelt.values()))


@dataclass(frozen=True, slots=True)
class Studied:
    """A task with the instances that are asked, and its label space."""

    task: NatInstTask
    labels: tuple[str, ...]
    """Empty: the task asks for free text."""
    asked: tuple[NatInstInstance, ...]

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.task.name


def studied_task(task: NatInstTask, first: int) -> Studied:
    """The task with its first instances; 0: all of them."""
    return Studied(task, label_space(task), task.instances[:first] if first else task.instances)


def baselines(studied: Studied) -> Mapping[str, Sequence[ScoredAnswer]]:
    """What is scored without reading the task, instance by instance.

    `guess`: what a label drawn evenly scores on average; in a task of free text, where nothing can be drawn from, the
    copied input (the heuristic of Yin et al. 2023, arXiv 2306.01150). `majority`: the label that is right most often in
    the task. `copied_input`: the input as the answer.
    """
    copied = [_scored(studied, asked.input, asked) for asked in studied.asked]
    if not studied.labels:
        return {"guess": copied, "copied_input": copied}
    # of all instances, also those that are not asked: among a few, some label is always in front by chance
    most = max(
        studied.labels, key=lambda label: (sum(exact_match(label, it.outputs) for it in studied.task.instances), label)
    )
    return {
        "guess": [_guessed(studied, asked) for asked in studied.asked],
        "majority": [_scored(studied, most, asked) for asked in studied.asked],
        "copied_input": copied,
    }


def _guessed(studied: Studied, asked: NatInstInstance) -> ScoredAnswer:
    share = 100.0 / len(studied.labels)
    return ScoredAnswer(
        studied.name,
        studied.task.category,
        share * sum(exact_match(label, asked.outputs) for label in studied.labels),
        share * sum(package_rouge_l(label, asked.outputs) for label in studied.labels),
    )


def _scored(studied: Studied, answer: str, asked: NatInstInstance) -> ScoredAnswer:
    return scored(studied.name, studied.task.category, answer, asked.outputs)


@dataclass(frozen=True, slots=True)
class TaskSet:
    """The tasks, and how many records were left out: free text that is asked once has nothing to be compared by."""

    tasks: tuple[Studied, ...]
    left_out: int

    @property
    def with_labels(self) -> int:
        """Tasks that have a label space."""
        return sum(bool(studied.labels) for studied in self.tasks)


def tasks_of(records: Iterable[Task], first: int) -> TaskSet:
    """The tasks of a set with their first instances; records of one instance and one instruction are one task.

    Raises:
        BadInput: one task alone, or none with a label space.
    """
    alone, grouped = list[Task](), dict[str, list[Task]]()
    for record in records:
        if len(record.instances) > 1 or "Positive Examples" in record.extra:
            alone.append(record)
        elif record.instances:
            grouped.setdefault(record.instruction, []).append(record)
    names = Counter(map(_name, alone))
    tasks = [_task(record, _name(record) if names[_name(record)] == 1 else _numbered(record)) for record in alone]
    tasks += [_joined(group) for group in grouped.values()]
    candidates = [studied_task(_with_examples(task), first) for task in tasks]
    kept = tuple(
        studied for studied in candidates if studied.asked and (studied.labels or len(studied.task.instances) > 1)
    )
    if len(kept) < 2:
        what = (
            f"{len(kept)} task{'' if len(kept) == 1 else 's'} with a label space or several instances; two are needed"
        )
        raise BadInput(what, place="stage ablate", fix="name a set with several tasks, each with several instances")
    if not any(studied.labels for studied in kept):
        what = f"none of {len(kept)} tasks has a label space: there is nothing to guess from, and nothing to turn round"
        raise BadInput(what, place="stage ablate", fix="add classification tasks, or `Labels` to the task files")
    repeated = [name for name, times in Counter(studied.name for studied in kept).items() if times > 1]
    if repeated:
        raise BadInput(f"two tasks are called '{repeated[0]}'", place="stage ablate", fix="give each a name of its own")
    return TaskSet(kept, len(candidates) - len(kept))


def _name(record: Task) -> str:
    named = record.extra.get("Name")
    return named if isinstance(named, str) and named else PurePath(record.provenance.source).stem


def _numbered(record: Task) -> str:
    return f"{_name(record)}-{record.id[:8]}"


def _task(record: Task, name: str) -> NatInstTask:
    """As `formats/layouts.py` keeps a file: what is beside the first definition and answers is extra."""
    raw_instances = _objects(record.extra.get("Instances"))
    raw_instances += [{}] * (len(record.instances) - len(raw_instances))
    instances = [
        {**_identity(more), "input": pair.input, "output": [pair.output, *_texts(more.get("output"))]}
        for pair, more in zip(record.instances, raw_instances, strict=False)
    ]
    fields = {key: record.extra[key] for key in _OF_FILE if record.extra.get(key)}
    return natinst_task({**fields, "Definition": record.instruction, "Instances": instances}, name, _place(record))


def _joined(group: Sequence[Task]) -> NatInstTask:
    """Records that ask the same of different inputs."""
    first = group[0]
    pairs = [{"input": pair.input, "output": [pair.output]} for record in group for pair in record.instances]
    name = f"{PurePath(first.provenance.source).stem or 'set'}-{first.id[:8]}"
    return natinst_task({"Definition": first.instruction, "Instances": pairs}, name, _place(first))


def _with_examples(task: NatInstTask) -> NatInstTask:
    """A task that shows none gives up its first instances, of different answers where there are such."""
    if task.positive or len(task.instances) < 2 * _EXAMPLES:
        return task
    head, *others = task.instances
    other = next(
        (instance for instance in others if normalized(instance.outputs[0]) != normalized(head.outputs[0])), others[0]
    )
    return replace(
        task,
        positive=tuple(NatInstExample(instance.input, instance.outputs[0]) for instance in (head, other)),
        instances=tuple(instance for instance in others if instance is not other),
    )


def _place(record: Task) -> str:
    return record.provenance.source or "the set"


def _identity(more: Mapping[str, Json]) -> dict[str, Any]:
    return {"id": more["id"]} if isinstance(more.get("id"), str) else {}


def _texts(value: Json) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _objects(value: Json) -> list[dict[str, Json]]:
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []
