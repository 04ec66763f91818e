"""The first stage of a recipe with `inputs`: every line of every set becomes a task, or is rejected with its place."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from selfinstruct import notebook
from selfinstruct.arguments import arguments_checked
from selfinstruct.errors import BadInput
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.input_files import place_in
from selfinstruct.formats.read_sets import SeenIds, Unreadable, read_set
from selfinstruct.formats.seeds import builtin_seeds
from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Task, Unread
from selfinstruct.run.run_records import task_cells
from selfinstruct.stage import Bench, Kept, Outcome, Rejected, Scope
from selfinstruct.store.run_folder import READ
from selfinstruct.task_names import named
from selfinstruct.text import shown


@dataclass(frozen=True, slots=True)
class Set:
    """An input of a recipe: path, and how it is to be read."""

    path: str
    layout: str = ""
    compat: str = ""
    columns: Roles | None = None


Answers = Literal["as_they_are", "as_the_first", "needed"]
"""Whether a record without an answer is a fault: never; where some of the first records have one; always, and so is a
blank one."""


@dataclass(frozen=True, kw_only=True)
class ReadInputs:
    """Read the inputs in their order; the one stage that opens files, and so made by the recipe alone."""

    name: ClassVar[str] = READ
    version: ClassVar[int] = 2
    scope: ClassVar[Scope] = "source"
    needs: ClassVar[Needs] = NOTHING

    sets: tuple[Set, ...]
    strict: bool = False
    answers: Answers = "as_the_first"

    def __call__(self, records: Iterable[Task], bench: Bench) -> Iterator[Outcome]:
        """Kept, or Rejected as `Unread` with file and line; BadInput for a set that cannot be used at all."""
        del records
        seen = SeenIds()
        answered = {"as_they_are": False, "as_the_first": None, "needed": True}[self.answers]
        for given in self.sets:
            for item in read_input(given, seed=bench.seed, seen=seen, answered=answered):
                if isinstance(item, Task):
                    blank = self.answers == "needed" and _blank(item)
                    if blank and self.strict:
                        raise BadInput("an empty answer", place=named(item), fix="leave --strict away")
                    yield Rejected(item, "no_answer", {"problem": "an empty answer"}) if blank else Kept(item)
                    continue
                if self.strict:
                    raise BadInput(item.problem, place=item.place, fix="mend the line, or leave --strict away")
                yield Rejected(_unread(item), item.reason, {"problem": item.problem})


def opened(sets: Iterable[Set], seed: int) -> None:
    """BadInput for a set that is not there, of no known layout, or without a column that is named for it.

    The first record tells; only whether a column that may be left out is anywhere, the last one.
    """
    for given in sets:
        to_the_end = given.columns is not None and (given.columns.input or given.columns.system)
        for _ in read_input(given, seed=seed):
            if not to_the_end:
                break


def read_input(
    given: Set, *, seed: int = 42, seen: SeenIds | None = None, answered: bool | None = None
) -> Iterator[Task | Unreadable]:
    """What a set holds, in the layout or by the columns that its recipe says."""
    return read_set(
        str(place_of(given.path)),
        layout=given.layout,
        columns=given.columns,
        compat=given.compat,
        seed=seed,
        seen=seen,
        answered=answered,
    )


def _blank(task: Task) -> bool:
    """Some answer has no words."""
    said = [pair.output for pair in task.instances] + [turn.content for turn in task.later if turn.role == "assistant"]
    return not all(text.strip() for text in said)


def _unread(unreadable: Unreadable) -> Unread:
    """The same for every user of the file: without its folder."""
    file, colon, line = unreadable.place.rpartition(":")
    return Unread(f"{Path(file).name}{colon}{line}", unreadable.text)


def place_of(path: str) -> str | Path:
    """Where an input lies: `builtin` is our seed tasks, `builtin:NAME` another of the files beside them."""
    kind, _, name = path.partition(":")
    if kind != "builtin":
        return path
    plain = name.replace("_", "").replace("-", "").isalnum()  # else it might name a file elsewhere
    place = builtin_seeds().with_name(f"{name}.jsonl") if name and plain else builtin_seeds()
    if (name and not plain) or not place.is_file():
        there = sorted(file.stem for file in place.parent.glob("*.jsonl"))
        raise BadInput(
            f"no built-in set '{shown(name)}'", place=f"input '{shown(path)}'", fix=f"one of: {', '.join(there)}"
        )
    return place


def content(path: str) -> str:
    """SHA-256 of what is read under a path: part of what the run is; a Hub id stands for itself.

    Of a run folder only its records count: a report drawn again there makes no other run here.
    """
    place = place_in(str(place_of(path)))
    total = hashlib.sha256()
    for file in [place] if place.is_file() else sorted(place.rglob("*")):
        if file.is_file():
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
    return total.hexdigest()


class TaskList(list[Task]):
    """The tasks of a set, and what in it could not be used."""

    def __init__(self, tasks: Iterable[Task], unusable: Iterable[Unreadable] = ()) -> None:
        """In the order of the set."""
        super().__init__(tasks)
        self.unusable = tuple(unusable)

    def _repr_html_(self) -> str:
        """The first of them, for a notebook."""
        rows = [task_cells(task) for task in self[: notebook.ROWS]]
        return notebook.view(notebook.ViewTable(("id", "instruction", "input", "output"), rows, of=len(self)))


@arguments_checked("read_set")
def read_tasks_of(
    source: str | Path,
    *,
    layout: str = "",
    columns: Mapping[str, str] | None = None,
    compat: Literal["", "camels"] = "",
    strict: bool = True,
    seed: int = 42,
) -> TaskList:
    """The tasks of a set: a file, a folder, a Hub id (`#SPLIT` where it has several), or `builtin`, our seed tasks.

    `layout` is how its records are written, `columns` what each column is, where looking does not tell. With `strict`
    the first record that cannot be used is BadInput, with file and line; without, such records stand in `.unusable`.
    """
    roles = Roles.of(columns, f"set '{shown(str(source))}'") if columns else None
    tasks, unusable = list[Task](), list[Unreadable]()
    for item in read_input(Set(str(source), layout, compat, roles), seed=seed):
        if isinstance(item, Task):
            tasks.append(item)
        elif strict:
            raise BadInput(item.problem, place=item.place, fix="mend it, or read with strict=False")
        else:
            unusable.append(item)
    return TaskList(tasks, unusable)
