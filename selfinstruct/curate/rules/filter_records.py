"""Stage: lets rules object to whole records of a set, and counts what each of them caught."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from selfinstruct.curate.exchanges import Exchange, exchanges
from selfinstruct.curate.rules.any_text_rules import require_languages
from selfinstruct.curate.rules.plugin_rules import Given, words
from selfinstruct.curate.rules.rule_tables import NAMES, Chosen, RuleLimits, RuleObjection, bound, chosen, reader_of
from selfinstruct.errors import BadInput
from selfinstruct.needs import Needs
from selfinstruct.records import Json, Task
from selfinstruct.stage import Bench, Kept, Measured, Outcome, Rejected, Scope
from selfinstruct.text import shown

_ROUNDING = 1e-9  # three thirds are one


@dataclass(frozen=True, kw_only=True)
class ApplyRules:
    """Reject a record when the weights of the rules that object to it reach `reject_at`.

    Every rule reads every record, also one that another has rejected, so that `caught` tells what each would do alone.
    """

    name: ClassVar[str] = "rules"
    version: ClassVar[int] = 4
    scope: ClassVar[Scope] = "record"

    rules: Sequence[Given] = field(default=("curate",), kw_only=False)
    """Rules or sets (`curate`, `strict`, `secrets`, `personal_data`, `none` ...), in order; `-NAME` takes one out,
    `NAME=WEIGHT` gives it a weight from 0 (only counted) to 1 (rejects by itself). One of your own is a function of a
    record that says what it objects to, or nothing: `package.module:function`, or the function itself in Python."""
    reject_at: float = 1.0
    """The sum of weights that rejects; the rule that reaches it is the reason."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes for `other_language`."""
    words_at_least: int = 4
    """For `too_short`."""
    words_at_most: int = 150
    """For `too_long`."""
    repeated_at_most: float = 0.4
    """For `repeated_phrases`: the share of an answer's four-word phrases that stood there before."""

    def __post_init__(self) -> None:
        """Refuse knobs that cannot be meant."""
        object.__setattr__(self, "rules", words(self.rules))
        named = chosen(self._words)
        if not 0 < self.reject_at < float("inf"):
            raise BadInput(f"reject_at {self.reject_at} is not above 0", fix="write reject_at: 1")
        speaks = any(rule.name == "other_language" for rule in named)
        if speaks and not self.languages:
            raise BadInput("the rule 'other_language' is told no languages", fix="write languages: [en]")
        if self.languages and not speaks:
            raise BadInput("languages are named, but no rule reads them", fix="add other_language to rules")

    @property
    def _words(self) -> tuple[str, ...]:
        return words(self.rules)

    @property
    def needs(self) -> Needs:
        """What it asks of the engine."""
        named = chosen(self._words)
        tips = all(rule.weight >= self.reject_at - _ROUNDING for rule in named)  # else what was objected to may be kept
        return Needs(
            rules=tuple(rule.name for rule in named if rule.name not in NAMES),
            hands_on="as_they_came" if tips else "with_evidence",
        )

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept or Rejected, with everything that was objected to as evidence; then what each rule caught."""
        del bench
        if self.languages:
            require_languages(self.languages)
        limits = RuleLimits(
            words_at_least=self.words_at_least,
            words_at_most=self.words_at_most,
            repeated_at_most=self.repeated_at_most,
            languages=self.languages,
        )
        rules = [_Bound(rule) for rule in chosen(self._words)]
        named = [(rule, rule.chosen.name) for rule in rules]
        at_work = [(rule, bound(name, limits)) for rule, name in named]
        passes = _passing([rule.chosen.name for rule in rules], limits)
        for task in records:
            if passes(task):  # nearly all of them
                yield Kept(task)
                continue
            said = exchanges(task)
            against = list[tuple[_Bound, RuleObjection]]()
            for rule, objects in at_work:
                if (objection := objects(task, said)) is not None:
                    against.append((rule, objection))
            yield self._judged(task, against) if against else Kept(task)
        if rules:
            yield Measured("caught", {rule.chosen.name: rule.caught() for rule in rules})

    def _judged(self, task: Task, against: "list[tuple[_Bound, RuleObjection]]") -> Outcome:
        weight, tipping = 0.0, None
        for rule, _ in against:
            rule.alone += 1
            rule.only += len(against) == 1
            weight += rule.chosen.weight
            if tipping is None and weight >= self.reject_at - _ROUNDING:
                tipping = rule
                rule.in_order += 1
        objections: dict[str, Json] = {rule.chosen.name: _evidence(rule, objection) for rule, objection in against}
        evidence: dict[str, Json] = {"weight": round(weight, 6), "rules": objections}
        return Kept(task, evidence) if tipping is None else Rejected(task, tipping.chosen.name, evidence)


def _passing(names: Sequence[str], limits: RuleLimits) -> Callable[[Task], bool]:
    """Tells of a record of one exchange whether no rule objects to it; False of any other, which is asked in full.

    The rules are asked themselves, but for what surrounds them: who objects, and in which exchange.
    """
    readers = [(name, reader_of(name, limits)) for name in names]
    exchange_rules = [reader.exchange for _, reader in readers if reader.exchange]
    text_rules = [reader.text for _, reader in readers if reader.text]
    instruction_rules = [reader.instruction for _, reader in readers if reader.instruction]
    keys_alone = all(reader.known or name == "misspelt_key" for name, reader in readers)

    def passes(task: Task) -> bool:
        instances = task.instances
        if len(instances) != 1 or task.later or task.extra or task.system:
            return False
        asked, [pair] = task.instruction, instances
        given, said = pair.input, pair.output
        for rule in instruction_rules:
            if rule(asked):
                return False
        for rule in text_rules:
            if (asked and rule(asked)) or (given and rule(given)) or (said and rule(said)):
                return False
        exchange = Exchange(asked, given, said)
        for reads in exchange_rules:  # noqa: SIM110 - `all` would make a generator for each record
            if reads(exchange):
                return False
        return True

    return passes if keys_alone else _unknown


def _unknown(task: Task) -> bool:
    """Rules of others read whole records."""
    del task
    return False


@dataclass(slots=True)
class _Bound:
    """A rule, and its tally."""

    chosen: Chosen
    alone: int = field(default=0, init=False)
    only: int = field(default=0, init=False)
    in_order: int = field(default=0, init=False)

    def caught(self) -> Json:
        """`alone`: what it objects to; `only`: of that, what no other rule objects to; `in_order`: what it rejected."""
        weight = self.chosen.weight
        mode = "reject" if weight == 1 else f"weight {weight:g}" if weight else "measure"
        return {"alone": self.alone, "only": self.only, "in_order": self.in_order, "mode": mode}


def _evidence(rule: _Bound, objection: RuleObjection) -> Json:
    """What was found, where, and how much it counts."""
    evidence: dict[str, Json] = {"found": shown(objection.detail, 200)}
    if objection.exchange > 1:
        evidence["exchange"] = objection.exchange
    if rule.chosen.weight != 1:
        evidence["weight"] = rule.chosen.weight
    return evidence
