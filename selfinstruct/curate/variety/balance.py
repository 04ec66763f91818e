"""Stage: how evenly a set uses its labels (Wang et al. 2023, 2.2), how it names people compared with its seeds.

Left out is what often means something else: colours (`black`, `white`), languages (`french`, `chinese`), senses
(`blind`), ranks (`senior`). A list this short shows a skew; it does not show that there is none.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from selfinstruct.curate.variety.diversity import sampled
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Scope
from selfinstruct.text import one_line, words

ORDERS = ("output_first", "input_first", "unknown")
"""How a task's instances were made, as the name of their prompt tells; `unknown` where a later stage wrote it."""
_WIDTH = 60  # characters of a label
_TOP = 10
_SENTENCE = re.compile(r"[.!?\n]+")
_NORMAL = 1.959963984540054  # 97.5 % of a normal distribution lie below
_ROLES_SHOWN = 20  # rows of the table of roles
_GROUPS = {
    "female": """
        she her hers herself woman women girl girls mother mothers mom moms mum mums daughter daughters sister sisters
        wife wives aunt aunts niece nieces grandmother grandmothers grandma lady ladies female females queen queens
        princess princesses bride brides girlfriend girlfriends madam mrs ms feminine
    """,
    "male": """
        he him his himself man men boy boys father fathers dad dads son sons brother brothers husband husbands uncle
        uncles nephew nephews grandfather grandfathers grandpa gentleman gentlemen male males king kings prince princes
        groom grooms boyfriend boyfriends sir mr masculine
    """,
    "female role": """
        policewoman policewomen businesswoman businesswomen chairwoman spokeswoman saleswoman saleswomen congresswoman
        waitress waitresses actress actresses stewardess stewardesses hostess hostesses housewife housewives landlady
        maid maids seamstress seamstresses midwife
    """,
    "male role": """
        policeman policemen businessman businessmen chairman spokesman salesman salesmen congressman fireman firemen
        mailman mailmen craftsman craftsmen cameraman handyman handymen workman workmen foreman landlord landlords
    """,
    "young": """
        baby babies child children kid kids toddler toddlers teen teens teenager teenagers adolescent adolescents youth
    """,
    "old": "elderly seniors pensioner pensioners retiree retirees grandparent grandparents elders",
    "lgbt": "lgbt lgbtq gay lesbian lesbians bisexual transgender nonbinary queer homosexual homosexuality",
    "disabled": "disabled disability disabilities wheelchair wheelchairs autistic autism deaf dyslexia dyslexic",
    "christian": "christian christians christianity church churches bible catholic catholics protestant jesus",
    "muslim": "muslim muslims islam islamic mosque mosques quran koran ramadan",
    "jewish": "jewish jew jews judaism synagogue synagogues torah hanukkah passover",
    "hindu": "hindu hindus hinduism diwali",
    "buddhist": "buddhist buddhists buddhism buddha",
    "african": "africa african africans nigeria nigerian kenya kenyan ethiopia ethiopian ghana ghanaian",
    "asian": "asia asian asians china japan india indian indians korea vietnam thailand indonesia philippines filipino",
    "european": "europe european europeans britain british france germany italy spain poland sweden greece",
    "latin american": """
        latino latina latinos latinas hispanic hispanics mexico mexican mexicans brazil brazilian brazilians argentina
        colombia colombian peru peruvian
    """,
    "north american": "america american americans usa canada canadian canadians",
    "arab": "arab arabs arabia arabian egypt egyptian egyptians syria syrian morocco moroccan iraq iraqi",
}
_ROLES = """
    doctor nurse surgeon dentist engineer programmer developer scientist teacher professor librarian lawyer judge
    accountant manager ceo boss secretary receptionist assistant pilot soldier firefighter mechanic plumber electrician
    carpenter farmer chef cleaner hairdresser nanny babysitter writer artist
"""
GROUPS = tuple(_GROUPS)
"""Names of the groups."""
GROUP_OF = {word: place for place, listed in enumerate(_GROUPS.values()) for word in listed.split()}
"""The place in `GROUPS` of every word listed."""
FEMALE, MALE = frozenset(_GROUPS["female"].split()), frozenset(_GROUPS["male"].split())
ROLE_OF = {form: role for role in _ROLES.split() for form in (role, f"{role}s")}
"""Roles that either may hold, by their singular and plural."""


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Measure label balance, demographic terms and gendered roles; every task passes unchanged.

    Words of the lists in `balance.py` are counted in all texts; English only.
    """

    name: ClassVar[str] = "balance"
    version: ClassVar[int] = 3
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = Needs(hands_on="as_they_came")

    sample: int = 20_000
    """Above as many tasks, the words of a random sample of them are read; labels are counted of all."""

    def __post_init__(self) -> None:
        """Refuse a sample of nothing."""
        if self.sample < 1:
            raise BadInput(f"sample: {self.sample}", place="stage balance", fix="give at least 1")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every task, then one measurement."""
        labels, people, seeds = Labels(), People(), People()
        for seed in bench.pool.seeds:
            seeds.add(seed)
        chosen = sampled(len(records), self.sample, bench)
        for place, task in enumerate(records):
            labels.add(task)
            if chosen is None or place in chosen:
                people.add(task)
            yield Kept(task)
        yield Measured(
            "balance",
            {
                "labels": labels.as_json(),
                "terms": terms(people, seeds),
                "roles": roles(people, seeds),
                "words": people.words,
                "seed_words": seeds.words,
                "read": people.records,
                "of": len(records),
            },
        )


def entropy(counts: Iterable[int]) -> float:
    """Shannon entropy of a distribution given by its counts, in bits.

    >>> entropy([2, 2]), entropy([4]), entropy([])
    (1.0, 0.0, 0.0)
    """
    there = [count for count in counts if count]
    total = sum(there)
    return abs(math.fsum(count / total * math.log2(total / count) for count in there))


def label(output: str) -> str:
    """An output as a label: one line, case, quotes and final marks lost.

    >>> label(" Positive. "), label('"Yes!"')
    ('positive', 'yes')
    """
    return one_line(output).casefold().strip(" .!\"'`*")[:_WIDTH]


@dataclass(slots=True)
class _Tasks:
    """Tasks of one order with several instances."""

    tasks: int = 0
    entropy: float = 0.0
    one_label: int = 0
    several: int = 0
    evenness: float = 0.0

    def add(self, counts: Counter[str]) -> None:
        bits = entropy(counts.values())
        self.tasks += 1
        self.entropy += bits
        self.one_label += len(counts) == 1
        if len(counts) > 1:
            self.several += 1
            self.evenness += bits / math.log2(len(counts))

    def as_json(self) -> dict[str, Json]:
        return {
            "tasks": self.tasks,
            "entropy": self.entropy / self.tasks if self.tasks else None,
            "one_label": self.one_label / self.tasks if self.tasks else None,
            "evenness": self.evenness / self.several if self.several else None,
        }


@dataclass(slots=True)
class Labels:
    """Counts the labels of classification tasks: within each task, and over the set."""

    classification: int = 0
    orders: dict[str, _Tasks] = field(default_factory=lambda: {order: _Tasks() for order in ORDERS})
    everywhere: Counter[str] = field(default_factory=Counter)

    def add(self, task: Task) -> None:
        """One more task; only classification tasks count."""
        if not task.is_classification:
            return
        self.classification += 1
        counts = Counter(label(pair.output) for pair in task.instances)
        self.everywhere.update(counts)
        if len(task.instances) > 1:
            self.orders[_order(task)].add(counts)

    def as_json(self) -> dict[str, Json]:
        """`tasks`: by order, means over tasks with several instances; `set`: all labels of the set together.

        `entropy` is in bits; `one_label` the share of tasks whose instances all have the same label; `evenness` the
        entropy as a share of the most that a task's labels allow, over tasks with several labels.
        """
        total = sum(self.everywhere.values())
        most = sorted(self.everywhere.items(), key=lambda item: (-item[1], item[0]))[:_TOP]
        return {
            "classification": self.classification,
            "tasks": {order: tasks.as_json() for order, tasks in self.orders.items()},
            "set": {
                "instances": total,
                "distinct": len(self.everywhere),
                "entropy": entropy(self.everywhere.values()),
                "evenness": entropy(self.everywhere.values()) / math.log2(len(self.everywhere))
                if len(self.everywhere) > 1
                else None,
                "top": [{"label": name, "count": count, "share": count / total} for name, count in most],
            },
        }


def _order(task: Task) -> str:
    return next((order for order in ORDERS if order in task.provenance.prompt), "unknown")


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
        length, counts = 0, Counter[int]()
        for text in _texts(task):
            cut = words(text)
            length += len(cut)
            counts.update([GROUP_OF[word] for word in cut if word in GROUP_OF])
            if not ROLE_OF.keys().isdisjoint(cut):
                self._add_roles(text)
        self.records += 1
        self.words += length
        self.squares += length * length
        for group, count in counts.items():
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
    for role in sorted(totals, key=lambda role: (-totals[role], role))[:_ROLES_SHOWN]:
        lean = leaning(people.female[role], people.male[role])
        row: dict[str, Json] = {"role": role, "female": people.female[role], "male": people.male[role]}
        row |= {"seed_female": seeds.female[role], "seed_male": seeds.male[role]}
        rows.append(row | {"log_odds": lean.at, "low": lean.low, "high": lean.high})
    return rows


def _rate(count: int, of: int) -> float:
    return 10_000 * count / of if of else 0.0
