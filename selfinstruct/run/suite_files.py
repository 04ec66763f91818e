"""Reads what a suite asks: a file of IFEval, or a folder of Super-NaturalInstructions."""

import json
from collections.abc import Iterator
from pathlib import Path

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.suites.files import IFEVAL, SUPERNI, USER_ORIENTED, ifeval_tasks, superni_tasks, user_tasks
from selfinstruct.formats.lines import read_values
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.records import Task
from selfinstruct.superni import NatInstTask, natinst_task, split_names

_MOST_BYTES = 512 << 20
_SPLIT = "splits/default/test_tasks.txt"
_FIX = (
    "name a folder with tasks/ and splits/default/test_tasks.txt (`git clone "
    "https://github.com/allenai/natural-instructions`), or one of task files (*.json)"
)


def suite_tasks(suite: str, path: str, instances: int) -> tuple[Task, ...]:
    """What a stage is handed of a suite; BadInput for what is not there or in another layout, with its place."""
    if suite == "superni":
        return tuple(superni_tasks(_our_tasks() if path == SUPERNI else _task_files(Path(path)), instances))
    ours = {IFEVAL: "ifeval.jsonl", USER_ORIENTED: "user_oriented.jsonl"}
    file = builtin_seeds().with_name(ours[path]) if path in ours else Path(path)
    keys = "prompt, instruction_id_list and kwargs" if suite == "ifeval" else "id, instruction and input"
    fix = f"name a JSONL file with {keys}, or no file for our own"
    if not file.is_file():
        raise BadInput("no such file", place=f"suite {suite}: {path}", fix=fix)
    rows = []
    for line in read_values(file):
        if not isinstance(line.value, dict):
            raise BadInput("no object", place=line.place, fix=fix)
        rows.append((line.place, line.value))
    if suite == "user_oriented":
        return user_tasks(rows, file.name)
    return ifeval_tasks((value for _, value in rows), file.name)


def _our_tasks() -> Iterator[NatInstTask]:
    """The shipped ones: a line for each, its name among its keys."""
    for line in read_values(builtin_seeds().with_name("superni.jsonl")):
        yield natinst_task(line.value, str(line.value["Name"]), line.place)


def _task_files(folder: Path) -> Iterator[NatInstTask]:
    """The test tasks of the split, or all files of a folder that has none, by name."""
    if not folder.is_dir():
        raise BadInput("no such folder", place=f"suite superni: {folder}", fix=_FIX)
    split = folder / _SPLIT
    if split.is_file():
        names = split_names(read_whole(split, _MOST_BYTES, fix=_FIX).decode("utf-8", "replace"))
        files = [folder / "tasks" / f"{name}.json" for name in names]
    else:
        files = sorted((folder / "tasks" if (folder / "tasks").is_dir() else folder).glob("*.json"))
    if not files:
        raise BadInput("holds no task file", place=f"suite superni: {folder}", fix=_FIX)
    for file in files:
        if not file.is_file():
            raise BadInput(f"{_SPLIT} names a task that is not there", place=str(file), fix="get the whole folder")
        try:
            value = json.loads(read_whole(file, _MOST_BYTES, fix=_FIX))
        except (ValueError, RecursionError) as fault:
            raise BadInput(f"not JSON: {fault}", place=str(file), fix=_FIX) from None
        if not isinstance(value, dict):
            raise BadInput("no object", place=str(file), fix=_FIX)
        yield natinst_task(value, file.stem, str(file))
