"""What the harness says of its samples, as lines with marks and numbers with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from selfinstruct.evaluate.harness.tasks import HarnessTask
from selfinstruct.evaluate.suites.suite_scores import marked_estimate
from selfinstruct.records import Json, digest

_PLAIN = "none"


def harness_lines(
    task: HarnessTask, samples: Mapping[str, Sequence[Mapping[str, Any]]], who: Mapping[str, Json]
) -> list[dict[str, Json]]:
    """A line for each question of each subtask; the marks of several filters of an answer stand on one line.

    Measures that are no number between 0 and 1 for one question have no mark.
    """
    lines: dict[tuple[str, str], dict[str, Json]] = {}
    for subtask, rows in samples.items():
        for sample in rows:
            key = (subtask, str(sample.get("doc_id")))
            # Not of `prompt_hash`, which is taken with the chat template: two models are compared on one question.
            asked = digest("harness", subtask, str(sample.get("doc_hash")))[:16]
            line = lines.setdefault(
                key,
                {
                    "suite": task.name,
                    "task": subtask,
                    "id": asked,
                    "source": asked,
                    **who,
                    "prompt": _prompt(sample),
                    "response": _text(sample.get("filtered_resps")),
                    "marks": {},
                },
            )
            marks = line["marks"]
            if isinstance(marks, dict):
                marks |= {
                    measure_name(name, str(sample.get("filter") or _PLAIN)): [value, 1]
                    for name in sample.get("metrics") or ()
                    if (value := _mark(sample.get(name))) is not None
                }
    return list(lines.values())


def harness_numbers(lines: Sequence[Mapping[str, Any]], seed: int) -> dict[str, Json]:
    """By measure, with its interval."""
    names = dict.fromkeys(name for line in lines for name in line["marks"])
    numbers: dict[str, Json] = {}
    for name in names:
        marks = [(str(line["source"]), (line["marks"][name][0], 1)) for line in lines if name in line["marks"]]
        number = marked_estimate(marks, seed)
        if number is not None:
            numbers[name] = number.as_json() | {"n": number.n, "sources": number.clusters}
    return numbers


def measure_name(name: str, filtered: str) -> str:
    """As the harness prints it, its filter beside it where it has one.

    >>> measure_name("acc", "none"), measure_name("exact_match", "flexible-extract")
    ('acc', 'exact_match,flexible-extract')
    """
    return name if filtered == _PLAIN else f"{name},{filtered}"


def _mark(value: object) -> float | None:
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    return None


def _prompt(sample: Mapping[str, Any]) -> str:
    arguments = sample.get("arguments")
    first = arguments.get("gen_args_0") if isinstance(arguments, Mapping) else None
    if isinstance(first, Mapping):
        return _text(first.get("arg_0"))
    return _text(arguments)


def _text(value: object) -> str:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value if isinstance(value, str) else "" if value is None or value == [] else str(value)
