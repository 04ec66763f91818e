"""Customary names of columns: question and answer, query and response, preference pairs; or names that the user gives.

A record is read by such names only where no layout fits it and just one column may be asked, one the answer. What a
column means otherwise, nobody guesses: the user says it with `--columns`.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.conversations import ROLES, TURN_KEYS, conversation, turn_list, turns_under
from selfinstruct.formats.fields import BadRecord, asked, flag, kind, optional, rest
from selfinstruct.formats.turns_in_text import turns_of
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.text import shown

ASKED = ("instruction", "question", "query", "prompt", "problem", "input", "inputs")
ANSWERED = ("output", "response", "answer", "completion", "solution", "outputs", "target", "targets")
_SPEAKERS = (("user", "human"), ("assistant", "bot", "gpt"))
"""Two columns named after who speaks: they count where none is named after what is said."""
_GIVEN = ("context",)
_SYSTEM = ("system", "system_prompt")
_CHOICES = re.compile(r"choices|options|([a-d]|(choice|option|opt|sol|ending|answer)_?[a-d1-4])")
"""Beside columns of these names an answer is rather the letter or number of one than the answer."""

_NUMBER = re.compile(r"#[1-9]\d*")


@dataclass(frozen=True, slots=True)
class Roles:
    """Which column is what; empty: none is."""

    instruction: str = ""
    output: str = ""
    input: str = ""
    system: str = ""
    messages: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str], place: str = "--columns") -> "Roles":
        """Checked; BadInput for a role that does not exist, a column twice, and for nothing that could be asked."""
        known = [field.name for field in fields(cls)]
        for role, column in given.items():
            if role not in known:
                fix = f"columns are given for {', '.join(known)}"
                raise BadInput(f"no role '{shown(str(role))}' of a column", place=place, fix=fix)
            if not isinstance(column, str) or not column:
                raise BadInput(f"no column for '{role}'", place=place, fix=f"write {role}=COLUMN")
        columns = list(given.values())
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise BadInput(f"column '{shown(twice[0])}' stands twice", place=place, fix="give each role its own")
        numbers = [column for column in columns if _NUMBER.fullmatch(column)]
        if numbers and len(numbers) < len(columns):
            fix = "number all, where the table has no line of names; else name all"
            raise BadInput(f"'{numbers[0]}' is a number beside names of columns", place=place, fix=fix)
        roles = cls(**given)
        if bool(roles.instruction) == bool(roles.messages):
            fix = "write instruction=COLUMN,output=COLUMN, or messages=COLUMN"
            raise BadInput("expected a column for the instruction, or one for messages", place=place, fix=fix)
        if roles.messages and (roles.output or roles.input):
            raise BadInput("messages hold input and output already", place=place, fix="give messages=COLUMN alone")
        return roles

    @property
    def numbered(self) -> bool:
        """Columns are told by number, `#2`, for a table without a line of names."""
        return all(_NUMBER.fullmatch(column) for column in self.given.values())

    @classmethod
    def parse(cls, text: str, place: str = "--columns") -> "Roles":
        """Of words such as `instruction=question,output=answer`.

        >>> Roles.parse("instruction=question, output=answer").output
        'answer'
        """
        given: dict[str, str] = {}
        for word in text.split(","):
            role, mark, column = word.partition("=")
            if not mark:
                raise BadInput(f"'{shown(word)}' is no ROLE=COLUMN", place=place, fix="write instruction=question,...")
            if role.strip() in given:
                raise BadInput(f"role '{shown(role.strip())}' stands twice", place=place, fix="keep one of them")
            given[role.strip()] = column.strip()
        return cls.of(given, place)

    @property
    def given(self) -> dict[str, str]:
        """Those that a column has, by role."""
        return {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name)}

    def as_words(self) -> str:
        """As `--columns` takes them."""
        return ",".join(f"{role}={column}" for role, column in self.given.items())


def columns_of(value: Mapping[str, Any]) -> Roles | str:
    """The roles of a record's columns by their customary names, or what keeps them from being told.

    >>> columns_of({"Question": "What builds dams?", "Answer": "A beaver."}).as_words()
    'instruction=Question,output=Answer'
    >>> columns_of({"question": "What?", "prompt": "Q: What?", "answer": "That."})
    'the instruction may be question or prompt'
    """
    there = {_plain(key): key for key in reversed(list(value)) if _holds(value[key])}
    by_name = _SPEAKERS if _speak(there.keys()) else (ASKED, ANSWERED)
    asks, answers = ([there[name] for name in names if name in there] for names in by_name)
    given = [there[name] for name in _GIVEN if name in there]
    if len(asks) == 2 and _plain(asks[0]) == "instruction" and _plain(asks[1]) == "input":
        given, asks = [asks[1], *given], asks[:1]
    for role, columns in (("instruction", asks), ("output", answers), ("input", given)):
        if len(columns) > 1:
            return f"the {role} may be {' or '.join(shown(name, 40) for name in columns)}"
    if not asks or not answers:
        return "no column is called after a question, or none after an answer"
    system = next((there[name] for name in _SYSTEM if name in there), "")
    return Roles(asks[0], answers[0], given[0] if given else "", system)


def is_pair(value: object) -> bool:
    """Some column is called after what is asked, some after an answer, both text; perhaps too many are."""
    if not isinstance(value, dict):
        return False
    names = {_plain(key) for key, item in value.items() if _holds(item)}
    paired = not names.isdisjoint(ASKED) and not names.isdisjoint(ANSWERED)
    return (paired or _speak(names)) and not _choices(value)


def _speak(names: AbstractSet[str]) -> bool:
    """Whether columns are called after speakers alone, such as human and gpt."""
    return names.isdisjoint((*ASKED, *ANSWERED)) and not any(names.isdisjoint(some) for some in _SPEAKERS)


def _choices(value: Mapping[str, Any]) -> list[str]:
    """The columns to choose an answer from: `choices`, or several such as `A` and `B`."""
    if len(value) < 3:  # what is asked, the answer, and at least one more
        return []
    columns = [key for key, item in value.items() if item is not None and _is_choice(key)]
    return columns if len(columns) > 1 or any(_plain(key) in ("choices", "options") for key in columns) else []


@lru_cache(maxsize=1 << 10)
def _is_choice(name: str) -> bool:
    return _CHOICES.fullmatch(_plain(name)) is not None


def no_pair(value: Mapping[str, Any]) -> tuple[str, str]:
    """The reason, and in words why a record with such names is not read by them; both empty where it has no such names.

    >>> no_pair({"question": "How many?", "answer": ["4", "four"]})
    ('wrong_type', "column 'answer': a list, not text")
    >>> no_pair({"question": "How many?", "choices": ["3", "4"], "answer": "B"})
    ('unknown_layout', "beside 'choices' the answer may be the letter of one")
    """
    asks, answers = ([key for key in value if _plain(key) in names] for names in (ASKED, ANSWERED))
    if not asks or not answers:
        return "", ""
    if choices := _choices(value):
        return "unknown_layout", f"beside '{shown(choices[0], 40)}' the answer may be the letter of one"
    for columns, reason in ((asks, "no_instruction"), (answers, "no_answer")):
        held = [(key, value[key]) for key in columns if value[key] is not None]
        if not held or any(isinstance(item, str) and not item.strip() for _, item in held):
            return reason, f"column '{shown(columns[0], 40)}' is empty"
        if not any(_holds(item) for _, item in held):
            return "wrong_type", f"column '{shown(held[0][0], 40)}': {kind(held[0][1])}, not text"
    return "", ""


def about_pairs() -> str:
    """The layout in a few words."""
    return "question and answer, query and response, prompt and answer, input and output, user and assistant"


def pair(value: Mapping[str, Any], origin: Provenance) -> Task:
    """A record by the customary names of its columns; BadRecord where they are tied."""
    roles = columns_of(value)
    if isinstance(roles, str):
        raise BadRecord(roles, reason="ambiguous", fix="say which: --columns instruction=...,output=...")
    return columned(value, origin, roles)


def columned(value: object, origin: Provenance, roles: Roles) -> Task:
    """A record by the roles of its columns; every other column is the user's own field. A number counts as text."""
    if not isinstance(value, dict):
        raise BadRecord(f"{kind(value)}, not an object with columns", reason="unknown_layout")
    if roles.messages:
        renamed = {("messages" if key == roles.messages else key): item for key, item in value.items()}
        if roles.system:
            renamed["system"] = renamed.pop(roles.system, None)
        return turn_list(renamed, origin, "messages")
    if roles.instruction not in value:
        raise BadRecord(f"key '{roles.instruction}' is missing", reason="missing_key")
    used = list(roles.given.values())
    pairs: tuple[Instance, ...] = ()
    if roles.output:
        if value.get(roles.output) is None:
            raise BadRecord(f"key '{roles.output}' is missing or null", reason="no_answer")
        pairs = (Instance(_words(value, roles.input), _words(value, roles.output)),)
    return Task(
        instruction=asked(_words(value, roles.instruction)),
        instances=pairs,
        is_classification=flag(value),
        system=_words(value, roles.system),
        provenance=origin,
        extra=rest(value, *used, "is_classification"),
    )


def _words(value: Mapping[str, Any], column: str) -> str:
    cell = value.get(column) if column else None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return str(cell)
    return optional(value, column) if column else ""


def is_preference(value: object) -> bool:
    """An answer that was preferred, beside one that was not; as text, as turns or as one turn."""
    return isinstance(value, dict) and all(
        isinstance(value.get(key), str | list | dict) and bool(value[key]) for key in ("chosen", "rejected")
    )


def awaits_preferred_answer(value: Mapping[str, Any]) -> bool:
    """A conversation that ends with a question, to which the preferred answer stands beside it."""
    turns = _turns_beside(value)
    return bool(turns) and is_preference(value) and not _answers(turns[-1])


def _turns_beside(value: Mapping[str, Any]) -> list[Any]:
    return next((value[key] for key in TURN_KEYS if _is_turns(value.get(key))), [])


def preference(value: Mapping[str, Any], origin: Provenance) -> Task:
    """The preferred answer, behind the prompt where it does not hold that itself; the other one is a field beside."""
    chosen = [value["chosen"]] if isinstance(value["chosen"], dict) else value["chosen"]
    if turns := _turns_beside(value) if awaits_preferred_answer(value) else []:
        under = next(key for key in TURN_KEYS if value.get(key) is turns)
        value = {("prompt" if key == under else key): item for key, item in value.items() if key != "prompt"}
    question = next((key for key in ("prompt", *ASKED) if _holds(value.get(key)) or _is_turns(value.get(key))), "")
    used = tuple(filter(None, ("chosen", question, "system")))
    if isinstance(chosen, str) and not question:
        turns = list(turns_of(chosen))
        if not turns:
            raise BadRecord("no prompt, and 'chosen' is no conversation", reason="no_instruction")
        return conversation(turns, origin, rest(value, *used), optional(value, "system"))
    if isinstance(chosen, str) and isinstance(value[question], str):
        given = "input" if question == "instruction" and isinstance(value.get("input"), str) else ""
        roles = Roles(question, "chosen", given, system="system" if value.get("system") is not None else "")
        return columned(value, origin, roles)
    before = value[question] if question else []
    begins = before if isinstance(before, list) else [{"role": "user", "content": before}]
    answer = chosen if isinstance(chosen, list) else [{"role": "assistant", "content": chosen}]
    whole = answer if _asks_first(answer) else [*begins, *answer]
    task = turns_under("messages")({"messages": whole, "system": value.get("system")}, origin)
    turn_fields = {key: item for key, item in task.extra.items() if key == "messages"}
    return replace(task, extra={**rest(value, *used), **turn_fields})


def _is_turns(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, dict) for turn in value)


def _asks_first(turns: list[Any]) -> bool:
    return not _answers(turns[0])


def _answers(turn: object) -> bool:
    who = (turn.get("role") or turn.get("from")) if isinstance(turn, dict) else ""
    return ROLES.get(str(who).strip().lower()) == "assistant"


@lru_cache(maxsize=1 << 10)
def _plain(name: str) -> str:
    return "_".join(name.strip(" :\t").lower().split())


def _holds(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
