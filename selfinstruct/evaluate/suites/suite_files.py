"""Files of suites as tasks: what a stage is handed of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.ifeval.prompt_records import ifeval_prompts
from selfinstruct.records import Instance, Json, Provenance, Task
from selfinstruct.superni import NatInstTask

IFEVAL = "ifeval-v1"
USER_ORIENTED = "user-v1"
SUPERNI = "superni-v1"
"""Our own prompts and tasks, as a recipe names them."""


def ifeval_tasks(rows: Iterable[Mapping[str, Any]], source: str) -> tuple[Task, ...]:
    """A task for each prompt of a file in the public schema; its row stands among the extra fields.

    BadInput for a line that cannot be checked.

    >>> row = {"key": 1, "prompt": "Ask.", "instruction_id_list": ["startend:quotation"], "kwargs": [{}]}
    >>> [(task.instruction, task.extra["key"]) for task in ifeval_tasks([row], "set.jsonl")]
    [('Ask.', 1)]
    """
    read = list(rows)
    ifeval_prompts((f"{source}:{number}", row) for number, row in enumerate(read, 1))
    provenance = Provenance(stage="input", source=source)
    return tuple(
        Task(instruction=str(row["prompt"]), provenance=provenance, ordinal=number, extra=dict(row))
        for number, row in enumerate(read)
    )


def superni_tasks(files: Iterable[NatInstTask], most: int) -> Iterator[Task]:
    """A task for each of the first `most` instances of each file, its answers as instances.

    >>> from selfinstruct.superni import natinst_task
    >>> file = {"Definition": ["Name a river."], "Instances": [{"input": "Scotland", "output": ["Tay", "Dee"]}]}
    >>> [instance.output for task in superni_tasks([natinst_task(file, "rivers")], 100) for instance in task.instances]
    ['Tay', 'Dee']
    """
    for file in files:
        provenance = Provenance(stage="input", source=file.name)
        for number, asked in enumerate(file.instances[:most]):
            extra: dict[str, Json] = {"task": file.name, "category": file.category, "id": asked.id}
            yield Task(
                instruction=file.definition,
                instances=tuple(Instance(asked.input, output) for output in asked.outputs),
                provenance=provenance,
                ordinal=number,
                extra=extra,
            )


def user_tasks(rows: Iterable[tuple[str, Mapping[str, Any]]], source: str) -> tuple[Task, ...]:
    """A task for each row: `id`, `instruction`, and `input` or the public layout's `instances`; an `app` may be named.

    Raises:
        BadInput: a row without an instruction.

    >>> rows = [("set.jsonl:1", {"id": "u1", "instruction": "Sort.", "instances": [{"input": "b a", "output": "a b"}]})]
    >>> [(task.instances[0].input, task.extra["source"]) for task in user_tasks(rows, "set.jsonl")]
    [('b a', 'u1')]
    """
    made = []
    for number, (place, row) in enumerate(rows, 1):
        listed = row.get("instances")
        first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else row
        instruction, given = row.get("instruction"), first.get("input") or ""
        if not isinstance(instruction, str) or not instruction.strip() or not isinstance(given, str):
            fix = "give 'id', 'instruction' and 'input', or the layout of user_oriented_instructions.jsonl"
            raise BadInput("no user-oriented task", place=place, fix=fix)
        extra: dict[str, Json] = {
            "source": str(row.get("id") or number),
            "app": str(row.get("app") or row.get("motivation_app") or ""),
        }
        provenance = Provenance(stage="input", source=source)
        instances = (Instance(given, ""),)
        made.append(
            Task(instruction=instruction, instances=instances, provenance=provenance, ordinal=number, extra=extra)
        )
    return tuple(made)


def check_suite_names(names: Iterable[str], known: Iterable[str]) -> None:
    """BadInput for a suite that is not there, one named twice, or none at all."""
    named, there = list(names), list(known)
    for name in named:
        if name not in there:
            if name == "harness":
                fix = "ask it alone: selfinstruct score MODEL --suite harness --tasks LIST"
                raise BadInput("suite 'harness' asks by itself", place="suites", fix=fix)
            raise BadInput(f"no suite '{name}'", place="suites", fix=f"one of: {', '.join(there)}")
    if not named or len(set(named)) < len(named):
        raise BadInput("suites: none is named, or one twice", fix=f"name some of: {', '.join(there)}")
