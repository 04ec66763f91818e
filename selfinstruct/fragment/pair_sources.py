"""What fragments are made from: a task's instruction and first answer, its split, and the nearest other instruction."""

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from selfinstruct.fragment.cuts import can_be_cut
from selfinstruct.fragment.stock_phrases import language_of
from selfinstruct.prompt_templates import joined
from selfinstruct.records import Instance, Task, digest
from selfinstruct.task_names import set_of
from selfinstruct.text import words

_CODE = re.compile(r"[a-z]{2}(?![a-z])", re.IGNORECASE)
_LETTERS_PER_WORD = 64  # no text with more characters for each word it may have is read at all
Split: TypeAlias = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_NEAREST = 3  # instructions that are called near
_RARE = 6  # words by which an instruction is looked up
_LONGEST = 64  # instructions looked at for each of them
_COMPARED = 48  # of all of these, those that share most are compared word by word


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One record: I and R; of a conversation the first turn and its answer (arXiv 2307.03692, section 3)."""

    id: str
    text: str
    """I: the instruction, and after a blank line the input where there is one."""
    instruction: str
    answer: str
    """R: the response."""
    with_input: bool
    set: str
    language: str
    key: str
    """The instruction's words: records that share them stay in one split, and are no neighbours of each other."""
    can_be_cut: bool
    carries_on: str = ""
    """What a record says might follow its instruction without answering it (extra field `carries_on`)."""
    cut: str = ""
    """The beginning of `text` that this follows (extra field `cut`); empty: the whole of it."""


def unusable(task: Task, words_at_most: int) -> str:
    """Why no fragment can be made of a task; empty where one can.

    >>> from selfinstruct.records import Provenance
    >>> unusable(Task(instruction="Name a river.", provenance=Provenance(stage="input")), 1000)
    'no_answer'
    """
    instance = _answered(task)
    if instance is None:
        return "no_answer"
    text = joined(task.instruction, instance.input)
    if len(text) > words_at_most * _LETTERS_PER_WORD:
        return "too_long"
    many = len(words(text))
    if not many or not words(instance.output):
        return "no_words"
    return "too_long" if many > words_at_most else ""


def source_of(task: Task, least: int) -> Source:
    """I and R of a task that is not `unusable`; R is that of the first instance that has one."""
    instance = _answered(task)
    assert instance is not None
    text = joined(task.instruction, instance.input)
    answer = instance.output.strip()
    return Source(
        id=task.id,
        text=text,
        instruction=task.instruction.strip() or text,
        answer=answer,
        with_input=bool(instance.input.strip()),
        set=set_of(task),
        language=_said_language(task) or language_of(f"{text[:300]}\n{answer}"),
        key=key_of(task),
        can_be_cut=can_be_cut(text, least),
        carries_on=_carries_on(task),
        cut=_cut_of(task, text),
    )


def in_known_languages(sources: Sequence[Source]) -> list[Source]:
    """Where a text is too short to tell, its language is the commonest of its set."""
    counts: dict[str, Counter[str]] = {}
    for source in sources:
        counts.setdefault(source.set, Counter())[source.language] += bool(source.language)
    commonest = {name: max(own, key=lambda code: (own[code], code)) for name, own in counts.items()}
    return [source if source.language else replace(source, language=commonest[source.set]) for source in sources]


def key_of(task: Task) -> str:
    """The words of the instruction alone."""
    return " ".join(words(task.instruction)) or " ".join(words(joined(task.instruction, first_input(task))))


def first_input(task: Task) -> str:
    """The input of the first instance that has an answer, or of the first, or nothing."""
    instance = _answered(task) or next(iter(task.instances), None)
    return instance.input if instance else ""


def _answered(task: Task) -> Instance | None:
    return next((pair for pair in task.instances if pair.output.strip()), None)


def _carries_on(task: Task) -> str:
    said = task.extra.get("carries_on")
    return said.strip() if isinstance(said, str) and words(said) else ""


def _cut_of(task: Task, text: str) -> str:
    said = task.extra.get("cut")
    return said if isinstance(said, str) and words(said) and text.startswith(said) and said != text else ""


def _said_language(task: Task) -> str:
    """What the record says of itself: `da`, or `da` of `da-DK`."""
    said = task.extra.get("language")
    code = _CODE.match(said) if isinstance(said, str) else None
    return code[0].lower() if code else ""


@dataclass(frozen=True, slots=True, order=True)
class DrawnPlace:
    """A record's place in the draw: records with the same instruction stand together."""

    key: str
    id: str
    place: int


@dataclass(frozen=True, slots=True)
class SplitAssignment:
    """What became of every record of a set: its split, or why it has none."""

    placements: Sequence[Split | str]
    """By place: a split, or `no_answer`, `no_words`, `too_long`, `not_drawn`."""

    def of(self, split: Split) -> list[int]:
        """Places of the split's records, in the order of the set."""
        return [place for place, placement in enumerate(self.placements) if placement == split]


def assigned_splits(
    records: Iterable[Task], *, seed: int, at_most: int, words_at_most: int, validation: float, test: float
) -> SplitAssignment:
    """A split for each usable record, of at most `at_most` drawn by lot; the lots depend on seed and record alone.

    The shares are of records, and are met as nearly as keeping equal instructions together allows.
    """
    placements: list[Split | str] = []

    def lots() -> Iterator[DrawnPlace]:
        for place, task in enumerate(records):
            reason = unusable(task, words_at_most)
            placements.append(reason or "not_drawn")
            if not reason:
                yield DrawnPlace(digest("fragment", seed, key_of(task)), task.id, place)

    chosen = heapq.nsmallest(at_most, lots())
    for lot, split in zip(chosen, _splits(chosen, validation, test), strict=True):
        placements[lot.place] = split
    return SplitAssignment(placements)


def _splits(lots: Sequence[DrawnPlace], validation: float, test: float) -> list[Split]:
    """Test first, then validation, then train; a border moves to the nearer end of the group it would part."""
    ends = [0, *(at for at in range(1, len(lots)) if lots[at].key != lots[at - 1].key), len(lots)]
    first = _border(ends, len(lots) * test, full=test > 0)
    second = max(
        first, _border([end for end in ends if end >= first], first + len(lots) * validation, full=validation > 0)
    )
    return ["test" if at < first else "validation" if at < second else "train" for at in range(len(lots))]


def _border(ends: Sequence[int], wanted: float, *, full: bool) -> int:
    """The end nearest to what is wanted; not the first where something shall lie before it, if that leaves the rest."""
    able = [end for end in ends[1:-1] if end] if full and len(ends) > 2 else ends[:1]
    return min(able, key=lambda end: (abs(end - wanted), end))


class NeighbourIndex:
    """An index over the instructions of a split."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """Time and memory grow in proportion to the number of words."""
        self._keys = [source.key for source in sources]
        words = [tuple(dict.fromkeys(key.split())) for key in self._keys]
        counts = Counter(word for own in words for word in own)
        self._words = [frozenset(own) for own in words]
        self._rarest = [
            sorted((word for word in own if counts[word] > 1), key=lambda word: (counts[word], word))[:_RARE]
            for own in words
        ]
        self._postings: dict[str, list[int]] = {}
        for place, rarest in enumerate(self._rarest):
            for word in rarest:
                self._postings.setdefault(word, []).append(place)
        self._found: dict[int, list[int]] = {}

    def nearest(self, place: int) -> list[int]:
        """Places of the few that share most words with this one (Jaccard), best first; none with the very same words.

        A word shared by very many is looked up in an evenly spread sample of them.
        """
        if place not in self._found:
            self._found[place] = self._nearest(place)
        return self._found[place]

    def _nearest(self, place: int) -> list[int]:
        votes: Counter[int] = Counter()
        for word in self._rarest[place]:
            votes.update(_spread(self._postings[word], place))
        able = [other for other in votes if self._keys[other] != self._keys[place]]
        able = sorted(able, key=lambda other: (-votes[other], other))[:_COMPARED]
        able.sort(key=lambda other: (-self._overlap(place, other), other))
        by_key: dict[str, int] = {}
        for other in able:
            by_key.setdefault(self._keys[other], other)
        return list(by_key.values())[:_NEAREST]

    def _overlap(self, place: int, other: int) -> float:
        shared = len(self._words[place] & self._words[other])
        return shared / (len(self._words[place]) + len(self._words[other]) - shared)


def _spread(places: list[int], around: int) -> list[int]:
    """All of them, or a sample that begins elsewhere for each who asks."""
    if len(places) <= _LONGEST:
        return places
    step = len(places) // _LONGEST
    return places[around % step :: step][:_LONGEST]
