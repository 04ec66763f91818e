"""Suites: our questions to an `hf:` model against lm-eval's own `hf` backend; how full an endpoint's slots are.

    python benchmarks/suites.py [--model NAME] [--questions 48] [--tokens 24] [--batch 8] [--rounds 3]
    python benchmarks/suites.py --endpoint [--slots 32] [--seconds 0.5] [--waves 40]

The first asks the shipped prompts of `ifeval`, written as a task file for lm-evaluation-harness, too: the same prompts,
weights, batch, number format and length of answers, greedy. Both sides do all that is between a prompt and its number
(we check instructions, lm-eval compares with a text), and nothing is loaded in between; they take turns, and the median
of the rounds counts. Counted is processor time, since a busy machine stretches wall time (on a GPU: wall time). Extras
`train` and `eval`.

The second starts a server of its own that answers `--slots` requests at a time, each after `--seconds`, and lets the
command `score openai:... --suite superni=FOLDER` ask it. `busy` is the least time that the answers can take by the time
from the first request to the last answer; since nobody knows at first how many requests an endpoint takes at a time, it
is told from the moment on when all slots were full, too.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
_TASK = """
task: our_ifeval
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
output_type: generate_until
test_split: test
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
generation_kwargs: {{max_gen_toks: {tokens}, do_sample: false, until: []}}
metric_list: [{{metric: exact_match, ignore_case: true, ignore_punctuation: true}}]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded", help="as after `hf:`")
    parser.add_argument("--questions", type=int, default=48)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--endpoint", action="store_true", help="the second question")
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--waves", type=int, default=40, help="times that all slots are filled")
    parser.add_argument("--data", type=Path, help="not used here; every benchmark takes it")
    given = parser.parse_args()
    if given.endpoint:
        endpoint(given.slots, given.seconds, given.waves)
    else:
        race(given)
    print(f"cores {os.cpu_count()}, load average {os.getloadavg()[0]:.1f}")


def race(given: Any) -> None:  # noqa: ANN401 - argparse has no types
    from selfinstruct.models.transformers_weights import load_weights
    from selfinstruct.run.seeds_and_benchmarks import suite_tasks

    tasks = suite_tasks("ifeval", "ifeval-v1", 100)[: given.questions]
    loaded = load_weights(given.model, dtype=given.dtype)
    cuda = loaded.model.device.type == "cuda"
    seconds: dict[str, list[float]] = {"lm-eval": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        theirs = _theirs(Path(folder), tasks, loaded, given)
        ours = _ours(Path(folder), tasks, loaded, given)
        theirs(), ours()  # what is compiled or cached once
        for _ in range(given.rounds):
            expected = _timed(seconds["lm-eval"], theirs, cuda=cuda)
            answers = _timed(seconds["ours"], ours, cuda=cuda)
    ratio = statistics.median(time / other for time, other in zip(seconds["lm-eval"], seconds["ours"], strict=True))
    rounds = ", ".join(
        f"{time:.1f}/{other:.1f}" for time, other in zip(seconds["lm-eval"], seconds["ours"], strict=True)
    )
    same = sum(time.strip() == other.strip() for time, other in zip(expected, answers, strict=True))
    print(f"{ratio:.2f} times as fast as lm-eval (wanted: 1 at least; seconds lm-eval/ours {rounds})")
    print(f"{same} of {len(answers)} texts are the same; {given.model}, {given.dtype}, batches of {given.batch}")


def _timed(into: list[float], work: Callable[[], T], *, cuda: bool) -> T:
    clock = time.perf_counter if cuda else time.process_time
    begun = clock()
    done = work()
    into.append(clock() - begun)
    return done


def _theirs(folder: Path, tasks: Sequence[Any], loaded: Any, given: Any) -> Callable[[], list[str]]:  # noqa: ANN401
    import logging

    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    logging.disable(logging.WARNING)
    rows = [{"prompt": task.instruction, "answer": "Yes."} for task in tasks]
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "our_ifeval.yaml").write_text(_TASK.format(data=data, tokens=given.tokens), encoding="utf-8")
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    model = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=given.batch)

    def run() -> list[str]:
        results: Any = lm_eval.simple_evaluate(
            model=model, tasks=["our_ifeval"], task_manager=manager, bootstrap_iters=0, verbosity="ERROR"
        )
        samples = sorted(results["samples"]["our_ifeval"], key=lambda task: task["doc_id"])
        return [task["filtered_resps"][0] for task in samples]

    return run


def _ours(folder: Path, tasks: Sequence[Any], loaded: Any, given: Any) -> Callable[[], list[str]]:  # noqa: ANN401
    from selfinstruct.evaluate.suites.suite import Suite
    from selfinstruct.models.backend import AnswersInMemory
    from selfinstruct.models.gate import Gate
    from selfinstruct.models.transformers_decode import Decoder
    from selfinstruct.models.transformers_model import TransformersModel
    from selfinstruct.stage import Bench

    stage = Suite(model="m", suites=("ifeval",), wrappers=("none",), max_tokens=given.tokens)

    def run() -> list[str]:
        backend = TransformersModel(given.model, dtype=given.dtype, rows=given.batch)
        backend._decoder = Decoder(loaded, rows=given.batch)  # noqa: SLF001 - the same weights as the other side
        with Gate(backend, AnswersInMemory()) as gate:
            scratch = folder / "suite"
            bench = Bench(models={"m": gate.scoped("s")}, benchmarks={stage.ifeval: tuple(tasks)}, scratch=scratch)
            list(stage((), bench))
        lines = (scratch / "suite.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["response"] for line in lines]

    return run


def endpoint(slots: int, seconds: float, waves: int) -> None:
    questions = slots * waves
    with tempfile.TemporaryDirectory() as folder:
        tasks = Path(folder) / "tasks"
        tasks.mkdir()
        for number in range(-(-questions // 100)):
            rows = [
                {"id": f"{at}", "input": f"Number {at} of {number}", "output": ["yes"]}
                for at in range(min(100, questions - 100 * number))
            ]
            task = {"Definition": ["Is it a number?"], "Categories": ["Made up"], "Instances": rows}
            (tasks / f"task{number:03}_made_up.json").write_text(json.dumps(task), encoding="utf-8")
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, slots, seconds), daemon=True)
        server.start()
        port = ours.recv()
        words = ["score", "openai:bench", "--suite", f"superni={tasks}", "-o", str(Path(folder) / "out")]
        command = [str(Path(sys.executable).with_name("selfinstruct")), *words, "--set", f"limits.in_flight={slots}"]
        environment = {**os.environ, "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "none"}
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        wall = time.perf_counter() - began
        ours.send("tell")
        came, went, full = ours.recv()
        server.terminate()
        server.join()
    if done.returncode:
        sys.exit(done.stderr)
    span, each = went[-1] - came, seconds / slots
    later = [at for at in went if at > full]
    print(f"{len(went):,} answers of {seconds:g} s in {slots} slots: busy {len(went) * each / span:.1%}", end="; ")
    print(
        f"since all were full, {full - came:.1f} s after the first request, {len(later) * each / (went[-1] - full):.1%}"
    )
    print(f"(wanted: 95 %); first request to last answer {span:.1f} s, the whole command {wall:.1f} s")


def serve(pipe: Connection, slots: int, seconds: float) -> None:
    """Answer until told to tell: when the first question of the suite came, each answer went, all slots were full."""
    from aiohttp import web

    free = asyncio.Semaphore(slots)
    first, full, went = 0.0, 0.0, list[float]()
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
    usage = {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21}
    completion = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [choice],
        "usage": usage,
    }

    async def answer(request: web.Request) -> web.Response:
        nonlocal first, full
        came = time.perf_counter()
        body = await request.text()
        asked = "Is it a number?" in body  # else it is asked to learn what the endpoint can do
        async with free:
            if asked and free.locked():
                full = full or time.perf_counter()
            await asyncio.sleep(seconds)
        if asked:
            first = first or came
            went.append(time.perf_counter())
        return web.json_response(completion)

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        pipe.send((first, went, full))
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main()
