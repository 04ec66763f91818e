"""Greedy novelty of many instructions on one core, beside rouge_score and beside brute-force RapidFuzz.

    python benchmarks/novelty.py [--data DIR] [--quick] [--million]

Seconds are processor time, of one thread except with `--million`, all divided by the same number: candidate x pool
pairs of the greedy pass, as if each were compared. What is compiled is compiled before the clock starts; that time is
printed too. Without DIR the texts are made of the words and lengths of our own seeds. `--million` only selects from a
million texts, with two threads, and prints peak memory.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import numpy as np
from rapidfuzz.distance import LCSseq
from rapidfuzz.process import cdist
from rouge_score import rouge_scorer

from selfinstruct.dedup.novelty import Novelty, select
from selfinstruct.dedup.rouge_index import f_measures
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept
from selfinstruct.text import words

T = TypeVar("T")

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "self_instruct.jsonl"
SAMPLE = 20_000
"""Pairs on which rouge_score is timed."""
BLOCK = 512
"""Queries that RapidFuzz compares with the pool in one call."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    method: str
    seconds: float
    pairs: int
    kept: Sequence[int] | None = None

    @property
    def nanoseconds(self) -> float:
        """A pair."""
        return self.seconds / self.pairs * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of instruction sets (benchmarks/README.md)")
    parser.add_argument("--quick", action="store_true", help="3,000 texts")
    parser.add_argument("--million", action="store_true", help="only the million")
    options = parser.parse_args()
    real = list(dict.fromkeys(instructions(options.data))) if options.data else []
    origin = real or [json.loads(line)["instruction"] for line in SEEDS.read_text("utf-8").splitlines()]
    source = "real instructions" if real else "instructions of our own seeds (no --data)"
    print(f"Words and lengths: {len(origin):,} different {source}.")
    if options.million:
        million(origin)
        return
    _, cold = timed(lambda: (select(origin), list(Novelty()(tasks(resampled(origin, 2_100)), Bench()))))
    print(f"Compiling, or loading what was compiled: {cold:.1f} s, not counted below.")
    if options.quick:
        table("resampled" if not real else "real", real[:3_000] or resampled(origin, 3_000))
        return
    table(*(("real", real) if real else ("resampled", resampled(origin, 20_000))))
    table("resampled", resampled(origin, 45_000))


def instructions(folder: Path) -> Iterator[str]:
    """Every `instruction` of every JSON and JSONL file under the folder, by file name."""
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text("utf-8")
        rows: list[Any] = json.loads(text) if path.suffix == ".json" else [json.loads(li) for li in text.splitlines()]
        yield from (row["instruction"] for row in rows if row.get("instruction"))


def resampled(texts: Sequence[str], count: int) -> list[str]:
    """Texts of that many words as these have, each word drawn as often as it occurs: seeded."""
    cut = [text_words for text in texts if (text_words := words(text))]
    pool, lengths, draw = (
        [word for text_words in cut for word in text_words],
        [len(text_words) for text_words in cut],
        Random(7),
    )
    return [" ".join(draw.choices(pool, k=draw.choice(lengths))) for _ in range(count)]


def table(name: str, texts: Sequence[str]) -> None:
    """Time every method on the same texts, check that they keep the same, and print."""
    selection, seconds = timed(lambda: select(texts))
    block = selection.kept.tolist()
    pairs = greedy_pairs(texts, block)
    ours = Row("`select`: the whole list at once, words cut and all", seconds, pairs, block)
    records = tasks(texts)
    outcomes, seconds = timed(lambda: list(Novelty()(records, Bench())))
    kept = [outcome.record.ordinal for outcome in outcomes if isinstance(outcome, Kept)]
    stage = Row("stage `Novelty`: with nearest neighbour and score for every text", seconds, pairs, kept)
    rapid = brute_force(texts, pairs)
    reference = library(texts, block)
    assert ours.kept == stage.kept == rapid.kept, "the methods do not agree on what to keep"
    print(f"\n{len(texts):,} {name} texts, {len(block):,} kept by all three, {pairs:,} pairs, one core\n")
    print("| method | processor seconds | ns a pair | times faster than rouge_score | than RapidFuzz |")
    print("|---|---|---|---|---|")
    for row in (reference, rapid, stage, ours):
        spent = f"{row.seconds:.2f}" + (f" for {row.pairs:,} sampled pairs" if row.kept is None else "")
        factors = (peer.nanoseconds / row.nanoseconds for peer in (reference, rapid))
        print(f"| {row.method} | {spent} | {row.nanoseconds:,.2f} | " + " | ".join(f"{x:,.1f}" for x in factors) + " |")


def greedy_pairs(texts: Sequence[str], kept: Sequence[int]) -> int:
    """Pool sizes added up over all candidates."""
    return sum(len(texts) - 1 - position for position in kept)


def library(texts: Sequence[str], kept: Sequence[int]) -> Row:
    """rouge_score's own LCS and F on words cut beforehand, for a sample of the pairs of the greedy pass."""
    draw, cut = Random(1), [words(text) for text in texts]
    sizes = np.searchsorted(np.array(kept), np.arange(len(texts)))
    candidates = draw.choices(range(len(texts)), weights=sizes.tolist(), k=SAMPLE)
    sample = [(cut[candidate], cut[kept[draw.randrange(int(sizes[candidate]))]]) for candidate in candidates]
    score = rouge_scorer._score_lcs  # noqa: SLF001 - its public call cuts the words anew for every pair
    _, seconds = timed(lambda: [score(first, second) for first, second in sample])
    return Row("`rouge_score`, its LCS on words cut before", seconds, SAMPLE)


def brute_force(texts: Sequence[str], pairs: int) -> Row:
    """`cdist` of blocks of candidates with pool and block; only its calls are on the clock."""
    code: dict[str, int] = {}
    cut = [[code.setdefault(word, len(code)) for word in words(text)] for text in texts]
    coded = ["".join(chr(0x10000 + number) for number in numbers) for numbers in cut]
    kept: list[int] = []
    spent = 0.0
    for first in range(0, len(coded), BLOCK):
        block, against = coded[first : first + BLOCK], [coded[place] for place in kept]
        common, seconds = timed(
            lambda block=block, against=against: cdist(  # type: ignore[misc] # mypy does not infer defaults
                block, against + block, scorer=LCSseq.similarity, dtype=np.int32, workers=1
            )
        )
        spent += seconds
        known = list(range(len(against)))
        sizes = np.array([len(text) for text in (*against, *block)])
        for row, candidate in enumerate(block):
            scores = f_measures(common[row][known], len(candidate), sizes[known])
            if not len(scores) or scores.max() <= 0.7:
                known.append(len(against) + row)
                kept.append(first + row)
    return Row("RapidFuzz, brute force by `cdist`, a word as a character", spent, pairs, kept)


def million(origin: Sequence[str]) -> None:
    texts = resampled(origin, 1_000_000)
    select(texts[:10_000], workers=2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    selection, seconds = timed(lambda: select(texts, workers=2))
    wall = time.perf_counter() - began
    chosen = selection.kept.tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pairs = greedy_pairs(texts, chosen)
    print("\n| texts | kept | threads | wall seconds | processor seconds | ns a pair | peak memory | texts alone |")
    print("|---|---|---|---|---|---|---|---|")
    print(f"| {len(texts):,} | {len(chosen):,} | 2 | {wall:.0f} | {seconds:.0f} | {seconds / pairs * 1e9:.3f} ", end="")
    print(f"| {peak / 2**20:.2f} GiB | {before / 2**20:.2f} GiB |")


def tasks(texts: Sequence[str]) -> list[Task]:
    origin = Provenance(stage="input")
    return [Task(instruction=text, provenance=origin, ordinal=number) for number, text in enumerate(texts)]


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """The result, and the seconds of processor time it took: other programs on the machine disturb them least."""
    began = time.process_time()
    result = call()
    return result, time.process_time() - began


if __name__ == "__main__":
    main()
