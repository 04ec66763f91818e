"""Asks a model the tasks of lm-evaluation-harness, in a process of its own, and writes what came back as ours."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from selfinstruct.arguments import arguments_checked
from selfinstruct.errors import BadInput, Stopped
from selfinstruct.evaluate.harness.results import harness_lines, harness_numbers
from selfinstruct.evaluate.harness.tasks import HarnessTask, harness_tasks, refused
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.models.hosted import connected, short_form
from selfinstruct.models.model_files import plain_name
from selfinstruct.records import Json, digest
from selfinstruct.run.recipe import verb_recipes
from selfinstruct.run.recipe.keys import Limits
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.store.atomic_writes import publish_text, wants_folder
from selfinstruct.store.lock import owning

EXTRA = "pip install 'selfinstruct[eval,train]'"
_IN_FLIGHT = 8
_BATCH = 8


@arguments_checked()
def harness(  # noqa: PLR0913 - each is one of the harness's own
    model: str,
    tasks: Sequence[str],
    folder: str | Path,
    *,
    task_files: str | Path = "",
    wrapper: str = "auto",
    first: int = 0,
    run_model_code: bool = False,
    seed: int = 42,
    limits: Limits | None = None,
    dry_run: bool = False,
) -> dict[str, Json]:
    """The tasks, by our names or the harness's own; `harness.json`, `harness.jsonl` and its log go to the folder.

    What an endpoint answers is in `journal.sqlite` before it is used, and what a model here answers in a cache, so that
    a run which was ended goes on and pays for nothing twice.

    Args:
        model: `hf:NAME_OR_FOLDER`, a folder (a student's, too), or `openai:NAME` (OPENAI_BASE_URL, OPENAI_API_KEY) and
            the like.
        tasks: see `evaluate/harness/tasks.py`.
        folder: where results go.
        task_files: a folder with task files of one's own, in the harness's YAML.
        wrapper: `auto`: a model's chat template where it has one; `chat`; `none`.
        first: only so many questions of each task; 0: as the task says.
        run_model_code: allow tasks that run what the model wrote.
        seed: of the harness, and of intervals.
        limits: of money, tokens, speed and patience, as a recipe has them; for endpoints.
        dry_run: send nothing, write nothing, and say what would be sent, and its price: `requests`, `prompt_tokens`,
            `completion_tokens_most`, `cost`. Tasks by likelihood count as prompts.

    Raises:
        BadInput: the harness is not installed, a task does not exist or is refused, a model that it cannot ask.
        Stopped: a cap is reached, or the endpoint fails; the same call goes on.
    """
    wanted = harness_tasks(tasks)
    wants_folder(Path(folder))
    if importlib.util.find_spec("lm_eval") is None:
        raise BadInput("lm-evaluation-harness is not installed", place="--suite harness", fix=EXTRA)
    if wrapper not in {"auto", "chat", "none"}:
        raise BadInput(
            f"wrapper '{wrapper}'", place="--suite harness", fix="auto, chat or none: the harness has no other"
        )
    kind, name, base_url = _endpoint(model)
    chat_endpoint = kind == "openai" and wrapper != "none"
    for task in wanted:
        known = {"likelihood": bool(task.likelihood), "runs_code": task.runs_code}
        if why := refused(task.name, **known, chat=chat_endpoint, run_model_code=run_model_code):
            raise BadInput(why, place="--tasks", fix="see above")
    if task_files:
        check_task_files(Path(task_files), [name for task in wanted for name in task.tasks])
    place = Path(folder)
    job: dict[str, Json] = {
        "kind": kind,
        "model": name,
        "base_url": base_url,
        "chat_endpoint": chat_endpoint,
        "wrapper": wrapper,
        "tasks": [task.as_json() for task in wanted],
        "task_files": str(task_files),
        "first": first,
        "run_model_code": run_model_code,
        "seed": seed,
        "in_flight": _IN_FLIGHT,
        "spec": model,
        "folder": str(place),
        "limits": (limits or Limits()).model_dump(mode="json"),
        "dry_run": dry_run,
        "batch": _BATCH,
    }
    shown_as = plain_name(name) if kind == "hf" else model
    job["cache"] = str(place / f"harness-cache-{digest(shown_as, base_url, wrapper)[:12]}")
    if dry_run:
        plan: dict[str, Json] = _in_a_child(job, None)["plan"]
        return {"model": shown_as, **plan}
    with owning(place):
        output = _in_a_child(job, place / "harness.log")
        return _published(output, wanted, shown_as, place, seed)


def limits_of(changes: Sequence[str]) -> Limits:
    """Of `--set limits.KEY=VALUE`; BadInput for anything else, which the harness does not know."""
    for change in changes:
        if not change.startswith("limits."):
            fix = "limits.max_cost, limits.max_total_tokens, limits.prices and their like"
            raise BadInput(f"--suite harness takes no '{change}'", place="--set", fix=fix)
    nothing = verb_recipes.recipe(
        "harness", [], [{"suite": {"model": "scored"}}], {"scored": "embedded"}, {"publish": None}
    )
    return resolve(nothing, changes).recipe.limits


def _endpoint(model: str) -> tuple[str, str, str]:
    """Kind, name, address; BadInput for a model that the harness cannot ask as we do."""
    kind, colon, rest = model.partition(":")
    if Path(model).is_dir():
        return "hf", model, ""
    if kind == "hf" and colon and rest:
        return "hf", rest, ""
    hosted = short_form(model)
    if hosted is not None:
        return "openai", hosted.model, connected(hosted, planned=True).base_url
    fix = "name hf:NAME_OR_FOLDER, a student's folder, or openai:NAME and its like"
    raise BadInput(f"the harness asks no '{model}'", place="--suite harness", fix=fix)


_KEYS = ("dataset_path", "output_type", "doc_to_text", "doc_to_target")
_NOT_ALONE = frozenset({"include", "group", "class"})
"""Keys of task files that take others from elsewhere."""


class _TaskFile(yaml.SafeLoader):
    """The harness's YAML: functions are named in it, and not looked for here."""


_TaskFile.add_multi_constructor("!", lambda _loader, suffix, node: f"!{suffix} {node.value}")


def check_task_files(folder: Path, names: Sequence[str]) -> None:
    """Task files of one's own, before a process is started for them.

    BadInput for a folder that is not there, a file that is no YAML, a named task that lacks a key.
    """
    if not folder.is_dir():
        raise BadInput("no such folder", place=f"--task-files {folder}", fix="name a folder with task files in YAML")
    for file in sorted(folder.rglob("*.yaml")):
        task = _task_file(file)
        if not isinstance(task, dict) or task.get("task") not in names or _NOT_ALONE & task.keys():
            continue
        if lacking := [key for key in _KEYS if task.get(key) is None]:
            fix = f"a task file has task, {', '.join(_KEYS)}, or an `include` that has them"
            raise BadInput(f"task {task['task']}: {', '.join(lacking)} missing", place=str(file), fix=fix)


def _task_file(file: Path) -> Any:  # noqa: ANN401 - whatever stands in it
    fix = "correct or remove it"
    try:
        return _TaskFile(file.read_text(encoding="utf-8")).get_single_data()
    except yaml.MarkedYAMLError as fault:
        line = "" if fault.problem_mark is None else f":{fault.problem_mark.line + 1}"
        raise BadInput(f"not YAML: {fault.problem or fault}", place=f"{file}{line}", fix=fix) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise BadInput("not YAML in UTF-8", place=str(file), fix=fix) from None


def _in_a_child(job: Mapping[str, Json], kept_log: Path | None) -> dict[str, Any]:
    """What the process found; `kept_log`: where what the harness says is kept, None: nowhere."""
    with TemporaryDirectory() as scratch:
        log = kept_log or Path(scratch) / "harness.log"
        at = str(kept_log or "--suite harness")
        job_file, output_file = Path(scratch) / "job.json", Path(scratch) / "output.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        words = [sys.executable, "-m", "selfinstruct.run.lm_eval_process", str(job_file), str(output_file)]
        environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
        with log.open("w", encoding="utf-8") as said:
            ended = subprocess.run(words, stdout=said, stderr=said, env=environment, check=False)  # noqa: S603 - ours
        if ended.returncode or not output_file.is_file():
            what = f"the harness ended with {ended.returncode}"
            raise BadInput(what, place=at, fix="read the log; what was answered is kept: type the same again")
        value: dict[str, Any] = json.loads(output_file.read_text(encoding="utf-8"))
    if "unknown" in value:
        what = f"the harness has no task {', '.join(value['unknown'])}"
        raise BadInput(what, place="--tasks", fix="see `lm-eval ls tasks`; task files of your own: --task-files FOLDER")
    if "bad" in value:
        what, where, fix = value["bad"]
        raise BadInput(what, place=where, fix=fix)
    if "stopped" in value:
        raise Stopped(value["stopped"])
    if "refused" in value:
        raise BadInput(value["refused"], place="--tasks", fix="see above")
    if "error" in value:
        fix = "a set that is not here comes from the Hub: get online once, or name --task-files; the same again goes on"
        raise BadInput(f"the harness failed: {value['error']}", place=at, fix=fix)
    return value


def _published(
    output: Mapping[str, Any], tasks: Sequence[HarnessTask], name: str, folder: Path, seed: int
) -> dict[str, Json]:
    """`name`: of the model, as every other score has it, so that its numbers stand on one row."""
    wrapper = "chat" if output["chat"] else "none"
    lines: list[dict[str, Json]] = []
    by_task: dict[str, Json] = {}
    for task in tasks:
        own = harness_lines(task, output["results"][task.name]["samples"], {"model": name, "wrapper": wrapper})
        lines += own
        results = {key: output["results"][task.name].get(key) for key in ("results", "groups", "n-shot", "versions")}
        by_task[task.name] = {
            "lm_eval": [*task.tasks],
            "settings": task.conditions,
            "paper": not task.differs and task.likelihood is not None,
            "questions": len(own),
            "metrics": harness_numbers(own, seed),
            "as_lm_eval_tells": results,
        }
    page: dict[str, Json] = {
        "model": name,
        "wrapper": wrapper,
        "lm_eval": output["lm_eval"],
        "spent": output.get("spent"),
        "tasks": by_task,
    }
    publish_text(folder / "harness.jsonl", "".join(map(as_line, lines)))
    publish_text(folder / "harness.json", as_page(page))
    return page
