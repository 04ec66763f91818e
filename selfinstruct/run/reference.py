"""The files that users of the released Self-Instruct program know, made from a run in the reference profile."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random

from selfinstruct.generate.encode import encode_all
from selfinstruct.records import Task
from selfinstruct.store.files import publish_text
from selfinstruct.store.reading import read_lines
from selfinstruct.store.run_folder import RunFolder, StageFolder, round_name

INSTRUCTIONS = "machine_generated_instructions.jsonl"
INSTANCES = "all_generated_instances.jsonl"
ENCODED = "gpt3_finetuning_data_{}.jsonl"
ENCODING_SEED = 123  # the program seeds its last step apart


def write_reference(folder: RunFolder, tasks: Sequence[Task]) -> None:
    """`reference/`: accepted instructions with their neighbours, the instances, and the encoded training lines."""
    place = folder.path / "reference"
    publish_text(place / INSTRUCTIONS, "".join(_line(entry) for entry in _instructions(folder)))
    rows = [
        {"instruction": task.instruction, "input": pair.input, "output": pair.output}
        for task in tasks
        for pair in task.instances
    ]
    publish_text(place / INSTANCES, "".join(_line(row) for row in rows))
    lines = encode_all(tasks, Random(ENCODING_SEED), "reference")  # noqa: S311 - not for secrets
    publish_text(place / ENCODED.format(len(lines)), "".join(_line(line.as_json()) for line in lines))


def _instructions(folder: RunFolder) -> Iterable[Mapping[str, object]]:
    """In accepted order, with the program's keys; `request_idx` counts batches from 0 as the program does."""
    for number in folder.round_numbers():
        place = _novelty(folder.path / round_name(number))
        if place is None or place.result() is None:
            continue
        for line in read_lines(place.path / "kept.jsonl"):
            evidence = line.get("evidence", {})
            yield {
                "instruction": line["instruction"],
                "most_similar": evidence.get("most_similar", {}),
                "avg_similarity_score": evidence.get("avg_similarity_score", 0.0),
                "request_idx": number - 1,
            }


def _novelty(part: Path) -> StageFolder | None:
    return next((StageFolder(path) for path in sorted(part.glob("*-novelty"))), None)


def _line(row: Mapping[str, object]) -> str:
    """ASCII-escaped, as the program writes it."""
    return json.dumps(row) + "\n"
