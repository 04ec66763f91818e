"""Marks that an answer is to be read and not learned (no loss on it): how strangers write them, and how we do."""

from collections.abc import Mapping, Sequence
from typing import Any

from selfinstruct.formats.fields import BadRecord
from selfinstruct.records import Json, Task

_MASK = "loss_mask"
_NUMBERS = ("weight", _MASK)
_FLAGS = ("loss", "train", "trainable", "training", "kto_tag")
_LABEL = "label"
"""Of answers that somebody judged (unpaired preferences): false is one that nobody should learn."""
_NO = ("0", "0.0", "false")
MARK = "weight"
"""How we write it: of a turn or of a whole record, 0."""
SOME = "unlearned"
"""How we write it for a record whose layout has no turns of their own: the numbers of its answers."""
_MARKS = frozenset((*_NUMBERS, *_FLAGS, _LABEL, SOME))


def without_marks(fields: Mapping[str, Json]) -> dict[str, Json]:
    """The user's own fields but for those that we write ourselves, from what was read of them."""
    return {
        key: item
        for key, item in fields.items()
        if key not in (MARK, SOME) and not (key == _MASK and isinstance(item, list))
    }


def is_unlearned(turn: Mapping[str, Any]) -> bool:
    """Whether a turn says of itself that it is not to be learned.

    >>> is_unlearned({"content": "55.", "weight": 0}), is_unlearned({"content": "56.", "loss": True})
    (True, False)
    """
    return not _MARKS.isdisjoint(turn) and any(_is_no(turn.get(key), numbers=True) for key in (*_NUMBERS, *_FLAGS))


def unlearned_answers(turns: Sequence[Mapping[str, Any]], roles: Sequence[str]) -> tuple[int, ...]:
    """The numbers of a conversation's answers that are marked."""
    answers = [turn for turn, role in zip(turns, roles, strict=True) if role == "assistant"]
    return tuple(number for number, turn in enumerate(answers) if is_unlearned(turn))


def may_mark(value: Mapping[str, Any]) -> bool:
    """Whether a record has any of the keys that `of_record` looks for; most have none."""
    return not _MARKS.isdisjoint(value)


def of_record(value: Mapping[str, Any], answers: int) -> tuple[int, ...]:
    """The answers that a record marks as a whole: all, by `weight: 0`, a false flag or a false label, or some of them.

    A number under the name of a flag may be a measure, such as a loss, and marks nothing; a label that is a number or
    a word is a class.
    Raises BadRecord for marks of answers that are not there.
    """
    if not may_mark(value):
        return ()
    if (
        any(_is_no(value.get(key), numbers=True) for key in _NUMBERS)
        or any(_is_no(value.get(key), numbers=False) for key in _FLAGS)
        or _is_refused(value)
    ):
        return tuple(range(answers))
    masked = _masked(value.get(_MASK), answers)
    listed = value.get(SOME)
    if not isinstance(listed, list):
        return masked
    if not all(
        isinstance(position, int) and not isinstance(position, bool) and 0 <= position < answers for position in listed
    ):
        raise BadRecord(f"key '{SOME}': not numbers of its {answers} answers", reason="wrong_type")
    return tuple(sorted({*masked, *listed}))


def _is_refused(value: Mapping[str, Any]) -> bool:
    """A label of a judged answer that is false; as a word, as tables write it, only beside prompt and completion.

    Beside an instruction of Alpaca's it is a class: nobody writes judgements so.
    """
    label = value.get(_LABEL)
    if not isinstance(label, str):
        return label is False and value.get("instruction") is None
    completion = value.get("completion")
    judged = "prompt" in value and isinstance(completion, str) and completion.strip().lower() not in ("true", "false")
    return judged and label.strip().lower() == "false"


def _masked(marks: object, answers: int) -> tuple[int, ...]:
    """The answers that a list of a record masks, which has a number for each answer or for each turn."""
    if not isinstance(marks, list):
        return ()
    of_answers = marks if len(marks) == answers else marks[-2 * answers :][1::2]
    if len(marks) not in (answers, 2 * answers, 2 * answers + 1):  # one more where the system speaks first
        what = f"key '{_MASK}': {len(marks)} marks, where there are {answers} answers in {2 * answers} turns"
        raise BadRecord(what, reason="wrong_type", fix="give one for each answer, or for each turn")
    return tuple(number for number, mark in enumerate(of_answers) if _is_no(mark, numbers=True))


def _is_no(mark: object, *, numbers: bool) -> bool:
    if isinstance(mark, str):
        return mark.strip().lower() in (_NO if numbers else ("false",))
    return mark is False or (numbers and isinstance(mark, int | float) and mark == 0)


def row_mark(task: Task, index: int) -> dict[str, Json]:
    """The same as a field of the whole row."""
    marked = task.unlearned_in(index) if task.unlearned else frozenset()
    if not marked:
        return {}
    answers = 1 if len(task.instances) > 1 else task.answers
    return {MARK: 0} if len(marked) == answers else {SOME: [*sorted(marked)]}


def marked_turns(turns: Json, task: Task, index: int) -> Json:
    """The turns of a row, each answer that is not to be learned marked so, unless it says so already."""
    marked = task.unlearned_in(index) if task.unlearned else frozenset()
    if not marked:
        return turns
    assert isinstance(turns, list)
    answer, made = -1, list[Json]()
    for turn in turns:
        assert isinstance(turn, dict)
        answers = turn.get("role") == "assistant" or turn.get("from") == "gpt"
        answer += answers
        made.append({**turn, MARK: 0} if answers and answer in marked and not is_unlearned(turn) else turn)
    return made
