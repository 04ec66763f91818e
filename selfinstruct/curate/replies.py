"""The replies of a task: the outputs of its instances and, in a conversation, each later turn of the assistant."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from selfinstruct.records import Instance, Message, Task
from selfinstruct.templates import joined


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, with what it replies to."""

    place: str
    """`instance 0`, `turn 1` ...: where it stands in its task; turns are those after the first reply."""
    instruction: str
    input: str
    output: str

    @property
    def asked(self) -> str:
        """Instruction and input as one text."""
        return joined(self.instruction, self.input)


def replies(task: Task) -> tuple[Reply, ...]:
    """Every reply of a task, in order.

    >>> from selfinstruct.records import Provenance
    >>> talk = (Message("user", "And?"), Message("assistant", "Rhine."))
    >>> two = Task(
    ...     instruction="Name rivers.",
    ...     instances=(Instance("", "Elbe."),),
    ...     later=talk,
    ...     provenance=Provenance(stage="input"),
    ... )
    >>> [(reply.place, reply.instruction, reply.output) for reply in replies(two)]
    [('instance 0', 'Name rivers.', 'Elbe.'), ('turn 1', 'And?', 'Rhine.')]
    """
    found = [
        Reply(f"instance {index}", task.instruction, pair.input, pair.output)
        for index, pair in enumerate(task.instances)
    ]
    said = ""
    for index, turn in enumerate(task.later):
        if turn.role == "assistant":
            found.append(Reply(f"turn {index}", said, "", turn.content))
        elif turn.role == "user":
            said = turn.content
    return tuple(found)


def with_outputs(task: Task, outputs: Mapping[str, str]) -> tuple[tuple[Instance, ...], tuple[Message, ...]]:
    """The instances and later turns of a task with new outputs at some places."""
    instances = tuple(
        Instance(pair.input, outputs.get(f"instance {index}", pair.output)) for index, pair in enumerate(task.instances)
    )
    later = tuple(
        replace(turn, content=outputs.get(f"turn {index}", turn.content)) for index, turn in enumerate(task.later)
    )
    return instances, later
