"""Transformers models: our batches against a plain loop over prompts sorted by length, and how many texts agree.

    python benchmarks/transformers_model.py [--model PATH] [--prompts 96] [--tokens 48] [--rounds 3]

The plain loop is what most scripts do: prompts sorted by length, filled up on the left, `model.generate` on 32 at a
time. Ours gets the same prompts one by one in their own order, 64 of them under way, as the gate sends them. Same
weights, same number format, greedy; both take turns, and the median of the rounds counts. A second line asks for eight
sampled texts of each prompt. Counted is processor time, since a busy machine stretches wall time (on a GPU: wall time).
By default the embedded model's weights, converted once; needs the extra `train`.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from selfinstruct.models.backend import Answer
from selfinstruct.models.transformers_model import TransformersModel
from selfinstruct.models.transformers_weights import libraries, load_weights
from selfinstruct.records import Request
from selfinstruct.stage import DTYPES, Loaded

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "self_instruct.jsonl"
ROWS, IN_FLIGHT = 32, 64

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded", help="as after `hf:`")
    parser.add_argument("--prompts", type=int, default=96)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dtype", default="float32", choices=DTYPES)
    parser.add_argument("--device", default="")
    parser.add_argument("--data", type=Path, help="not used here; every benchmark takes it")
    given = parser.parse_args()
    prompts = _prompts(given.prompts)
    plain = load_weights(given.model, dtype=given.dtype, device=given.device)
    ours = TransformersModel(given.model, dtype=given.dtype, device=given.device)
    for name, requests in (("greedy", _requests(prompts, given.tokens, 1)), ("8 each", _requests(prompts[::8], 32, 8))):
        _race(name, plain, ours, requests, given.rounds)
    asyncio.run(ours.close())
    print(f"cores {os.cpu_count()}, load average {os.getloadavg()[0]:.1f}; {given.model}, {given.dtype}")


def _race(name: str, plain: Loaded, ours: TransformersModel, requests: Sequence[Request], rounds: int) -> None:
    asyncio.run(_ask(ours, requests[:2]))  # loads the weights
    _plain_loop(plain, requests[:2])
    cuda = plain.model.device.type == "cuda"
    seconds: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(rounds):
        expected = _timed(seconds["plain"], lambda: _plain_loop(plain, requests), cuda=cuda)
        answers = _timed(seconds["ours"], lambda: asyncio.run(_ask(ours, requests)), cuda=cuda)
    tokens = sum(answer.usage.completion_tokens for answer in answers)
    ratio = statistics.median(p / o for p, o in zip(seconds["plain"], seconds["ours"], strict=True))
    medians = {key: statistics.median(times) for key, times in seconds.items()}
    speed = f"{tokens / medians['ours']:.0f} tokens a second{'' if cuda else ' of one core'}"
    same = sum(
        text == choice.text
        for texts, answer in zip(expected, answers, strict=True)
        for text, choice in zip(texts, answer.choices, strict=True)
    )
    agree = f"; {same} of {sum(request.n for request in requests)} texts are the same" if name == "greedy" else ""
    print(f"{name}: {ratio:.2f} times as fast as the plain loop (rounds {_list(seconds)}), {speed}{agree}")


def _list(seconds: dict[str, list[float]]) -> str:
    return ", ".join(f"{p:.1f}/{o:.1f}" for p, o in zip(seconds["plain"], seconds["ours"], strict=True))


def _timed(into: list[float], work: Callable[[], T], *, cuda: bool) -> T:
    clock = time.perf_counter if cuda else time.process_time
    begun = clock()
    done = work()
    into.append(clock() - begun)
    return done


async def _ask(model: TransformersModel, requests: Sequence[Request]) -> list[Answer]:
    lanes = asyncio.Semaphore(IN_FLIGHT)

    async def one(request: Request) -> Answer:
        async with lanes:
            return await model.answer(request)

    return list(await asyncio.gather(*(one(request) for request in requests)))


def _plain_loop(loaded: Loaded, requests: Sequence[Request]) -> list[list[str]]:
    torch, _ = libraries()
    model: Any = loaded.model
    tokenizer: Any = loaded.tokenizer
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    cut = [len(tokenizer(str(request.prompt))["input_ids"]) for request in requests]
    order = sorted(range(len(requests)), key=lambda at: cut[at])
    texts: list[list[str]] = [[] for _ in requests]
    first = requests[0]
    torch.manual_seed(0)
    at_once = max(1, ROWS // first.n)
    for start in range(0, len(order), at_once):
        batch = order[start : start + at_once]
        given = tokenizer([str(requests[at].prompt) for at in batch], return_tensors="pt", padding=True).to(
            model.device
        )
        how = {"do_sample": True, "temperature": first.temperature, "top_k": 0} if first.n > 1 else {"do_sample": False}
        with torch.inference_mode():
            grown = model.generate(**given, max_new_tokens=first.max_tokens, num_return_sequences=first.n, **how)
        new = tokenizer.batch_decode(grown[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        for place, at in enumerate(batch):
            texts[at] = new[place * first.n : (place + 1) * first.n]
    return texts


def _prompts(count: int) -> list[str]:
    """Whole instructions and cut ones, a third of them with an input, which makes lengths uneven."""
    draw = Random(0)
    lines = [json.loads(line) for line in SEEDS.read_text(encoding="utf-8").splitlines()]
    made = []
    for number in range(count):
        task = draw.choice(lines)
        words = task["instruction"].split()
        text = task["instruction"] if number % 2 else " ".join(words[: max(3, len(words) // 2)])
        if number % 3 == 0:
            text += "\n\n" + str(task["instances"][0]["input"])
        made.append(f"Below is a task. Write an answer.\n\nTask: {text}\n\nAnswer:" if number % 4 else text)
    return made


def _requests(prompts: Sequence[str], tokens: int, choices: int) -> list[Request]:
    heat = 0.9 if choices > 1 else 0.0
    return [Request(prompt=prompt, max_tokens=tokens, temperature=heat, n=choices) for prompt in prompts]


if __name__ == "__main__":
    main()
