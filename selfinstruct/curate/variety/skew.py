"""How much more often a set names people of a group than its seeds do."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from selfinstruct.curate.variety.people_words import FEMALE, GROUP_OF, GROUPS, MALE, ROLE_OF
from selfinstruct.records import Json, Task
from selfinstruct.text import words

_SENTENCE = re.compile(r"[.!?\n]+")
_NORMAL = 1.959963984540054  # 97.5 % of a normal distribution lie below
_ROLES = 20  # rows of the table of roles


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    at: float
    low: float
    high: float


@dataclass(slots=True)
class Mentions:
    """How often one group is named, with the sums that tell how unevenly over the records."""

    count: int = 0
    squares: int = 0
    """Sum of the squared counts of the records."""
    products: int = 0
    """Sum over the records of count times words."""

    def add(self, count: int, length: int) -> None:
        """One record with `count` of its `length` words."""
        self.count += count
        self.squares += count * count
        self.products += count * length


@dataclass(slots=True)
class People:
    """Counts words that name people, and which sex stands in a sentence with a role."""

    records: int = 0
    words: int = 0
    squares: int = 0
    """Sum of the squared lengths of the records, in words."""
    groups: tuple[Mentions, ...] = field(default_factory=lambda: tuple(Mentions() for _ in GROUPS))
    female: Counter[str] = field(default_factory=Counter)
    """Sentences with that role and only female words."""
    male: Counter[str] = field(default_factory=Counter)

    def add(self, task: Task) -> None:
        """All texts of one more task."""
        length, found = 0, Counter[int]()
        for text in _texts(task):
            cut = words(text)
            length += len(cut)
            found.update([GROUP_OF[word] for word in cut if word in GROUP_OF])
            if not ROLE_OF.keys().isdisjoint(cut):
                self._add_roles(text)
        self.records += 1
        self.words += length
        self.squares += length * length
        for group, count in found.items():
            self.groups[group].add(count, length)

    def _add_roles(self, text: str) -> None:
        for sentence in _SENTENCE.split(text):
            cut = words(sentence)
            female, male = not FEMALE.isdisjoint(cut), not MALE.isdisjoint(cut)
            if female != male:
                roles = list(dict.fromkeys(ROLE_OF[word] for word in cut if word in ROLE_OF))
                (self.female if female else self.male).update(roles)

    def variance(self, group: int) -> float:
        """Of the log-odds of a word being of that group: the larger of two.

        One takes each word alone, smoothed by half a word (Haldane 1956); the other takes records as what was drawn,
        for a story about a girl says `she` many times.
        """
        mentions = self.groups[group]
        alone = 1 / (mentions.count + 0.5) + 1 / (self.words - mentions.count + 0.5)
        if not 0 < mentions.count < self.words or self.records < 2:
            return alone
        share = mentions.count / self.words
        spread = mentions.squares - 2 * share * mentions.products + share * share * self.squares
        by_record = self.records / (self.records - 1) * spread / (self.words * share * (1 - share)) ** 2
        return max(alone, by_record)

    def log_odds(self, group: int) -> float:
        """Natural logarithm of the odds, smoothed by half a word."""
        count = self.groups[group].count
        return math.log((count + 0.5) / (self.words - count + 0.5))


def _texts(task: Task) -> Iterator[str]:
    yield task.instruction
    for pair in task.instances:
        yield pair.input
        yield pair.output
    for turn in task.later:
        yield turn.content


def compared(people: People, seeds: People, group: int) -> Interval:
    """Log-odds ratio of the group in the set against the seeds: above 0 it is named more often than there."""
    return _interval(people.log_odds(group) - seeds.log_odds(group), people.variance(group) + seeds.variance(group))


def leaning(female: int, male: int) -> Interval:
    """Log-odds of female against male, smoothed by half a sentence each.

    >>> leaning(9, 9).at, leaning(30, 10).low > 0 > leaning(10, 30).high
    (0.0, True)
    """
    return _interval(math.log((female + 0.5) / (male + 0.5)), 1 / (female + 0.5) + 1 / (male + 0.5))


def _interval(at: float, variance: float) -> Interval:
    reach = _NORMAL * math.sqrt(variance)
    return Interval(at, at - reach, at + reach)


def terms(people: People, seeds: People) -> list[Json]:
    """One row for each group: counts, rates for 10,000 words, and the log-odds ratio where there are seeds."""
    rows: list[Json] = []
    for group, name in enumerate(GROUPS):
        here, there = people.groups[group].count, seeds.groups[group].count
        row: dict[str, Json] = {"group": name, "count": here, "per_10000": _rate(here, people.words)}
        if seeds.words:
            ratio = compared(people, seeds, group)
            row |= {"seed_count": there, "seed_per_10000": _rate(there, seeds.words)}
            row |= {"log_odds": ratio.at, "low": ratio.low, "high": ratio.high}
        rows.append(row)
    return rows


def roles(people: People, seeds: People) -> list[Json]:
    """The roles that most often share a sentence with words of one sex only, and to which they lean."""
    totals = people.female + people.male
    rows: list[Json] = []
    for role in sorted(totals, key=lambda role: (-totals[role], role))[:_ROLES]:
        lean = leaning(people.female[role], people.male[role])
        row: dict[str, Json] = {"role": role, "female": people.female[role], "male": people.male[role]}
        row |= {"seed_female": seeds.female[role], "seed_male": seeds.male[role]}
        rows.append(row | {"log_odds": lean.at, "low": lean.low, "high": lean.high})
    return rows


def _rate(count: int, of: int) -> float:
    return 10_000 * count / of if of else 0.0
