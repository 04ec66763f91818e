"""Easy facts as choices between a right answer and wrong ones, each put in two ways, and how a model ranks them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from selfinstruct.audit.model_pair import ModelSide, batches
from selfinstruct.errors import BadInput
from selfinstruct.records import Task

Tokens: TypeAlias = tuple[int, ...]

WRONG, AGAIN, RELATION = "wrong", "again", "relation"
"""Names of a fact's fields beside its prompt and completion."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement to be ended, in two phrasings."""

    record: str
    relation: str
    phrasings: tuple[str, str]
    answers: tuple[str, ...]
    """The right one first."""


def facts_of(records: Iterable[Task]) -> tuple[list[Fact], list[Task]]:
    """The records that are facts, and the others.

    Raises:
        BadInput: a record says `wrong` and lacks the rest, or its right answer stands among the wrong ones.
    """
    facts, rest = list[Fact](), list[Task]()
    for task in records:
        if WRONG in task.extra:
            facts.append(_fact(task))
        else:
            rest.append(task)
    return facts, rest


def right_of(side: ModelSide, tokenizer: Any, facts: Sequence[Fact]) -> list[tuple[bool, bool]]:  # noqa: ANN401
    """Whether the right answer is the likeliest, by phrasing: log-probability for each byte, as answers vary in length.

    Of equally likely ones the right one does not win.
    """
    begun = {phrasing: opening(tokenizer, phrasing) for fact in facts for phrasing in fact.phrasings}
    ends = {answer: tokens_of(tokenizer, f" {answer}") for fact in facts for answer in fact.answers}
    asked = [(begun[text], ends[answer]) for fact in facts for text in fact.phrasings for answer in fact.answers]
    scores = iter(log_probabilities(side, asked))
    right = list[tuple[bool, bool]]()
    for fact in facts:
        best = [_best([next(scores) / len(f" {answer}".encode()) for answer in fact.answers]) for _ in fact.phrasings]
        right.append((best[0], best[1]))
    return right


def log_probabilities(side: ModelSide, cut: Sequence[tuple[Tokens, Tokens]]) -> list[float]:
    """Of each continuation after its beginning, in nats; what another row begins with costs nothing of its own."""
    rows = sorted({(*before, *after[:-1]) for before, after in cut})
    # sorted, a row that begins another stands right before some row that it begins
    kept = [row for at, row in enumerate(rows) if at + 1 == len(rows) or rows[at + 1][: len(row)] != row]
    wanted: dict[int, list[int]] = {}
    for place, (before, after) in enumerate(cut):
        wanted.setdefault(bisect_left(kept, (*before, *after[:-1])), []).append(place)
    words = int(side.model.config.get_text_config().vocab_size)
    totals = [0.0] * len(cut)
    for batch in batches({at: len(row) for at, row in enumerate(kept)}, words):
        for line, at in zip(side.logits([kept[at] for at in batch]), batch, strict=True):
            for place in wanted[at]:
                before, after = cut[place]
                predicted = line[len(before) - 1 : len(before) + len(after) - 1].float().log_softmax(-1)
                totals[place] = float(predicted[range(len(after)), list(after)].double().sum())
    return totals


def losses(side: ModelSide, cut: Sequence[tuple[Tokens, Tokens]]) -> list[tuple[float, int]]:
    """Of each continuation the sum of its negative log-probability in nats, and its tokens."""
    return [
        (-log_probability, len(after))
        for log_probability, (_, after) in zip(log_probabilities(side, cut), cut, strict=True)
    ]


def _fact(task: Task) -> Fact:
    wrong, again = task.extra[WRONG], task.extra.get(AGAIN)
    right = task.instances[0].output.strip() if task.instances else ""
    place = f"fact '{task.instruction[:60]}'"
    fix = "each line has prompt, completion, again and wrong (seeds/README.md)"
    if (
        not isinstance(wrong, list)
        or not wrong
        or not all(isinstance(answer, str) and answer.strip() for answer in wrong)
    ):
        raise BadInput(f"'{WRONG}' is no list of texts", place=place, fix=fix)
    if not right or not isinstance(again, str) or not again.strip():
        missing = "no completion" if not right else f"no second phrasing ('{AGAIN}')"
        raise BadInput(missing, place=place, fix=fix)
    answers = (right, *(str(answer).strip() for answer in wrong))
    if len(set(answers)) < len(answers):
        raise BadInput("an answer stands there twice", place=place, fix=fix)
    relation = task.extra.get(RELATION)
    return Fact(
        task.id, relation if isinstance(relation, str) else "", (task.instruction.strip(), again.strip()), answers
    )


def _best(scores: Sequence[float]) -> bool:
    return scores[0] > max(scores[1:])


def opening(tokenizer: Any, text: str) -> Tokens:  # noqa: ANN401 - imported late
    """Tokens before a continuation, at least one: a mark of the beginning where the text is empty."""
    tokens = tuple(tokenizer(text)["input_ids"]) if text else ()
    mark = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    if tokens or mark is not None:
        return tokens or (mark,)
    what = "the tokenizer has no mark for the beginning or the end of a text"
    raise BadInput(what, place="stage knowledge", fix="name another model")


def tokens_of(tokenizer: Any, text: str) -> Tokens:  # noqa: ANN401 - imported late
    """Tokens of what stands after something."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def by_relation(facts: Sequence[Fact], right: Sequence[tuple[bool, bool]]) -> Mapping[str, tuple[int, int]]:
    """Of each relation how many statements were ended rightly, and of how many."""
    counts: dict[str, tuple[int, int]] = {}
    for fact, both in zip(facts, right, strict=True):
        yes, asked = counts.get(fact.relation, (0, 0))
        counts[fact.relation] = (yes + sum(both), asked + len(both))
    return counts
