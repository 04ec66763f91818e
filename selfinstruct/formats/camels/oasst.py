"""Open Assistant 1: every path of a tree of messages from its root to an answer is a conversation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from selfinstruct.formats.camels.published import Converted, Origin, Unfit, Values, each, items, mapping, text
from selfinstruct.formats.camels.published import unreadable as complaint
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Json, Message, Task


@dataclass(frozen=True, slots=True)
class _Step:
    """A message of a tree, with what was said before it."""

    message: object
    before: tuple[Message, ...]
    deleted: bool
    """True where a message before it was."""


@dataclass(frozen=True, kw_only=True)
class OpenAssistant:
    """Inner answers end a conversation too, so that turns stand in several: mind the loss of all but the last."""

    name: str = "oasst1"
    about: str = "2023-04-12_oasst_ready.trees.jsonl; every path from the root to an answer, inner ones too"

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task for each answer of a tree, parents before children.

        `extra` has the tree, the last message and its language; `deleted` where a message of the path was taken back
        (the paper keeps them).
        """
        return each(values, partial(self._tree, Origin(dataset=self.name, source=source, seed=seed)), compat)

    def _tree(self, origin: Origin, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task | Unreadable]:
        del number
        tree: dict[str, Json] = {key: value[key] for key in ("message_tree_id",) if key in value}
        # A list in the place of recursion: a stranger's tree may be deep.
        waiting = [_Step(value.get("prompt"), (), deleted=False)]
        while waiting:
            step = waiting.pop()
            try:
                message = mapping(step.message, "the message")
                turns = (*step.before, _turn(message, step.before))
                deleted = step.deleted or message.get("deleted") is True
                replies = items(message, "replies") if message.get("replies") is not None else ()
                waiting.extend(_Step(reply, turns, deleted) for reply in reversed(replies))
                if turns[-1].role == "assistant":
                    yield origin.conversation(turns, {**tree, **_about(message, deleted=deleted)})
            except Unfit as fault:
                within = f"reply {len(step.before) + 1} of a path" if step.before else ""
                yield complaint(line, fault.reason, fault.problem, within=within, text=step.message)


def _turn(message: Mapping[str, Any], before: tuple[Message, ...]) -> Message:
    said, role = text(message, "text"), text(message, "role")
    due = "assistant" if len(before) % 2 else "prompter"
    if role != due:
        raise Unfit("roles", f"'{role[:40]}' speaks where it is the turn of '{due}'")
    return Message("assistant" if role == "assistant" else "user", said)


def _about(message: Mapping[str, Any], *, deleted: bool) -> dict[str, Json]:
    known: dict[str, Json] = {key: message[key] for key in ("lang",) if key in message}
    if isinstance(message.get("message_id"), str):
        known["id"] = message["message_id"]
    return {**known, "deleted": True} if deleted else known
