"""The layouts of records that are read (Alpaca, NatInst-V2, our own ...); to read one more, add it to LAYOUTS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import about_pairs, awaits_preferred_answer, is_pair, is_preference, pair, preference
from selfinstruct.formats.conversations import (
    TURN_KEYS,
    after_history,
    conversation,
    from_tagged_text,
    prompt_completion,
    turn_list,
    turns_under,
)
from selfinstruct.formats.fields import (
    BadRecord,
    as_text,
    asked,
    filled,
    flag,
    kind,
    objects,
    optional,
    other_fields,
    rest,
    text,
)
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.plugin_formats import plugin_format
from selfinstruct.formats.three_texts import NO_INPUT
from selfinstruct.formats.turns_in_text import is_templated, template_turns, templated
from selfinstruct.prompt_templates import TAGS
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.text import shown

_WHO = frozenset(("role", "from"))
_MAY_BE_LISTS = frozenset(("instances", *TURN_KEYS))
_MISSPELT = ("instruction", "input", "output", "response")


def natinst(value: Mapping[str, Any], origin: Provenance) -> Task:
    """One task with all its instances; what is beside the first definition and the first answers goes into `extra`.

    >>> river = {"Definition": ["Name a river."], "Instances": [{"input": "Scotland", "output": ["Tay", "Dee"]}]}
    >>> task = natinst(river, Provenance(stage="input", source="task1.json"))
    >>> task.instances[0].output, task.extra
    ('Tay', {'Instances': [{'output': ['Dee']}]})
    """
    instances = objects(value, "Instances")
    extra = rest(value, "Definition", "Instances")
    first, *others = _texts(value["Definition"], "key 'Definition'")
    if others:
        extra["Definition"] = list(others)
    answers = [
        _texts(part.get("output"), f"'Instances', item {number}, 'output'") for number, part in enumerate(instances, 1)
    ]
    said = [{**part, "output": outputs[1:] or None} for part, outputs in zip(instances, answers, strict=True)]
    if more := other_fields(said, "input"):
        extra["Instances"] = [
            {key: item for key, item in part.items() if item is not None} for part in map(_fields, more)
        ]
    return Task(
        instruction=asked(first, "the definition"),
        instances=tuple(
            Instance(text(part, "input", within=f"'Instances', item {number}, "), outputs[0])
            for number, (part, outputs) in enumerate(zip(instances, answers, strict=True), 1)
        ),
        provenance=origin,
        extra=extra,
    )


def natinst_object(task: Task) -> dict[str, Json]:
    """The inverse: the record as such a file has it."""
    extra = dict(task.extra)
    definitions = _list(extra.pop("Definition", []))
    more = [_fields(part) for part in _list(extra.pop("Instances", []))]
    more += [{}] * (len(task.instances) - len(more))
    return {
        **{key: item for key, item in extra.items() if key not in ("Positive Examples", "Negative Examples")},
        "Definition": [task.instruction, *definitions],
        "Positive Examples": extra.get("Positive Examples", []),
        "Negative Examples": extra.get("Negative Examples", []),
        "Instances": [
            {**beside_it, "input": pair.input, "output": [pair.output, *_list(beside_it.get("output", []))]}
            for pair, beside_it in zip(task.instances, more, strict=False)
        ],
    }


def _texts(value: object, what: str) -> list[str]:
    """One text, or a list of at least one."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise BadRecord(f"{what}: {kind(value)}, not a list", reason="wrong_type")
    if not value:
        raise BadRecord(f"{what}: an empty list", reason="no_answer")
    return [as_text(item, what) for item in value]


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _fields(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def is_own(value: Mapping[str, Any]) -> bool:
    """A line of a kept.jsonl; a stranger's record may have one of these keys, but not all of them.

    >>> is_own({"instruction": "Name a river.", "provenance": "my notebook"})
    False
    """
    return value.get("kind") == "task" and isinstance(value.get("provenance"), dict) and "human" in value


def own_task(value: Mapping[str, Any], line: Line) -> Task:
    """The record; BadInput names the first key that is not what this package writes."""
    for key, fits in _FITS.items():
        if not fits(value.get(key, _DEFAULTS.get(key))):
            what = f"key '{key}': not what a task record has there"
            raise BadInput(what, place=line.place, fix="take the line from a kept.jsonl again")
    return Task.from_json(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_pairs(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, dict) and set(pair) == {"input", "output"} and all(map(_is_text, pair.values()))
        for pair in value
    )


def _is_provenance(value: object) -> bool:
    if not isinstance(value, dict) or "stage" not in value:
        return False
    parents = value.get("parents", [])
    words = [item for key, item in value.items() if key != "parents"]
    return (
        set(value) <= _ORIGIN_KEYS and all(map(_is_text, words)) and isinstance(parents, list) and _are_texts(parents)
    )


def _are_texts(values: list[object]) -> bool:
    return all(map(_is_text, values))


_ORIGIN_KEYS = {"stage", "source", "parents", "request", "model", "prompt"}


def _are_turns(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(turn, dict)
        and set(turn) == {"role", "content"}
        and turn["role"] in ("system", "user", "assistant")
        and _is_text(turn["content"])
        for turn in value
    )


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(number, int) and not isinstance(number, bool) for number in value)


def _are_measures(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, int | float) for item in value.values())


_DEFAULTS: Mapping[str, object] = {
    "ordinal": 0,
    "extra": {},
    "system": "",
    "later": [],
    "unlearned": [],
    "measures": {},
}
_FITS: Mapping[str, Callable[[object], bool]] = {
    "instruction": lambda value: isinstance(value, str) and bool(value.strip()),
    "instances": _are_pairs,
    "is_classification": lambda value: value is None or isinstance(value, bool),
    "human": _is_flag,
    "provenance": _is_provenance,
    "ordinal": lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "extra": lambda value: isinstance(value, dict),
    "system": _is_text,
    "later": _are_turns,
    "unlearned": _are_numbers,
    "measures": _are_measures,
}


@dataclass(frozen=True, slots=True)
class Layout:
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
    if more := other_fields(pairs, "input", "output"):
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
    entered = "" if entered.strip().lower() == NO_INPUT else entered
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
        and (_MAY_BE_LISTS.isdisjoint(value) or not any(isinstance(value.get(key), list) for key in _MAY_BE_LISTS))
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
        and not ("chosen" in value and awaits_preferred_answer(value))
    )


def _is_turns(value: object) -> bool:
    """A list of turns that stands for itself, one a line."""
    return (
        isinstance(value, list) and bool(value) and all(isinstance(turn, dict) and _WHO & turn.keys() for turn in value)
    )


def _turns(value: list[Any], origin: Provenance) -> Task:
    return turn_list({"messages": value}, origin, "messages")


def _prompted(value: Mapping[str, Any], origin: Provenance) -> Task:
    """A prompt and its completion; of a prompt that is dressed in a chat template already, its turns."""
    answer = "completion" if value.get("completion") is not None else "response"
    turns = template_turns(value["prompt"], value.get(answer))
    if not turns:
        return prompt_completion(value, origin)
    return conversation(turns, origin, rest(value, "prompt", answer, "system"), optional(value, "system"))


LAYOUTS: Mapping[str, Layout] = {
    "records": Layout("this package's own kept.jsonl", lambda value: isinstance(value, dict) and is_own(value), _own),
    "self_instruct": Layout('{"instruction", "instances": [{"input", "output"}]}', _is_seed, seed),
    "alpaca": Layout('{"instruction", "input", "output"}, or an instruction alone', _is_alpaca, alpaca),
    "messages": Layout('{"messages": [{"role", "content"}]}', _turns_under("messages"), turns_under("messages")),
    "sharegpt": Layout(
        '{"conversations": [{"from", "value"}]}',
        _turns_under("conversations", "conversation"),
        turns_under("conversations", "conversation"),
    ),
    "prompt_completion": Layout('{"prompt", "completion"}, texts or messages', _is_prompt, _prompted),
    "natinst": Layout('{"Definition", "Positive Examples", "Instances"}', _has("Definition", "Instances"), natinst),
    "tags": Layout('{"text": "<|user|>..."}', _is_tagged, from_tagged_text),
    "turns": Layout('[{"role", "content"}], a list of turns', _is_turns, _turns),
    "text": Layout("an instruction as text", lambda value: isinstance(value, str), bare),
    "question_answer": Layout(about_pairs(), is_pair, pair),
    "preference": Layout('{"prompt", "chosen", "rejected"}, read as prompt and chosen', is_preference, preference),
    "template": Layout('{"text"} in a template: Alpaca, Human/Assistant, ChatML, [INST] ...', is_templated, templated),
}
"""By the name that `--from` takes. A record of our own has keys of others, too, and is nothing else."""


def layout_of(name: str, place: str = "--from") -> Layout | None:
    """The layout of that name, ours or of others; None where nobody knows it, BadInput where it cannot be had."""
    if name in LAYOUTS:
        return LAYOUTS[name]
    plugin = plugin_format(name, place)
    if plugin is None:
        return None
    if plugin.fits is None or plugin.read is None:
        raise BadInput(f"format '{shown(name)}' is for writing alone", place=place, fix="take another")
    return Layout(plugin.about, plugin.fits, plugin.read)


WEAK = ("question_answer", "preference", "template")
"""Layouts by customary names of columns: they count where no other fits, for their keys are common beside others."""
_STRONG = tuple(name for name in LAYOUTS if name not in WEAK)


def certainly(value: Any, usual: str) -> bool:  # noqa: ANN401 - any JSON value
    """Whether `usual` is among the layouts of `fitting`, told without trying the others.

    >>> certainly({"instruction": "Name a river.", "output": "Tay"}, "alpaca"), certainly(7, "alpaca")
    (True, False)
    """
    if usual not in _STRONG or LAYOUTS["records"].fits(value):
        return False
    return LAYOUTS[usual].fits(filled(value))


def fitting(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON value
    """The names of the layouts that a value may be in.

    >>> fitting({"instruction": "Name a river.", "output": "Tay"}), fitting(7)
    (('alpaca',), ())
    >>> fitting({"instruction": "Name a river.", "prompt": "Q: Name a river.", "response": "Tay"})
    ('alpaca', 'prompt_completion')
    """
    if LAYOUTS["records"].fits(value):
        return ("records",)
    seen = filled(value)
    # a null says nothing, unless it is what a record has for an answer
    for given in (seen,) if seen is value else (seen, value):
        for names in (_STRONG, WEAK):
            if fits := tuple(name for name in names if LAYOUTS[name].fits(given)):
                return fits
    return ()
