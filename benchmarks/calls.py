"""Model calls: what the gate costs beside the bare `openai` client, and how well it keeps to a limit.

    python benchmarks/calls.py [--requests 2000] [--in-flight 64] [--limit 100] [--seconds 40]

Part one: a loopback server in a process of its own answers at once. Both sides send the same chat requests with the
same aiohttp transport; the gate journals every answer (SQLite, synchronous=FULL) before handing it out. Requests per
second of the client's processor time, whole process, all threads; five turns each, in alternation, medians.

Part two: the server takes `--limit` requests a second (a token bucket of one second), answers after 50 ms, and says 429
to the rest. Share of the limit used after ten seconds of learning, and share of 429s over everything.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from selfinstruct.models.gate import Gate, Policy
from selfinstruct.models.openai_compatible import OpenAICompatible
from selfinstruct.records import Completion, Message, Request
from selfinstruct.store.journal import Journal

TURNS = 5
LEARNING_SECONDS = 10.0
PROMPT = "Come up with a task about rivers that nobody has thought of before. " * 8
ANSWER = "Draw up a table of five rivers with their length, source and mouth, longest first. " * 4


@dataclass(frozen=True, slots=True)
class Used:
    """How a limited server was used."""

    share: float
    refused: float


async def serve(limit: float) -> None:
    """Answer chat requests until killed; a limit of 0 is none. The first line on stdout is the port."""
    from aiohttp import web

    body = json.dumps(
        {
            "id": "cmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}],
            "usage": {"prompt_tokens": 120, "completion_tokens": 80, "total_tokens": 200},
        }
    ).encode()
    level, at, accepted, refused = limit, time.monotonic(), list[float](), 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal level, at, refused
        await request.read()
        if limit:
            now = time.monotonic()
            level, at = min(limit, level + (now - at) * limit), now
            if level < 1:
                refused += 1
                return web.json_response({"error": {"message": "slow down"}}, status=429)
            level -= 1
            accepted.append(now)
            await asyncio.sleep(0.05)
        return web.Response(body=body, content_type="application/json")

    async def told(_request: web.Request) -> web.Response:
        return web.json_response({"accepted": accepted, "refused": refused})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    app.router.add_get("/told", told)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@contextmanager
def server(limit: float = 0.0) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", str(limit)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait(10)


def bare(address: str, requests: int, in_flight: int) -> float:
    """Requests per second of processor time, with nothing but the SDK."""
    import openai

    async def run() -> float:
        async with openai.AsyncOpenAI(
            api_key="none", base_url=f"{address}/v1", max_retries=0, http_client=openai.DefaultAioHttpClient()
        ) as client:
            waiting = iter(range(requests))

            async def worker() -> None:
                for number in waiting:
                    answer = await client.chat.completions.create(
                        model="m",
                        messages=[{"role": "user", "content": f"{number} {PROMPT}"}],
                        max_tokens=200,
                        temperature=0.7,
                        top_p=1.0,
                    )
                    assert answer.choices[0].message.content

            await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "warm up"}])
            before = time.process_time()
            await asyncio.gather(*(worker() for _ in range(in_flight)))
            return requests / (time.process_time() - before)

    return asyncio.run(run())


def asked(count: int) -> Iterator[Request]:
    for number in range(count):
        prompt = (Message("user", f"{number} {PROMPT}"),)
        yield Request(prompt=prompt, max_tokens=200, temperature=0.7)


def gated(address: str, requests: int, in_flight: int) -> float:
    """The same through the gate, with the real journal."""
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        backend = OpenAICompatible(model="m", url=f"{address}/v1", in_flight=in_flight)
        with Gate(backend, journal) as gate:
            list(gate.scoped("warm up").complete(asked(1)))
            before = time.process_time()
            answered = sum(isinstance(answer, Completion) for answer in gate.scoped("s").complete(asked(requests)))
            rate = requests / (time.process_time() - before)
    assert answered == requests
    return rate


def limited(address: str, limit: float, seconds: float, per_minute: int | None) -> Used:
    """How a gate uses a limited server, told of the limit or not."""
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.sqlite") as journal:
        backend = OpenAICompatible(model="m", url=f"{address}/v1", in_flight=64)
        with Gate(backend, journal, Policy(requests_per_minute=per_minute)) as gate:
            until = time.monotonic() + seconds
            answers = gate.scoped("s").complete(asked(10**9))
            for _ in answers:
                if time.monotonic() > until:
                    break
            with urllib.request.urlopen(f"{address}/told") as reply:
                limits = json.load(reply)
    accepted, refused = limits["accepted"], limits["refused"]
    start = accepted[0] + LEARNING_SECONDS
    end = accepted[0] + seconds - 1
    used = sum(start <= at < end for at in accepted) / (limit * (end - start))
    return Used(used, refused / (len(accepted) + refused))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=2000)
    options.add_argument("--in-flight", type=int, default=64)
    options.add_argument("--limit", type=float, default=100.0)
    options.add_argument("--seconds", type=float, default=40.0)
    options.add_argument("--data", help="not used here; every benchmark takes it")
    options.add_argument("--serve", type=float, default=None, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
        return
    with server() as address:
        pairs = [
            (bare(address, given.requests, given.in_flight), gated(address, given.requests, given.in_flight))
            for _ in range(TURNS)
        ]
    alone, through = (statistics.median(column) for column in zip(*pairs, strict=True))
    print("| model calls | requests/s/core | of the bare client (wanted: 90 %) |\n|---|---|---|")
    print(f"| bare openai client, aiohttp transport | {alone:.0f} | |")
    print(f"| through the gate, journal on | {through:.0f} | {through / alone:.0%} |\n")
    print(f"| server limited to {given.limit:g}/s | used (wanted: 95 %) | refused (wanted: below 1 %) |\n|---|---|---|")
    for name, per_minute in (("requests_per_minute set", int(given.limit * 60)), ("found out by AIMD alone", None)):
        with server(given.limit) as address:
            used = limited(address, given.limit, given.seconds, per_minute)
        print(f"| {name} | {used.share:.1%} | {used.refused:.2%} |")


if __name__ == "__main__":
    main()
