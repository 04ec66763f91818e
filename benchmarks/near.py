"""Near-duplicates: speed, precision and recall of our stage beside `datasketch` and `rensa`, in the same run.

    .venv/bin/python benchmarks/near.py [--data DIR] [--rows N]

Of N rows half are originals: the texts of DIR (or of our own seeds), then halves of two of them put together. A
quarter are copies of originals, a quarter are originals edited so that their Jaccard similarity to the original is
spread evenly over 0.8 to 1. Seconds are processor time of all threads, so that our two threads are no advantage; what
is compiled is compiled before the clock starts. The peers get shingles as sets of strings, as their users give them;
that is on their clock, as cutting words is on ours. `datasketch` is timed on the first rows only, which flatters it:
its index grows. The peers come with the extra `dev`.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from selfinstruct.dedup.exact import Exact
from selfinstruct.dedup.minhash import Bands, jaccard, shingles
from selfinstruct.dedup.near import Near
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected

T = TypeVar("T")

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "self_instruct.jsonl"
THRESHOLD, SIZE = 0.8, 3
BINS = ("0.80-0.85", "0.85-0.90", "0.90-0.95", "0.95-1.00", "1.00 (copies)")
PEER_ROWS = 20_000
CHECKED = 20_000
"""Removed rows whose similarity is computed again from the texts."""


@dataclass(frozen=True)
class Planted:
    """The rows, and for some of them which row they were made from and how alike the two are."""

    texts: list[str]
    origin: dict[int, tuple[int, float]]


@dataclass(frozen=True)
class Found:
    """What a method removed of the first `rows` rows, and why."""

    method: str
    seconds: float
    wall: float
    rows: int
    removed: dict[int, Sequence[int]] = field(repr=False)
    """Row -> the rows it is said to duplicate; none where the method does not say."""

    @property
    def microseconds(self) -> float:
        """A row."""
        return self.seconds / self.rows * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of instruction sets (benchmarks/README.md)")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--peer-rows", type=int, default=PEER_ROWS, help="rows on which datasketch is timed")
    options = parser.parse_args()
    real = list(dict.fromkeys(asked(options.data))) if options.data else []
    base = real or [json.loads(line)["instruction"] for line in SEEDS.read_text("utf-8").splitlines()]
    planted = plant(base, options.rows)
    source = "real texts" if real else "texts of our own seeds (no --data)"
    print(f"{len(planted.texts):,} rows from {len(base):,} {source}; {len(planted.origin):,} of them planted.")
    list(Near()(tasks(planted.texts[:2_000]), Bench()))  # compiled now
    records = tasks(planted.texts)
    before = peak()
    ours, measured = stage(records)
    grown = peak() - before
    results = [ours]
    if find_spec("datasketch") and find_spec("xxhash"):
        results += [library(planted, options.peer_rows, bands) for bands in (None, Near().bands)]
    if find_spec("rensa"):
        results += [rust(planted, 16), rust(planted, 32)]
    table(results, planted)
    print(f"\nOurs: peak memory {peak_told(grown)} above the records ({peak_told(before)}). {json.dumps(measured)}")
    exact, seconds, _ = timed(lambda: sum(isinstance(out, Rejected) for out in Exact()(records, Bench())))
    print(f"Stage `exact` on the same rows: {seconds / len(planted.texts) * 1e6:.1f} us a row, {exact:,} removed.")


def asked(folder: Path) -> Iterator[str]:
    """Instruction and input of every row of every JSON and JSONL file under the folder, by file name."""
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text("utf-8")
        rows: list[Any] = json.loads(text) if path.suffix == ".json" else [json.loads(li) for li in text.splitlines()]
        for row in rows:
            if isinstance(row.get("instruction"), str):
                more = row.get("input")
                yield f"{row['instruction']}\n{more}" if more and isinstance(more, str) else row["instruction"]


def plant(base: Sequence[str], rows: int) -> Planted:
    """Originals first in each group of four, then a copy and an edited one: seeded."""
    draw = Random(7)
    texts: list[str] = []
    origin: dict[int, tuple[int, float]] = {}
    longer: list[int] = []
    originals: list[int] = []
    for number in range(rows):
        kind = number % 4
        if kind < 2:
            place = number // 4 * 2 + kind
            text = base[place] if place < len(base) else joined(draw.choice(base), draw.choice(base))
            originals.append(number)
            if len(text.split()) >= 20:  # a shorter one has no variants close to 1
                longer.append(number)
        elif kind == 2 or not longer:
            source = draw.choice(originals)
            text = texts[source]
            origin[number] = source, 1.0
        else:
            source = draw.choice(longer)
            text, score = edited(texts[source], draw)
            origin[number] = source, score
        texts.append(text)
    return Planted(texts, {row: made for row, made in origin.items() if made[1] >= THRESHOLD})


def joined(first: str, second: str) -> str:
    """The first half of one and the second half of the other."""
    head, tail = first.split(" "), second.split(" ")
    return " ".join(head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :])


def edited(text: str, draw: Random) -> tuple[str, float]:
    """Words added at the end, put in the place of others or left out, until the similarity falls below a drawn one."""
    target = draw.uniform(THRESHOLD, 1.0)
    best, score = text, 1.0
    changed = text.split(" ")
    for _ in range(200):
        new = f"w{draw.randrange(10**6)}"
        match draw.randrange(4):
            case 0:
                changed[draw.randrange(len(changed))] = new
            case 1:
                del changed[draw.randrange(len(changed))]
            case _:
                changed = [*changed, new]
        value = jaccard(text, " ".join(changed), SIZE)
        if value < max(target, THRESHOLD):
            break
        best, score = " ".join(changed), value
    return best, score


def stage(records: Sequence[Task]) -> tuple[Found, dict[str, Any]]:
    """Outcomes are taken as a runner takes them, one after the other."""
    place = {record.id: number for number, record in enumerate(records)}
    removed: dict[int, Sequence[int]] = {}
    measured: dict[str, Any] = {}

    def run() -> int:
        kept = 0
        for outcome in Near(keep="first", jaccard=THRESHOLD, shingle_words=SIZE)(records, Bench()):
            match outcome:
                case Kept():
                    kept += 1
                case Rejected(record, _, evidence):
                    removed[place[record.id]] = [place[str(evidence["neighbour"])]]
                case Measured(name, value):
                    measured[name] = value
        return kept

    kept, seconds, wall = timed(run)
    assert kept + len(removed) == len(records)
    return Found("ours: stage `near`, evidence, curve and all", seconds, wall, len(records), removed), measured


def library(planted: Planted, rows: int, bands: Bands | None) -> Found:
    """As its documentation shows it: query, insert what found nothing; permutations shared, a fast hash function."""
    datasketch, xxhash = import_module("datasketch"), import_module("xxhash")

    texts = planted.texts[:rows]
    params = (bands.bands, bands.rows) if bands else None
    index = datasketch.MinHashLSH(threshold=THRESHOLD, num_perm=128, params=params)
    removed: dict[int, Sequence[int]] = {}

    def low(data: bytes) -> int:
        return int(xxhash.xxh64_intdigest(data)) & 0xFFFFFFFF

    def run() -> None:
        sets = ([shingle.encode() for shingle in shingles(text, SIZE)] for text in texts)
        for row, sketch in enumerate(datasketch.MinHash.generator(sets, num_perm=128, hashfunc=low)):
            proposed = index.query(sketch)
            if proposed:
                removed[row] = proposed
            else:
                index.insert(row, sketch)

    _, seconds, wall = timed(run)
    return Found(f"datasketch MinHashLSH, {index.b} bands of {index.r}", seconds, wall, len(texts), removed)


def rust(planted: Planted, bands: int) -> Found:
    """Its bulk way: a matrix of digests, and a flag for each row that shares a band with another."""
    rensa = import_module("rensa")
    texts = planted.texts

    def run() -> list[bool]:
        sets = (shingles(text, SIZE) for text in texts)
        digests = rensa.RMinHash.digest_matrix_from_token_sets(sets, 128, 42)
        return list(rensa.RMinHashLSH(THRESHOLD, 128, bands).insert_matrix_and_query_duplicate_flags(digests))

    flags, seconds, wall = timed(run)
    removed: dict[int, Sequence[int]] = {row: () for row, flag in enumerate(flags) if flag}
    name = f"rensa RMinHashLSH, {bands} bands of {128 // bands}; flags only, both of a pair"
    return Found(name, seconds, wall, len(texts), removed)


def table(results: Sequence[Found], planted: Planted) -> None:
    ours = results[0]
    print(f"\n| method | rows | us a row | on the wall | ours is faster by | precision | recall {' | '.join(BINS)} |")
    print("|" + "---|" * (6 + len(BINS)))
    for method in results:
        shares = " | ".join(f"{share:.4f}" for share in recalls(method, planted))
        factor = method.microseconds / ours.microseconds
        print(f"| {method.method} | {method.rows:,} | {method.microseconds:.1f} ", end="")
        print(f"| {method.wall / method.rows * 1e6:.1f} | {factor:.1f} ", end="")
        print(f"| {precision(method, planted)} | {shares} |")


def recalls(result: Found, planted: Planted) -> Iterator[float]:
    """Of the planted rows whose original was kept, the share removed, by bin of similarity.

    Where a method flags both of a pair, the original counts as kept.
    """
    seen, hit = [0] * len(BINS), [0] * len(BINS)
    for row, (source, score) in planted.origin.items():
        if row < result.rows and (source not in result.removed or not result.removed[source]):
            place = 4 if score == 1.0 else min(3, int((score - THRESHOLD) / 0.05 + 1e-9))
            seen[place] += 1
            hit[place] += row in result.removed
    return (caught / max(1, every) for caught, every in zip(hit, seen, strict=True))


def precision(result: Found, planted: Planted) -> str:
    """Of a sample of the removed rows, the share that truly is as alike to one of the rows named."""
    named = [(row, others) for row, others in result.removed.items() if others]
    if not named:
        return "names none"
    sample = Random(3).sample(named, min(CHECKED, len(named)))
    texts = planted.texts
    true = sum(any(jaccard(texts[row], texts[other], SIZE) >= THRESHOLD for other in others) for row, others in sample)
    return f"{true / len(sample):.4f} of {len(sample):,}"


def tasks(texts: Sequence[str]) -> list[Task]:
    origin = Provenance(stage="input")
    return [Task(instruction=text, provenance=origin, ordinal=number) for number, text in enumerate(texts)]


def peak() -> int:
    """KiB of memory this process ever had at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peak_told(kibibytes: int) -> str:
    return f"{kibibytes / 2**20:.2f} GiB"


def timed(call: Callable[[], T]) -> tuple[T, float, float]:
    """The result, the seconds of processor time it took (other programs disturb them least) and those on the wall."""
    wall, began = time.perf_counter(), time.process_time()
    result = call()
    return result, time.process_time() - began, time.perf_counter() - wall


if __name__ == "__main__":
    main()
