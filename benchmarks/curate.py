"""The whole of `selfinstruct curate` on many rows: processor time, disk, memory, and seconds of each stage.

    .venv/bin/python benchmarks/curate.py [--data DIR] [--rows N] [--workers 1]

The rows are those of `near.py`: half originals, a quarter copies, a quarter edited to a Jaccard similarity of 0.8 to 1;
their outputs are real ones of DIR, or of our own seeds. Rules, exact and near duplicates run; language, secrets and
personal data do not. Processor time is that of the whole process and its workers, import and report page included.
A run on a hundred rows goes before it twice: the first compiles what the second finds, and that one is the fixed cost.
Beside it stand, in the same run, the time to read and write the same rows as JSON, which nothing can beat, and
`datasketch` in the lines that its documentation shows (`near.py` tells what either finds of what is planted).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

NEAR: Any = import_module("near")  # its neighbour, which is no package
SEEDS: Path = NEAR.SEEDS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of instruction sets (benchmarks/README.md)")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    real = list(dict.fromkeys(NEAR.asked(given.data))) if given.data else []
    base = real or [json.loads(line)["instruction"] for line in SEEDS.read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = write(place / "rows.jsonl", base, list(outputs(given.data)), given.rows)
        size = (place / "rows.jsonl").stat().st_size
        print(f"{rows:,} rows, {size >> 20} MiB, from {len(base):,} {'real texts' if real else 'texts of our seeds'}.")
        bare = passes(place / "rows.jsonl")
        with (place / "rows.jsonl").open(encoding="utf-8") as file:
            (place / "few.jsonl").write_text("".join(islice(file, 100)), "utf-8")
        curate(place / "few.jsonl", place / "first", given.workers)
        fixed, _ = curate(place / "few.jsonl", place / "second", given.workers)
        print(f"fixed cost, of a run on a hundred rows: {fixed:.1f} s")
        seconds, wall = curate(place / "rows.jsonl", place / "run", given.workers)
        told(place / "run")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        each = seconds / rows * 1e6
        print(f"\nwhole: {seconds:.1f} s of processor time ({each:.0f} us a row), {wall:.0f} s on the wall")
        print(f"disk: {on_disk(place / 'run') / size:.1f} times the input; largest process {peak:.2f} GiB")
        print(f"reading and writing the rows as JSON: {bare:.1f} s; the whole takes {seconds / bare:.1f} times that")
        peer(place / "rows.jsonl", seconds)


def curate(rows: Path, run: Path, workers: int) -> tuple[float, float]:
    """Processor seconds and wall time of the whole command, which keeps what it compiles."""
    words = ["curate", rows, "--exact", "--near-duplicates", 0.8, "--workers", workers, "-o", run]
    keeps = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began, before = time.perf_counter(), spent()
    program = Path(sys.executable).with_name("selfinstruct")
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, check=False, env=keeps)
    if done.returncode:
        sys.exit(done.stderr)
    return spent() - before, time.perf_counter() - began


def spent() -> float:
    """Processor seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def on_disk(folder: Path) -> int:
    """Bytes; a file with several names counts once."""
    sizes = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return sum(sizes.values())


def peer(path: Path, seconds: float) -> None:
    """`datasketch` on the same file: read, query, insert what found nothing, write what stays."""
    if find_spec("datasketch") is None:
        return
    script = path.with_name("peer.py")
    script.write_text(PEER, "utf-8")
    before = spent()
    subprocess.run([sys.executable, str(script), str(path), str(path.with_suffix(".kept"))], check=True)
    theirs = spent() - before
    print(f"datasketch in a script, read, deduplicated and written: {theirs:.1f} s, {theirs / seconds:.1f} times ours")


PEER = """
import json, re, sys
from datasketch import MinHash, MinHashLSH
index = MinHashLSH(threshold=0.8, num_perm=128)
with open(sys.argv[1], encoding="utf-8") as rows, open(sys.argv[2], "w", encoding="utf-8") as kept:
    for number, line in enumerate(rows):
        row = json.loads(line)
        words = re.findall(r"[a-z0-9]+", (row["instruction"] + " " + row["input"]).lower())
        sketch = MinHash(num_perm=128)
        sketch.update_batch([" ".join(words[at:at + 3]).encode() for at in range(max(1, len(words) - 2))])
        if not index.query(sketch):
            index.insert(number, sketch)
            kept.write(line)
"""


def outputs(folder: Path | None) -> Iterator[str]:
    """Answers to cycle through."""
    files = sorted(folder.rglob("*.json")) if folder else []
    for file in files:
        for row in json.loads(file.read_text("utf-8")):
            answer = row.get("output", row.get("response")) if isinstance(row, dict) else None
            if isinstance(answer, str) and answer.strip():
                yield answer
    if not files:
        for line in SEEDS.read_text("utf-8").splitlines():
            yield json.loads(line)["instances"][0]["output"]


def write(path: Path, base: list[str], answers: list[str], rows: int) -> int:
    """The rows as an Alpaca file; how many there are."""
    texts: list[str] = NEAR.plant(base, rows).texts
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            row = {"instruction": text, "input": "", "output": answers[number % len(answers)]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(texts)


def passes(path: Path) -> float:
    """Processor seconds to read and write every row as JSON, once."""
    began = time.process_time()
    with path.open(encoding="utf-8") as file, path.with_suffix(".copy").open("w", encoding="utf-8") as copy:
        for line in file:
            copy.write(json.dumps(json.loads(line), ensure_ascii=False) + "\n")
    return time.process_time() - began


def told(run: Path) -> None:
    """What each stage kept, and how long it took by the ledger's clock."""
    before: datetime | None = None
    for line in (run / "ledger.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        now = datetime.fromisoformat(event["at"])
        if event["event"] == "stage" and before is not None:
            spent = (now - before).total_seconds()
            print(f"{event['stage']:>14} {event['received']:>10,} -> {event['kept']:>10,}  {spent:7.1f} s")
        elif event["event"] == "finished" and before is not None:
            print(f"{'publishing':>14} {'':>24}  {(now - before).total_seconds():7.1f} s")
        before = now


if __name__ == "__main__":
    main()
