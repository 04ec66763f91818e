"""Stage: how much of each source goes into the set, by weights, caps and budgets, drawn by a seed."""

import difflib
import hashlib
import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Literal, TypeAlias

from selfinstruct.curate.measures.measure import estimated_tokens
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.task_names import set_of
from selfinstruct.text import shown

Unit: TypeAlias = Literal["rows", "tokens"]
COUNTED_BY = "estimated from words, marks and bytes, without a tokenizer"
"""How tokens were counted, for whoever reads the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is known of a source, in rows or in tokens."""

    size: int
    weight: float = 1.0
    cap: int | None = None

    @property
    def there(self) -> int:
        """As much of it as may go in."""
        return self.size if self.cap is None else min(self.size, self.cap)

    @property
    def times(self) -> Fraction:
        """The weight as it was written: 0.29 of 100 is 29."""
        return Fraction(str(self.weight))


def portions(shares: Sequence[Share], budget: int | None = None) -> list[int]:
    """Each source gives its weight of itself, up to its cap; a budget lowers all in proportion.

    >>> portions([Share(size=100, weight=0.5), Share(size=30)])
    [50, 30]
    >>> portions([Share(size=100, weight=0.5), Share(size=30)], budget=40)
    [25, 15]
    """
    wanted = [min(share.times * share.size, Fraction(share.there)) for share in shares]
    whole = sum(wanted, Fraction(0))
    if budget is None or whole <= budget:
        return [int(part) for part in wanted]
    return _rounded([part * budget / whole for part in wanted])


@dataclass(frozen=True, slots=True)
class RecordLength:
    """How long a record is: conversations, their answers, and tokens of both sides."""

    talks: int
    """One for each instance; one where there is none yet."""
    turns: int
    """Questions with their answers, of all talks."""
    prompt: int
    completion: int


def length(task: Task) -> RecordLength:
    """Counted as the published rows are: an instruction with three instances is asked three times.

    >>> from selfinstruct.records import Instance, Provenance
    >>> pairs = (Instance("Tay", "Scotland."), Instance("Po", "Italy."))
    >>> length(Task(instruction="Where is it?", instances=pairs, provenance=Provenance(stage="input")))
    RecordLength(talks=2, turns=2, prompt=10, completion=4)
    """
    talks = max(1, len(task.instances))
    prompt = talks * (estimated_tokens(task.system) + estimated_tokens(task.instruction))
    completion, turns = 0, len(task.instances)
    for pair in task.instances:
        prompt += estimated_tokens(pair.input)
        completion += estimated_tokens(pair.output)
    for turn in task.later:
        if turn.role == "assistant":
            completion += estimated_tokens(turn.content)
            turns += 1
        else:
            prompt += estimated_tokens(turn.content)
    return RecordLength(talks, turns, prompt, completion)


class SourceSizes:
    """A few numbers for each record, some 40 bytes; texts are read and let go."""

    def __init__(self, records: Iterable[Task], seed: int) -> None:
        self.names: list[str] = []
        """The sources, in the order in which they first came."""
        self._numbers: dict[str, int] = {}
        self._owners, self._lots = array("I"), array("Q")
        self._talks, self._turns, self._prompts, self._completions = (array("I") for _ in range(4))
        self._portions: Sequence[int] = ()
        self._unit: Unit = "rows"
        for task in records:
            self._add(task, seed)
        self.drawn = bytearray(len(self._owners))
        """1 for each record that is drawn."""

    def _add(self, task: Task, seed: int) -> None:
        source = set_of(task)
        if source not in self._numbers:
            self._numbers[source] = len(self.names)
            self.names.append(source)
        self._owners.append(self._numbers[source])
        lot = hashlib.blake2b(f"{seed}/{task.id}".encode(), digest_size=8)
        self._lots.append(int.from_bytes(lot.digest()))
        lengths = length(task)
        self._talks.append(lengths.talks)
        self._turns.append(lengths.turns)
        self._prompts.append(lengths.prompt)
        self._completions.append(lengths.completion)

    def sizes(self, unit: Unit) -> list[int]:
        """Of each source, everything it has."""
        totals = [0] * len(self.names)
        for index, owner in enumerate(self._owners):
            totals[owner] += 1 if unit == "rows" else self._tokens(index)
        return totals

    def draw(self, portions: Sequence[int], unit: Unit) -> None:
        """Of each source the smallest lots, as long as they fit into its portion; the first that does not ends it."""
        self._portions, self._unit = portions, unit
        members = [array("I") for _ in self.names]
        for index, owner in enumerate(self._owners):
            members[owner].append(index)
        for mine, portion in zip(members, portions, strict=True):
            left = portion
            for index in sorted(mine, key=self._lots.__getitem__):
                left -= 1 if unit == "rows" else self._tokens(index)
                if left < 0:
                    break
                self.drawn[index] = 1

    def mingled(self) -> list[int]:
        """Indexes of what is drawn, in the order of their lots."""
        return sorted((index for index, drawn in enumerate(self.drawn) if drawn), key=self._lots.__getitem__)

    def evidence(self, index: int) -> dict[str, Json]:
        """Why a record was not drawn: its source gives no more, and its lot was not small enough."""
        owner = self._owners[index]
        portion: Json = {self._unit: self._portions[owner]}
        return {"source": self.names[owner], "portion": portion, "lot": self._lots[index] / 2**64}

    def table(self) -> list[Json]:
        """For each source what the paper's Table 1 says of it; an average over nothing is None."""
        sums = [[0] * len(_SUMS) for _ in self.names]
        columns = (self._talks, self._turns, self._prompts, self._completions)
        for index, owner in enumerate(self._owners):
            if self.drawn[index]:
                sums[owner][0] += 1
                for at, column in enumerate(columns, 1):
                    sums[owner][at] += column[index]
        rows = zip(self.names, self.sizes("rows"), sums, strict=True)
        return [_row(name, size, dict(zip(_SUMS, numbers, strict=True))) for name, size, numbers in rows]

    def _tokens(self, index: int) -> int:
        return self._prompts[index] + self._completions[index]


_SUMS = ("drawn", "talks", "turns", "prompt", "completion")


def _row(name: str, size: int, sums: dict[str, int]) -> Json:
    return {
        "source": name,
        "rows": size,
        "drawn": sums["drawn"],
        "tokens": sums["prompt"] + sums["completion"],
        "mean_turns": _mean(sums["turns"], sums["talks"]),
        "mean_prompt_tokens": _mean(sums["prompt"], sums["turns"]),
        "mean_completion_tokens": _mean(sums["completion"], sums["turns"]),
        "counted_by": COUNTED_BY,
    }


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Draw from each source its part; without knobs all of everything, which is the Camels paper's mixture.

    A source is what `extra["dataset"]` names, else the file it was read from; a row is a record. Which records of a
    source are drawn depends on the seed and their ids alone, not on other sources; what a smaller part holds, a larger
    one holds too; and nothing is drawn twice.
    """

    name: ClassVar[str] = "mix"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = Needs(draws=True, hands_on="as_they_came")

    weights: dict[str, float] = field(default_factory=dict)
    """By source, how much of itself it gives, 0 to 1; a source not named gives 1. With `equal_budget` how many times
    the others' part it gives, perhaps over 1."""
    caps: dict[str, int] = field(default_factory=dict)
    """By source, rows or tokens at most."""
    budget: int | None = None
    """Rows or tokens of all sources at most; what each would give is lowered in proportion."""
    by: Unit | None = None
    """What caps and budgets count; None: tokens with `equal_budget`, else rows. Tokens are estimated."""
    equal_budget: bool = False
    """The same from each source, whatever its size: its part of `budget`, or without one what the smallest has. A
    source that has less than its part gives all, and the others give no more for it."""
    shuffle: bool = False
    """Sources mingled, in the order of the lots; else everything stays in the order it came."""
    seed: int | None = None
    """Of the lots; None: that of the run."""

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for source, weight in self.weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise _bad("weights", f"'{shown(source)}': {weight} is no weight", "write a number from 0 to 1")
            if weight > 1 and not self.equal_budget:
                what = f"'{shown(source)}': {weight} would repeat records, and each is in the set once"
                raise _bad("weights", what, "lower the weights of the other sources instead")
        for source, cap in self.caps.items():
            if cap < 0:
                raise _bad("caps", f"'{shown(source)}': {cap} is less than nothing", "write 0 or more")
        if self.budget is not None and self.budget < 1:
            raise _bad("budget", f"{self.budget} leaves nothing", "write 1 or more, or leave it out")

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected as `not_drawn` with the portion that its source gives; then the table of the mixture.

        Measured `mixture`: for each source {source, rows, drawn, tokens, mean_turns, mean_prompt_tokens,
        mean_completion_tokens, counted_by}, the columns of the paper's Table 1; all but `rows` are of what is drawn.
        """
        tally = SourceSizes(records, bench.seed if self.seed is None else self.seed)
        self._check_names(tally.names)
        tally.draw(self.portions(tally), self.unit)
        if self.shuffle:
            yield from (Kept(records[index]) for index in tally.mingled())
        for index, task in enumerate(records):
            if not tally.drawn[index]:
                yield Rejected(task, "not_drawn", tally.evidence(index))
            elif not self.shuffle:
                yield Kept(task)
        yield Measured("mixture", tally.table())

    @property
    def unit(self) -> Unit:
        """What caps and budgets count."""
        return self.by or ("tokens" if self.equal_budget else "rows")

    def portions(self, tally: SourceSizes) -> list[int]:
        """Rows or tokens that each source gives, in the order in which they first came."""
        shares = [
            Share(size=size, weight=self.weights.get(name, 1.0), cap=self.caps.get(name))
            for name, size in zip(tally.names, tally.sizes(self.unit), strict=True)
        ]
        return (equal_portions if self.equal_budget else portions)(shares, self.budget)

    def _check_names(self, known: Sequence[str]) -> None:
        """A weight for a source that is not there is a slip of the pen, unless nothing is there."""
        for knob, given in (("weights", self.weights), ("caps", self.caps)):
            for source in given:
                if known and source not in known:
                    close = difflib.get_close_matches(source, known, 1)
                    hint = f" (did you mean '{shown(close[0])}'?)" if close else ""
                    listed = ", ".join(shown(name) for name in known[:_LISTED])
                    raise _bad(knob, f"no source '{shown(source)}'{hint}", f"sources: {listed}")


_LISTED = 20


def _bad(knob: str, what: str, fix: str) -> BadInput:
    return BadInput(what, place=f"stage mix, knob '{knob}'", fix=fix)


def equal_portions(shares: Sequence[Share], budget: int | None = None) -> list[int]:
    """Each source gives the same, times its weight: its part of the budget, or without one what all can give.

    A source that has less gives what it has, and the others no more for it.

    >>> equal_portions([Share(size=100), Share(size=30)]), equal_portions([Share(size=100), Share(size=30)], budget=90)
    ([30, 30], [45, 30])
    >>> equal_portions([Share(size=100, weight=2), Share(size=30)])
    [60, 30]
    """
    asked = [share for share in shares if share.weight and share.there]
    if not asked:
        return [0] * len(shares)
    if budget is None:
        unit = min(share.there / share.times for share in asked)
    else:
        unit = budget / sum((share.times for share in asked), Fraction(0))
    return _rounded([min(unit * share.times, Fraction(share.there)) for share in shares])


def _rounded(parts: Sequence[Fraction]) -> list[int]:
    """Whole numbers with the same sum, rounded down: what is left goes to the largest fractions, first come first."""
    floors = [int(part) for part in parts]
    left = int(sum(parts, Fraction(0))) - sum(floors)
    order = sorted(range(len(parts)), key=lambda index: floors[index] - parts[index])
    for index in order[:left]:
        floors[index] += 1
    return floors


def _mean(total: int, count: int) -> float | None:
    return round(total / count, 2) if count else None
