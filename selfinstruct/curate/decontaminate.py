"""Stage: removes what a benchmark asks or answers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from selfinstruct.curate.benchmark_index import BenchmarkIndex, Match, SameTextRule
from selfinstruct.curate.exchanges import Exchange, exchanges
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import shown

_BENCHMARK_WORDS = "against: [benchmark.jsonl]"


@dataclass(frozen=True, kw_only=True)
class Decontaminate:
    """Reject a record in which a benchmark's question or answer stands, verbatim or nearly.

    Asked and answered texts are compared as words (no case, no punctuation), each with the questions, inputs and
    answers of every benchmark. Answers shorter than `words_in_a_row` are not looked for: `yes` contaminates nothing.
    """

    name: ClassVar[str] = "decontaminate"
    version: ClassVar[int] = 2
    # Each record is judged alone, but the index is built once, and the counts are those of the whole set.
    scope: ClassVar[Scope] = "set"

    against: tuple[str, ...] = ()
    """Files of benchmarks, Hub ids, or our own prompts to score with: ifs-v1, objecqa-v1."""
    columns: str = ""
    """Which column of these files is what, where their names do not say it: `instruction=QUESTION,output=ANSWER`."""
    words_in_a_row: int = 13
    """So many words in a row are a match (Brown et al. 2020); a passage of 8 to 12 words must be there as a whole, a
    question of fewer must be the whole request."""
    share_at_least: float = 0.75
    """A passage also matches when this share of its shingles stands in one text."""
    shingle_words: int = 3
    """Words in a shingle."""
    boilerplate_share: float = 0.01
    """What recurs in this share of a benchmark's items, and in ten at least, is boilerplate and does not count."""

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        return Needs(against=self.against, against_columns=self.columns, hands_on="as_they_came")

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        if not 1 <= self.shingle_words <= self.words_in_a_row:
            raise BadInput("shingle_words is not from 1 to words_in_a_row", fix="write shingle_words: 3")
        for knob in ("share_at_least", "boilerplate_share"):
            if not 0 < getattr(self, knob) <= 1:
                raise BadInput(f"{knob} {getattr(self, knob)} is no share above 0 and up to 1", fix=f"correct {knob}")

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected with the matched text, its place and score as evidence; then the count by benchmark."""
        index = self._index(bench)
        met: dict[str, set[int]] = {name: set() for name in self.against}
        hit = dict.fromkeys(self.against, 0)
        for task in records:
            matches = list(_matches(task, index))
            for name in dict.fromkeys(index.items[each.match.item].benchmark for each in matches):
                hit[name] += 1
            for each in matches:
                met[index.items[each.match.item].benchmark].add(each.match.item)
            if matches:
                worst = max(matches, key=lambda each: each.match.rank)
                yield Rejected(task, "contaminated", _evidence(worst, matches, index, bench))
            else:
                yield Kept(task)
        silent, sizes = index.never_compared(), dict.fromkeys(self.against, 0)
        for item in index.items:
            sizes[item.benchmark] += 1
        evidence: dict[str, Json] = {
            name: {
                "items": sizes[name],
                "matched_items": len(met[name]),
                "records": hit[name],
                "never_compared": silent.get(name, 0),
            }
            for name in self.against
        }
        yield Measured("contamination", evidence)

    def _index(self, bench: Bench) -> BenchmarkIndex:
        if not self.against:
            raise BadInput("nothing to compare with", place="stage decontaminate", fix=f"write {_BENCHMARK_WORDS}")
        for name in self.against:
            if name not in bench.benchmarks:
                raise BadInput(f"no benchmark '{shown(name)}'", place="stage decontaminate", fix=_BENCHMARK_WORDS)
        measure = SameTextRule(
            words_in_a_row=self.words_in_a_row,
            share_at_least=self.share_at_least,
            shingle_words=self.shingle_words,
            boilerplate_share=self.boilerplate_share,
        )
        return BenchmarkIndex({name: bench.benchmarks[name] for name in self.against}, measure)


@dataclass(frozen=True, slots=True)
class _LocatedMatch:
    match: Match
    where: str
    """`request`, `answer` or `system`."""


def _matches(task: Task, index: BenchmarkIndex) -> Iterator[_LocatedMatch]:
    if task.system:
        yield from (_LocatedMatch(match, "system") for match in index.matches(task.system))
    for exchange in exchanges(task):
        yield from _matches_in(exchange, index)


def _matches_in(exchange: Exchange, index: BenchmarkIndex) -> Iterator[_LocatedMatch]:
    same = index.same(exchange.request)
    if same:
        yield _LocatedMatch(same, "request")
    yield from (_LocatedMatch(match, "request") for match in index.matches(exchange.request))
    if exchange.output:
        yield from (_LocatedMatch(match, "answer") for match in index.matches(exchange.output))


def _evidence(
    worst: _LocatedMatch, matches: list[_LocatedMatch], index: BenchmarkIndex, bench: Bench
) -> dict[str, Json]:
    """Where it stands, in which item of which benchmark, and how surely."""
    match = worst.match
    item = index.items[match.item]
    task = bench.benchmarks[item.benchmark][item.task]
    others = len({each.match.item for each in matches}) - 1
    evidence: dict[str, Json] = {
        "benchmark": item.benchmark,
        "neighbour": task.id,
        "neighbour_text": shown(task.instruction, 200),
        "part": match.part,
        "where": worst.where,
        "kind": match.kind,
        "score": round(match.score, 4),
        "words": match.run,
        "found": shown(match.words, 200),
    }
    if others:
        evidence["other_items"] = others
    return evidence
