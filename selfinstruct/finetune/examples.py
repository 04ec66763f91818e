"""Tasks as examples: tokens, which of them carry loss, what was cut off, and a look at them before training.

Each piece of text becomes tokens by itself, so that a prompt has the tokens that a student is asked with.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, islice
from random import Random
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.finetune.training_text import (
    Segment,
    Template,
    Unfit,
    check_template,
    conversation,
    end_mark,
    masked,
    one_turn,
    tagged,
    templated,
)
from selfinstruct.records import Json, Task
from selfinstruct.task_names import named
from selfinstruct.text import shown
from selfinstruct.text.grammar import plural

_ANCHOR = "\n"
_SPACE = "\u2581"  # how SentencePiece writes a space


class TrainingTokenizer:
    """A tokenizer, as a training needs it."""

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401 - imported late
        self._tokenizer = tokenizer
        self._anchor: list[int] = self._plain([_ANCHOR])[0] if self._puts_a_space_in_front() else []
        self.opening: list[int] = self._opening()
        """Tokens that it puts before every text it is given."""

    def of(self, texts: Sequence[str], continues: Sequence[bool]) -> list[list[int]]:
        """Tokens of each text; one that continues another gets no space in front that is not there."""
        if not self._anchor:
            return self._plain(texts)
        anchored = [_ANCHOR + text if more else text for text, more in zip(texts, continues, strict=True)]
        tokens = self._plain(anchored)
        size = len(self._anchor)
        return [
            ids[size:] if more and ids[:size] == self._anchor else self._plain([text])[0] if more else ids
            for ids, text, more in zip(tokens, texts, continues, strict=True)
        ]

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        made = self._tokenizer(list(texts), add_special_tokens=False, return_attention_mask=False)
        return [list(ids) for ids in made["input_ids"]]

    def _puts_a_space_in_front(self) -> bool:
        first = self._tokenizer.convert_ids_to_tokens(self._plain(["x"])[0][:1])
        return bool(first) and str(first[0]).startswith(_SPACE)

    def _opening(self) -> list[int]:
        bare = self._plain(["x"])[0]
        whole = [int(token) for token in self._tokenizer("x")["input_ids"]]
        for at in range(len(whole) - len(bare) + 1):
            if whole[at : at + len(bare)] == bare:
                return whole[:at]
        return []


TooLong: TypeAlias = Literal["reject", "truncate", "stop"]
"""What becomes of a record with more tokens than are read: it is left out; it loses its end; all ends there."""
Refused: TypeAlias = Literal["reject", "stop"]
"""What becomes of a record that cannot be learned, whatever is cut off."""

_LONGER = "raise max_tokens, write too_long: truncate, or leave the record out"
_TOGETHER = 512  # tasks handed to the tokenizer at a time


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """One conversation as a student reads it."""

    record: str
    """Id of its task and number of its instance, `ID/0`."""
    tokens: "array[int]"
    supervised: bytes
    """A byte for each token: 1 where it is to be learned."""
    cut: bool
    """It was longer than allowed, and lost its end."""

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    @property
    def learned(self) -> int:
        """Tokens with loss; the first token of a text is never predicted."""
        return sum(self.supervised[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleCounts:
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

    examples: tuple[TrainingExample, ...]
    counts: ExampleCounts
    fingerprint: str
    """SHA-256 of all tokens and masks, in their order: same data, same template, same tokenizer."""
    unfit: Mapping[int, Unfit] = field(default_factory=lambda: MappingProxyType({}))
    """Records that are not learned, by their place among the tasks."""


def prepare(
    tasks: Iterable[Task],
    tokenizer: Any,  # noqa: ANN401 - imported late
    *,
    template: Template,
    max_tokens: int,
    words: int | None = None,
    seed: int = 0,
    too_long: TooLong = "truncate",
    refused: Refused = "stop",
) -> Prepared:
    """An example for each instance of each task, in their order, none longer than `max_tokens`.

    What is longer loses its end, mark included, so that nobody learns to stop there; that is counted. With `reject` its
    task is not learned, with all its instances. `words`: tokens that the model knows. `seed` draws among the templates
    of `self_instruct`, for each instance by its own id.

    Raises:
        Unfit: a task without an answer, one that the template refuses or of which no token would be learned; the first
            of them, where all are.
        BadInput: a token is unknown (the message names the record), no task at all, or a tokenizer that does not fit
            the template.
    """
    records = unlearned = 0
    made: list[TrainingExample] = []
    unfit: dict[int, Unfit] = {}
    for batch in _batches(tasks, _TOGETHER):
        before = len(made)
        for at, learned in enumerate(_examples(batch, tokenizer, template, max_tokens, seed, too_long), records):
            if isinstance(learned, list):
                made += learned
            elif refused == "stop" or (learned.reason == "too_long" and too_long == "stop"):
                raise learned
            else:
                unfit[at] = learned
        records += len(batch)
        unlearned += sum(len(task.unlearned) for task in batch)
        _check_known(made[before:], batch, words)
    if not made and unfit:
        first = next(iter(unfit.values()))
        what = f"{first.what}; so it is with all {len(unfit)} records" if len(unfit) > 1 else first.what
        raise Unfit(first.reason, what, place=first.place, fix=first.fix)
    if not made:
        raise BadInput("no task to learn from", place="stage finetune", fix="see what the stages before it kept")
    counts = ExampleCounts(
        records=records - len(unfit),
        examples=len(made),
        truncated=sum(example.cut for example in made),
        tokens=sum(map(len, made)),
        supervised_tokens=sum(example.learned for example in made),
        longest=max(map(len, made)),
        unlearned=unlearned,
    )
    return Prepared(tuple(made), counts, fingerprint(made), MappingProxyType(unfit))


def segments(
    task: Task,
    index: int,
    tokenizer: Any,  # noqa: ANN401 - imported late
    template: Template,
    seed: int = 0,
) -> list[Segment]:
    """One instance of a task in a template."""
    pair = task.instances[index]
    if template == "chat":
        made = templated(tokenizer, conversation(task, pair), named(task))
    elif template == "tags":
        made = tagged(conversation(task, pair), end_mark(tokenizer))
    else:
        draw = Random(f"{seed}/{task.id}/{index}")  # noqa: S311 - not for secrets
        made = one_turn(task, pair, template, end_mark(tokenizer), draw)
    return masked(made, task.unlearned_in(index))


def _examples(
    tasks: Sequence[Task],
    tokenizer: Any,  # noqa: ANN401 - imported late
    template: Template,
    max_tokens: int,
    seed: int,
    too_long: TooLong,
) -> Iterator[list[TrainingExample] | Unfit]:
    """Of each task its examples, or what is wrong with it."""
    if template == "chat":
        check_template(tokenizer)
    cutter = TrainingTokenizer(tokenizer)
    opening = cutter.opening if template != "chat" else []  # a template writes its own
    written = [_written(task, tokenizer, template, seed) for task in tasks]
    pieces = [
        parts
        for pieces_of_each in written
        if not isinstance(pieces_of_each, Unfit)
        for parts in pieces_of_each.values()
    ]
    flat = [piece for parts in pieces for piece in parts]
    starts = [at == 0 for parts in pieces for at in range(len(parts))]
    tokens = iter(cutter.of([piece.text for piece in flat], [not start for start in starts]))
    for task, pieces_of_each in zip(tasks, written, strict=True):
        if isinstance(pieces_of_each, Unfit):
            yield pieces_of_each
            continue
        whole = [_example(f"{task.id}/{index}", parts, tokens, opening) for index, parts in pieces_of_each.items()]
        yield _cut(task, whole, max_tokens, too_long)


def _written(task: Task, tokenizer: Any, template: Template, seed: int) -> dict[int, list[Segment]] | Unfit:  # noqa: ANN401
    """The pieces of each instance, by its number; of none that is marked whole as not to be learned."""
    if not task.instances:
        fix = "leave it out, or make instances first"
        return Unfit("no_answer", "no answer to learn from", place=named(task), fix=fix)
    try:
        pieces = {index: segments(task, index, tokenizer, template, seed) for index in range(len(task.instances))}
    except Unfit as refusal:
        return refusal
    return {index: parts for index, parts in pieces.items() if any(piece.supervised for piece in parts)}


def _example(
    name: str, pieces: Sequence[Segment], tokenized: Iterator[Sequence[int]], opening: Sequence[int]
) -> TrainingExample:
    """The next pieces' tokens as one."""
    tokens, mask = array("i", opening), bytearray(len(opening))
    for piece in pieces:
        ids = next(tokenized)
        tokens.extend(ids)
        mask += bytes([piece.supervised]) * len(ids)
    return TrainingExample(name, tokens, bytes(mask), cut=False)


def _cut(
    task: Task, examples: Sequence[TrainingExample], most: int, too_long: TooLong
) -> list[TrainingExample] | Unfit:
    made: list[TrainingExample] = []
    for whole in examples:
        example, length = whole, len(whole)
        if length > most:
            if too_long != "truncate":
                what = f"{length} tokens, and {most} are read"
                return Unfit("too_long", what, place=named(task), fix=_LONGER)
            example = replace(whole, tokens=whole.tokens[:most], supervised=whole.supervised[:most], cut=True)
        if not example.learned:
            what = f"no token of it would be learned: of its {length} tokens only the first {most} are read"
            return Unfit("too_long", what, place=named(task), fix="raise max_tokens, or leave the record out")
        made.append(example)
    return made


def _check_known(examples: Iterable[TrainingExample], tasks: Iterable[Task], words: int | None) -> None:
    if words is None:
        return
    owners = {task.id: task for task in tasks}
    for example in examples:
        if max(example.tokens) >= words:
            what = f"its tokenizer writes token {max(example.tokens)}, and the model knows {words}"
            owner = owners[example.record.partition("/")[0]]
            raise BadInput(what, place=named(owner), fix="take the tokenizer that came with the weights")


def fingerprint(examples: Iterable[TrainingExample]) -> str:
    """SHA-256 of what is read and what is learned of it, in order."""
    content = hashlib.sha256()
    for example in examples:
        content.update(f"{len(example)} ".encode())
        content.update(example.tokens.tobytes())
        content.update(example.supervised)
    return content.hexdigest()


def _batches(tasks: Iterable[Task], size: int) -> Iterator[list[Task]]:
    rest = iter(tasks)
    while batch := list(islice(rest, size)):
        yield batch


COUNT = 3
_NAMED = 3  # unfit records
_WIDTH = 600  # characters of a piece
_MARKS = {True: "+", False: " "}


def preview(prepared: Prepared, tokenizer: Any, count: int = COUNT) -> str:  # noqa: ANN401 - imported late
    """The first examples as text, a line for each piece, with a plus in front of what is learned; then what is not."""
    parts = [_shown_example(example, tokenizer) for example in prepared.examples[:count]]
    lines = list(unfit_lines(prepared))
    unfit = ["\n".join(lines)] if lines else []
    head = "Lines with a + are learned, the others only read; \u23ce is a line break."
    return "\n\n".join([head, *parts, *unfit])


def unfit_lines(prepared: Prepared) -> Iterator[str]:
    """How many answers and records are not learned and why, then the first of these by name; nothing where all are."""
    if marked := prepared.counts.unlearned:
        yield f"not learned, as the set marks them: {marked:,} answer{'s' * (marked > 1)}"
    if not prepared.unfit:
        return
    reasons = Counter(refusal.reason for refusal in prepared.unfit.values())
    listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    count = len(prepared.unfit)
    yield f"not learned: {count:,} of {count + prepared.counts.records:,} records ({listed}; see rejected.jsonl)"
    for refusal in islice(prepared.unfit.values(), _NAMED):
        yield f"  {refusal}"
    if count > _NAMED:
        yield f"  and {count - _NAMED:,} more"


def _shown_example(example: TrainingExample, tokenizer: Any) -> str:  # noqa: ANN401 - imported late
    end = ", cut off at its end" if example.cut else ""
    lines = [f"record {example.record[:16]}: {plural(len(example), 'token')}, {example.learned} of them learned{end}"]
    pairs = zip(example.tokens, example.supervised, strict=True)
    for learned, run in groupby(pairs, key=lambda pair: bool(pair[1])):
        text = tokenizer.decode([token for token, _ in run], skip_special_tokens=False)
        lines.append(f"  {_MARKS[learned]} {shown(text.replace(chr(10), chr(0x23CE)), _WIDTH)}")
    return "\n".join(lines)


def shuffled_answers(tasks: Sequence[Task], seed: int) -> list[Task]:
    """The tasks with the outputs of their first instances passed round among them; none keeps its own place's.

    Inputs, further instances and later turns stay. A task without an instance keeps what it has.

    Raises:
        BadInput: one task alone has an instance.

    >>> from selfinstruct.records import Instance, Provenance
    >>> made = [Task(instruction=t, instances=(Instance("", t[0]),), provenance=Provenance(stage="a")) for t in "abc"]
    >>> [task.instances[0].output == task.instruction for task in shuffled_answers(made, 1)]
    [False, False, False]
    """
    places = [at for at, task in enumerate(tasks) if task.instances]
    if len(places) == 1:
        what = "one record alone cannot learn the answer of another"
        raise BadInput(what, place="stage finetune: shuffled", fix="give more records, or leave shuffled out")
    order = list(places)
    Random(seed).shuffle(order)  # noqa: S311 - not for secrets
    given = dict(zip(order, [*order[1:], *order[:1]], strict=True))  # a ring, so that nobody is his own neighbour
    changed = list(tasks)
    for at in places:
        first, *others = tasks[at].instances
        output = tasks[given[at]].instances[0].output
        changed[at] = replace(tasks[at], instances=(replace(first, output=output), *others))
    return changed
