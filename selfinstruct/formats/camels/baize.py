"""Baize: transcripts of a model that talks to itself, split on the two marks of its speakers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from selfinstruct.formats.camels.published import Converted, Origin, Unfit, Values, each, rest, text
from selfinstruct.formats.camels.published import unreadable as complaint
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.unreadable import Unreadable
from selfinstruct.records import Message, Task

PERSON, ANSWER = "[|Human|]", "[|AI|]"


@dataclass(frozen=True, kw_only=True)
class Baize:
    """What stands before the first mark is the prompt that set the model talking, and no part of the conversation."""

    name: str = "baize"
    about: str = "alpaca, medical, quora and stackoverflow _chat_data.json; split on [|Human|] and [|AI|]"

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task a transcript; a question without an answer is unreadable, the empty mark at the end is not one."""
        return each(values, partial(self._talk, Origin(dataset=self.name, source=source, seed=seed)), compat)

    def _talk(self, origin: Origin, value: Mapping[str, Any], line: Line, number: int) -> Iterator[Task | Unreadable]:
        del number
        turns: list[Message] = []
        for part in text(value, "input").split(PERSON)[1:]:
            asked, *answers = (piece.strip() for piece in part.split(ANSWER))
            if len(answers) > 1:
                raise Unfit("roles", f"two marks {ANSWER} behind one {PERSON}")
            if answers:
                turns += [Message("user", asked), Message("assistant", answers[0])]
            elif asked:
                yield complaint(line, "no_answer", f"a question without {ANSWER} behind it", text=asked)
        if not turns:
            raise Unfit("no_turns", f"no {PERSON} with {ANSWER} behind it")
        yield origin.conversation(turns, rest(value, "input"))
