"""Super-NaturalInstructions: of each training task up to 60 zero-shot and 20 few-shot prompts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.camels.checked_values import (
    Converted,
    SetOrigin,
    Unusable,
    Values,
    each,
    items,
    kind,
    mapping,
    text,
)
from selfinstruct.formats.camels.checked_values import unreadable as complaint
from selfinstruct.formats.camels.instructions import few_shot, zero_shot
from selfinstruct.formats.fields import BadRecord, Unreadable
from selfinstruct.formats.json_lines import read_each, read_text_lines
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.streams import name
from selfinstruct.records import Json, Task

HELD_OUT = "_mmmlu_"
"""In the names of tasks made of MMLU, which is part of the evaluation."""


@dataclass(frozen=True, kw_only=True)
class SuperNI:
    """A value is one task of the collection, its place ends with the name of its file."""

    name: str = "superni"
    about: str = (
        "the folder of tasks/ and splits/; of each task of the cross-lingual training list, those of MMLU left out, "
        "60 instances through a random template and 20 behind 2 positive examples"
    )
    zero_shot: int = 60
    few_shot: int = 20
    examples: int = 2
    """Positive examples shown in each few-shot prompt."""

    def convert(self, values: Values, *, source: str, compat: str = "", seed: int = 42) -> Converted:
        """First definition, first output; `drawn_from` in `extra` says how many instances the task has."""
        return each(values, partial(self._task, SetOrigin(dataset=self.name, source=source, seed=seed)), compat)

    def _task(
        self, origin: SetOrigin, value: Mapping[str, Any], line: Line, number: int
    ) -> Iterator[Task | Unreadable]:
        del number
        stem = task_name(line.place)
        if HELD_OUT in stem:
            raise Unusable("held_out", "made of MMLU, which is part of the evaluation")
        definition = _first(value, "Definition")
        examples = [_pair(raw) for raw in items(value, "Positive Examples")]
        instances = items(value, "Instances")
        chance = Random(origin.draw("instances", stem))  # noqa: S311 - not for secrets
        fields: dict[str, Json] = {"task": stem, "drawn_from": len(instances)}
        fields |= {key.lower(): value[key] for key in ("Categories", "Source") if key in value}
        for place, index in enumerate(self._drawn(len(instances), chance)):
            shown = chance.sample(examples, min(self.examples, len(examples))) if place >= self.zero_shot else None
            draw = origin.draw("template", stem, index)
            try:
                yield _record(origin, definition, shown, mapping(instances[index], "the instance"), fields, draw)
            except Unusable as fault:
                within = f"instance {index + 1}"
                yield complaint(line, fault.reason, fault.problem, within=within, text=instances[index])

    def _drawn(self, have: int, chance: Random) -> Sequence[int]:
        """Which instances; all of them, in order, where there are no more than wanted."""
        wanted = self.zero_shot + self.few_shot
        return chance.sample(range(have), wanted) if wanted < have else range(have)


def _record(
    origin: SetOrigin,
    definition: str,
    shown: Sequence[tuple[str, str]] | None,
    instance: Mapping[str, Any],
    fields: Mapping[str, Json],
    draw: int,
) -> Task:
    entered, output = text(instance, "input"), _first(instance, "output").strip()
    extra = {**fields, "shots": len(shown or ())}
    if isinstance(instance.get("id"), str):
        extra["id"] = instance["id"]
    prompt = zero_shot(definition, entered, draw) if shown is None else few_shot(definition, shown, entered)
    return origin.task(prompt, output, extra)


def _pair(raw: object) -> tuple[str, str]:
    example = mapping(raw, "the positive example")
    return text(example, "input"), text(example, "output")


def _first(value: Mapping[str, Any], key: str) -> str:
    """A text, or the first of a list of texts; later releases have lists."""
    entry = value.get(key)
    if isinstance(entry, str):
        return entry
    texts = items(value, key)
    if not texts:
        raise Unusable("wrong_shape", f"key '{key}' is an empty list")
    if not isinstance(texts[0], str):
        raise Unusable("wrong_shape", f"key '{key}' holds {kind(texts[0])}, not text")
    return texts[0]


def task_name(place: str) -> str:
    """The name of a task, from the place of its value.

    >>> task_name("ni/tasks/task001_quoref.json:1")
    'task001_quoref'
    """
    return Path(place).name.split(".json")[0]


def read_superni(folder: Path, split: str = "xlingual") -> Iterator[Line | BadRecord]:
    """Each task of the training list, one file at a time: `splits/SPLIT/train_tasks.txt` and `tasks/NAME.json`.

    A file that is missing or torn is a BadRecord, and the next ones follow; BadInput where there is no list.
    """
    listed = folder / "splits" / split / "train_tasks.txt"
    if not listed.is_file():
        fix = "clone the repository of natural-instructions, and name its folder"
        raise BadInput("no list of training tasks", place=name(listed), fix=fix)
    for entry in read_text_lines(listed):
        path = folder / "tasks" / f"{Path(str(entry.value)).name}.json"
        try:
            yield from read_each(path)
        except BadInput as fault:
            yield BadRecord(fault.what, reason="broken_file", place=fault.place or name(path), fix=fault.fix)
