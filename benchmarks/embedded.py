"""The embedded model: tokens and accepted instructions per minute, with 1 and with 8 requests in flight.

    python benchmarks/embedded.py [--seconds 20] [--rounds 2]

First proposals, then answers: one chat message each, as the stage `instances` asks.

Each proposal shows eight of our seeds and asks for eight continuations. Accepted: 4 to 60 words, a full stop or the
like at the end, no markup, and ROUGE-L below 0.7 against the seeds and all accepted before. Accepted is not yet a good
task. The two settings take turns, so that a neighbour on this machine slows both; the ratio counts, not the figures.
"""

import argparse
import asyncio
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rapidfuzz.distance import LCSseq

from selfinstruct.models.embedded import Embedded
from selfinstruct.records import Message, Request
from selfinstruct.text import one_line, words

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "self_instruct.jsonl"
SETTINGS = (1, 8)


@dataclass
class Tally:
    """What one setting brought."""

    seconds: float = 0.0
    tokens: int = 0
    texts: int = 0
    accepted: list[list[str]] = field(default_factory=list)

    def line(self, in_flight: int) -> str:
        """One line for people."""
        minutes = self.seconds / 60
        return (
            f"{in_flight} in flight: {self.tokens / self.seconds:6.1f} tokens/s, {len(self.accepted) / minutes:6.1f} "
            f"accepted/min of {self.texts / minutes:6.1f} texts/min ({len(self.accepted) / max(1, self.texts):.0%})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="time for each setting in each round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--data", type=Path, help="not used here; every benchmark takes it")
    given = parser.parse_args()
    seeds = [json.loads(line)["instruction"] for line in SEEDS.read_text(encoding="utf-8").splitlines()]
    asyncio.run(_race(seeds, given.seconds, given.rounds))


async def _race(seeds: list[str], seconds: float, rounds: int) -> None:
    backends = {count: Embedded(None, in_flight=count) for count in SETTINGS}
    tallies = {count: Tally() for count in SETTINGS}
    for backend in backends.values():
        await backend.answer(_request(seeds, Random(0)))  # loads the weights
    for turn in range(rounds):
        for count, backend in backends.items():
            await _run(backend, seeds, seconds, tallies[count], Random(turn))
    for count, tally in tallies.items():
        print(tally.line(count))
    single, eight = (tallies[count] for count in SETTINGS)
    ratio = (len(eight.accepted) / eight.seconds) / max(1e-9, len(single.accepted) / single.seconds)
    print(f"accepted per minute, 8 in flight against 1: {ratio:.2f}")
    answers = dict.fromkeys(SETTINGS, 0.0)
    for turn in range(rounds):
        for count, backend in backends.items():
            answers[count] += await _answers(backend, seeds, seconds, Random(turn)) / rounds
    print("answers: " + ", ".join(f"{count} in flight {rate:.1f} tokens/s" for count, rate in answers.items()))
    print(f"tokens per second of answers, 8 in flight against 1: {answers[8] / max(1e-9, answers[1]):.2f}")
    for backend in backends.values():
        await backend.close()
    print(f"cores {os.cpu_count()}, load average {os.getloadavg()[0]:.1f}; default setting: {Embedded(None).in_flight}")


async def _run(backend: Embedded, seeds: list[str], seconds: float, tally: Tally, draw: Random) -> None:
    pool = [words(seed) for seed in seeds]
    begun = time.perf_counter()

    async def lane() -> None:
        while time.perf_counter() - begun < seconds:
            answer = await backend.answer(_request(seeds, draw))
            tally.tokens += answer.usage.completion_tokens
            for choice in answer.choices:
                tally.texts += 1
                if _acceptable(choice.text, pool + tally.accepted):
                    tally.accepted.append(words(choice.text))

    await asyncio.gather(*(lane() for _ in range(backend.in_flight)))
    tally.seconds += time.perf_counter() - begun


async def _answers(backend: Embedded, seeds: list[str], seconds: float, draw: Random) -> float:
    """Tokens a second when every request is another instruction to be answered."""
    begun, tokens = time.perf_counter(), 0

    async def lane() -> None:
        nonlocal tokens
        while time.perf_counter() - begun < seconds:
            asked = (Message("system", "Answer in one to three sentences."), Message("user", draw.choice(seeds)))
            reply = await backend.answer(Request(prompt=asked, max_tokens=64, temperature=0.3))
            tokens += reply.usage.completion_tokens

    await asyncio.gather(*(lane() for _ in range(backend.in_flight)))
    return tokens / (time.perf_counter() - begun)


def _request(seeds: list[str], draw: Random) -> Request:
    shown = "".join(f"Task {number}: {one_line(seed)}\n" for number, seed in enumerate(draw.sample(seeds, 8), 1))
    prompt = f"A list of different tasks, one per line:\n{shown}Task 9:"
    return Request(prompt=prompt, max_tokens=64, temperature=0.9, top_p=0.95, n=8, stop=("\n",))


def _acceptable(text: str, pool: list[list[str]]) -> bool:
    text = text.strip()
    own = words(text)
    if not 4 <= len(own) <= 60 or text[-1] not in ".?!" or any(mark in text for mark in "<>{}*#`"):
        return False
    return all(2 * LCSseq.similarity(own, other) < 0.7 * (len(own) + len(other)) for other in pool)


if __name__ == "__main__":
    main()
