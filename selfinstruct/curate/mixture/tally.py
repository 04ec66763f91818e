"""What a mixture must know of each record without keeping it: its source, its lot and how long it is."""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selfinstruct.curate.measures.tokens import estimated_tokens
from selfinstruct.records import Json, Task

Unit: TypeAlias = Literal["rows", "tokens"]

COUNTED_BY = "estimated from words, marks and bytes, without a tokenizer"
"""How tokens were counted, for whoever reads the table."""


def source_of(task: Task) -> str:
    """The set a task comes from: what `extra["dataset"]` names, else its file, else the stage that made it.

    >>> from selfinstruct.records import Provenance
    >>> source_of(Task(instruction="Name a river.", provenance=Provenance(stage="input", source="mine.jsonl")))
    'mine.jsonl'
    """
    named = task.extra.get("dataset")
    return named if isinstance(named, str) and named else task.provenance.source or task.provenance.stage


@dataclass(frozen=True, slots=True)
class Length:
    """How long a record is: conversations, their answers, and tokens of both sides."""

    talks: int
    """One for each instance; one where there is none yet."""
    turns: int
    """Questions with their answers, of all talks."""
    prompt: int
    completion: int


def length(task: Task) -> Length:
    """Counted as the published rows are: an instruction with three instances is asked three times.

    >>> from selfinstruct.records import Instance, Provenance
    >>> pairs = (Instance("Tay", "Scotland."), Instance("Po", "Italy."))
    >>> length(Task(instruction="Where is it?", instances=pairs, provenance=Provenance(stage="input")))
    Length(talks=2, turns=2, prompt=10, completion=4)
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
    return Length(talks, turns, prompt, completion)


class Tally:
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
        source = source_of(task)
        if source not in self._numbers:
            self._numbers[source] = len(self.names)
            self.names.append(source)
        self._owners.append(self._numbers[source])
        lot = hashlib.blake2b(f"{seed}/{task.id}".encode(), digest_size=8)
        self._lots.append(int.from_bytes(lot.digest()))
        found = length(task)
        self._talks.append(found.talks)
        self._turns.append(found.turns)
        self._prompts.append(found.prompt)
        self._completions.append(found.completion)

    def sizes(self, unit: Unit) -> list[int]:
        """Of each source, everything it has."""
        found = [0] * len(self.names)
        for index, owner in enumerate(self._owners):
            found[owner] += 1 if unit == "rows" else self._tokens(index)
        return found

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


def _mean(total: int, count: int) -> float | None:
    return round(total / count, 2) if count else None
