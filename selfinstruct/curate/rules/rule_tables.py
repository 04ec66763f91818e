"""The tables of rules on whole records: their names, what each reads, and the sets that stand for several.

To add one, write the function with its doctest where its subject is (`answer_rules`, `private_data_rules`,
`any_text_rules`) and put it into a table here. Rules on instructions (`instruction_rules.py`) can be named too.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from selfinstruct.curate.exchanges import Exchange
from selfinstruct.curate.rules.answer_rules import (
    empty_output,
    merged_items,
    no_input_mark,
    refusal,
    same_as_input,
    same_as_instruction,
    says_none,
    thinking_left_in,
    unfinished,
    unfounded_link,
)
from selfinstruct.curate.rules.any_text_rules import (
    misread_encoding,
    misspelt_key,
    other_language,
    repeated_phrases,
    template_token,
)
from selfinstruct.curate.rules.instruction_rules import RULES, SETS, control_characters, too_long, too_short
from selfinstruct.curate.rules.password_rule import password
from selfinstruct.curate.rules.plugin_rules import TaskRule, is_plugin_rule, plugin_rule, unknown_rule
from selfinstruct.curate.rules.private_data_rules import (
    access_key,
    bank_account,
    email_address,
    identity_number,
    ip_address,
    payment_card,
    phone_number,
    private_key,
)
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.text import shown

OnRecord = Callable[[Task, Sequence[Exchange]], "RuleObjection | None"]


@dataclass(frozen=True, slots=True)
class RuleObjection:
    """What a rule found, and in which exchange of the record, counted from 1."""

    detail: str
    exchange: int = 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """A rule by its name, with its say: 1 rejects, 0 only counts, anything between needs another to object as well."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLimits:
    """The numbers that rules need."""

    words_at_least: int
    words_at_most: int
    repeated_at_most: float
    languages: tuple[str, ...]


_PLACE = "stage rules, knob 'rules'"


def chosen(names: Sequence[str], place: str = _PLACE) -> tuple[Chosen, ...]:
    """Rules in order, each once: `curate` is a set, `-refusal` takes a rule out, `torn=0.5` gives it a weight.

    >>> [rule.name for rule in chosen(("personal_data", "-ip_address", "-phone_number"))]
    ['email_address', 'payment_card', 'bank_account', 'identity_number']
    >>> chosen(("refusal=0", "none")), chosen(("none",))
    ((Chosen(name='refusal', weight=0.0),), ())
    """
    weights: dict[str, float] = {}
    for word in names:
        name, sign, weight = word.removeprefix("-").partition("=")
        if name not in RECORD_SETS and name not in NAMES and not is_plugin_rule(name, place):
            raise unknown_rule(name, place, RECORD_SETS, NAMES)
        for member in RECORD_SETS.get(name, (name,)):
            rule, _, own = member.partition("=")
            if word.startswith("-"):
                weights.pop(rule, None)
            else:
                weights[rule] = _weight(weight, word, place) if sign else float(own or 1)
    return tuple(Chosen(name, weight) for name, weight in weights.items())


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule with its numbers, under what it reads; under none: it reads keys, or is somebody else's."""

    instruction: Callable[[str], str] | None = None
    text: Callable[[str], str] | None = None
    exchange: Callable[[Exchange], str] | None = None

    @property
    def known(self) -> bool:
        """Whether it reads texts alone."""
        return bool(self.instruction or self.text or self.exchange)


def reader_of(name: str, limits: RuleLimits) -> BoundRule:
    """The rule of that name."""
    limited = {
        "too_short": BoundRule(instruction=partial(too_short, at_least=limits.words_at_least)),
        "too_long": BoundRule(instruction=partial(too_long, at_most=limits.words_at_most)),
        "other_language": BoundRule(exchange=partial(other_language, languages=limits.languages)),
        "repeated_phrases": BoundRule(exchange=partial(repeated_phrases, at_most=limits.repeated_at_most)),
    }
    if name in limited:
        return limited[name]
    if name in ON_EXCHANGES:
        return BoundRule(exchange=ON_EXCHANGES[name])
    return BoundRule(text=ON_TEXTS[name]) if name in ON_TEXTS else BoundRule(instruction=RULES.get(name))


def bound(name: str, limits: RuleLimits) -> OnRecord:
    """The rule of that name, with its numbers, made to read a whole record."""
    if name == "misspelt_key":
        return _on_keys
    reader = reader_of(name, limits)
    if reader.exchange is not None:
        return _on_exchanges(reader.exchange)
    if reader.text is not None:
        return _on_texts(reader.text)
    return _on_task(plugin_rule(name, _PLACE)) if reader.instruction is None else _on_instruction(reader.instruction)


def _on_exchanges(rule: Callable[[Exchange], str]) -> OnRecord:
    def objects(task: Task, said: Sequence[Exchange]) -> RuleObjection | None:
        del task
        for number, exchange in enumerate(said, 1):
            if evidence := rule(exchange):
                return RuleObjection(evidence, number)
        return None

    return objects


def _on_texts(rule: Callable[[str], str]) -> OnRecord:
    def objects(task: Task, said: Sequence[Exchange]) -> RuleObjection | None:
        if task.system and (evidence := rule(task.system)):
            return RuleObjection(evidence)
        for number, exchange in enumerate(said, 1):
            for text in (exchange.instruction, exchange.input, exchange.output):
                if text and (evidence := rule(text)):
                    return RuleObjection(evidence, number)
        return None

    return objects


def _on_instruction(rule: Callable[[str], str]) -> OnRecord:
    def objects(task: Task, said: Sequence[Exchange]) -> RuleObjection | None:
        del said
        evidence = rule(task.instruction)
        return RuleObjection(evidence) if evidence else None

    return objects


def _on_task(rule: TaskRule) -> OnRecord:
    def objects(task: Task, said: Sequence[Exchange]) -> RuleObjection | None:
        del said
        evidence = rule(task)
        return RuleObjection(evidence) if evidence else None

    return objects


def _on_keys(task: Task, said: Sequence[Exchange]) -> RuleObjection | None:
    del said
    evidence = misspelt_key(task.extra) if task.extra else ""
    return RuleObjection(evidence) if evidence else None


def _weight(text: str, word: str, place: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not (math.isfinite(weight) and 0 <= weight <= 1):
        raise BadInput(f"'{shown(word)}' gives no weight from 0 to 1", place=place, fix="write it like refusal=0.5")
    return weight


ON_EXCHANGES: dict[str, Callable[[Exchange], str]] = {
    rule.__name__: rule
    for rule in (
        empty_output,
        says_none,
        no_input_mark,
        same_as_instruction,
        same_as_input,
        merged_items,
        thinking_left_in,
        unfounded_link,
        refusal,
        unfinished,
        repeated_phrases,
    )
}
"""Rules that see an answer together with what was asked."""

ON_TEXTS: dict[str, Callable[[str], str]] = {
    rule.__name__: rule
    for rule in (
        control_characters,
        template_token,
        misread_encoding,
        private_key,
        access_key,
        password,
        email_address,
        phone_number,
        payment_card,
        bank_account,
        identity_number,
        ip_address,
    )
}
"""Rules that read every text of a record."""

NAMES: tuple[str, ...] = (*dict.fromkeys((*ON_EXCHANGES, *ON_TEXTS, "misspelt_key", "other_language", *RULES)),)
"""Every rule that can be named; those of `instruction_rules.py` read the instruction."""

_CHEAP = (
    "empty",
    "empty_output",
    "says_none",
    "same_as_instruction",
    "control_characters",
    "misread_encoding",
    "misspelt_key",
    "thinking_left_in",
    "template_token",
    "merged_items",
    "refusal",
    "unfounded_link",
    "unfinished",
    "repeated_phrases",
)

RECORD_SETS: dict[str, tuple[str, ...]] = {
    "none": (),
    "curate": (*_CHEAP, "no_input_mark=0"),
    "strict": (*_CHEAP, "no_input_mark", "same_as_input", "needs_media", "placeholder", "echoed_markup"),
    "secrets": ("private_key", "access_key", "password"),
    "personal_data": ("email_address", "phone_number", "payment_card", "bank_account", "identity_number", "ip_address"),
    **SETS,
}
"""Names that stand for several rules; `default`, `reference` and `alpaca` are those of generation."""
