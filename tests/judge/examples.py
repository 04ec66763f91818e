"""A small world of fragments for tests: two sources whose answers and instructions are written from word lists."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random

_ASKS = ("Name", "List", "Describe", "Explain", "Compare", "Write about", "Give reasons for", "Summarise")
_WHAT = ("a river", "the moon", "old bridges", "winter tyres", "two poems", "the city council", "bees", "a recipe")
_WHERE = ("in Spain", "for a child", "in three lines", "with an example", "from memory", "as a table", "in plain words")
_SAYS = ("The answer is", "It is known that", "Here are some:", "There are", "Many think that", "In short,", "Yes,")
_MORE = ("most of them", "it depends on the weather", "the old ones", "a long story", "what we call a day", "nobody")


@dataclass(frozen=True, slots=True)
class World:
    """How many records, in which set."""

    records: int
    name: str
    seed: int = 0


def lines(world: World) -> list[dict[str, object]]:
    """Four fragments a record: two answers, two continuations, whole and cut."""
    random, rows = Random(f"{world.name}/{world.seed}"), []
    for record in range(world.records):
        ask, what, where = random.choice(_ASKS), random.choice(_WHAT), random.choice(_WHERE)
        answer = f"{random.choice(_SAYS)} {random.choice(_MORE)}, {random.choice(_MORE)}."
        other = f"{random.choice(_ASKS)} {random.choice(_WHAT)} {random.choice(_WHERE)}."
        whole, part = f"{ask} {what} {where}.", f"{ask} {what}"
        for kind, prompt, continuation, label in (
            ("answer", whole, answer, 1),
            ("answer_to_part", part, answer, 1),
            ("finishes", part, f" {where}.", 0),
            ("another", whole, f"\n{other}", 0),
        ):
            rows.append(
                {
                    "id": f"{world.name}/{record}/{kind}",
                    "prompt": prompt,
                    "continuation": continuation,
                    "label": label,
                    "kind": kind,
                    "whole": prompt == whole,
                    "complete": False,
                    "source": f"{world.name}/{record}",
                    "set": world.name,
                    "language": "en",
                }
            )
    return rows


def folder(at: Path, *worlds: World) -> Path:
    """A folder as the stage `fragment` builds it: of ten records seven to learn from, two to validate, one to test."""
    at.mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for world in worlds:
        for place, line in enumerate(lines(world)):
            turn = place // 4 % 10
            parts["train" if turn < 7 else "validation" if turn < 9 else "test"].append(json.dumps(line))
    for split, some in parts.items():
        (at / f"{split}.jsonl").write_text("".join(f"{line}\n" for line in some), encoding="utf-8")
    return at
