"""How evenly classification tasks use their labels (Wang et al. 2023, section 2.2: why labels come before inputs)."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from selfinstruct.records import Json, Task
from selfinstruct.text import one_line

ORDERS = ("output_first", "input_first", "unknown")
"""How a task's instances were made, as the name of their prompt tells; `unknown` where a later stage wrote it."""

_WIDTH = 60  # characters of a label
_TOP = 10


def entropy(counts: Iterable[int]) -> float:
    """In bits.

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
