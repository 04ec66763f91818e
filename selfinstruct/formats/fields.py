"""Takes checked fields out of a stranger's record, or says where the record stands and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.records import Json
from selfinstruct.text import shown

JSON_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
_YES_NO = {"yes": True, "no": False, "": None}  # as Self-Instruct's second step writes its labels
LAYOUT_KEYS = frozenset(
    (
        *("instruction", "input", "context", "output", "response", "instances", "system", "is_classification"),
        *("messages", "conversations", "conversation", "prompt", "completion", "text", "Definition", "Instances"),
        *("question", "query", "problem", "answer", "solution", "inputs", "outputs", "target", "targets", "chosen"),
        *("system_prompt", "weight", "loss", "train", "trainable", "training", "unlearned"),
    )
)
"""What layouts look for: such a key with null is a key that is not there, and no field of the user's own."""


class BadRecord(BadInput):
    """One record of an input cannot be used; those behind it still can.

    >>> str(BadRecord("not JSON", reason="broken_json", place="tasks.jsonl:7", fix="remove the line"))
    'tasks.jsonl:7: not JSON; remove the line'
    """

    def __init__(self, what: str, *, reason: str, place: str = "", fix: str = "", text: str = "") -> None:
        self.reason, self.text = reason, text
        """Its name in one word, as rules have one; and how the record begins, made fit to be shown."""
        super().__init__(what, place=place, fix=fix)

    def at(self, place: str, text: str) -> "BadRecord":
        """The same complaint where the place and the beginning of the record are known."""
        return BadRecord(self.what, reason=self.reason, place=place, fix=self.fix, text=text)

    @property
    def unreadable(self) -> "Unreadable":
        """The complaint as a result."""
        return Unreadable(self.place, self.text, self.reason, self.what)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of an input that became no task; the good ones go on."""

    place: str
    """`file:line`."""
    text: str
    """How it begins, made fit to be shown."""
    reason: str
    """Its name in one word, as rules have one."""
    problem: str
    """What is wrong with it, as a sentence without a full stop."""


def filled(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The record without its keys that hold null.

    >>> filled({"messages": None, "prompt": "Name a river."})
    {'prompt': 'Name a river.'}
    """
    if not isinstance(value, dict) or None not in value.values():
        return value
    return {key: item for key, item in value.items() if item is not None}


def kind(value: object) -> str:
    """What a value is, in words.

    >>> kind(None), kind([]), kind(True)
    ('null', 'a list', 'true or false')
    """
    return "null" if value is None else JSON_KINDS.get(type(value), type(value).__name__)


def text(value: Mapping[str, Any], key: str, *, within: str = "") -> str:
    """The text under a key that must be there."""
    if key not in value:
        raise BadRecord(f"{within}key '{key}' is missing", reason="missing_key")
    return as_text(value[key], f"{within}key '{key}'")


def as_text(value: object, what: str) -> str:
    """The value if it is text; else BadRecord `wrong_type`."""
    if not isinstance(value, str):
        raise BadRecord(f"{what}: {kind(value)}, not text", reason="wrong_type")
    return value


def in_parts(value: object, what: str) -> str:
    """Text, also where it comes as a list of parts that are all text.

    >>> in_parts([{"type": "text", "text": "Name a "}, "river."], "the first turn")
    'Name a river.'
    """
    if not isinstance(value, list):
        return as_text(value, what)
    texts: list[str] = []
    for number, part in enumerate(value, 1):
        text_of = part.get("text") if isinstance(part, dict) else part
        sort = part.get("type") if isinstance(part, dict) else None
        if sort not in (None, "text", "input_text", "output_text") or not isinstance(text_of, str):
            said = sort if isinstance(sort, str) else kind(part)
            raise BadRecord(f"{what}, part {number}: {shown(said, 40)}, not text", reason="not_text")
        texts.append(text_of)
    return "".join(texts)


def optional(value: Mapping[str, Any], key: str, *, within: str = "") -> str:
    """The text under a key; empty when it is null or not there."""
    return "" if value.get(key) is None else text(value, key, within=within)


def asked(text: str, what: str = "the instruction") -> str:
    """Text that asks for something."""
    if not text.strip():
        raise BadRecord(f"{what} is empty", reason="no_instruction")
    return text


def objects(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in the list under a key."""
    items = value.get(key)
    if not isinstance(items, list):
        raise BadRecord(f"key '{key}': {kind(items)}, not a list", reason="wrong_type")
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise BadRecord(f"key '{key}', item {number}: {kind(item)}, not an object", reason="wrong_type")
    return items


def flag(value: Mapping[str, Any]) -> bool | None:
    """Whether it is a classification task: true, false, null, or the words Yes and No."""
    stated = value.get("is_classification")
    if isinstance(stated, str) and stated.strip().lower() in _YES_NO:
        return _YES_NO[stated.strip().lower()]
    if stated is not None and not isinstance(stated, bool):
        raise BadRecord(f"key 'is_classification': {kind(stated)}, not true or false", reason="wrong_type")
    return stated


def rest(value: Mapping[str, Any], *used: str) -> dict[str, Json]:
    """The fields that a layout has no use for: the user's own."""
    return {key: item for key, item in value.items() if key not in used and not (item is None and key in LAYOUT_KEYS)}


def other_fields(parts: Sequence[Mapping[str, Any]], *used: str) -> list[Json]:
    """What the parts of a record say besides what its layout uses, one object for each; empty when none says more.

    >>> other_fields([{"role": "user", "content": "Hi", "name": "Ida"}, {"content": "y"}], "role", "content")
    [{'name': 'Ida'}, {}]
    >>> other_fields([{"role": "user", "content": "Hi", "name": None}], "role", "content")
    []
    """
    more = [rest(filled(part), *used) for part in parts]
    return [*more] if any(more) else []
