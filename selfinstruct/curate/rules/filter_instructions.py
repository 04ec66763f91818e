"""Stage: lets rules object to instructions that a model proposed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from selfinstruct.curate.rules.instruction_rules import RULES, SETS, too_long, too_short
from selfinstruct.curate.rules.plugin_rules import Given, TaskRule, is_plugin_rule, plugin_rule, unknown_rule, words
from selfinstruct.needs import Needs
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Outcome, Rejected, Scope
from selfinstruct.text import shown


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Reject a task when a rule objects to its instruction; what a person wrote passes unread."""

    name: ClassVar[str] = "filter"
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "record"

    rules: Sequence[Given] = field(default=("default",), kw_only=False)
    """Names of rules or of sets (`default`, `reference`, `alpaca`), in order: the first that objects is the reason. In
    Python also functions of a record."""
    words_at_least: int = 4
    """For `too_short`."""
    words_at_most: int = 150
    """For `too_long`."""

    def __post_init__(self) -> None:
        """Refuse names of rules that do not exist."""
        object.__setattr__(self, "rules", words(self.rules))
        expanded(words(self.rules))

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        others = tuple(name for name in expanded(words(self.rules)) if name not in RULES)
        return Needs(rules=others, hands_on="as_they_came")

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected with the text objected to as evidence."""
        del bench
        bound: dict[str, Callable[[str], str]] = {
            "too_short": partial(too_short, at_least=self.words_at_least),
            "too_long": partial(too_long, at_most=self.words_at_most),
        }
        named: list[tuple[str, TaskRule]] = [
            (name, _on_instruction(bound.get(name, RULES[name])) if name in RULES else plugin_rule(name, _PLACE))
            for name in expanded(words(self.rules))
        ]
        for task in records:
            if task.human:
                yield Kept(task)
                continue
            for name, rule in named:
                evidence = rule(task)
                if evidence:
                    yield Rejected(task, name, {"found": shown(evidence, 200)})
                    break
            else:
                yield Kept(task)


_PLACE = "stage filter, knob 'rules'"


def _on_instruction(rule: Callable[[str], str]) -> TaskRule:
    return lambda task: rule(task.instruction)


def expanded(names: Sequence[str]) -> tuple[str, ...]:
    """Rules by name, sets replaced by what they stand for, each once.

    >>> expanded(("torn", "alpaca", "torn"))[:3]
    ('torn', 'empty', 'program_too_short')
    """
    rules: dict[str, None] = {}
    for name in names:
        if name not in SETS and name not in RULES and not is_plugin_rule(name, _PLACE):
            raise unknown_rule(name, _PLACE, SETS, RULES)
        rules.update(dict.fromkeys(SETS.get(name, (name,))))
    return tuple(rules)
