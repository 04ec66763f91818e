"""Which layout a record is in, and how each layout becomes a task; to read one more, add it to SHAPES."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import about_pairs, is_pair, is_preference, pair, preference, waits
from selfinstruct.formats.conversations import (
    TURN_KEYS,
    after_history,
    conversation,
    prompt_completion,
    tagged,
    turn_list,
    turns_under,
)
from selfinstruct.formats.fields import asked, beside, filled, flag, objects, optional, rest, text
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.natinst import natinst
from selfinstruct.formats.own import is_own, own_task
from selfinstruct.formats.plugin_formats import plugin_format
from selfinstruct.formats.text_templates import dressed, is_templated, templated
from selfinstruct.formats.unreadable import BadRecord
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.templates import TAGS
from selfinstruct.text import shown

_NO_INPUT = "<noinput>"  # Alpaca's mark
_WHO = frozenset(("role", "from"))
_MISSPELT = ("instruction", "input", "output", "response")


@dataclass(frozen=True, slots=True)
class Shape:
    """A layout: what gives it away, and how to read it."""

    about: str
    fits: Callable[[Any], bool]
    read: Callable[[Any, Provenance], Task]


def mended(value: Any) -> tuple[Any, str]:  # noqa: ANN401 - any JSON value
    """The record with a misspelt key of Alpaca's put right, and that key; most have none.

    >>> mended({"instruction : ": "Name a river.", "output": "Tay"})
    ({'instruction': 'Name a river.', 'output': 'Tay'}, 'instruction : ')
    """
    if not isinstance(value, dict) or value.get("instruction") is not None:
        return value, ""
    wrong = {key: right for key in value if (right := key.strip(" :\t").lower()) in _MISSPELT and key != right}
    if "instruction" not in wrong.values() or any(right in value for right in wrong.values()):
        return value, ""
    return {wrong.get(key, key): item for key, item in value.items()}, next(iter(wrong))


def bare(value: str, origin: Provenance) -> Task:
    """An instruction and nothing else."""
    return Task(instruction=asked(value), provenance=origin)


def seed(value: Mapping[str, Any], origin: Provenance) -> Task:
    """Self-Instruct's own: an instruction with a list of instances."""
    if value.get("output") is not None:
        raise BadRecord("has both 'instances' and 'output'", reason="ambiguous")
    pairs = objects(value, "instances")
    extra = rest(value, "instruction", "instances", "is_classification", "system")
    if more := beside(pairs, "input", "output"):
        extra["instances"] = more
    return Task(
        instruction=asked(text(value, "instruction")),
        instances=tuple(_pair(pair, number) for number, pair in enumerate(pairs, 1)),
        is_classification=flag(value),
        system=optional(value, "system"),
        provenance=origin,
        extra=extra,
    )


def _pair(pair: Mapping[str, Any], number: int) -> Instance:
    within = f"'instances', item {number}, "
    return Instance(optional(pair, "input", within=within), text(pair, "output", within=within))


def alpaca(value: Mapping[str, Any], origin: Provenance) -> Task:
    """Three columns, the answer perhaps called `response` and the input `context`; or an instruction alone."""
    answer = "output" if value.get("output") is not None or "response" not in value else "response"
    in_context = answer == "response" and value.get("context") is not None and value.get("input") is None
    given = "context" if in_context else "input"
    entered = optional(value, given)
    entered = "" if entered.strip().lower() == _NO_INPUT else entered
    pairs: tuple[Instance, ...] = ()
    if answer in value and value[answer] is not None:
        pairs = (Instance(entered, text(value, answer)),)
    elif answer in value or entered:
        raise BadRecord(f"key '{answer}' is missing or null", reason="no_answer")
    task = Task(
        instruction=asked(text(value, "instruction")),
        instances=pairs,
        is_classification=flag(value),
        system=optional(value, "system"),
        provenance=origin,
        extra=rest(value, "instruction", given, answer, "is_classification", "system"),
    )
    return after_history(task) if "history" in task.extra else task


def _own(value: Mapping[str, Any], origin: Provenance) -> Task:
    del origin  # it brings its own
    try:
        return own_task(value, Line("", value))
    except BadInput as fault:
        raise BadRecord(fault.what, reason="wrong_type", fix=fault.fix) from None


def _has(*keys: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(key in value for key in keys)


def _is_alpaca(value: object) -> bool:
    return (
        isinstance(value, dict)
        and "instruction" in value
        and not any(isinstance(value.get(key), list) for key in ("instances", *TURN_KEYS))
        and ("output" in value or "response" in value or not (is_pair(value) or is_preference(value)))
    )


def _is_prompt(value: object) -> bool:
    return isinstance(value, dict) and "prompt" in value and ("completion" in value or "response" in value)


def _is_tagged(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("text"), str)
        and value["text"].startswith(tuple(TAGS.values()))
    )


def _is_seed(value: object) -> bool:
    return isinstance(value, dict) and "instruction" in value and isinstance(value.get("instances"), list)


def _turns_under(*keys: str) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict)
        and any(isinstance(value.get(key), list) for key in keys)
        and not ("chosen" in value and waits(value))
    )


def _is_turns(value: object) -> bool:
    """A list of turns that stands for itself, one a line."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and _WHO & one.keys() for one in value)


def _turns(value: list[Any], origin: Provenance) -> Task:
    return turn_list({"messages": value}, origin, "messages")


def _prompted(value: Mapping[str, Any], origin: Provenance) -> Task:
    """A prompt and its completion; of a prompt that is dressed in a chat template already, its turns."""
    answer = "completion" if value.get("completion") is not None else "response"
    turns = dressed(value["prompt"], value.get(answer))
    if not turns:
        return prompt_completion(value, origin)
    return conversation(turns, origin, rest(value, "prompt", answer, "system"), optional(value, "system"))


SHAPES: Mapping[str, Shape] = {
    "records": Shape("this package's own kept.jsonl", lambda value: isinstance(value, dict) and is_own(value), _own),
    "self_instruct": Shape('{"instruction", "instances": [{"input", "output"}]}', _is_seed, seed),
    "alpaca": Shape('{"instruction", "input", "output"}, or an instruction alone', _is_alpaca, alpaca),
    "messages": Shape('{"messages": [{"role", "content"}]}', _turns_under("messages"), turns_under("messages")),
    "sharegpt": Shape(
        '{"conversations": [{"from", "value"}]}',
        _turns_under("conversations", "conversation"),
        turns_under("conversations", "conversation"),
    ),
    "prompt_completion": Shape('{"prompt", "completion"}, texts or messages', _is_prompt, _prompted),
    "natinst": Shape('{"Definition", "Positive Examples", "Instances"}', _has("Definition", "Instances"), natinst),
    "tags": Shape('{"text": "<|user|>..."}', _is_tagged, tagged),
    "turns": Shape('[{"role", "content"}], a list of turns', _is_turns, _turns),
    "text": Shape("an instruction as text", lambda value: isinstance(value, str), bare),
    "question_answer": Shape(about_pairs(), is_pair, pair),
    "preference": Shape('{"prompt", "chosen", "rejected"}, read as prompt and chosen', is_preference, preference),
    "template": Shape('{"text"} in a template: Alpaca, Human/Assistant, ChatML, [INST] ...', is_templated, templated),
}
"""By the name that `--from` takes. A record of our own has keys of others, too, and is nothing else."""


def shape_of(name: str, place: str = "--from") -> Shape | None:
    """The layout of that name, ours or of others; None where nobody knows it, BadInput where it cannot be had."""
    if name in SHAPES:
        return SHAPES[name]
    found = plugin_format(name, place)
    if found is None:
        return None
    if found.fits is None or found.read is None:
        raise BadInput(f"format '{shown(name)}' is for writing alone", place=place, fix="take another")
    return Shape(found.about, found.fits, found.read)


WEAK = ("question_answer", "preference", "template")
"""Layouts by customary names of columns: they count where no other fits, for their keys are common beside others."""


_STRONG = tuple(name for name in SHAPES if name not in WEAK)


def certainly(value: Any, usual: str) -> bool:  # noqa: ANN401 - any JSON value
    """Whether `usual` is among the layouts of `fitting`, told without trying the others.

    >>> certainly({"instruction": "Name a river.", "output": "Tay"}, "alpaca"), certainly(7, "alpaca")
    (True, False)
    """
    if usual not in _STRONG or SHAPES["records"].fits(value):
        return False
    return SHAPES[usual].fits(filled(value))


def fitting(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON value
    """The names of the layouts that a value may be in.

    >>> fitting({"instruction": "Name a river.", "output": "Tay"}), fitting(7)
    (('alpaca',), ())
    >>> fitting({"instruction": "Name a river.", "prompt": "Q: Name a river.", "response": "Tay"})
    ('alpaca', 'prompt_completion')
    """
    if SHAPES["records"].fits(value):
        return ("records",)
    seen = filled(value)
    # a null says nothing, unless it is what a record has for an answer
    for given in (seen,) if seen is value else (seen, value):
        for names in (_STRONG, WEAK):
            if fits := tuple(name for name in names if SHAPES[name].fits(given)):
                return fits
    return ()
