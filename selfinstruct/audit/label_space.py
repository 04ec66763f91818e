"""Label spaces found from data, and what one scores who never reads the task: guess, majority, copied input."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from selfinstruct.superni import Asked, NatInstTask, Scored, exact_match, normalized, rouge_l, scored

MOST_LABELS = 20
"""Beyond, answers are no label space."""
_TIMES_EACH = 3  # answers for each label, on average, below which few answers only look alike
_WORDS = 5  # of a label, at most


def label_space(task: NatInstTask) -> tuple[str, ...]:
    """What a task's answers are drawn from: as its file says, or as its answers show; empty where they are free text.

    Found, it is two to twenty short answers that come back: on average at least three times each, none only once.

    >>> def answered(*said): return tuple(Asked(str(n), "", (one,)) for n, one in enumerate(said))
    >>> label_space(NatInstTask(name="t", definition="d", instances=answered("Yes", "no", "yes.", "No", "yes", "no")))
    ('Yes', 'no')
    >>> label_space(NatInstTask(name="t", definition="d", instances=answered("a cat", "a dog", "a cow")))
    ()
    """
    if task.labels:
        return task.labels
    if any(len(one.outputs) > 1 for one in task.instances):
        return ()
    spelt: dict[str, Counter[str]] = {}
    for one in task.instances:
        spelt.setdefault(normalized(one.outputs[0]), Counter())[one.outputs[0].strip()] += 1
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
    asked: tuple[Asked, ...]

    @property
    def name(self) -> str:
        """Of the task."""
        return self.task.name


def studied(task: NatInstTask, first: int) -> Studied:
    """The task with its first instances; 0: all of them."""
    return Studied(task, label_space(task), task.instances[:first] if first else task.instances)


def baselines(one: Studied) -> Mapping[str, Sequence[Scored]]:
    """What is scored without reading the task, instance by instance.

    `guess`: what a label drawn evenly scores on average; in a task of free text, where nothing can be drawn from, the
    copied input (the heuristic of Yin et al. 2023, arXiv 2306.01150). `majority`: the label that is right most often in
    the task. `copied_input`: the input as the answer.
    """
    copied = [_scored(one, asked.input, asked) for asked in one.asked]
    if not one.labels:
        return {"guess": copied, "copied_input": copied}
    # of all instances, also those that are not asked: among a few, some label is always in front by chance
    most = max(one.labels, key=lambda label: (sum(exact_match(label, it.outputs) for it in one.task.instances), label))
    return {
        "guess": [_guessed(one, asked) for asked in one.asked],
        "majority": [_scored(one, most, asked) for asked in one.asked],
        "copied_input": copied,
    }


def _guessed(one: Studied, asked: Asked) -> Scored:
    share = 100.0 / len(one.labels)
    return Scored(
        one.name,
        one.task.category,
        share * sum(exact_match(label, asked.outputs) for label in one.labels),
        share * sum(rouge_l(label, asked.outputs) for label in one.labels),
    )


def _scored(one: Studied, answer: str, asked: Asked) -> Scored:
    return scored(one.name, one.task.category, answer, asked.outputs)
