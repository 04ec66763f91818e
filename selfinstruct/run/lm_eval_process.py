"""The process in which lm-evaluation-harness runs: a request comes in as a file, results go out as one.

Only this module and `lm_eval_endpoint.py` import the harness. Programs that a model wrote are run by its own
`code_eval`, in processes forked from this one, each for a few seconds: they get a bound on memory, on time, on the size
of files and on their number, and neither keys nor tokens of the environment. They do see the file system and the
network: hence `--run-model-code`.
"""

import json
import os
import re
import sys
import traceback
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput, Stopped

_MEMORY = 1 << 30  # bytes that a program may take, beyond what this process has when it is forked
_SECONDS = 30  # of a processor
_FILE = 1 << 24
_OPEN_FILES = 64
_ALLOWED = "HF_ALLOW_CODE_EVAL"
_SECRET = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_LIKELIHOOD = frozenset({"loglikelihood", "loglikelihood_rolling", "multiple_choice"})


def main(job_file: Path, output_file: Path) -> None:
    """Write what was found, or why nothing was, as JSON."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    try:
        value = run(job)
    except Stopped as fault:
        value = {"stopped": fault.typed}
    except BadInput as fault:
        value = {"bad": [fault.what, fault.place, fault.fix]}
    except Exception as fault:  # noqa: BLE001 - whatever a task or a model does goes back as one line
        value = {"error": f"{type(fault).__name__}: {' '.join(str(fault).split())[:600]}{_where(fault)}"}
    output_file.write_text(json.dumps(value, ensure_ascii=True, default=str), encoding="utf-8")


def _where(fault: Exception) -> str:
    """Where it was raised, of one that says nothing else."""
    frames = traceback.extract_tb(fault.__traceback__)
    if str(fault).strip() or not frames:
        return ""
    return f"raised by {Path(frames[-1].filename).name}:{frames[-1].lineno}, {frames[-1].line}"


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Evaluate every task of the job in turn, and gather results and spending."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    from selfinstruct.evaluate.harness.tasks import past_the_cap
    from selfinstruct.run.recipe.keys import Limits

    names = [name for task in job["tasks"] for name in task["tasks"]]
    if job["run_model_code"]:
        _bound_programs()  # first of all: the modules of such tasks try their metric as they are imported
    manager = TaskManager(include_path=job["task_files"] or None, include_defaults=not job["task_files"])
    if job["task_files"] and not {*names} <= {*manager.all_tasks}:
        manager = TaskManager(include_path=job["task_files"])  # thousands of files: seconds
    unknown = [name for name in names if name not in manager.all_tasks]
    if unknown:
        return {"unknown": unknown}
    likelihood: list[str] = []
    for task in job["tasks"]:
        why = _examined(manager, task, job, likelihood)
        if why:
            return {"refused": why}
    limits = Limits.model_validate(job["limits"])
    if likelihood and job["kind"] == "openai" and (limits.max_cost or limits.max_total_tokens):
        return {"refused": past_the_cap(likelihood[0])}
    model, template = _model(job, limits, likelihood=bool(likelihood))
    results = {}
    with closing(model) if job["kind"] == "openai" and not job["dry_run"] else nullcontext():
        for task in job["tasks"]:
            made = lm_eval.simple_evaluate(
                model=model,
                tasks=task["tasks"],
                num_fewshot=task["fewshot"],
                limit=job["first"] or task["limit"],
                task_manager=manager,
                apply_chat_template=template,
                fewshot_as_multiturn=template,
                log_samples=True,
                bootstrap_iters=0,
                use_cache=job["cache"] if job["kind"] == "hf" and not job["dry_run"] else None,
                predict_only=job["dry_run"],
                confirm_run_unsafe_code=job["run_model_code"],
                random_seed=job["seed"],
                numpy_random_seed=job["seed"],
                torch_random_seed=job["seed"],
                fewshot_random_seed=job["seed"],
            )
            assert made is not None  # only further ranks get nothing
            keys = ("results", "groups", "n-shot", "versions", "samples")
            results[task["name"]] = {key: made.get(key) for key in keys}
        if job["dry_run"]:
            return {"plan": model.plan(job["spec"], limits)}
        spent = model.spent() if job["kind"] == "openai" else None
    return {"lm_eval": lm_eval.__version__, "chat": template, "results": results, "spent": spent}


def _examined(manager: Any, task: dict[str, Any], job: dict[str, Any], likelihood: list[str]) -> str:  # noqa: ANN401
    """Why a task is not run, empty where it may be; the names of those by likelihood are added to the last argument."""
    from selfinstruct.evaluate.harness.tasks import refused

    chat, run_model_code = job["chat_endpoint"], job["run_model_code"]
    try:
        loaded_tasks = manager.load(task["tasks"])["tasks"].values()
    except Exception as fault:
        # the metric of `code_eval` is tried as such a task's module is imported, and names this variable
        if run_model_code or _ALLOWED not in str(fault):
            raise
        return refused(task["name"], likelihood=False, runs_code=True, chat=chat, run_model_code=False)
    for loaded in loaded_tasks:
        name, by_likelihood = str(loaded.config.task), loaded.OUTPUT_TYPE in _LIKELIHOOD
        likelihood += [name] if by_likelihood else []
        runs_code = bool(getattr(loaded, "UNSAFE_CODE", False))
        why = refused(name, likelihood=by_likelihood, runs_code=runs_code, chat=chat, run_model_code=run_model_code)
        if why:
            return why
    return ""


def _model(
    job: dict[str, Any],
    limits: Any,  # noqa: ANN401 - imported late
    *,
    likelihood: bool,
) -> tuple[Any, bool]:
    """The harness's model, and whether prompts go through a chat template."""
    if job["dry_run"]:
        from selfinstruct.run.lm_eval_endpoint import Planned

        chat = job["chat_endpoint"] or job["wrapper"] == "chat"
        return Planned(chat=chat), chat
    if job["kind"] == "openai":
        from lm_eval.models.openai_completions import LocalCompletionsAPI

        from selfinstruct.run.lm_eval_endpoint import JournalledEndpoint

        chat = job["chat_endpoint"]
        made: Any = LocalCompletionsAPI
        several = {"num_concurrent": job["in_flight"], "max_retries": 5}
        own = {"tokenizer_backend": None, "tokenized_requests": False}
        address = f"{job['base_url'].rstrip('/')}/completions"
        likely = made(model=job["model"], base_url=address, **several, **own) if likelihood else None
        return JournalledEndpoint(job["spec"], Path(job["folder"]), limits, chat=chat, likelihood=likely), chat
    from lm_eval.models.huggingface import HFLM

    from selfinstruct.models.transformers_weights import load_weights

    loaded = load_weights(job["model"])
    own_template = getattr(loaded.tokenizer, "chat_template", None) is not None
    template = own_template if job["wrapper"] == "auto" else job["wrapper"] == "chat"
    return HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=job["batch"]), template


def _bound_programs() -> None:
    """Whatever is forked from here on is bounded, before it runs a line of a model's."""
    import resource

    os.environ[_ALLOWED] = "1"

    def bound() -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) if Path("/proc").is_dir() else 0
        memory = pages * resource.getpagesize() + _MEMORY
        for what, most in (
            (resource.RLIMIT_AS, memory),
            (resource.RLIMIT_CPU, _SECONDS),
            (resource.RLIMIT_FSIZE, _FILE),
            (resource.RLIMIT_NOFILE, _OPEN_FILES),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(what, (most, most))
        for name in [name for name in os.environ if _SECRET.search(name)]:
            del os.environ[name]

    os.register_at_fork(after_in_child=bound)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
