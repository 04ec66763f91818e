"""The stage that lets rules object to what a model wrote."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from selfinstruct.curate.rules import RULES, SETS, too_long, too_short
from selfinstruct.errors import BadInput
from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Outcome, Rejected, Scope
from selfinstruct.text import shown


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Reject a task when a rule objects to its instruction; what a person wrote passes unread."""

    name: ClassVar[str] = "filter"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "record"
    needs: ClassVar[Needs] = NOTHING

    rules: tuple[str, ...] = ("default",)
    """Names of rules or of sets (`default`, `reference`, `alpaca`), in order: the first that objects is the reason."""
    words_at_least: int = 4
    """For `too_short`."""
    words_at_most: int = 150
    """For `too_long`."""

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected with the text objected to as evidence."""
        del bench
        bound: dict[str, Callable[[str], str]] = {
            "too_short": partial(too_short, at_least=self.words_at_least),
            "too_long": partial(too_long, at_most=self.words_at_most),
        }
        named = [(name, bound.get(name, RULES[name])) for name in expanded(self.rules)]
        for task in records:
            if task.human:
                yield Kept(task)
                continue
            for name, rule in named:
                found = rule(task.instruction)
                if found:
                    yield Rejected(task, name, {"found": shown(found, 200)})
                    break
            else:
                yield Kept(task)


def expanded(names: Sequence[str]) -> tuple[str, ...]:
    """Rules by name, sets replaced by what they stand for, each once.

    >>> expanded(("torn", "alpaca", "torn"))[:3]
    ('torn', 'empty', 'program_too_short')
    """
    found: dict[str, None] = {}
    for name in names:
        if name not in SETS and name not in RULES:
            close = difflib.get_close_matches(name, [*SETS, *RULES], 1)
            hint = f" (did you mean '{close[0]}'?)" if close else ""
            raise BadInput(
                f"no rule '{shown(name)}'{hint}",
                place="stage filter, knob 'rules'",
                fix=f"sets: {', '.join(SETS)}; rules: {', '.join(RULES)}",
            )
        found.update(dict.fromkeys(SETS.get(name, (name,))))
    return tuple(found)
