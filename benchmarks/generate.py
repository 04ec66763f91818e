"""How well `selfinstruct generate` keeps the slots of an endpoint full whose answers take very different times.

    .venv/bin/python benchmarks/generate.py [--count N] [--slots 32] [--lag N]

A server in a process of its own answers after a time drawn from a log-normal distribution (sigma 0.8), seeded by the
prompt, and says how long all its answers took together: divided by the slots, nobody could have done it faster. `share`
is that ideal by the time of the whole command, `busy` by the time from the first request to the last answer. With
`--lag 0` each round waits for the slowest answer of the one before it. Accepted tasks for each request for new ones
stand beside it, and how varied they are, for a lag must not cost quality.
"""

import argparse
import asyncio
import hashlib
import json
import math
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

SIGMA = 0.8
SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "self_instruct.jsonl"
_OPEN_NUMBER = re.compile(r"(\d+)\.\s*$")
_NEAR = 0.15
"""Share of proposed tasks that repeat one of the prompt's own but for a word: novelty has something to reject."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="tasks to be kept")
    parser.add_argument("--slots", type=int, default=32, help="requests in flight")
    parser.add_argument("--mean", type=float, default=0.25, help="mean seconds of an answer; 0: at once")
    parser.add_argument("--items", type=int, default=3, help="new tasks in an answer")
    parser.add_argument(
        "--lag", type=int, action="append", help="requests; several times to compare; default 0 and 256"
    )
    parser.add_argument("--data", type=Path, help="not read: the server makes its answers up")
    given = parser.parse_args()
    print(f"{given.count:,} tasks, {given.slots} slots, answers of {given.mean} s on average, log-normal with {SIGMA}")
    print("\n  lag    wall   ideal  share   busy    cpu  asked per request distinct")
    for lag in given.lag or (0, 256):
        with tempfile.TemporaryDirectory() as folder:
            tell(lag, once(Path(folder) / "run", lag, given))


@dataclass(frozen=True)
class Told:
    """What a run came to."""

    wall: float
    ideal: float
    share: float
    """Of the slots, from the first request to the last answer."""
    cpu: float
    requests: int
    per_request: float
    """Accepted, for each request for new tasks."""
    distinct: float
    """Of all pairs of words in the instructions, the different ones."""


def once(folder: Path, lag: int, given: Any) -> Told:  # noqa: ANN401 - argparse has no types
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(theirs, given.mean, given.items), daemon=True
    )
    server.start()
    port = ours.recv()
    words = ["generate", "--model", "openai:bench", "--count", str(given.count), "-o", str(folder)]
    words += ["--set", f"limits.in_flight={given.slots}", "--set", f"lag={lag}"]
    environment = {**os.environ, "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_API_KEY": "none"}
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(Path(sys.executable).with_name("selfinstruct")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    ours.send("tell")
    taken, span, requests = ours.recv()
    server.terminate()
    server.join()
    if done.returncode:
        sys.exit(done.stderr)
    kept = [json.loads(line)["instruction"] for line in (folder / "kept.jsonl").read_text("utf-8").splitlines()]
    plans = [json.loads(path.read_text("utf-8")) for path in folder.glob("round-*/plan.json")]
    surplus = sum('"beyond_target"' in line for line in (folder / "rejected.jsonl").read_text("utf-8").splitlines())
    pairs = [pair for text in kept for pair in pairwise(text.lower().split())]
    return Told(
        wall=wall,
        ideal=taken / given.slots,
        share=taken / given.slots / span,
        cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        requests=requests,
        per_request=(len(kept) + surplus) / sum(plan["requests"] for plan in plans),
        distinct=len(set(pairs)) / len(pairs),
    )


def tell(lag: int, run: Told) -> None:
    share = run.ideal / run.wall
    print(f"{lag:>5} {run.wall:>6.1f}s {run.ideal:>6.1f}s {share:>6.0%} {run.share:>6.0%} ", end="")
    print(
        f"{run.cpu:>5.1f}s {run.requests:>6,} {run.per_request:>11.3f} {run.distinct:>8.3f}",
        flush=True,
    )


@dataclass
class Teacher:
    """Answers by the prompt alone, each after its time."""

    mean: float
    items: int
    vocabulary: list[str]
    taken: float = 0.0
    requests: int = 0
    first: float = 0.0
    last: float = 0.0

    def answer(self, body: Mapping[str, Any]) -> tuple[str, float]:
        """Text and seconds."""
        prompt = str(body["prompt"])
        draw = Random(hashlib.sha256(prompt.encode()).digest())
        seconds = draw.lognormvariate(math.log(self.mean) - SIGMA**2 / 2, SIGMA) if self.mean else 0.0
        begun = _OPEN_NUMBER.search(prompt)
        if begun:
            known = re.findall(r"^\d+\. (.+)$", prompt, re.MULTILINE)
            tasks = [self.task(draw, known) for _ in range(self.items)]
            lines = [f"{number}. {task}" for number, task in enumerate(tasks, int(begun[1]))]
            return "\n".join(lines).removeprefix(begun[1] + "."), seconds
        if body["max_tokens"] <= 16:
            return " No", seconds
        return f"Output: {' '.join(draw.choices(self.vocabulary, k=40))}.", seconds

    def task(self, draw: Random, known: list[str]) -> str:
        """A new one, or nearly one of those it was shown."""
        if known and draw.random() < _NEAR:
            said = draw.choice(known).split()
            said[draw.randrange(len(said))] = draw.choice(self.vocabulary)
            return " ".join(said)
        return f"Describe {' '.join(draw.choices(self.vocabulary, k=draw.randint(8, 16)))}."


def serve(pipe: Any, mean: float, items: int) -> None:  # noqa: ANN401 - a connection
    """Listen until the parent ends."""
    asyncio.run(_serve(pipe, mean, items))


async def _serve(pipe: Any, mean: float, items: int) -> None:  # noqa: ANN401 - a connection
    from aiohttp import web

    said = " ".join(json.loads(line)["instruction"] for line in SEEDS.read_text("utf-8").splitlines())
    vocabulary = sorted(set(re.findall(r"[a-z]{3,}", said.lower())))
    teacher = Teacher(mean, items, vocabulary)

    async def complete(request: web.Request) -> web.Response:
        body = await request.json()
        text, seconds = teacher.answer(body)
        now = time.monotonic()
        stage = body["max_tokens"] > 1
        if "Carrot" not in text and stage:
            teacher.first = teacher.first or now
            teacher.taken += seconds
            teacher.requests += 1
        await asyncio.sleep(seconds)
        teacher.last = time.monotonic()
        choices = [{"index": n, "text": text, "finish_reason": "stop"} for n in range(body.get("n", 1))]
        return web.json_response({"choices": choices, "usage": {"prompt_tokens": 100, "completion_tokens": 50}})

    app = web.Application(client_max_size=16 << 20)
    app.router.add_post("/v1/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    pipe.send(runner.addresses[0][1])
    while await asyncio.to_thread(pipe.recv) != "tell":
        pass
    pipe.send((teacher.taken, max(1e-9, teacher.last - teacher.first), teacher.requests))
    await asyncio.sleep(60)


if __name__ == "__main__":
    main()
