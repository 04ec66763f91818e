"""What a run starts from: seeds, benchmarks, prompt sets and suites, read before a folder is taken."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.judging.judge_trial import JUDGE_CHECK, known_pairs
from selfinstruct.evaluate.suites.suite_files import (
    IFEVAL,
    SUPERNI,
    USER_ORIENTED,
    ifeval_tasks,
    superni_tasks,
    user_tasks,
)
from selfinstruct.formats.aliases import Roles
from selfinstruct.formats.json_lines import read_values
from selfinstruct.formats.read_sets import Unreadable, read_set
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from selfinstruct.generate.topic import AUTO, topic_of
from selfinstruct.records import Json, Provenance, Task, digest
from selfinstruct.run.inputs import content, opened
from selfinstruct.run.recipe.keys import RecipeKeys
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.stage_models import weights_marks
from selfinstruct.superni import NatInstTask, natinst_task, split_names
from selfinstruct.tone.objecqa_share import objecqa_tasks
from selfinstruct.tone.prompt_sets import ifs_tasks

_SEED_FILES = frozenset({".jsonl", ".json", ".gz", ".zst", ".zstd"})
_FEW_SEEDS = 8
_HALVES = {"ifs-v1:dev": True, "ifs-v1:test": False}  # of the shipped prompts: for training, and for what is reported
_DEV_SOURCES = 150
SHIPPED_SETS = {
    "ifs-v1": "ifs_instructions.jsonl",
    "objecqa-v1": "objecqa.jsonl",
    "facts-v2": "facts.jsonl",
    "tone-v1": "tone_completions.jsonl",
    "tone-v2": "tone_reads.jsonl",
}
"""Names of sets that are shipped, to score with, to check against, to try a judge on; and their files."""
_LABELLED = frozenset({"tone-v1", "tone-v2"})
_MOST_BYTES = 512 << 20
_SPLIT = "splits/default/test_tasks.txt"
_OUR_SUITES = {
    IFEVAL: "ifeval.jsonl",
    USER_ORIENTED: "user_oriented.jsonl",
    JUDGE_CHECK: "judge_check.jsonl",
}
_SUITE_KEYS = {
    "ifeval": "prompt, instruction_id_list and kwargs, or no file for our own",
    "user_oriented": "id, instruction and input, or no file for our own",
    "judge_check": "instruction, better and worse, or no file for our own",
    "answers": "answers, or a folder that `score --suite` made",
}
_SUITE_FIX = (
    "name a folder with tasks/ and splits/default/test_tasks.txt (`git clone "
    "https://github.com/allenai/natural-instructions`), or one of task files (*.json)"
)


@dataclass(frozen=True, slots=True)
class SeedsAndBenchmarks:
    """What a run starts from."""

    seeds: tuple[Task, ...]
    held_out: tuple[Task, ...]
    """Seeds that are no part of the pool: shown to no model, but compared with by novelty."""
    contents: Mapping[str, str]
    """Checksums of the inputs and benchmarks, by the path the recipe gives."""
    benchmarks: Mapping[str, Sequence[Task]]
    """What a set is checked against, by the path the recipe gives."""


def seeds_and_benchmarks(resolved: Resolved, notice: Callable[[str], None]) -> SeedsAndBenchmarks:
    """Read the seeds and benchmarks that the recipe names, and open its inputs: BadInput before a folder is taken."""
    recipe = resolved.recipe
    opened(resolved.sets, recipe.seed)
    named = builtin_seeds() if resolved.seeds == "builtin" else Path(resolved.seeds)
    seeds, held_out = _held_out(_seeds(named, recipe.seeds_columns) if resolved.seeds else (), recipe)
    if resolved.rounds and len(seeds) < _FEW_SEEDS:
        notice(f"only {len(seeds)} seed tasks: prompts show fewer demonstrations, and tasks will be less varied")
    _tell_topic(resolved, seeds, notice)
    needs = [stage.needs for stage in (*resolved.rounds, *resolved.stages)]
    against = dict.fromkeys(path for need in needs for path in (*need.against, *need.gold))
    sets = dict.fromkeys(name for need in needs for name in need.prompts)
    if any(need.checks is not None for need in needs):
        sets |= dict.fromkeys((*_HALVES, "objecqa-v1"))
    sets |= dict.fromkeys(path for path in against if path in SHIPPED_SETS)
    read = [path for path in (*(entry.path for entry in recipe.inputs), *against) if path not in SHIPPED_SETS]
    contents = {path: content(path) for path in read}
    contents |= {f"weights of {role}": mark for role, mark in weights_marks(resolved).items()}
    made = {name: prompt_set(name) for name in sets if name}
    made |= {need.labelled: labelled(need.labelled) for need in needs if need.labelled}
    contents |= {name: digest(*(task.id for task in tasks)) for name, tasks in made.items()}
    for path in (path for need in needs for path in need.rows):
        made[path] = labelled(path)
        lines: list[Json] = [dict(task.extra) for task in made[path]]  # all that they say is in their extra fields
        contents[path] = digest(*lines)
    columns = {
        path: Roles.parse(need.against_columns) for need in needs if need.against_columns for path in need.against
    }
    benchmarks = {path: _benchmark(path, columns.get(path)) for path in against if path not in made} | made
    for suite in (suite for need in needs for suite in need.suites):
        benchmarks[suite.path] = suite_tasks(suite.name, suite.path, suite.instances)
        content_of: list[Json] = [[task.id, dict(task.extra)] for task in benchmarks[suite.path]]
        contents[suite.path] = digest(*content_of)
    return SeedsAndBenchmarks(seeds, held_out, contents, benchmarks)


def _seeds(path: Path, columns: Mapping[str, str]) -> Sequence[Task]:
    """Seed tasks, or the tasks of a set of another layout, whose every record must be readable: seeds are few."""
    if columns:
        return _seeds_of_set(path, Roles.of(columns, "seeds_columns"))
    try:
        return read_seeds(path)
    except BadInput as fault:
        if not path.exists():
            raise
        try:
            return _seeds_of_set(path)
        except BadInput as other:
            raise (fault if path.suffix in _SEED_FILES else other) from None


def _seeds_of_set(path: Path, roles: Roles | None = None) -> Sequence[Task]:
    seeds: list[Task] = []
    origin = Provenance(stage="seed", source=path.name)
    for item in read_set(str(path), columns=roles):
        if not isinstance(item, Task):
            raise BadInput(item.problem, place=item.place, fix="mend the seed, or take it out")
        seeds.append(replace(item, human=True, provenance=origin))
    return seeds


def _tell_topic(resolved: Resolved, seeds: Sequence[Task], notice: Callable[[str], None]) -> None:
    """What tasks are to be about, where nobody said it."""
    infers = any(stage.needs.infers_topic for stage in resolved.rounds)
    topic = topic_of(seeds, AUTO) if infers else None
    if topic is not None:
        notice(
            f"topic, by the words of the seeds: {topic.name} (`topic` in the recipe, or --topic, names it otherwise)"
        )


def _held_out(seeds: Sequence[Task], recipe: RecipeKeys) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """The seeds of the pool, and those kept out of it: a larger number holds out the same ones and more."""
    wanted = recipe.holdout_seeds
    if wanted and wanted >= len(seeds):
        what = f"holdout_seeds: {wanted} of {len(seeds)} seeds leave none to show"
        raise BadInput(what, place="the recipe", fix=f"give at most {max(0, len(seeds) - 1)}, or more seeds")
    ranked = sorted(seeds, key=lambda seed: digest("holdout", recipe.seed, seed.id))
    drawn = frozenset(seed.id for seed in ranked[:wanted])
    return tuple(seed for seed in seeds if seed.id not in drawn), tuple(seed for seed in seeds if seed.id in drawn)


def _benchmark(path: str, columns: Roles | None) -> Sequence[Task]:
    """All its items; BadInput at the first that cannot be read, for a check with gaps is none."""
    items = []
    for item in _read_benchmark(path, columns):
        if not isinstance(item, Task):
            raise BadInput(item.problem, place=item.place, fix="mend the benchmark: a check with gaps is none")
        items.append(item)
    return items


def _read_benchmark(path: str, columns: Roles | None) -> Iterator[Task | Unreadable]:
    """As it is read; `--from` and `--columns` are words for inputs, and benchmarks have their own."""
    try:
        yield from read_set(path, columns=columns, answered=False if columns else None)
    except BadInput as fault:
        fix = fault.fix.replace("--columns", "--against-columns")
        if "--from" in fix:
            fix = f"bring it into one layout: `selfinstruct convert {path} --from NAME -o benchmark.jsonl`"
        raise BadInput(fault.what, place=fault.place, fix=fix) from None


def prompt_set(name: str) -> Sequence[Task]:
    """A set of prompts to score with: one that is shipped, or a file like them.

    `ifs-v1:dev` has 150 of the 500 sources of `ifs-v1`, drawn by a hash of their ids, `ifs-v1:test` the others; both in
    the order of the hash, so that their beginning is a fair sample.
    """
    if name in _HALVES:
        return _half(prompt_set("ifs-v1"), dev=_HALVES[name])
    if name in _LABELLED:
        return labelled(name)
    made = objecqa_tasks if name == "objecqa-v1" else ifs_tasks
    path = _path(name)
    return made((line.value for line in read_values(path)), path.name)


def labelled(name: str) -> Sequence[Task]:
    """Completions that were labelled by reading: a set that is shipped, or a file like it."""
    path = _path(name)
    return _labelled((line.value for line in read_values(path)), path.name)


def _path(name: str) -> Path:
    return builtin_seeds().with_name(SHIPPED_SETS[name]) if name in SHIPPED_SETS else Path(name)


def _labelled(rows: Iterable[Mapping[str, Any]], source: str) -> Sequence[Task]:
    """Completions with their labels as tasks: every field is extra, for the judge's room to read."""
    provenance = Provenance(stage="input", source=source)
    return [
        Task(instruction=str(row.get("prompt", "")), provenance=provenance, ordinal=number, extra=dict(row))
        for number, row in enumerate(rows)
    ]


def _half(tasks: Sequence[Task], *, dev: bool) -> Sequence[Task]:
    by_source: dict[str, list[Task]] = {}
    for task in tasks:
        by_source.setdefault(str(task.extra["source"]), []).append(task)
    ranked = sorted(by_source, key=lambda source: digest("ifs-v1", source))
    return [task for source in (ranked[:_DEV_SOURCES] if dev else ranked[_DEV_SOURCES:]) for task in by_source[source]]


def suite_tasks(suite: str, path: str, instances: int) -> tuple[Task, ...]:
    """What a stage is handed of a suite; BadInput for what is not there or in another layout, with its place."""
    if suite == "superni":
        return tuple(superni_tasks(_our_tasks() if path == SUPERNI else _task_files(Path(path)), instances))
    file = builtin_seeds().with_name(_OUR_SUITES[path]) if path in _OUR_SUITES else Path(path)
    if suite == "answers" and file.is_dir():
        file = file / "suite.jsonl"
    fix = f"name a JSONL file with {_SUITE_KEYS[suite]}"
    if not file.is_file():
        raise BadInput("no such file", place=f"suite {suite}: {path}", fix=fix)
    rows = []
    for line in read_values(file):
        if not isinstance(line.value, dict):
            raise BadInput("no object", place=line.place, fix=fix)
        rows.append((line.place, line.value))
    if suite == "user_oriented":
        return user_tasks(rows, file.name)
    if suite == "judge_check":
        return known_pairs(rows, file.name)
    if suite == "answers":
        return _answered(rows, file.name)
    return ifeval_tasks((value for _, value in rows), file.name)


def _answered(rows: Iterable[tuple[str, Mapping[str, Any]]], source: str) -> tuple[Task, ...]:
    """Answers that a run has already, every field among the extra ones."""
    provenance = Provenance(stage="input", source=source)
    made = []
    for number, (place, row) in enumerate(rows):
        lacking = [key for key in ("suite", "id", "model", "prompt", "response") if not isinstance(row.get(key), str)]
        if lacking:
            raise BadInput(f"lacks {', '.join(lacking)}", place=place, fix="name a folder that `score --suite` made")
        made.append(Task(instruction=str(row["prompt"]), provenance=provenance, ordinal=number, extra=dict(row)))
    return tuple(made)


def _our_tasks() -> Iterator[NatInstTask]:
    """The shipped ones: a line for each, its name among its keys."""
    for line in read_values(builtin_seeds().with_name("superni.jsonl")):
        yield natinst_task(line.value, str(line.value["Name"]), line.place)


def _task_files(folder: Path) -> Iterator[NatInstTask]:
    """The test tasks of the split, or all files of a folder that has none, by name."""
    if not folder.is_dir():
        raise BadInput("no such folder", place=f"suite superni: {folder}", fix=_SUITE_FIX)
    split = folder / _SPLIT
    if split.is_file():
        names = split_names(read_whole(split, _MOST_BYTES, fix=_SUITE_FIX).decode("utf-8", "replace"))
        files = [folder / "tasks" / f"{name}.json" for name in names]
    else:
        files = sorted((folder / "tasks" if (folder / "tasks").is_dir() else folder).glob("*.json"))
    if not files:
        raise BadInput("holds no task file", place=f"suite superni: {folder}", fix=_SUITE_FIX)
    for file in files:
        if not file.is_file():
            raise BadInput(f"{_SPLIT} names a task that is not there", place=str(file), fix="get the whole folder")
        try:
            value = json.loads(read_whole(file, _MOST_BYTES, fix=_SUITE_FIX))
        except (ValueError, RecursionError) as fault:
            raise BadInput(f"not JSON: {fault}", place=str(file), fix=_SUITE_FIX) from None
        if not isinstance(value, dict):
            raise BadInput("no object", place=str(file), fix=_SUITE_FIX)
        yield natinst_task(value, file.stem, str(file))
