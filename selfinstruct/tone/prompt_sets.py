"""Prompts to score a model with: whole instructions and the beginnings of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.prompt_templates import joined
from selfinstruct.records import Json, Provenance, Task

_LEAST = 3  # words on each side of a cut
_SENTENCE_ENDS = (".", "!", "?", "\u2026", "\u3002", "\uff01", "\uff1f")


@dataclass(frozen=True, slots=True)
class ScorePrompt:
    """One prompt, and what is known of it."""

    instruction: str
    """The beginning of one where the prompt is cut; of a task with an input, that is cut as part of it."""
    whole: bool
    complete: bool
    """A cut prompt that happens to be a whole sentence."""
    source: str
    input: str = ""
    """For templates that have a place for it."""

    @property
    def text(self) -> str:
        """What the user says in all: instruction and input joined, as a judge reads them."""
        return joined(self.instruction, self.input)


def ifs_tasks(rows: Iterable[Mapping[str, Any]], source: str = "ifs_instructions.jsonl") -> tuple[Task, ...]:
    """The tasks of a file such as `seeds/ifs_instructions.jsonl`: each instruction whole, then cut.

    A row has `id`, `instruction` and `cut`; BadInput for one that lacks any or whose cut is not its beginning.

    >>> rows = [{"id": "a-1", "instruction": "Name a river in the north of Spain.", "cut": "Name a river in"}]
    >>> [(task.instruction, task.extra["whole"]) for task in ifs_tasks(rows)]
    [('Name a river in the north of Spain.', True), ('Name a river in', False)]
    """
    made: list[Task] = []
    for number, row in enumerate(rows, 1):
        values = [row.get(key) for key in ("id", "instruction", "cut")]
        if not all(isinstance(value, str) and value for value in values) or not str(values[1]).startswith(
            str(values[2])
        ):
            fix = "give 'id', 'instruction' and 'cut', its beginning"
            raise BadInput("no instruction with its cut", place=f"{source}:{number}", fix=fix)
        for text, whole in ((str(values[1]), True), (str(values[2]), False)):
            extra: dict[str, Json] = {
                "whole": whole,
                "complete": not whole and is_sentence(text),
                "source": str(values[0]),
            }
            provenance = Provenance(stage="input", source=source)
            made.append(Task(instruction=text, provenance=provenance, extra=extra))
    return tuple(made)


def prompts_of(tasks: Iterable[Task]) -> Iterator[ScorePrompt]:
    """What a named prompt set holds: tasks with `whole`, `complete` and `source` among their extra fields."""
    for task in tasks:
        source = task.extra.get("source")
        yield ScorePrompt(
            instruction=task.instruction,
            input=_first_input(task),
            whole=task.extra.get("whole") is not False,
            complete=task.extra.get("complete") is True,
            source=source if isinstance(source, str) and source else task.id,
        )


def own_prompts(records: Sequence[Task]) -> Iterator[ScorePrompt]:
    """The records' own instructions, each whole and, if it is long enough, its first half."""
    for task in records:
        text = asked(task)
        yield ScorePrompt(task.instruction, whole=True, complete=False, source=task.id, input=_first_input(task))
        beginning = first_half(text)
        if beginning:
            yield ScorePrompt(beginning, whole=False, complete=is_sentence(beginning), source=task.id)


def asked(task: Task, given: str | None = None) -> str:
    """The instruction, and after a blank line an input where there is one: that of the first instance, or `given`."""
    return joined(task.instruction, _first_input(task) if given is None else given)


def _first_input(task: Task) -> str:
    return task.instances[0].input if task.instances else ""


def first_half(text: str) -> str:
    """The beginning with half of the words, cut after a word; empty if less than three would stand on either side.

    >>> first_half("Name a river in the north of Spain."), first_half("Name a river.")
    ('Name a river in', '')
    """
    words = text.split()
    if len(words) < 2 * _LEAST:
        return ""
    at = 0
    for word in words[: len(words) // 2]:
        at = text.index(word, at) + len(word)
    return text[:at]


def is_sentence(text: str) -> bool:
    """A beginning that ends as sentences do.

    >>> is_sentence("Name a river. "), is_sentence("Name a")
    (True, False)
    """
    return text.rstrip().rstrip("\"'\u201d\u2019)").endswith(_SENTENCE_ENDS)
