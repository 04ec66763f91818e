"""Stage: drops bad instances, and with them the tasks that have none left."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from selfinstruct.generate.propose_settings import Profile
from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Instance, Json, Task
from selfinstruct.stage import Bench, Kept, Outcome, Rejected, Scope
from selfinstruct.text import one_line

Fault = Literal[
    "same_as_input",
    "same_as_instruction",
    "empty_output",
    "says_none",
    "ends_with_colon",
    "conflicting_outputs",
    "exact_duplicate",
    "beyond_limit",
]

_NONE = frozenset({"none", "n/a", "na", "not applicable", "no output", "<noinput>", "noinput"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """An instance that goes, and why."""

    pair: Instance
    reason: Fault

    def as_json(self) -> dict[str, Json]:
        """As evidence shows it."""
        return {"reason": self.reason, "input": self.pair.input, "output": self.pair.output}


@dataclass(frozen=True, slots=True)
class SortedInstances:
    """Instances that stay, in the order they came, and those that go."""

    kept: tuple[Instance, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, kw_only=True)
class Prepare:
    """Keep the good instances of each task (Self-Instruct's filters before encoding)."""

    name: ClassVar[str] = "prepare"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "record"
    needs: ClassVar[Needs] = NOTHING

    max_instances: int = 5
    """The first so many good ones stay."""
    profile: Profile = "default"
    """`reference`: one conflict drops all instances of the task, and an input that ends in a colon its own."""

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, with what was dropped as evidence; Rejected when nothing is left."""
        del bench
        for task in records:
            if task.human:
                yield Kept(task)
                continue
            sorted_out = sort_out(task.instances, self.max_instances, self.profile, task)
            evidence: dict[str, Json] = (
                {"dropped": [dropped.as_json() for dropped in sorted_out.dropped]} if sorted_out.dropped else {}
            )
            if not sorted_out.kept:
                yield Rejected(task, "no_instance_left" if task.instances else "no_instance", evidence)
            elif sorted_out.kept == task.instances:
                yield Kept(task, evidence)
            else:
                yield Kept(task.grown(self.name, instances=sorted_out.kept), evidence)


def sort_out(instances: Sequence[Instance], limit: int, profile: Profile, task: Task | None = None) -> SortedInstances:
    """Which instances of one task stay: faults of their own first, then conflicts, copies, and the limit.

    >>> sort_out([Instance("a", "b"), Instance("a", "c"), Instance("d", "e")], 5, "default").kept
    (Instance(input='d', output='e'),)
    >>> sort_out([Instance("a", "b"), Instance("a", "c"), Instance("d", "e")], 5, "reference").kept
    ()
    """
    dropped: list[Dropped] = []
    good: list[Instance] = []
    for pair in instances:
        fault = _fault(pair, profile) or (_fault_in_task(pair, task) if task and profile == "default" else None)
        if fault:
            dropped.append(Dropped(pair, fault))
        else:
            good.append(pair)
    conflicting = _conflicting_inputs(good)
    kept: dict[Instance, None] = {}
    for pair in good:
        if pair.input in conflicting or (conflicting and profile == "reference"):
            dropped.append(Dropped(pair, "conflicting_outputs"))
        elif pair in kept:
            dropped.append(Dropped(pair, "exact_duplicate"))
        elif len(kept) == limit:
            dropped.append(Dropped(pair, "beyond_limit"))
        else:
            kept[pair] = None
    return SortedInstances(tuple(kept), tuple(dropped))


def _fault(pair: Instance, profile: Profile) -> Fault | None:
    if pair.input == pair.output:
        return "same_as_input"
    if not (pair.output if profile == "reference" else pair.output.strip()):
        return "empty_output"
    # An input may well end in a colon ("Complete the list: red, green:"); an output that does was cut short.
    if pair.output.endswith(":") or (profile == "reference" and pair.input.endswith(":")):
        return "ends_with_colon"
    return None


def _fault_in_task(pair: Instance, task: Task) -> Fault | None:
    """What only the instruction shows: an answer that repeats it, or a no-input mark in the place of the answer."""
    answer = one_line(pair.output).casefold()
    if answer == one_line(task.instruction).casefold():
        return "same_as_instruction"
    # `none` may well be a label.
    return "says_none" if task.is_classification is not True and answer.rstrip(".") in _NONE else None


def _conflicting_inputs(pairs: Sequence[Instance]) -> frozenset[str]:
    """Inputs, not empty, that came with more than one output."""
    first: dict[str, str] = {}
    return frozenset(
        pair.input for pair in pairs if pair.input and first.setdefault(pair.input, pair.output) != pair.output
    )
