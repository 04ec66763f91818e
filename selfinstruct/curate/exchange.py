"""What a rule on whole records reads: one thing asked, and what was answered."""

from dataclasses import dataclass

from selfinstruct.records import Task
from selfinstruct.templates import joined


@dataclass(frozen=True, slots=True)
class Exchange:
    """One instance of a task, or one later pair of turns of a conversation."""

    instruction: str
    input: str
    output: str | None
    """None: nobody has answered."""

    @property
    def request(self) -> str:
        """Instruction and input as one text."""
        return joined(self.instruction, self.input)

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything said, in order."""
        return (self.instruction, self.input, self.output or "")


def exchanges(task: Task) -> list[Exchange]:
    """The exchanges of a task; a task without instances is one that nobody has answered.

    >>> from selfinstruct.records import Instance, Message, Provenance
    >>> talk = Task(instruction="Hi", instances=(Instance("", "Hello!"),), provenance=Provenance(stage="input"),
    ...     later=(Message("user", "Name a river."), Message("assistant", "Skjern")))
    >>> [(each.instruction, each.output) for each in exchanges(talk)]
    [('Hi', 'Hello!'), ('Name a river.', 'Skjern')]
    """
    if not task.instances:
        return [Exchange(task.instruction, "", None)]
    found = [Exchange(task.instruction, pair.input, pair.output) for pair in task.instances]
    asked = ""
    for turn in task.later:
        if turn.role == "assistant":
            found.append(Exchange(asked, "", turn.content))
            asked = ""
        else:
            asked = f"{asked}\n{turn.content}" if asked else turn.content
    if asked:
        found.append(Exchange(asked, "", None))
    return found
