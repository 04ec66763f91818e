"""Sets of conversations: ShareGPT in bounded pieces, every path of an Open Assistant tree, Baize's transcripts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from selfinstruct.formats.camels.checked_values import (
    Converted,
    SetOrigin,
    Unusable,
    Values,
    each,
    items,
    mapping,
    rest,
    text,
)
from selfinstruct.formats.camels.checked_values import unreadable as complaint
from selfinstruct.formats.camels.html_to_markdown import as_markdown, is_saved_page
from selfinstruct.formats.fields import Unreadable
from selfinstruct.formats.json_stream import Line
from selfinstruct.records import Json, Message, Task
from selfinstruct.tone.first_tokens import CountTokens

_TOKEN = re.compile(r"[A-Za-z]{1,7}|[0-9]|\n+|[ \t]{2,}|[^\sA-Za-z0-9]")
_TWO_TOKENS = re.compile(r"[\u3400-\u9fff\uac00-\ud7af\U00010000-\U0010ffff]")
_SPEAKERS = {"human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant"}
_DROPPED = ("system", "bing")
PERSON, ANSWER = "[|Human|]", "[|AI|]"


def about_llama_tokens(text: str) -> int:
    """About how many tokens LLaMA's tokenizer cuts, without it: up to seven letters, a digit, a mark are one each.

    It errs upward, for the sake of a limit: 11 % (English) and 12 % (code) above the count of SmolLM2's tokenizer,
    which cuts larger pieces than LLaMA's. Han, Hangul and rare signs count two.

    >>> about_llama_tokens("Name a river in 1998.")
    9
    """
    count = len(_TOKEN.findall(text))
    return count if text.isascii() else count + len(_TWO_TOKENS.findall(text))


@dataclass(frozen=True, slots=True)
class PairRange:
    """Pairs `first` up to, not including, `end` of a conversation; `lost` says why they make no task."""

    first: int
    end: int
    lost: str = ""


def runs(lengths: Sequence[int], limit: int) -> Iterator[PairRange]:
    """Pairs of such lengths in runs of at most `limit`, each as long as it can be; a longer pair is lost alone.

    >>> list(runs([3, 9], 8))
    [PairRange(first=0, end=1, lost=''), PairRange(first=1, end=2, lost='pair_too_long')]
    >>> [(run.first, run.end) for run in runs([3, 4, 9, 2], 8)]
    [(0, 2), (2, 3), (3, 4)]
    """
    first = total = 0
    for index, length in enumerate(lengths):
        if total + length > limit:
            if first < index:
                yield PairRange(first, index)
            first, total = index, 0
        if length > limit:
            yield PairRange(index, index + 1, "pair_too_long")
            first = index + 1
        else:
            total += length
    if first < len(lengths):
        yield PairRange(first, len(lengths))


def released_runs(lengths: Sequence[int], limit: int) -> Iterator[PairRange]:
    """The same as the paper's released splitter makes them, with its two quirks.

    A last pair that does not fit is lost, and so a run that would be empty is begun anew: a pair which is too long
    still counts when the next one is looked at.

    >>> list(released_runs([3, 4, 2], 8))
    [PairRange(first=0, end=2, lost=''), PairRange(first=2, end=3, lost='last_pair_lost')]
    """
    first = total = 0
    last = len(lengths) - 1
    for index, length in enumerate(lengths):
        if total + length > limit:
            yield PairRange(first, index, "" if first < index else "empty_chunk")
            first, total = index, 0
            if length > limit:
                yield PairRange(index, index + 1, "pair_too_long")
                first = index + 1
            elif index == last:
                yield PairRange(index, index + 1, "last_pair_lost")
        elif index == last:
            yield PairRange(first, index + 1)
        total += length


@dataclass(frozen=True, kw_only=True)
class ShareGPT:
    """Hand in the student's own tokenizer by `dataclasses.replace(SHAREGPT, count_tokens=...)`."""

    name: str = "sharegpt"
    about: str = (
        "sg_90k_part1_html_cleaned.json and part 2; human and gpt in turn, conversations with system or bing left out, "
        "runs of whole pairs of at most 2,048 tokens"
    )
    limit: int = 2048
    """Tokens of one run."""
    per_message: int = 6
    """Tokens that each message costs beyond its text."""
    count_tokens: CountTokens = about_llama_tokens

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task a run; `compat="camels"` cuts as the released splitter does.

        What is no task has its reason: `speaker`, `roles`, `no_answer` (a last question), `pair_too_long`, and with
        `compat` `last_pair_lost` and `empty_chunk`. Answers that are still HTML become Markdown first.
        """
        origin = SetOrigin(dataset=self.name, source=source, seed=seed)
        return each(values, partial(self._talk, origin, released_runs if compat else runs), compat)

    def _talk(
        self,
        origin: SetOrigin,
        cut: Callable[[Sequence[int], int], Iterator[PairRange]],
        value: Mapping[str, Any],
        line: Line,
        number: int,
    ) -> Iterator[Task | Unreadable]:
        del number
        turns = _turns(value)
        if len(turns) % 2:
            asked = turns.pop().content
            yield complaint(line, "no_answer", "the last question has no answer", text=asked)
        about = rest(value, "conversations")
        for run in cut(
            [self._length(turns[at]) + self._length(turns[at + 1]) for at in range(0, len(turns), 2)], self.limit
        ):
            said = turns[2 * run.first : 2 * run.end]
            if run.lost:
                within = f"turn {2 * run.first + 1}"
                shown = said[0].content if said else ""
                yield complaint(line, run.lost, _PROBLEMS[run.lost].format(self.limit), within=within, text=shown)
                continue
            try:
                yield origin.conversation(said, _named(about, 2 * run.first))
            except Unusable as fault:
                yield complaint(line, fault.reason, fault.problem, within=f"turn {2 * run.first + 1}")

    def _length(self, turn: Message) -> int:
        return self.count_tokens(turn.content) + self.per_message


_PROBLEMS = {
    "pair_too_long": "a question and its answer of more than {:,} tokens",
    "last_pair_lost": "the last pair did not fit into {:,} tokens with those before it; the released splitter loses it",
    "empty_chunk": "nothing before a pair that fits into {:,} tokens no more; the released splitter makes an empty run",
}


def _turns(value: Mapping[str, Any]) -> list[Message]:
    """The turns of a conversation in which a person and a model take turns."""
    turns: list[Message] = []
    for raw in items(value, "conversations"):
        turn = mapping(raw, "a turn")
        speaker, said = text(turn, "from"), text(turn, "value")
        if speaker in _DROPPED or speaker not in _SPEAKERS:
            raise Unusable("speaker", f"a turn of '{speaker[:40]}'")
        if _SPEAKERS[speaker] != ("assistant" if len(turns) % 2 else "user"):
            raise Unusable("roles", f"'{speaker}' speaks out of turn")
        if len(turns) % 2:
            turns.append(Message("assistant", as_markdown(said) if is_saved_page(said) else said))
        else:
            turns.append(Message("user", said))
    if not turns:
        raise Unusable("no_turns", "a conversation without turns")
    return turns


def _named(fields: dict[str, Json], first: int) -> dict[str, Json]:
    """A run's own id: that of the conversation, and where in it the run begins."""
    return {**fields, "id": f"{fields['id']}_{first}"} if isinstance(fields.get("id"), str) else fields


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
        return each(values, partial(self._tree, SetOrigin(dataset=self.name, source=source, seed=seed)), compat)

    def _tree(
        self, origin: SetOrigin, value: Mapping[str, Any], line: Line, number: int
    ) -> Iterator[Task | Unreadable]:
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
            except Unusable as fault:
                within = f"reply {len(step.before) + 1} of a path" if step.before else ""
                yield complaint(line, fault.reason, fault.problem, within=within, text=step.message)


def _turn(message: Mapping[str, Any], before: tuple[Message, ...]) -> Message:
    said, role = text(message, "text"), text(message, "role")
    due = "assistant" if len(before) % 2 else "prompter"
    if role != due:
        raise Unusable("roles", f"'{role[:40]}' speaks where it is the turn of '{due}'")
    return Message("assistant" if role == "assistant" else "user", said)


def _about(message: Mapping[str, Any], *, deleted: bool) -> dict[str, Json]:
    known: dict[str, Json] = {key: message[key] for key in ("lang",) if key in message}
    if isinstance(message.get("message_id"), str):
        known["id"] = message["message_id"]
    return {**known, "deleted": True} if deleted else known


@dataclass(frozen=True, kw_only=True)
class Baize:
    """What stands before the first mark is the prompt that set the model talking, and no part of the conversation."""

    name: str = "baize"
    about: str = "alpaca, medical, quora and stackoverflow _chat_data.json; split on [|Human|] and [|AI|]"

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """One task a transcript; a question without an answer is unreadable, the empty mark at the end is not one."""
        return each(values, partial(self._talk, SetOrigin(dataset=self.name, source=source, seed=seed)), compat)

    def _talk(
        self, origin: SetOrigin, value: Mapping[str, Any], line: Line, number: int
    ) -> Iterator[Task | Unreadable]:
        del number
        turns: list[Message] = []
        for part in text(value, "input").split(PERSON)[1:]:
            asked, *answers = (piece.strip() for piece in part.split(ANSWER))
            if len(answers) > 1:
                raise Unusable("roles", f"two marks {ANSWER} behind one {PERSON}")
            if answers:
                turns += [Message("user", asked), Message("assistant", answers[0])]
            elif asked:
                yield complaint(line, "no_answer", f"a question without {ANSWER} behind it", text=asked)
        if not turns:
            raise Unusable("no_turns", f"no {PERSON} with {ANSWER} behind it")
        yield origin.conversation(turns, rest(value, "input"))
