"""Small sets to cut."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.fragment.make_fragments import MakeFragments
from selfinstruct.fragment.pair_sources import Source, source_of
from selfinstruct.records import Instance, Message, Provenance, Task
from selfinstruct.stage import Bench, Built, Kept, Measured

_THINGS = ("river", "mountain", "city", "lake", "forest", "island", "harbour", "castle", "garden", "bridge")
_LANDS = ("Spain", "Norway", "Japan", "Chile", "Kenya", "Canada", "Poland", "Greece", "India", "Peru", "Malta", "Cuba")


def task(
    instruction: str,
    output: str = "The Ebro is the longest one. It begins in the north and reaches the sea near Tortosa.",
    given: str = "",
    *,
    later: tuple[Message, ...] = (),
    ordinal: int = 0,
    **extra: str,
) -> Task:
    """A task with one instance."""
    return Task(
        instruction=instruction,
        instances=(Instance(given, output),),
        later=later,
        provenance=Provenance(stage="input", source="set.jsonl"),
        ordinal=ordinal,
        extra=dict(extra),
    )


def many(count: int = 120) -> list[Task]:
    """Different instructions, every third with an input, with answers from one word to several sentences."""
    tasks: list[Task] = []
    for number in range(count):
        thing, land = _THINGS[number % len(_THINGS)], _LANDS[number // len(_THINGS)]
        asks = f"Describe the best known {thing} of {land} and say in what year it was first put on a map"
        answer = (
            f"Nobody knows for sure. The {thing} was drawn by sailors who came to {land} long ago, and then again. "
        )
        tasks.append(
            task(
                asks + (".", "?", "")[number % 3],
                answer * (number % 4) + land,
                "" if number % 3 else f"Map {number} of {land}",
            )
        )
    return tasks


def source(instruction: str, output: str = "The Ebro. It is long.", given: str = "") -> Source:
    return source_of(task(instruction, output, given), 3)


@dataclass(frozen=True)
class Made:
    """What the stage said and wrote."""

    kept: list[Kept]
    told: dict[str, Any]
    folder: Path

    def lines(self, *splits: str) -> list[dict[str, Any]]:
        names = splits or ("train", "validation", "test")
        files = [(self.folder / f"{name}.jsonl").read_text(encoding="utf-8") for name in names]
        return [json.loads(line) for text in files for line in text.splitlines()]


def make(tasks: Sequence[Task], scratch: Path, seed: int = 42, **knobs: Any) -> Made:
    """Run the stage."""
    outcomes = list(MakeFragments(**knobs)(tasks, Bench(scratch=scratch, stage="fragment", seed=seed)))
    values = [outcome.value for outcome in outcomes if isinstance(outcome, Measured) and outcome.name == "fragments"]
    built = [outcome.path for outcome in outcomes if isinstance(outcome, Built) and outcome.name == "fragments"]
    assert isinstance(values[0], dict)
    return Made([outcome for outcome in outcomes if isinstance(outcome, Kept)], values[0], built[0])
