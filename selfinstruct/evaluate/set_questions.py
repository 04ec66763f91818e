"""What models are asked of a set, and the answers that theirs are compared with."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.evaluate.prompt_sets import asked
from selfinstruct.records import Task, digest
from selfinstruct.text.verb_rule import root_by_rule

Against: TypeAlias = Literal["agreement_with_teacher", "quality_on_held_out_seeds", "quality_on_gold"]
"""What an answer beside its references tells: imitation where a model wrote them, quality where people did."""
Kind: TypeAlias = Literal["classification", "not_classification", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuestion:
    """One instruction with its input, and every answer the set has to it."""

    against: Against
    task: str
    """Id of the first record that asks it."""
    source: str
    """The same for all questions of one instruction: they are not independent."""
    text: str
    """Instruction and input joined."""
    instruction: str
    input: str
    system: str
    references: tuple[str, ...]
    kind: Kind
    verb: str
    """Of the request, or the question word; empty where the plain English rule finds none."""


@dataclass(frozen=True, slots=True)
class SetQuestions:
    """The questions of a set."""

    found: tuple[SetQuestion, ...]
    without_answer: int
    """Records with nothing to compare with."""


def set_questions(tasks: Iterable[Task], against: Against) -> SetQuestions:
    """One question for each instruction and input, in order of appearance; of a conversation its first turn.

    Further accepted answers of a Natural Instructions task, which stand beside its instances, are references too.

    >>> from selfinstruct.records import Instance, Provenance
    >>> pairs = (Instance("", "Tay"), Instance("", "Spey"))
    >>> tay = Task(instruction="Name a river.", instances=pairs, provenance=Provenance(stage="input"))
    >>> [(one.text, one.references) for one in set_questions([tay], "quality_on_gold").found]
    [('Name a river.', ('Tay', 'Spey'))]
    """
    answers: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], tuple[Task, str]] = {}
    without = 0
    for task in tasks:
        pairs = [(at, pair) for at, pair in enumerate(task.instances) if pair.output.strip()]
        without += not pairs
        for at, pair in pairs:
            key = (task.system, asked(task, pair.input))
            first.setdefault(key, (task, pair.input))
            answers.setdefault(key, []).extend((pair.output, *_further(task, at)))
    found = (_question(*first[key], key, references, against) for key, references in answers.items())
    return SetQuestions(tuple(found), without)


def _further(task: Task, at: int) -> list[str]:
    """Other accepted outputs of an instance, as `formats/shapes.py` keeps them; extra fields may be anything."""
    beside = task.extra.get("Instances")
    if not isinstance(beside, list) or len(beside) != len(task.instances):
        return []
    told = beside[at]
    outputs = told.get("output") if isinstance(told, dict) else None
    return [one for one in outputs if isinstance(one, str) and one.strip()] if isinstance(outputs, list) else []


def _question(task: Task, given: str, key: tuple[str, str], references: list[str], against: Against) -> SetQuestion:
    kinds: dict[bool | None, Kind] = {True: "classification", False: "not_classification", None: "undecided"}
    return SetQuestion(
        against=against,
        task=task.id,
        source=digest("instruction", task.instruction),
        text=key[1],
        instruction=task.instruction,
        input=given,
        system=key[0],
        references=tuple(dict.fromkeys(references)),
        kind=kinds[task.is_classification],
        verb=root_by_rule(task.instruction).verb,
    )
