"""Stage: how varied a set is: root verbs with their objects, and how near it stands to its seeds."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from selfinstruct.curate.variety.nearest_seed import NearestSeed
from selfinstruct.curate.variety.verbs import Parser, Reader, reader
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Scope
from selfinstruct.text.verb_rule import Root

_BATCH = 2048  # instructions that a parser is given at a time


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """Measure how varied the instructions are; every task passes unchanged.

    `verbs`: the most frequent root verbs with their direct objects (Wang et al. 2023, figure 3). `nearest_seed`:
    ROUGE-L of each instruction to its nearest seed, in ten bins (figure 4); absent without seeds.
    """

    name: ClassVar[str] = "diversity"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "set"

    parser: Parser = "auto"
    """`rule`: a plain English rule; `spacy`: a parser (extra `nlp`); `auto`: spaCy where it is installed."""
    verbs: int = 20
    """Verbs in the table."""
    objects: int = 4
    """Objects of each."""
    sample: int = 20_000
    """Above as many instructions, a random sample of them is looked at."""

    def __post_init__(self) -> None:
        """Refuse a table or a sample of nothing."""
        for knob in ("verbs", "objects", "sample"):
            if getattr(self, knob) < 1:
                raise BadInput(f"{knob}: {getattr(self, knob)}", place="stage diversity", fix="give at least 1")

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(extras=("nlp",) if self.parser == "spacy" else ())

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every task, then two measurements."""
        chosen = _sample(len(records), self.sample, bench)
        table = VerbTable(reader(self.parser))
        nearest = NearestSeed(tuple(seed.instruction for seed in bench.pool.seeds))
        for place, task in enumerate(records):
            if chosen is None or place in chosen:
                table.add(task.instruction)
                if nearest.seeds:
                    nearest.add(task.instruction)
            yield Kept(task)
        yield Measured("verbs", {**table.as_json(self.verbs, self.objects), "of": len(records)})
        if nearest.seeds:
            yield Measured("nearest_seed", {**nearest.as_json(), "of": len(records)})


def _sample(size: int, most: int, bench: Bench) -> frozenset[int] | None:
    """Places of a random sample; None where all are few enough."""
    return None if size <= most else frozenset(bench.random(0).sample(range(size), most))


@dataclass(slots=True)
class VerbTable:
    """Counts root verbs and their objects."""

    reader: Reader
    roots: Counter[Root] = field(default_factory=Counter)
    read: int = 0
    _waiting: list[str] = field(default_factory=list)

    def add(self, instruction: str) -> None:
        """One more instruction."""
        self._waiting.append(instruction)
        if len(self._waiting) >= _BATCH:
            self._parse()

    def as_json(self, verbs: int, objects: int) -> dict[str, Json]:
        """The most frequent verbs, each with its most frequent objects; ties by spelling.

        `covered` is the share of the instructions that fall into the table's pairs (14 % in the paper), `paired` the
        share that has a verb with an object, `distinct` how many pairs there are.
        """
        self._parse()
        by_verb: Counter[str] = Counter()
        for root, count in self.roots.items():
            by_verb[root.verb] += count if root.verb else 0
        pairs = {root: count for root, count in self.roots.items() if root.verb and root.object}
        top: list[Json] = []
        covered = 0
        for verb, count in _most(by_verb, verbs):
            of_verb = Counter({root.object: many for root, many in pairs.items() if root.verb == verb})
            named = _most(of_verb, objects)
            covered += sum(many for _, many in named)
            top.append({"verb": verb, "count": count, "objects": [{"object": o, "count": many} for o, many in named]})
        return {
            "by": self.reader.by,
            "top": top,
            "covered": covered / self.read if self.read else 0.0,
            "paired": sum(pairs.values()) / self.read if self.read else 0.0,
            "distinct": len(pairs),
            "read": self.read,
        }

    def _parse(self) -> None:
        self.roots.update(self.reader.roots(self._waiting))
        self.read += len(self._waiting)
        self._waiting.clear()


def _most(counts: Counter[str], many: int) -> list[tuple[str, int]]:
    return sorted(((word, count) for word, count in counts.items() if count), key=lambda item: (-item[1], item[0]))[
        :many
    ]
