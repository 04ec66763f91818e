"""What rules and checkers read of a task: exchanges (asked and answered), replies; and what a checker finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

from selfinstruct.prompt_templates import joined
from selfinstruct.records import Instance, Message, Task

Verdict: TypeAlias = Literal["passed", "failed", "unchecked"]


class Exchange(NamedTuple):
    """One instance of a task, or one later pair of turns of a conversation."""

    instruction: str
    input: str
    output: str | None
    """None: not answered yet."""

    @property
    def request(self) -> str:
        """Instruction and input as one text."""
        return joined(self.instruction, self.input)


def exchanges(task: Task) -> list[Exchange]:
    """The exchanges of a task; a task without instances is one request, not answered yet.

    >>> from selfinstruct.records import Instance, Message, Provenance
    >>> talk = Task(instruction="Hi", instances=(Instance("", "Hello!"),), provenance=Provenance(stage="input"),
    ...     later=(Message("user", "Name a river."), Message("assistant", "Skjern")))
    >>> [(each.instruction, each.output) for each in exchanges(talk)]
    [('Hi', 'Hello!'), ('Name a river.', 'Skjern')]
    """
    if not task.instances:
        return [Exchange(task.instruction, "", None)]
    made = [Exchange(task.instruction, pair.input, pair.output) for pair in task.instances]
    asked = ""
    for turn in task.later:
        if turn.role == "assistant":
            made.append(Exchange(asked, "", turn.content))
            asked = ""
        else:
            asked = f"{asked}\n{turn.content}" if asked else turn.content
    if asked:
        made.append(Exchange(asked, "", None))
    return made


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, with what it replies to."""

    place: str
    """`instance 0`, `turn 1` ...: where it stands in its task; turns are those after the first reply."""
    instruction: str
    input: str
    output: str

    @property
    def request(self) -> str:
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
    made = [
        Reply(f"instance {index}", task.instruction, pair.input, pair.output)
        for index, pair in enumerate(task.instances)
    ]
    said = ""
    for index, turn in enumerate(task.later):
        if turn.role == "assistant":
            made.append(Reply(f"turn {index}", said, "", turn.content))
        elif turn.role == "user":
            said = turn.content
    return tuple(made)


def with_outputs(task: Task, outputs: Mapping[str, str]) -> tuple[tuple[Instance, ...], tuple[Message, ...]]:
    """The instances and later turns of a task with new outputs at some places."""
    instances = tuple(
        Instance(pair.input, outputs.get(f"instance {index}", pair.output)) for index, pair in enumerate(task.instances)
    )
    later = tuple(
        replace(turn, content=outputs.get(f"turn {index}", turn.content)) for index, turn in enumerate(task.later)
    )
    return instances, later


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One checker's word on one reply."""

    verdict: Verdict
    """`unchecked`: it applies, but cannot tell: code in a language without a parser here, votes without a majority."""
    expected: str = ""
    found: str = ""


Checker: TypeAlias = Callable[[Reply], CheckFinding | None]
PASSED = CheckFinding("passed")
UNCHECKED = CheckFinding("unchecked")


def failed(expected: str, found: str) -> CheckFinding:
    """The reply is wrong, and this is how one sees it."""
    return CheckFinding("failed", expected, found)
