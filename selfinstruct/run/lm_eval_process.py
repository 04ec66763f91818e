"""The process in which lm-evaluation-harness runs: a request comes in as a file, results go out as one.

Only this module imports the harness. Programs that a model wrote are run by its own `code_eval`, in processes forked
from this one, each for a few seconds: they get a bound on memory, on the size of files and on their number, and neither
keys nor tokens of the environment. They do see the file system and the network: hence `--run-model-code`.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

_MEMORY = 1 << 30  # bytes that a program may take, beyond what this process has when it is forked
_FILE = 1 << 24
_OPEN_FILES = 64
_SECRET = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_LIKELIHOOD = frozenset({"loglikelihood", "loglikelihood_rolling", "multiple_choice"})


def main(asked: Path, answer_file: Path) -> None:
    """Write what was found, or why nothing was, as JSON."""
    request = json.loads(asked.read_text(encoding="utf-8"))
    try:
        value = run(request)
    except Exception as fault:  # noqa: BLE001 - whatever a task or a model does goes back as one line
        value = {"error": f"{type(fault).__name__}: {' '.join(str(fault).split())[:600]}"}
    answer_file.write_text(json.dumps(value, ensure_ascii=True, default=str), encoding="utf-8")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Every task in turn."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    from selfinstruct.evaluate.harness.tasks import refused

    names = [name for task in request["tasks"] for name in task["tasks"]]
    manager = TaskManager(include_path=request["task_files"] or None, include_defaults=not request["task_files"])
    if request["task_files"] and not {*names} <= {*manager.all_tasks}:
        manager = TaskManager(include_path=request["task_files"])  # thousands of files: seconds
    unknown = [name for name in names if name not in manager.all_tasks]
    if unknown:
        return {"unknown": unknown}
    for task in request["tasks"]:
        for loaded in manager.load(task["tasks"])["tasks"].values():
            why = refused(
                str(loaded.config.task),
                likelihood=loaded.OUTPUT_TYPE in _LIKELIHOOD,
                runs_code=bool(getattr(loaded, "UNSAFE_CODE", False)),
                chat=request["chat_endpoint"],
                run_model_code=request["run_model_code"],
            )
            if why:
                return {"refused": why}
    if request["run_model_code"]:
        _bound_programs()
    model, template = _model(request)
    results = {}
    for task in request["tasks"]:
        made = lm_eval.simple_evaluate(
            model=model,
            tasks=task["tasks"],
            num_fewshot=task["fewshot"],
            limit=request["first"] or task["limit"],
            task_manager=manager,
            apply_chat_template=template,
            fewshot_as_multiturn=template,
            log_samples=True,
            bootstrap_iters=0,
            use_cache=request["cache"],
            confirm_run_unsafe_code=request["run_model_code"],
            random_seed=request["seed"],
            numpy_random_seed=request["seed"],
            torch_random_seed=request["seed"],
            fewshot_random_seed=request["seed"],
        )
        assert made is not None  # only further ranks get nothing
        results[task["name"]] = {key: made.get(key) for key in ("results", "groups", "n-shot", "versions", "samples")}
    return {"lm_eval": lm_eval.__version__, "chat": template, "results": results}


def _model(request: dict[str, Any]) -> tuple[Any, bool]:
    """The harness's model, and whether prompts go through a chat template."""
    if request["kind"] == "openai":
        from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

        chat = request["chat_endpoint"]
        made: Any = LocalChatCompletion if chat else LocalCompletionsAPI
        path = "chat/completions" if chat else "completions"
        several = {"num_concurrent": request["in_flight"], "max_retries": 5}
        own = {} if chat else {"tokenizer_backend": None, "tokenized_requests": False}
        return made(
            model=request["model"], base_url=f"{request['base_url'].rstrip('/')}/{path}", **several, **own
        ), chat
    from lm_eval.models.huggingface import HFLM

    from selfinstruct.models.transformers_weights import load_weights

    loaded = load_weights(request["model"])
    own_template = getattr(loaded.tokenizer, "chat_template", None) is not None
    template = own_template if request["wrapper"] == "auto" else request["wrapper"] == "chat"
    return HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=request["batch"]), template


def _bound_programs() -> None:
    """Whatever is forked from here on is bounded, before it runs a line of a model's."""
    import resource

    os.environ["HF_ALLOW_CODE_EVAL"] = "1"

    def bound() -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) if Path("/proc").is_dir() else 0
        memory = pages * resource.getpagesize() + _MEMORY
        for what, most in (
            (resource.RLIMIT_AS, memory),
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
