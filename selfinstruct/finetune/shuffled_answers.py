"""Each instruction gets the answer of another: the control for what a student learns from the form of answers alone."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from selfinstruct.errors import BadInput
from selfinstruct.records import Task


def shuffled_answers(tasks: Sequence[Task], seed: int) -> list[Task]:
    """The tasks with the outputs of their first instances passed round among them; none keeps its own place's.

    Inputs, further instances and later turns stay. A task without an instance keeps what it has.

    Raises:
        BadInput: one task alone has an instance.

    >>> from selfinstruct.records import Instance, Provenance
    >>> made = [Task(instruction=t, instances=(Instance("", t[0]),), provenance=Provenance(stage="a")) for t in "abc"]
    >>> [task.instances[0].output == task.instruction for task in shuffled_answers(made, 1)]
    [False, False, False]
    """
    places = [at for at, task in enumerate(tasks) if task.instances]
    if len(places) == 1:
        what = "one record alone cannot learn the answer of another"
        raise BadInput(what, place="stage finetune: shuffled", fix="give more records, or leave shuffled out")
    order = list(places)
    Random(seed).shuffle(order)  # noqa: S311 - not for secrets
    given = dict(zip(order, [*order[1:], *order[:1]], strict=True))  # a ring, so that nobody is his own neighbour
    changed = list(tasks)
    for at in places:
        first, *others = tasks[at].instances
        output = tasks[given[at]].instances[0].output
        changed[at] = replace(tasks[at], instances=(replace(first, output=output), *others))
    return changed
