"""The questions of ObjecQA, each in several phrasings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json, Provenance, Task


@dataclass(frozen=True, slots=True)
class TasteQuestion:
    """One phrasing of one question."""

    text: str
    question: str
    """Id of the question."""
    phrasing: int


def objecqa_tasks(rows: Iterable[Mapping[str, Any]], source: str = "objecqa.jsonl") -> tuple[Task, ...]:
    """The tasks of a file such as `seeds/objecqa.jsonl`: each question, then its further phrasings.

    A row has `id`, `question` and `phrasings`; BadInput for one that lacks any.

    >>> row = {"id": "taste-1", "question": "Tea or coffee?", "phrasings": ["Coffee or tea?"]}
    >>> [(task.instruction, task.extra["phrasing"]) for task in objecqa_tasks([row])]
    [('Tea or coffee?', 0), ('Coffee or tea?', 1)]
    """
    made: list[Task] = []
    for number, row in enumerate(rows, 1):
        phrasings = row.get("phrasings", [])
        texts = [row.get("question"), *(phrasings if isinstance(phrasings, list | tuple) else [None])]
        if not isinstance(row.get("id"), str) or not all(isinstance(text, str) and text for text in texts):
            fix = "give 'id', 'question' and a list of 'phrasings'"
            raise BadInput("no question with its phrasings", place=f"{source}:{number}", fix=fix)
        for phrasing, text in enumerate(texts):
            extra: dict[str, Json] = {"source": row["id"], "phrasing": phrasing}
            made.append(Task(instruction=str(text), provenance=Provenance(stage="input", source=source), extra=extra))
    return tuple(made)


def questions_of(tasks: Iterable[Task]) -> tuple[TasteQuestion, ...]:
    """What a named set of questions holds: tasks with `source` and `phrasing` among their extra fields."""
    made = []
    for task in tasks:
        source, phrasing = task.extra.get("source"), task.extra.get("phrasing")
        number = phrasing if isinstance(phrasing, int) and not isinstance(phrasing, bool) else 0
        made.append(TasteQuestion(task.instruction, str(source or task.id), number))
    return tuple(made)
