"""Customary names of columns: question and answer, query and response, preference pairs; or names that the user gives.

A record is read by such names only where no layout fits it and just one column may be asked, one the answer. What a
column means otherwise, nobody guesses: the user says it with `--columns`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.conversations import conversation, turn_list, turns_under
from selfinstruct.formats.fields import asked, flag, kind, optional, rest
from selfinstruct.formats.text_templates import turns_of
from selfinstruct.formats.unreadable import BadRecord
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.text import shown

ASKED = ("instruction", "question", "query", "prompt", "problem", "input", "inputs")
ANSWERED = ("output", "response", "answer", "completion", "solution", "outputs", "target", "targets")
_GIVEN = ("context",)
_SYSTEM = ("system", "system_prompt")
_CHOICES = ("choices", "options")
"""Beside these an answer is rather the letter of one than the answer."""


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
        roles = cls(**given)
        if bool(roles.instruction) == bool(roles.messages):
            fix = "write instruction=COLUMN,output=COLUMN, or messages=COLUMN"
            raise BadInput("expected a column for the instruction, or one for messages", place=place, fix=fix)
        if roles.messages and (roles.output or roles.input):
            raise BadInput("messages hold input and output already", place=place, fix="give messages=COLUMN alone")
        return roles

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
    asks = [there[name] for name in ASKED if name in there]
    answers = [there[name] for name in ANSWERED if name in there]
    given = [there[name] for name in _GIVEN if name in there]
    if len(asks) == 2 and _plain(asks[0]) == "instruction" and _plain(asks[1]) == "input":
        given, asks = [asks[1], *given], asks[:1]
    for role, found in (("instruction", asks), ("output", answers), ("input", given)):
        if len(found) > 1:
            return f"the {role} may be {' or '.join(shown(name, 40) for name in found)}"
    if not asks or not answers:
        return "no column is called after a question, or none after an answer"
    system = next((there[name] for name in _SYSTEM if name in there), "")
    return Roles(asks[0], answers[0], given[0] if given else "", system)


def is_pair(value: object) -> bool:
    """Some column is called after what is asked, some after an answer, both text; perhaps too many are."""
    if not isinstance(value, dict) or any(value.get(key) is not None for key in _CHOICES):
        return False
    names = {_plain(key) for key, item in value.items() if _holds(item)}
    return not names.isdisjoint(ASKED) and not names.isdisjoint(ANSWERED)


def about_pairs() -> str:
    """The layout in a few words."""
    return "question and answer, query and response, prompt and answer, input and output"


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
    found = value.get(column) if column else None
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    return optional(value, column) if column else ""


def is_preference(value: object) -> bool:
    """An answer that was preferred, beside one that was not."""
    return isinstance(value, dict) and all(
        isinstance(value.get(key), str | list) and bool(value[key]) for key in ("chosen", "rejected")
    )


def preference(value: Mapping[str, Any], origin: Provenance) -> Task:
    """The preferred answer, behind the prompt where it does not hold that itself; the other one is a field beside."""
    chosen = value["chosen"]
    question = next((key for key in ("prompt", *ASKED) if _holds(value.get(key)) or _is_turns(value.get(key))), "")
    used = tuple(filter(None, ("chosen", question, "system")))
    if isinstance(chosen, str) and not question:
        turns = list(turns_of(chosen))
        if not turns:
            raise BadRecord("no prompt, and 'chosen' is no conversation", reason="no_instruction")
        return conversation(turns, origin, rest(value, *used), optional(value, "system"))
    if isinstance(chosen, str) and isinstance(value[question], str):
        roles = Roles(question, "chosen", system="system" if value.get("system") is not None else "")
        return columned(value, origin, roles)
    before = value[question] if question else []
    begins = before if isinstance(before, list) else [{"role": "user", "content": before}]
    answer = chosen if isinstance(chosen, list) else [{"role": "assistant", "content": chosen}]
    whole = answer if _asks_first(answer) else [*begins, *answer]
    task = turns_under("messages")({"messages": whole, "system": value.get("system")}, origin)
    beside = {key: item for key, item in task.extra.items() if key == "messages"}
    return replace(task, extra={**rest(value, *used), **beside})


def _is_turns(found: object) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(turn, dict) for turn in found)


def _asks_first(turns: list[Any]) -> bool:
    first = turns[0] if isinstance(turns[0], dict) else {}
    return str(first.get("role") or first.get("from")).strip().lower() not in ("assistant", "gpt")


def _plain(name: str) -> str:
    return "_".join(name.strip(" :\t").lower().split())


def _holds(found: object) -> bool:
    return isinstance(found, str) and bool(found.strip())
