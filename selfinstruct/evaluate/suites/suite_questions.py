"""What each suite asks, and how an answer is marked: one entry of a table for each suite."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from selfinstruct.evaluate.ifeval.prompt_records import IfevalPrompt, ifeval_prompt
from selfinstruct.evaluate.ifeval.strict_and_loose import following
from selfinstruct.records import Json, Task, digest
from selfinstruct.superni import exact_match, package_rouge_l, tk_prompt
from selfinstruct.tone.prompt_sets import asked

Mark: TypeAlias = tuple[float, int]
"""The sum of values between 0 and 1, and how many they are."""


@dataclass(frozen=True, slots=True)
class Marked:
    """An answer's marks by measure, and the same by category; of one answer there may be several."""

    measures: Mapping[str, Mark]
    by_category: Mapping[str, Mapping[str, Mark]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of a suite."""

    id: str
    """Made of all that is asked and looked for: the same in every run."""
    source: str
    """What intervals draw again: its prompt, or the task that it is an instance of."""
    text: str
    mark: Callable[[str], Marked]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteKind:
    """How a suite asks and measures: its questions, token budget and measures."""

    max_tokens: int
    measures: Mapping[str, str]
    """Name of each measure, and how it is headed; the first is the one to look at."""
    question: Callable[[Task], Question]


def _ifeval_prompt(task: Task) -> IfevalPrompt:
    return ifeval_prompt(task.extra, task.provenance.source)


def _ifeval(task: Task) -> Question:
    prompt = _ifeval_prompt(task)
    kinds = [instruction.id for instruction in prompt.instructions]

    def mark(said: str) -> Marked:
        followed = following(prompt, said)
        by_kind: dict[str, dict[str, Mark]] = {}
        for kind, strict, loose in zip(kinds, followed.strict, followed.loose, strict=True):
            before = by_kind.get(kind, {"instruction_strict": (0.0, 0), "instruction_loose": (0.0, 0)})
            strictly, loosely = before["instruction_strict"], before["instruction_loose"]
            by_kind[kind] = {
                "instruction_strict": (strictly[0] + strict, strictly[1] + 1),
                "instruction_loose": (loosely[0] + loose, loosely[1] + 1),
            }
        measures = {
            "prompt_strict": (float(all(followed.strict)), 1),
            "prompt_loose": (float(all(followed.loose)), 1),
            "instruction_strict": (float(sum(followed.strict)), len(kinds)),
            "instruction_loose": (float(sum(followed.loose)), len(kinds)),
        }
        return Marked(measures, by_kind)

    instructions: list[Json] = [[instruction.id, dict(instruction.arguments)] for instruction in prompt.instructions]
    return Question(id=digest("ifeval", prompt.text, instructions)[:16], source=prompt.key, text=prompt.text, mark=mark)


def _superni(task: Task) -> Question:
    given = task.instances[0].input
    references = tuple(instance.output for instance in task.instances)
    category = str(task.extra.get("category") or "none named")

    def mark(said: str) -> Marked:
        measures: dict[str, Mark] = {
            "rouge_l": (package_rouge_l(said, references), 1),
            "exact_match": (float(exact_match(said, references)), 1),
        }
        return Marked(measures, {category: measures})

    name = str(task.extra.get("task") or task.provenance.source)
    text = tk_prompt(task.instruction, given)
    return Question(id=digest("superni", name, text, list(references))[:16], source=name, text=text, mark=mark)


def _user_oriented(task: Task) -> Question:
    text = asked(task)
    source = str(task.extra.get("source") or task.id)
    return Question(id=digest("user_oriented", text)[:16], source=source, text=text, mark=lambda _: Marked({}, {}))


SUITES: Mapping[str, SuiteKind] = {
    "ifeval": SuiteKind(
        max_tokens=1280,  # as in lm-evaluation-harness
        measures={
            "prompt_strict": "prompt, strict",
            "instruction_strict": "instruction, strict",
            "prompt_loose": "prompt, loose",
            "instruction_loose": "instruction, loose",
        },
        question=_ifeval,
    ),
    "superni": SuiteKind(
        max_tokens=128,  # as in Tk-Instruct
        measures={"rouge_l": "ROUGE-L", "exact_match": "exact match"},
        question=_superni,
    ),
    # people rate these: `review --ratings`
    "user_oriented": SuiteKind(max_tokens=512, measures={}, question=_user_oriented),
}
