"""Tasks as examples: tokens, which of them carry loss, and what was cut off."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.finetune.forms import Form, Segment, conversation, masked, one_turn, place, tagged
from selfinstruct.finetune.template import check_template, end_mark, templated
from selfinstruct.finetune.tokens import Tokens
from selfinstruct.records import Json, Task

_TOGETHER = 512  # tasks handed to the tokenizer at a time


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation as a student reads it."""

    record: str
    """Id of its task and number of its instance, `ID/0`."""
    tokens: "array[int]"
    supervised: bytes
    """A byte for each token: 1 where it is to be learned."""
    cut: bool
    """It was longer than allowed, and lost its end."""

    def __len__(self) -> int:
        """Tokens."""
        return len(self.tokens)

    @property
    def learned(self) -> int:
        """Tokens with loss; the first token of a text is never predicted."""
        return sum(self.supervised[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a set came to."""

    records: int
    examples: int
    truncated: int
    """Examples that lost their end."""
    tokens: int
    supervised_tokens: int
    longest: int
    unlearned: int = 0
    """Answers that the set marks as not to be learned: read where others of the record are learned, else left out."""

    def as_json(self) -> dict[str, Json]:
        """As card and report show it."""
        return {
            "records": self.records,
            "examples": self.examples,
            "truncated": self.truncated,
            "tokens": self.tokens,
            "supervised_tokens": self.supervised_tokens,
            "longest": self.longest,
            **({"unlearned_answers": self.unlearned} if self.unlearned else {}),
        }


@dataclass(frozen=True, slots=True)
class Prepared:
    """A set, ready to be learned."""

    examples: tuple[Example, ...]
    counts: Counts
    fingerprint: str
    """SHA-256 of all tokens and masks, in their order: same data, same form, same tokenizer."""


def prepare(
    tasks: Iterable[Task],
    tokenizer: Any,  # noqa: ANN401 - imported late
    *,
    form: Form,
    max_tokens: int,
    words: int | None = None,
    seed: int = 0,
) -> Prepared:
    """An example for each instance of each task, in their order, none longer than `max_tokens`.

    What is longer loses its end, mark included, so that nobody learns to stop there; that is counted. `words`: tokens
    that the model knows. `seed` draws among the forms of `self_instruct`, for each instance by its own id.

    Raises:
        BadInput: a task without an answer, an example of which no token would be learned or one is unknown (the message
            names the record), no task at all, or a tokenizer that does not fit the form.
    """
    records = unlearned = 0
    made: list[Example] = []
    for batch in _batches(tasks, _TOGETHER):
        records += len(batch)
        unlearned += sum(len(task.unlearned) for task in batch)
        found = list(_examples(batch, tokenizer, form, max_tokens, seed))
        _check_known(found, batch, words)
        made += found
    if not made:
        raise BadInput("no task to learn from", place="stage finetune", fix="see what the stages before it kept")
    counts = Counts(
        records=records,
        examples=len(made),
        truncated=sum(one.cut for one in made),
        tokens=sum(map(len, made)),
        supervised_tokens=sum(one.learned for one in made),
        longest=max(map(len, made)),
        unlearned=unlearned,
    )
    return Prepared(tuple(made), counts, fingerprint(made))


def segments(
    task: Task,
    index: int,
    tokenizer: Any,  # noqa: ANN401 - imported late
    form: Form,
    seed: int = 0,
) -> list[Segment]:
    """One instance of a task in a form."""
    pair = task.instances[index]
    if form == "chat":
        made = templated(tokenizer, conversation(task, pair), place(task))
    elif form == "tags":
        made = tagged(conversation(task, pair), end_mark(tokenizer))
    else:
        draw = Random(f"{seed}/{task.id}/{index}")  # noqa: S311 - not for secrets
        made = one_turn(task, pair, form, end_mark(tokenizer), draw)
    return masked(made, task.unlearned_in(index))


def _examples(
    tasks: Sequence[Task],
    tokenizer: Any,  # noqa: ANN401 - imported late
    form: Form,
    max_tokens: int,
    seed: int,
) -> Iterator[Example]:
    if form == "chat":
        check_template(tokenizer)
    cutter = Tokens(tokenizer)
    opening = cutter.opening if form != "chat" else []  # a template writes its own
    owners: list[tuple[Task, int]] = []
    pieces: list[list[Segment]] = []
    for task in tasks:
        if not task.instances:
            raise BadInput("no answer to learn from", place=place(task), fix="leave it out, or make instances first")
        for index in range(len(task.instances)):
            pieces_of_one = segments(task, index, tokenizer, form, seed)
            if any(piece.supervised for piece in pieces_of_one):  # else all of it is marked as not to be learned
                owners.append((task, index))
                pieces.append(pieces_of_one)
    flat = [piece for one in pieces for piece in one]
    starts = [at == 0 for one in pieces for at in range(len(one))]
    found = iter(cutter.of([piece.text for piece in flat], [not start for start in starts]))
    for (task, index), one in zip(owners, pieces, strict=True):
        tokens, mask = array("i", opening), bytearray(len(opening))
        for piece in one:
            ids = next(found)
            tokens.extend(ids)
            mask += bytes([piece.supervised]) * len(ids)
        example = Example(f"{task.id}/{index}", tokens[:max_tokens], bytes(mask[:max_tokens]), len(tokens) > max_tokens)
        if not example.learned:
            raise _nothing_left(task, len(tokens), max_tokens)
        yield example


def _check_known(examples: Iterable[Example], tasks: Iterable[Task], words: int | None) -> None:
    if words is None:
        return
    owners = {task.id: task for task in tasks}
    for one in examples:
        if max(one.tokens) >= words:
            what = f"its tokenizer writes token {max(one.tokens)}, and the model knows {words}"
            owner = owners[one.record.partition("/")[0]]
            raise BadInput(what, place=place(owner), fix="take the tokenizer that came with the weights")


def fingerprint(examples: Iterable[Example]) -> str:
    """SHA-256 of what is read and what is learned of it, in order."""
    content = hashlib.sha256()
    for one in examples:
        content.update(f"{len(one)} ".encode())
        content.update(one.tokens.tobytes())
        content.update(one.supervised)
    return content.hexdigest()


def _nothing_left(task: Task, length: int, max_tokens: int) -> BadInput:
    what = f"no token of it would be learned: of its {length} tokens only the first {max_tokens} are read"
    return BadInput(what, place=place(task), fix="raise max_tokens, or leave the record out")


def _batches(tasks: Iterable[Task], size: int) -> Iterator[list[Task]]:
    rest = iter(tasks)
    while batch := list(islice(rest, size)):
        yield batch
