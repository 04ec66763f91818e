"""How a task is named: in a message, and by the set that it comes from."""

from selfinstruct.records import Task
from selfinstruct.text import shown


def named(task: Task) -> str:
    """A record as an error names it: the beginning of its id and of its words.

    >>> from selfinstruct.records import Provenance
    >>> named(Task(instruction="Name a river.", provenance=Provenance(stage="input"))).partition(" (")[2]
    "'Name a river.')"
    """
    return f"record {task.id[:16]} ('{shown(task.instruction, 40)}')"


def set_of(task: Task) -> str:
    """The set a task comes from: what `extra["dataset"]` names, else its file, else the stage that made it.

    >>> from selfinstruct.records import Provenance
    >>> set_of(Task(instruction="Name a river.", provenance=Provenance(stage="input", source="mine.jsonl")))
    'mine.jsonl'
    """
    dataset = task.extra.get("dataset")
    return dataset if isinstance(dataset, str) and dataset else task.provenance.source or task.provenance.stage
