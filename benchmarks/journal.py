"""The same remaining work with an empty journal and with one of many answers: what the answers before it cost.

A run of one task is made, its teacher's answers scripted; its journal is filled with answers of other rounds. Timed is
the same command with a target of 20 tasks, which asks for all the rest, and the same once more, when the run is
finished. Each time is that of the whole command, in a process of its own, and the least of several. Linear is: what
400,000 answers add is about four times what 100,000 add.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selfinstruct.records import Choice, Completion, Request, Usage
from selfinstruct.store.journal import Journal
from selfinstruct.store.ledger import Ledger, last_totals

ROWS = (0, 100_000, 400_000)
OURS = str(Path(sys.executable).with_name("selfinstruct"))
TEXT = "The Tay is the longest river in Scotland, and carries more water than any other in Britain. " * 6


def timed(folder: Path, count: int) -> float:
    began = time.perf_counter()
    subprocess.run([OURS, "run", "smoke", "--set", f"count={count}", "-o", folder], check=True, capture_output=True)
    return time.perf_counter() - began


def fill(folder: Path, rows: int) -> None:
    """Answers that the run never asks for; the ledger is told of them, as it would have been."""
    ledger = Ledger(folder / "ledger.jsonl")
    totals = last_totals(folder / "ledger.jsonl")
    with Journal(folder / "journal.sqlite", known=totals, tell=ledger.tell_totals) as journal:
        for number in range(rows):
            request = Request(prompt=f"Name river number {number}.", max_tokens=256)
            completion = Completion(
                request=f"{request.key('scripted')}.0",
                choices=(Choice(TEXT, "stop"),),
                usage=Usage(prompt_tokens=30, completion_tokens=120),
                model="scripted",
                cost="0.0001",
            )
            done = journal.write("round-99999/01-propose", 0, request, completion, TEXT)
            if not number % 5_000:
                done.result()


def measured(begun: Path, rows: int, repeats: int) -> tuple[float, float]:
    """Seconds of a resumed and of a finished run."""
    filled, place = begun.with_name("filled"), begun.with_name("run")
    shutil.copytree(begun, filled)
    fill(filled, rows)
    resumed, finished = [], []
    for _ in range(repeats):
        shutil.copytree(filled, place)
        resumed.append(timed(place, 20))
        finished.append(timed(place, 20))
        shutil.rmtree(place)
    size = (filled / "journal.sqlite").stat().st_size / 1e6
    shutil.rmtree(filled)
    print(f"{rows:>8,} answers more ({size:,.0f} MB): resumed {min(resumed):.1f} s, finished {min(finished):.1f} s")
    return min(resumed), min(finished)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not needed: the answers are made here")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begun = Path(folder) / "begun"
        timed(begun, 1)
        none, some, many = (measured(begun, rows, given.repeats) for rows in ROWS)
    for name, zero, hundred, four in zip(("resumed", "finished"), none, some, many, strict=True):
        times = (
            f"{hundred / zero:.2f} times as long with 100,000 answers in the journal, {four / zero:.2f} with 400,000"
        )
        print(f"{name}: {times}; {(four - zero) / ROWS[2] * 1e6:.1f} us for each")


if __name__ == "__main__":
    main()
