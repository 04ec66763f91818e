"""Training arms of an ablation: each student is a run of its own, and what all show is put together."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from selfinstruct.audit.ablation_table import table
from selfinstruct.audit.ablation_tasks import Found, tasks_of
from selfinstruct.audit.trained import Training, kept_aside, lessons, together
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.records import Json, Task
from selfinstruct.run import compose
from selfinstruct.run.inputs import Set, read_input
from selfinstruct.run.recipe import Resolved, resolve
from selfinstruct.store.files import publish_text
from selfinstruct.store.reading import read_object

RESULT = "ablation.json"


def read_tasks_of(paths: Sequence[str], shape: str, columns: str) -> Found:
    """The tasks of all the sets; BadInput for a record that cannot be read, as a task with gaps is another task."""
    records: list[Task] = []
    roles = Roles.parse(columns) if columns else None
    for path in paths:
        for one in read_input(Set(path, shape, "", roles) if roles else Set(path, shape)):
            if not isinstance(one, Task):
                raise BadInput(one.problem, place=one.place, fix="mend the file, or leave it out")
            records.append(one)
    return tasks_of(records, 0)


def prepared(one: Training, tasks: Found, folder: Path, folds: int, shots: int) -> list[str]:
    """Write what a student learns and what it is asked into its folder's neighbours; returns the two files."""
    made = {
        "lessons": lessons(one, tasks.tasks, folds, shots=shots),
        "asked": kept_aside(one, tasks.tasks, folds),
    }
    if not made["lessons"]:
        raise BadInput("no example to learn", place=f"arm {one.name}", fix="give more tasks, or fewer folds")
    files = []
    for name, rows in made.items():
        file = folder / "sets" / f"{one.name}.{name}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        publish_text(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        files.append(str(file))
    return files


def resolved(
    one: Training,
    base: str,
    files: Sequence[str],
    *,
    asking: Mapping[str, Json],
    tuning: Mapping[str, Json],
    changes: Sequence[str] = (),
) -> Resolved:
    """The recipe of one student: it is tuned on the lessons, then asked about what was kept aside."""
    stages: list[Json] = [
        {"finetune": {"base": "base", "stop": "none", **tuning}},
        {"ablate": {**asking, "model": "student", "conditions": list(one.asked)}},
    ]
    models = {"base": base, "student": "built:student"}
    more: dict[str, Json] = {"publish": None, "seed": one.seed}
    return resolve(compose.recipe("ablate", list(files), stages, models, more), changes)


def published(students: Iterable[Training], folder: Path, *, margin: float, seed: int) -> str:
    """Put the finished students of a folder together: write `ablation.json` and `ablation.md`; returns the latter.

    One table for each number of examples, from the fewest on; the last is that of the most.
    """
    by_count: dict[int, list[Training]] = {}
    for one in students:
        by_count.setdefault(one.examples, []).append(one)
    told: dict[str, Json] = {}
    pages = []
    for count, group in sorted(by_count.items()):
        found = ((one, read_object(folder / one.name / RESULT, "run the same command again")) for one in group)
        put = together(found, margin=margin, seed=seed)
        told[str(count)] = put
        pages.append(f"Trained on at most {count} examples of each task, {len(group)} students\n\n{table(put)}")
    publish_text(folder / RESULT, json.dumps({"examples": told}, indent=1, ensure_ascii=False) + "\n")
    page = "\n".join(pages)
    publish_text(folder / "ablation.md", page)
    return page
