"""What seeds of one trade are about, and the stage that keeps a set on that topic and measures its drift.

A model shown seeds of one trade drifts to whatever it was tuned on, and its drift becomes a demonstration of the next
round. So the topic is named in each request, and told from words, which need no model: in every language for a topic
that is given, by comparison with everyday English words for one that is found.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import islice, takewhile
from random import Random
from typing import ClassVar, Literal

from selfinstruct.errors import BadInput
from selfinstruct.needs import OF_TOPIC, Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import words
from selfinstruct.text.verb_rule import singular

AUTO, NONE = "auto", "none"
_SEEDS_AT_LEAST = 8
_COHESION = 0.25
"""From so many pairs of seeds with a telling word in common, seeds are of one topic: at random drawn of our 180 general
ones, twelve come above 0.18 in one case of twenty; twelve of a trade come to 0.4 and more."""
_TIMES = 6.0
"""So much more frequent than in general seeds is a telling word."""
_GENERAL_SEEDS = 180  # that `everyday_words.txt` counts
_EVERYDAY = 2  # of them that use a word, and it is no word of a trade by itself
_PLAIN = 9  # of them that use a word, and it is none that names a topic
_TELLING, _NAMED, _SHOWN = 12, 3, 5  # words that may name a topic that was found, those in a request, those people see
_CORE = 40
_TWICE = 2  # answers that share a word by chance; in two instructions it is none
_PART = 4  # letters of a word that may be part of another: `hive`, `beehive`


@dataclass(frozen=True, slots=True)
class Topic:
    """What seeds and new tasks are about."""

    name: str
    """As a person gave it, or its most telling words."""
    core: frozenset[str]
    """Words of which one is enough, singular."""
    more: frozenset[str] = frozenset()
    """Words of which it takes two."""
    telling: tuple[str, ...] = ()
    """Words that name it where the recipe does not, as they are written."""

    def asked_for(self, rng: Random) -> str:
        """What a request calls it: always the same would be asking for the same.

        >>> Topic("bees", frozenset({"bee"})).asked_for(Random(1))
        'bees'
        >>> Topic("", frozenset(), telling=("hives", "bees", "wax", "honey", "queens")).asked_for(Random(1))
        'bees, hives and queens'
        """
        return listed(rng.sample(self.telling, min(_NAMED, len(self.telling)))) if self.telling else self.name

    def found_in(self, text: str) -> tuple[str, ...]:
        """The words that put a text on the topic, in order; empty where it is off it.

        >>> bees = Topic("bees", frozenset({"bee", "hive"}), frozenset({"smoke", "veil"}))
        >>> bees.found_in("Why do beehives hum?"), bees.found_in("Smoke and a veil."), bees.found_in("Smoke a fish.")
        (('beehive',), ('smoke', 'veil'), ())
        """
        there = dict.fromkeys(_content(text))
        core = tuple(word for word in there if word in self.core or self._akin(word))
        more = tuple(word for word in there if word in self.more)
        return core or (more if len(more) > 1 else ())

    def _akin(self, word: str) -> bool:
        """Whether a word begins or ends with one of the topic's, or a seed's word is such a part itself: `beehive`."""
        longer = len(word) > _PART and any(
            len(part) >= _PART and (word.startswith(part) or word.endswith(part)) for part in self.core
        )
        return longer or (word in self.more and any(whole.startswith(word) for whole in self.core))


def topic_of(seeds: Sequence[Task], given: str) -> Topic | None:
    """The topic of seeds: `auto` finds it where there is one, `none` is none, all else names it.

    A topic that is named has the words of its name, and those that tell the seeds from general ones.
    """
    if given in {"", NONE}:
        return None
    texts = [dict.fromkeys(_content(_whole(task))) for task in seeds]
    telling, asked = _telling(texts), Counter(word for task in seeds for word in {*_content(task.instruction)})
    having = _of_their_kind(texts)
    # Words that any text may have only where a third of the seeds have them: `bread` in a bakery.
    recurring = [
        word
        for word in telling
        if (asked[word] > 1 or having[word] > _TWICE) and (not _is_plain(word) or having[word] * 3 >= len(texts))
    ]
    if given == AUTO:
        if len(texts) < _SEEDS_AT_LEAST or not recurring or _cohesion(texts, telling) < _COHESION:
            return None
        name, named = "", set[str]()
    else:
        name, named = given, {word for word in _content(given) if _everyday().get(word, 0) < _PLAIN}
    core = frozenset([*named, *recurring[:_CORE]])
    more = {word for word in having if not _everyday().get(word) and not _is_plain(word)} - core
    written = () if name else tuple(_as_written(word, seeds) for word in recurring[:_TELLING])
    return Topic(name or listed(written[:_SHOWN]), core, frozenset(more), written) if core else None


def _telling(texts: Sequence[Iterable[str]]) -> dict[str, float]:
    """Words of several seeds that general ones use much less, the most telling first."""
    counts = Counter(word for text in texts for word in text)
    weights = {}
    for word, count in counts.items():
        general = _everyday().get(word, 0)
        times = (count / len(texts)) / ((general + 0.5) / _GENERAL_SEEDS)
        # A word of daily life tells something only where a third of the seeds have it: `bread` in a bakery.
        if count > 1 and times >= _TIMES and (general < _EVERYDAY or count * 3 >= len(texts)):
            weights[word] = count * math.log(times)
    return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0])))


def _cohesion(texts: Sequence[Iterable[str]], telling: Iterable[str]) -> float:
    """The share of pairs of seeds with a telling word in common."""
    known = set(telling)
    marks = [known.intersection(text) for text in texts]
    shared = sum(bool(mark & other) for at, mark in enumerate(marks) for other in marks[:at])
    return 2 * shared / (len(marks) * (len(marks) - 1))


def _as_written(word: str, seeds: Sequence[Task]) -> str:
    """The form in which seeds use a word most."""
    forms = Counter(form for task in seeds for form in words(_whole(task)) if singular(form) == word)
    return min(forms, key=lambda form: (-forms[form], form))


def listed(names: Sequence[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["honey", "hives", "bees"]), listed(["honey"])
    ('honey, hives and bees', 'honey')
    """
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _whole(task: Task) -> str:
    return " ".join((task.instruction, *(text for pair in task.instances for text in (pair.input, pair.output))))


def _content(text: str) -> list[str]:
    """Words that may carry a topic: no numbers, and of scripts with letters none of one or two."""
    return [singular(word) for word in words(text) if word.isalpha() and (len(word) > 2 or not word.isascii())]


def _of_their_kind(texts: Sequence[Iterable[str]]) -> dict[str, int]:
    """How many texts have a word or a longer one that begins with it: `potter`, `pottery`. In order of appearance.

    >>> _of_their_kind([["potter", "pot"], ["pottery"], ["potters", "pot"]])
    {'potter': 3, 'pot': 2, 'pottery': 1, 'potters': 1}
    """
    places: dict[str, set[int]] = {}
    for at, text in enumerate(texts):
        for word in text:
            places.setdefault(word, set()).add(at)
    ranked = sorted(places)
    return {
        word: len(having) if len(word) <= _PART else _longer(word, ranked, places) for word, having in places.items()
    }


def _longer(word: str, ranked: Sequence[str], places: Mapping[str, set[int]]) -> int:
    following = islice(ranked, bisect_left(ranked, word), None)
    return len(
        set[int]().union(
            *(places[other] for other in takewhile(lambda candidate: candidate.startswith(word), following))
        )
    )


def _is_plain(word: str) -> bool:
    """Whether any text may have it, or it is a form of a verb that many requests have: `described`."""
    stems = {word.removesuffix(ending) + put for ending in ("d", "ed", "ing") for put in ("", "e")} - {word, word + "e"}
    return word in _plain_words() or any(_everyday().get(stem, 0) >= _EVERYDAY for stem in stems)


@cache
def _plain_words() -> frozenset[str]:
    """Words that eight or more of our 2,528 general texts have: prompts, and requests with answers, of all subjects."""
    return frozenset(resources.files(__package__).joinpath("plain_words.txt").read_text(encoding="utf-8").split())


@cache
def _everyday() -> dict[str, int]:
    """How many of our general seed tasks use a word, where two or more do."""
    lines = resources.files(__package__).joinpath("everyday_words.txt").read_text(encoding="utf-8").splitlines()
    return {word: int(count) for count, *listed in map(str.split, lines) for word in listed}


@dataclass(frozen=True, kw_only=True)
class StayOnTopic:
    """Reject a task without a word of the topic; where the seeds have none, or none is given, all pass.

    Measured: `topic`, with its name and words, and how many were on it. Evidence: the words that put a task on it.
    """

    name: ClassVar[str] = "topic"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"  # it needs the seeds, which processes of a `record` stage do not have

    topic: str = AUTO
    """What tasks are about, in a few words; `auto`: what the seeds have in common, if anything; `none`."""
    off_topic: Literal["reject", "keep"] = "reject"
    """`keep` only measures."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(infers_topic=self.topic == AUTO, hands_on="with_evidence")

    def __post_init__(self) -> None:
        """Refuse a choice that does not exist."""
        if self.off_topic not in {"reject", "keep"}:
            raise BadInput(f"off_topic '{self.off_topic}'", place=f"stage {self.name}", fix="write reject or keep")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Each task, by its instruction and inputs; what a person wrote passes."""
        topic = topic_of(bench.pool.seeds, self.topic)
        if topic is None:
            yield from map(Kept, records)
            return
        asked = on = 0
        for task in records:
            matches = topic.found_in(" ".join((task.instruction, *(pair.input for pair in task.instances))))
            asked, on = asked + 1, on + bool(matches)
            if matches or task.human or self.off_topic == "keep":
                yield Kept(task, {"on_topic": [*matches]})
            else:
                yield Rejected(task, "off_topic", {"topic": topic.name})
        known: list[Json] = [*sorted(topic.core)]
        yield Measured(OF_TOPIC, {"name": topic.name, "words": known, "on": on, "of": asked})
